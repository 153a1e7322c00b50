"""A merchant with keys, and ways to speak to the product as a shop's program and as Stripe."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, Organization, User
from payments.models import Transaction
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.webhooks import sign

ORDER = {"amount": 1250, "currency": "eur", "description": "Two mugs"}


@pytest.fixture
def organization(owner: User) -> Organization:
    return Organization.personal(owner)


@pytest.fixture
def key(owner: User, organization: Organization) -> str:
    return ApiKey.make(owner, organization, "shop", ["payment-api"], test=True)[1]


class Shop:
    """A program with an API key."""

    def __init__(self, key: str) -> None:
        self.client = Client()
        self.headers = {"X-Api-Key": key}

    def post(self, order: Any, **headers: str) -> Any:
        body = order if isinstance(order, str | bytes) else json.dumps(order)
        return self.client.post(
            "/api/payment/checkouts",
            body,
            content_type="application/json",
            headers=self.headers | {name.replace("_", "-"): text for name, text in headers.items()},
        )

    def get(self, path: str = "") -> Any:
        return self.client.get(f"/api/payment/checkouts{path}", headers=self.headers)


@pytest.fixture
def shop(key: str) -> Shop:
    return Shop(key)


@pytest.fixture
def checkout(organization: Organization, owner: User) -> Callable[..., Transaction]:
    """Makes a checkout through the model."""

    def make(**fields: Any) -> Transaction:
        order = {"organization": organization, "made_by": owner, "source": "api"} | ORDER | fields
        return Transaction.checkout(**order)

    return make


@pytest.fixture
def deliver(stripe: FakeStripe) -> Callable[..., Any]:
    """Posts an event to the webhook as Stripe does; the answer."""

    def post(event: dict[str, Any] | bytes, signature: str | None = None) -> Any:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        header = sign(body, stripe.sender.secret) if signature is None else signature
        return Client().post(
            "/webhooks/stripe",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": header} if header else {},
        )

    return post


def last_event(stripe: FakeStripe) -> dict[str, Any]:
    return list(stripe.store.events.values())[-1]
