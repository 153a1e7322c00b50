"""Row first, then Stripe: whatever breaks in between, there is one session and no orphan."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from payments import gateway
from payments.fulfilment import fulfil
from payments.models import Transaction
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.server import Fault

type Make = Callable[..., Transaction]


def test_a_checkout_is_a_row_and_an_open_session(stripe: FakeStripe, checkout: Make) -> None:
    row = checkout(
        customer_email="ben@example.com",
        success_url="https://shop.example/thanks?s={CHECKOUT_SESSION_ID}",
        cancel_url="https://shop.example/cart",
    )
    session = stripe.store.get(str(row.checkout_session_id))
    assert row.checkout_url == session["url"]
    assert session["client_reference_id"] == row.public_id
    assert (session["amount_total"], session["currency"]) == (1250, "eur")
    assert session["success_url"] == "https://shop.example/thanks?s={CHECKOUT_SESSION_ID}"
    assert session["cancel_url"] == "https://shop.example/cart"
    assert session["customer_email"] == "ben@example.com"
    assert not row.livemode


def test_without_a_page_of_the_shops_own_the_buyer_comes_back_to_ours(
    stripe: FakeStripe, checkout: Make
) -> None:
    row = checkout()
    session = stripe.store.get(str(row.checkout_session_id))
    assert session["success_url"] == f"http://localhost:8000/Money/Thanks/{row.public_id}"


def test_the_request_is_pinned_and_carries_the_rows_key(stripe: FakeStripe, checkout: Make) -> None:
    row = checkout()
    [seen] = stripe.seen
    assert seen.headers["Stripe-Version"] == gateway.API_VERSION
    assert seen.headers["Idempotency-Key"] == f"fastlinkit-checkout-{row.public_id}"


@pytest.mark.parametrize("fault", [Fault(500, after=True), Fault(0, after=True), Fault(500)])
def test_a_row_whose_answer_was_lost_gets_the_same_session_on_a_repeat(
    stripe: FakeStripe, checkout: Make, fault: Fault
) -> None:
    stripe.faults.extend([fault] * (3 if fault.status == 0 else 1))
    with pytest.raises(gateway.GatewayError) as caught:
        checkout()
    assert not caught.value.refused
    row = Transaction.objects.get()
    assert (row.status, row.checkout_session_id) == ("pending", None)
    row.open()
    assert [row.checkout_session_id] == list(stripe.store.sessions)


def test_a_webhook_finds_the_row_that_never_heard_of_its_session(
    stripe: FakeStripe, checkout: Make
) -> None:
    stripe.faults.append(Fault(500, after=True))
    with pytest.raises(gateway.GatewayError):
        checkout()
    [session_id] = stripe.store.sessions
    stripe.store.complete(session_id)
    fulfil(session_id)
    row = Transaction.objects.get()
    assert (row.status, row.checkout_session_id) == ("paid", session_id)


def test_a_row_that_never_heard_of_its_session_can_be_expired(
    stripe: FakeStripe, checkout: Make
) -> None:
    stripe.faults.append(Fault(500, after=True))
    with pytest.raises(gateway.GatewayError):
        checkout()
    assert Transaction.objects.get().expire()
    assert [session["status"] for session in stripe.store.sessions.values()] == ["expired"]


def test_what_stripe_refuses_has_failed(stripe: FakeStripe, checkout: Make) -> None:
    with pytest.raises(gateway.GatewayError) as caught:
        checkout(customer_email="nobody")
    assert caught.value.refused
    assert "Invalid email address" in str(caught.value)
    assert Transaction.objects.get().status == "failed"


def test_a_wrong_key_is_no_refusal_of_the_order(
    stripe: FakeStripe, checkout: Make, settings: Any
) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    with pytest.raises(gateway.GatewayError) as caught:
        checkout()
    assert not caught.value.refused
    assert Transaction.objects.get().status == "pending"


def test_without_a_key_there_is_a_reason_in_words(checkout: Make) -> None:
    with pytest.raises(gateway.GatewayError, match="STRIPE_SECRET_KEY"):
        checkout()


def test_a_donation_has_one_open_checkout(stripe: FakeStripe, checkout: Make) -> None:
    order = {"source": "campaign", "reference": "don_1"}
    first = checkout(**order)
    assert checkout(**order) == first
    assert len(stripe.store.sessions) == 1
    with pytest.raises(ValidationError, match="another amount"):
        checkout(**order | {"amount": 500})
    first.expire()
    assert checkout(**order) != first


@pytest.mark.parametrize(
    ("amount", "currency"), [(0, "eur"), (-1, "eur"), (10, "eur"), (100, "xyz"), (1001, "kwd")]
)
def test_amounts_that_stripe_does_not_take_make_no_row(
    stripe: FakeStripe, checkout: Make, amount: int, currency: str
) -> None:
    with pytest.raises(ValidationError):
        checkout(amount=amount, currency=currency)
    assert not Transaction.objects.exists()
    assert not stripe.seen


@pytest.mark.django_db(transaction=True)
def test_stripe_is_never_asked_inside_a_transaction(stripe: FakeStripe, checkout: Make) -> None:
    with pytest.raises(RuntimeError, match="inside a database transaction"), transaction.atomic():
        checkout()
    assert not stripe.seen
