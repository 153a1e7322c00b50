"""From the webhook's door to one paid row, one notification: whatever comes, and how often."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django_ox.testing import run_tasks

from accounts.models import Membership, Organization, User
from payments.fulfilment import fulfil
from payments.gateway import GatewayError
from payments.models import StripeEvent, Transaction
from push.models import Notification
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.server import Fault
from tests.payments.conftest import last_event

type Make = Callable[..., Transaction]
type Deliver = Callable[..., Any]


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).values_list("title", flat=True))


def test_a_paid_checkout_is_paid_and_tells_the_merchant_once(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User, stranger: User
) -> None:
    row = checkout(customer_email="ben@example.com")
    stripe.store.complete(str(row.checkout_session_id))
    for _time in range(3):
        assert deliver(last_event(stripe)).status_code == 200
        run_tasks()
    row.refresh_from_db()
    assert (row.status, bool(row.paid_at)) == ("paid", True)
    [notification] = Notification.objects.all()
    assert notification.user == owner
    assert notification.title == "Test: €12.50 paid"
    assert notification.body == "Two mugs · ben@example.com"
    assert notification.url == f"/Money/Transactions/{row.public_id}"
    assert StripeEvent.objects.get().status == "processed"


def test_the_same_fact_under_two_event_ids_is_one_payment(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    event = last_event(stripe)
    deliver(event)
    deliver(event | {"id": "evt_other"})
    run_tasks()
    assert StripeEvent.objects.filter(status="processed").count() == 2
    assert len(told(owner)) == 1


def test_money_on_its_way_waits_until_it_has_arrived(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id), "unpaid")
    deliver(last_event(stripe))
    run_tasks()
    row.refresh_from_db()
    assert (row.status, told(owner)) == ("pending", [])
    stripe.store.arrive(str(row.checkout_session_id), succeeded=True)
    deliver(last_event(stripe))
    run_tasks()
    row.refresh_from_db()
    assert (row.status, len(told(owner))) == ("paid", 1)


def test_money_that_never_arrives_has_failed(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id), "unpaid")
    stripe.store.arrive(str(row.checkout_session_id), succeeded=False)
    deliver(last_event(stripe))
    run_tasks()
    row.refresh_from_db()
    assert (row.status, told(owner)) == ("failed", [])


def test_an_expiry_that_comes_after_the_payment_unpays_nothing(
    stripe: FakeStripe, checkout: Make, deliver: Deliver
) -> None:
    row = checkout()
    session = stripe.store.complete(str(row.checkout_session_id))
    deliver(last_event(stripe))
    deliver(stripe.store.emit("checkout.session.expired", session | {"status": "expired"}))
    run_tasks()
    row.refresh_from_db()
    assert row.status == "paid"
    assert not row.mark_expired()
    assert not row.mark_failed()
    assert not row.mark_needs_review("no")
    row.refresh_from_db()
    assert row.status == "paid"


def test_a_payment_overtakes_an_expiry_that_we_believed(stripe: FakeStripe, checkout: Make) -> None:
    row = checkout()
    row.mark_expired()
    stripe.store.complete(str(row.checkout_session_id))
    fulfil(str(row.checkout_session_id))
    row.refresh_from_db()
    assert row.status == "paid"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_total", 1),
        ("amount_total", None),
        ("currency", "usd"),
        ("livemode", True),
        ("client_reference_id", "tr_other"),
        ("client_reference_id", None),
        ("payment_status", "no_payment_required"),
    ],
)
def test_a_session_that_differs_is_to_be_looked_at_and_tells_nobody(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User, field: str, value: Any
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    stripe.store.tamper(str(row.checkout_session_id), **{field: value})
    deliver(last_event(stripe))
    run_tasks()
    row.refresh_from_db()
    assert (row.status, row.paid_at, told(owner)) == ("needs_review", None, [])
    assert field.removesuffix("_total") in row.review_reason


def test_a_second_session_in_a_rows_name_is_to_be_looked_at(
    stripe: FakeStripe, checkout: Make, owner: User
) -> None:
    row, other = checkout(), checkout()
    stripe.store.complete(str(other.checkout_session_id))
    stripe.store.tamper(str(other.checkout_session_id), client_reference_id=row.public_id)
    Transaction.objects.filter(pk=other.pk).delete()
    fulfil(str(other.checkout_session_id))
    row.refresh_from_db()
    assert row.status == "needs_review"
    assert row.review_reason.startswith("id:")


def test_what_a_webhook_claims_is_not_believed(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User
) -> None:
    row = checkout()
    session = stripe.store.get(str(row.checkout_session_id))
    claim = session | {"status": "complete", "payment_status": "paid"}
    deliver(stripe.store.emit("checkout.session.completed", claim))
    run_tasks()
    row.refresh_from_db()
    assert (row.status, told(owner)) == ("pending", [])


def test_a_session_that_is_not_ours_is_stored_and_ignored(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    Transaction.objects.all().delete()
    assert deliver(last_event(stripe)).status_code == 200
    run_tasks()
    event = StripeEvent.objects.get()
    assert (event.status, event.error) == (
        "ignored",
        "No transaction of ours has this Checkout session.",
    )
    assert told(owner) == []


def test_a_session_that_stripe_does_not_know_is_ignored(
    stripe: FakeStripe, deliver: Deliver, db: None
) -> None:
    deliver(
        stripe.store.emit(
            "checkout.session.completed", {"object": "checkout.session", "id": "cs_no"}
        )
    )
    run_tasks()
    assert StripeEvent.objects.get().status == "ignored"


def test_events_of_other_types_are_stored_and_ignored(
    stripe: FakeStripe, deliver: Deliver, db: None
) -> None:
    assert deliver(stripe.store.emit("customer.created", {"object": "customer"})).status_code == 200
    assert (
        deliver(stripe.store.emit("checkout.session.completed", {"object": "x"})).status_code == 200
    )
    run_tasks()
    assert set(StripeEvent.objects.values_list("status", flat=True)) == {"ignored"}


def test_stripe_down_leaves_the_event_to_be_run_again(
    stripe: FakeStripe, checkout: Make, deliver: Deliver
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    stripe.faults.append(Fault(500))
    deliver(last_event(stripe))
    run_tasks()
    event = StripeEvent.objects.get()
    assert (event.status, event.attempts, event.processed_at) == ("failed", 1, None)
    assert event.error
    deliver(last_event(stripe))
    run_tasks()
    event.refresh_from_db()
    row.refresh_from_db()
    assert (event.status, event.attempts, row.status) == ("processed", 2, "paid")


def test_a_buyer_who_comes_back_before_the_webhook_is_thanked(
    stripe: FakeStripe, checkout: Make, deliver: Deliver, owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    page = Client().get(f"/Money/Thanks/{row.public_id}")
    assert "Thank you. It is paid." in page.content.decode()
    assert len(told(owner)) == 1
    deliver(last_event(stripe))
    run_tasks()
    assert len(told(owner)) == 1


def test_the_buyers_page_stands_while_stripe_is_down(stripe: FakeStripe, checkout: Make) -> None:
    row = checkout()
    stripe.faults.append(Fault(500))
    page = Client().get(f"/Money/Thanks/{row.public_id}")
    assert page.status_code == 200
    assert "being confirmed" in page.content.decode()


def test_a_campaigns_checkout_is_left_to_the_donation_to_tell(
    stripe: FakeStripe, checkout: Make, owner: User
) -> None:
    row = checkout(source="campaign", reference="don_1")
    stripe.store.complete(str(row.checkout_session_id))
    fulfil(str(row.checkout_session_id))
    row.refresh_from_db()
    assert (row.status, told(owner)) == ("paid", [])


def test_a_merchant_who_has_no_say_any_more_is_followed_by_the_owners(
    stripe: FakeStripe, checkout: Make, owner: User, colleague: User
) -> None:
    team = Organization.objects.create(name="Team")
    Membership.objects.create(organization=team, user=owner, role=Membership.Role.OWNER)
    member = Membership.objects.create(
        organization=team, user=colleague, role=Membership.Role.ADMIN
    )
    first = checkout(organization=team, made_by=colleague)
    assert first.receivers() == [colleague]
    member.role = Membership.Role.AGENT
    member.save()
    assert first.receivers() == [owner]
    assert checkout(organization=team, made_by=None).receivers() == [owner]


def test_expiring_asks_stripe(stripe: FakeStripe, checkout: Make) -> None:
    row = checkout()
    assert row.expire()
    assert stripe.store.get(str(row.checkout_session_id))["status"] == "expired"
    assert row.expire()


def test_a_buyer_who_was_quicker_than_the_expiry_has_paid(
    stripe: FakeStripe, checkout: Make, owner: User
) -> None:
    row = checkout()
    stripe.store.complete(str(row.checkout_session_id))
    assert not row.expire()
    assert row.status == "paid"
    assert len(told(owner)) == 1


def test_expiring_while_stripe_is_down_says_so_and_changes_nothing(
    stripe: FakeStripe, checkout: Make
) -> None:
    row = checkout()
    stripe.faults.append(Fault(500))
    with pytest.raises(GatewayError):
        row.expire()
    row.refresh_from_db()
    assert row.status == "pending"
