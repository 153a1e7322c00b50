"""``POST /push/receipts``: no session, no CSRF token, one use; a refusal names the field."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from push.delivery import receipts
from push.models import Delivery
from tests.push.conftest import Outbox, Phone


@pytest.fixture
def delivery(outbox: Outbox, phone: Phone) -> Delivery:
    return outbox.delivery(phone)


def post(body: Any) -> Any:
    """As a service worker does: no cookies at all."""
    client = Client(enforce_csrf_checks=True)
    return client.post("/push/receipts", body, content_type="application/json")


def tokens(delivery: Delivery) -> dict[str, str]:
    return receipts.tokens(delivery.pk, delivery.expires_at)


def refused(answer: Any) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert error["message"]
    return answer.status_code, error["code"], error["field"]


def test_each_event_is_noted_once(delivery: Delivery) -> None:
    for event, token in tokens(delivery).items():
        assert post({"token": token}).status_code == 204
        delivery.refresh_from_db()
        assert getattr(delivery, f"{event}_at") is not None
        assert refused(post({"token": token})) == (409, "used", "token")


def test_a_shown_receipt_is_seen_on_the_subscription(delivery: Delivery, phone: Phone) -> None:
    post({"token": tokens(delivery)["shown"]})
    assert phone.fresh().last_shown_at is not None


def test_a_forged_receipt_changes_nothing(delivery: Delivery) -> None:
    token = tokens(delivery)["shown"]
    forged = ("B" if token[0] == "A" else "A") + token[1:]
    assert refused(post({"token": forged})) == (400, "forged", "token")
    delivery.refresh_from_db()
    assert delivery.shown_at is None


def test_an_old_receipt_is_refused(delivery: Delivery) -> None:
    token = tokens(delivery)["shown"]
    with time_machine.travel(delivery.expires_at + timedelta(days=1, minutes=1), tick=False):
        assert refused(post({"token": token})) == (410, "expired", "token")


def test_a_receipt_of_nothing_is_refused(db: None) -> None:
    token = receipts.tokens(4_000_000, timezone.now())["shown"]
    assert refused(post({"token": token})) == (404, "unknown", "token")


@pytest.mark.parametrize("token", ["x", "ü", "a.b.c"])
def test_junk_is_refused(db: None, token: str) -> None:
    assert refused(post(json.dumps({"token": token}))) == (400, "malformed", "token")


@pytest.mark.parametrize(
    "body", [{}, {"token": None}, {"token": 5}, {"token": "x" * 1001}, {"token": "\ud800"}]
)
def test_a_body_without_a_token_names_the_field(db: None, body: dict[str, Any]) -> None:
    answer = post(body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["token"])


def test_what_is_not_json_is_refused(db: None) -> None:
    assert post(b"shown!").json()["error"]["code"] == "not_json"
    assert Client().get("/push/receipts").status_code == 405
