"""One way in to "paid", whoever says so, however often, and at the same instant."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_ox.testing import run_tasks

from accounts.models import Membership, Organization, User
from fundraising import signals, tasks
from fundraising.models import Campaign, Donation, Overpayment
from payments.fulfilment import fulfil
from payments.models import Transaction
from push.models import Notification
from tests.fake_stripe import FakeStripe
from tests.fake_stripe.server import Fault
from tests.fundraising.conftest import Pledge

type Begin = Callable[[], tuple[Donation, str]]


@pytest.fixture
def begin(stripe: FakeStripe, campaign: Campaign) -> Begin:
    """A donation with an open checkout, and the id of its session."""

    def make() -> tuple[Donation, str]:
        donation = Donation.begin(campaign, uuid.uuid4(), amount=2500, source="stripe")
        return donation, str(donation.checkout().checkout_session_id)

    return make


def pay(stripe: FakeStripe, session: str) -> None:
    stripe.store.complete(session)
    fulfil(session)


def test_it_is_paid_once_and_says_so_once(pledge: Pledge, owner: User) -> None:
    heard: list[dict[str, Any]] = []

    def hear(**said: Any) -> None:
        heard.append(said)

    signals.donation_paid.connect(hear)
    try:
        donation = pledge()
        assert donation.mark_paid("cash", owner, "one", note="in an envelope")
        assert not donation.mark_paid("cash", owner, "one")
    finally:
        signals.donation_paid.disconnect(hear)
    assert (donation.status, donation.source, donation.marked_by) == ("paid", "cash", owner)
    assert donation.note == "in an envelope"
    assert [(said["subject"], said["actor"], said["device"]) for said in heard] == [
        (donation, owner, None)
    ]
    assert not Overpayment.objects.exists()


def test_two_people_who_mark_the_same_money_mark_it_once(
    pledge: Pledge, owner: User, colleague: User
) -> None:
    donation = pledge()
    stale = Donation.objects.get()
    assert donation.mark_paid_by_hand("bank", owner)
    assert not stale.mark_paid_by_hand("cash", colleague)
    assert (stale.source, stale.marked_by) == ("bank", owner)
    assert not Overpayment.objects.exists()
    assert Notification.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_at_the_same_instant_one_wins(pledge: Pledge, owner: User) -> None:
    donation = pledge()
    keys = [f"payment {number}" for number in range(4)] * 2
    start, results = threading.Barrier(len(keys)), []

    def mark(key: str) -> None:
        try:
            row = Donation.objects.get(pk=donation.pk)
            start.wait()
            results.append(row.mark_paid("other", owner, key))
        finally:
            connection.close()

    threads = [threading.Thread(target=mark, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    donation.refresh_from_db()
    assert sorted(results) == [False] * 7 + [True]
    kept = {donation.key, *Overpayment.objects.values_list("key", flat=True)}
    assert kept == set(keys)
    assert Overpayment.objects.count() == 3
    assert Notification.objects.count() == 1


def test_paid_by_stripe_it_is_paid_without_anybody_marking(
    stripe: FakeStripe, begin: Begin
) -> None:
    donation, session = begin()
    pay(stripe, session)
    donation.refresh_from_db()
    assert (donation.status, donation.source, donation.marked_by) == ("paid", "stripe", None)
    assert not donation.livemode
    kinds = Notification.objects.values_list("kind", flat=True)
    assert list(kinds) == ["fundraising.donation_paid"]


def test_marking_by_hand_ends_the_open_checkout(
    stripe: FakeStripe, begin: Begin, owner: User
) -> None:
    donation, session = begin()
    donation.mark_paid_by_hand("cash", owner)
    assert stripe.store.get(session)["status"] == "open"
    run_tasks()
    assert stripe.store.get(session)["status"] == "expired"
    donation.refresh_from_db()
    assert (donation.status, donation.source, donation.livemode) == ("paid", "cash", True)
    assert donation.transaction.status == "expired"


def test_while_stripe_is_down_the_mark_stands_and_the_checkout_ends_later(
    stripe: FakeStripe, begin: Begin, owner: User
) -> None:
    donation, session = begin()
    stripe.faults.append(Fault(500))
    assert donation.mark_paid_by_hand("cash", owner)
    run_tasks()
    assert stripe.store.get(session)["status"] == "open"
    tasks.end_checkout.call(donation.transaction_id)
    assert stripe.store.get(session)["status"] == "expired"


def test_a_donor_who_was_quicker_than_the_mark_has_paid_twice_and_it_is_seen(
    stripe: FakeStripe, begin: Begin, owner: User
) -> None:
    donation, session = begin()
    stripe.store.complete(session)
    donation.mark_paid_by_hand("bank", owner)
    run_tasks()
    fulfil(session)
    donation.refresh_from_db()
    assert (donation.source, donation.transaction.status) == ("bank", "paid")
    [again] = Overpayment.objects.all()
    assert (again.donation, again.source, again.transaction) == (
        donation,
        "stripe",
        donation.transaction,
    )
    assert Notification.objects.count() == 1


def test_a_mark_after_stripe_is_kept_as_further_money(
    stripe: FakeStripe, begin: Begin, owner: User
) -> None:
    donation, session = begin()
    pay(stripe, session)
    assert not donation.mark_paid_by_hand("bank", owner, note="statement 7")
    [again] = Overpayment.objects.all()
    assert (again.source, again.marked_by, again.note) == ("bank", owner, "statement 7")
    assert Notification.objects.count() == 1


def test_a_checkout_that_expires_leaves_a_donation_that_was_not_completed(
    stripe: FakeStripe, begin: Begin, owner: User
) -> None:
    donation, session = begin()
    stripe.store.expire(session)
    fulfil(session)
    donation.refresh_from_db()
    assert (donation.status, Notification.objects.count()) == ("expired", 0)
    assert donation.mark_paid_by_hand("cash", owner)


def test_an_expiry_unpays_nothing(begin: Begin, owner: User) -> None:
    donation, _session = begin()
    donation.mark_paid_by_hand("cash", owner)
    assert not donation.mark_expired()
    donation.transaction.mark_expired()
    donation.refresh_from_db()
    assert donation.status == "paid"


def test_a_payment_overtakes_an_expiry_that_we_believed(stripe: FakeStripe, begin: Begin) -> None:
    donation, session = begin()
    donation.transaction.mark_expired()
    donation.refresh_from_db()
    assert donation.status == "expired"
    pay(stripe, session)
    donation.refresh_from_db()
    assert donation.status == "paid"


def test_an_amount_that_differs_is_to_be_looked_at_and_pays_nothing(
    stripe: FakeStripe, begin: Begin
) -> None:
    donation, session = begin()
    stripe.store.complete(session)
    stripe.store.tamper(session, amount_total=1)
    fulfil(session)
    donation.refresh_from_db()
    assert (donation.status, donation.transaction.status) == ("pending", "needs_review")
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"state": "ended"}, {"ends_at": timezone.now() - timedelta(hours=1)}]
)
def test_late_money_is_taken_and_marked_late(
    stripe: FakeStripe, begin: Begin, fields: dict[str, Any]
) -> None:
    donation, session = begin()
    Campaign.objects.update(**fields)
    pay(stripe, session)
    donation.refresh_from_db()
    assert (donation.status, donation.is_late) == ("paid", True)


@pytest.mark.parametrize("state", ["draft", "paused"])
def test_money_for_a_campaign_that_is_not_live_is_taken(
    stripe: FakeStripe, begin: Begin, state: str
) -> None:
    donation, session = begin()
    Campaign.objects.update(state=state)
    pay(stripe, session)
    donation.refresh_from_db()
    assert (donation.status, donation.is_late) == ("paid", False)


def test_money_past_the_goal_is_taken(campaign: Campaign, pledge: Pledge, owner: User) -> None:
    assert pledge(amount=150_000).mark_paid_by_hand("bank", owner)
    assert pledge(amount=50_000).mark_paid_by_hand("bank", owner)
    assert campaign.percent(campaign.totals().received) == 200


def test_money_that_came_twice_counts_once(campaign: Campaign, pledge: Pledge, owner: User) -> None:
    donation = pledge()
    for key in ("one", "two"):
        donation.mark_paid("bank", owner, key)
    assert campaign.totals().received == 2500


def test_an_error_in_fundraising_undoes_no_payment_and_the_sweep_makes_it_good(
    stripe: FakeStripe, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    donation, session = begin()
    with monkeypatch.context() as broken:
        broken.setattr(Donation, "mark_paid_by", lambda *_arguments: 1 / 0)
        pay(stripe, session)
    donation.refresh_from_db()
    assert (donation.status, donation.transaction.status) == ("pending", "paid")
    assert tasks.sweep.call() == {"paid": 1, "expired": 0}
    donation.refresh_from_db()
    assert (donation.status, Notification.objects.count()) == ("paid", 1)
    assert tasks.sweep.call() == {"paid": 0, "expired": 0}


def test_the_sweep_finds_an_overpayment_and_an_expiry_that_were_missed(
    stripe: FakeStripe, begin: Begin, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    (marked, paid), (waiting, expired) = begin(), begin()
    stripe.store.complete(paid)
    stripe.store.expire(expired)
    with monkeypatch.context() as broken:
        broken.setattr("fundraising.receivers.follow", lambda *_arguments: 1 / 0)
        fulfil(paid)
        fulfil(expired)
        marked.mark_paid_by_hand("cash", owner)
    assert tasks.sweep.call() == {"paid": 0, "expired": 1}
    waiting.refresh_from_db()
    assert waiting.status == "expired"
    assert Overpayment.objects.get().donation == marked
    assert tasks.unsettled().count() == 0


def test_payments_of_shops_are_none_of_its_business(
    stripe: FakeStripe, owner: User, pledge: Pledge
) -> None:
    donation = pledge()
    row = Transaction.checkout(
        organization=donation.campaign.organization,
        made_by=owner,
        source="api",
        amount=2500,
        currency="eur",
        description="Two mugs",
        reference=donation.public_id,
    )
    pay(stripe, str(row.checkout_session_id))
    donation.refresh_from_db()
    assert donation.status == "pending"
    assert tasks.sweep.call() == {"paid": 0, "expired": 0}


def test_whoever_made_the_campaign_hears_while_they_have_a_say(
    pledge: Pledge, campaign: Campaign, owner: User, colleague: User
) -> None:
    team = Organization.objects.create(name="Team")
    Membership.objects.create(organization=team, user=owner, role="owner")
    member = Membership.objects.create(organization=team, user=colleague, role="admin")
    Campaign.objects.update(organization=team, made_by=colleague)
    campaign.refresh_from_db()
    assert pledge().receivers() == [colleague]
    member.role = "agent"
    member.save()
    assert pledge().receivers() == [owner]
