"""From a waiting row to what became of it: every answer of a push service, through real HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from accounts.models import User
from push.delivery import outbox as table
from push.delivery import recheck
from push.delivery.answers import Answer, Outcome
from push.delivery.outcomes import Runs, Sent
from push.delivery.record import record
from push.delivery.statements import read_moment, row_values, rows_query, run
from push.models import Delivery, GoneEndpoint, ServiceState, Subscription
from tests.push.conftest import Outbox, Phone
from tests.push_service import PushService

pytestmark = pytest.mark.django_db

State = Delivery.State
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_it_arrives_encrypted_with_all_headers(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.send(phone, urgency="high")
    (request,) = phone.browser.requests()
    assert delivery.state == State.ACCEPTED
    assert (request.headers["urgency"], request.headers["content-encoding"]) == (
        "high",
        "aes128gcm",
    )
    assert 3590 <= int(request.headers["ttl"]) <= 3600
    assert len(request.headers["topic"]) == 32
    assert phone.browser.messages()[0]["notification"]["title"] == "A title"


def test_an_accepted_row_says_when_and_how_quickly(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.send(phone)
    assert (delivery.status, delivery.reason, delivery.attempts) == (201, "", 1)
    assert delivery.location.startswith("http")
    assert delivery.accepted_ms is not None
    assert delivery.created_at <= delivery.sent_at <= delivery.accepted_at
    assert (delivery.lease_owner, delivery.lease_until) == ("", None)
    assert phone.fresh().last_accepted_at is not None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_it_keeps_the_device_after_a_server_error(
    outbox: Outbox, phone: Phone, push_service: PushService, status: int
) -> None:
    push_service.answer(status, times=1)
    delivery = outbox.send(phone)
    assert (delivery.state, delivery.reason) == (State.PENDING, "service_trouble")
    assert timezone.now() < delivery.due_at < timezone.now() + timedelta(seconds=3)
    assert phone.fresh().state == Subscription.State.ACTIVE
    assert phone.subscription.last_error_status == status
    outbox.hurry()
    outbox.drain()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (State.ACCEPTED, 2)
    assert phone.fresh().last_error_reason == ""


def test_it_keeps_the_device_after_a_broken_connection(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.hang_up()
    delivery = outbox.send(phone)
    assert (delivery.state, delivery.reason, delivery.status) == (State.PENDING, "reset", None)
    assert phone.fresh().state == Subscription.State.ACTIVE


def test_it_waits_longer_each_time(outbox: Outbox, phone: Phone, push_service: PushService) -> None:
    push_service.answer(500)
    delivery = outbox.delivery(phone)
    waits = []
    for _attempt in range(4):
        outbox.hurry()
        outbox.drain()
        delivery.refresh_from_db()
        waits.append((delivery.due_at - timezone.now()).total_seconds())
    assert all(1 * 2**n - 1 < wait <= 2 * 2**n for n, wait in enumerate(waits))


def test_it_gives_up_when_the_time_to_live_is_spent(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.answer(503)
    delivery = outbox.send(phone, expires_at=timezone.now() + timedelta(seconds=0.9))
    assert (delivery.state, delivery.reason) == (State.EXPIRED, "service_trouble")


@pytest.mark.parametrize("status", [404, 410])
def test_a_dead_endpoint_is_marked_and_remembered(
    outbox: Outbox, phone: Phone, push_service: PushService, status: int
) -> None:
    push_service.answer(status)
    delivery = outbox.send(phone)
    assert (delivery.state, delivery.reason, delivery.status) == (State.GONE, "gone", status)
    assert phone.fresh().state == Subscription.State.GONE
    assert phone.subscription.gone_at is not None
    assert GoneEndpoint.objects.filter(endpoint_hash=phone.subscription.endpoint_hash).exists()
    assert outbox.send(phone).reason == "endpoint_gone"
    assert len(phone.browser.requests()) == 1


@pytest.mark.parametrize("status", [429, 406, 408])
def test_it_slows_down_for_as_long_as_it_is_told(
    outbox: Outbox, phone: Phone, push_service: PushService, status: int
) -> None:
    push_service.answer(status, retry_after=120)
    delivery = outbox.send(phone)
    assert (delivery.state, delivery.reason) == (State.PENDING, "slow_down")
    wait = (delivery.due_at - timezone.now()).total_seconds()
    assert 119 < wait < 133


def test_what_else_waits_for_a_slow_device_waits_too(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    later = outbox.delivery(phone, due_at=timezone.now() + timedelta(seconds=60))
    push_service.answer(429, retry_after=300)
    outbox.send(phone)
    push_service.behave()
    fresh = outbox.send(phone)
    later.refresh_from_db()
    for waiting in (later, fresh):
        assert waiting.state == State.PENDING
        assert waiting.due_at > timezone.now() + timedelta(seconds=290)
    assert len(phone.browser.requests()) == 1


def test_another_device_does_not_wait(
    outbox: Outbox, phone: Phone, owner: User, push_service: PushService
) -> None:
    other = outbox.phone(owner, "Laptop")
    push_service.answer(429, retry_after=300, token=phone.browser.token)
    outbox.send(phone)
    assert outbox.send(other).state == State.ACCEPTED


def test_a_message_that_is_too_big_is_shortened_and_sent_once_more(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.answer(413, times=1)
    delivery = outbox.send(phone, about={"body": "b" * 2500})
    assert delivery.state == State.ACCEPTED
    bodies = [len(request.body) for request in phone.browser.requests()]
    assert bodies[0] > 3000 > 1200 > bodies[1]
    (message,) = phone.browser.messages()
    assert message["notification"]["body"].endswith("…")


def test_a_message_that_stays_too_big_fails_after_two_tries(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.answer(413)
    delivery = outbox.send(phone, about={"body": "b" * 2500})
    assert (delivery.state, delivery.reason) == (State.FAILED, "too_big")
    assert len(phone.browser.requests()) == 2


@pytest.mark.parametrize(("status", "reason"), [(400, "bad_request"), (302, "redirect")])
def test_what_is_our_fault_fails_the_message_and_keeps_the_device(
    outbox: Outbox, phone: Phone, push_service: PushService, status: int, reason: str
) -> None:
    push_service.answer(status, body="because")
    delivery = outbox.send(phone)
    assert (delivery.state, delivery.reason) == (State.FAILED, reason)
    assert delivery.detail == "because"
    assert phone.fresh().state == Subscription.State.ACTIVE
    assert phone.subscription.last_error_reason == reason


def test_a_browser_with_another_key_must_subscribe_anew(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.answer(400, body='{"reason": "VapidPkHashMismatch"}')
    delivery = outbox.send(phone)
    assert (delivery.state, delivery.reason) == (State.FAILED, "key_mismatch")
    assert phone.fresh().state == Subscription.State.STALE
    assert outbox.send(phone).reason == "key_mismatch"


def test_a_single_device_is_set_aside_at_its_second_refusal(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.answer(403)
    delivery = outbox.send(phone)
    assert delivery.state == State.PENDING
    assert phone.fresh().state == Subscription.State.ACTIVE
    outbox.hurry()
    outbox.drain()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.reason) == (State.FAILED, "refused")
    assert phone.fresh().state == Subscription.State.STALE
    assert not ServiceState.objects.exclude(reason="").exists()


def test_device_keys_that_are_no_keys_concern_their_device_alone(
    outbox: Outbox, phone: Phone, owner: User
) -> None:
    broken = outbox.phone(owner, "Broken")
    Subscription.objects.filter(pk=broken.subscription.pk).update(p256dh=b"\x04" + bytes(64))
    bad = outbox.delivery(broken)
    good = outbox.send(phone)
    bad.refresh_from_db()
    assert (bad.state, bad.reason) == (State.FAILED, "bad_device_keys")
    assert broken.fresh().state == Subscription.State.STALE
    assert good.state == State.ACCEPTED


def test_a_message_that_cannot_be_made_fails_alone(outbox: Outbox, phone: Phone) -> None:
    bad = outbox.delivery(phone, about={"actions": [{"action": "half"}]})
    good = outbox.send(phone)
    bad.refresh_from_db()
    assert (bad.state, bad.reason) == (State.FAILED, "internal")
    assert good.state == State.ACCEPTED


# Claiming


def claim(outbox: Outbox, owner: str, limit: int = 10, after: float = 0) -> list[int]:
    at = timezone.now() + timedelta(seconds=after)
    return table.claim(owner, outbox.service.host, limit, at)


def test_rows_are_claimed_once_and_the_longest_due_first(outbox: Outbox, phone: Phone) -> None:
    now = timezone.now()
    rows = [outbox.delivery(phone, due_at=now - timedelta(seconds=n)) for n in range(5)]
    assert sorted(claim(outbox, "one", 2)) == [rows[3].pk, rows[4].pk]
    assert sorted(claim(outbox, "two")) == [rows[0].pk, rows[1].pk, rows[2].pk]
    assert claim(outbox, "three") == []


def test_what_is_not_due_is_not_claimed(outbox: Outbox, phone: Phone) -> None:
    later = outbox.delivery(phone, due_at=timezone.now() + timedelta(seconds=30))
    assert claim(outbox, "one") == []
    assert claim(outbox, "one", after=31) == [later.pk]


def test_due_names_each_service_with_its_first_row(outbox: Outbox, phone: Phone) -> None:
    now = timezone.now()
    for service, seconds in (("apple", 5), ("apple", 9), ("fcm", -4), ("mozilla", 0)):
        outbox.delivery(phone, service=service, due_at=now + timedelta(seconds=seconds))
    ServiceState.objects.create(service="fcm", open_until=now, reason="refused")
    found = {due.service: (due.due_at, due.paused_until, due.reason) for due in table.due()}
    assert found == {
        "apple": (now + timedelta(seconds=5), None, ""),
        "fcm": (now - timedelta(seconds=4), now, "refused"),
        "mozilla": (now, None, ""),
    }


def test_a_lapsed_lease_is_taken_up_again(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.delivery(phone)
    claim(outbox, "killed")
    assert table.release_lapsed(timezone.now() + timedelta(seconds=59)) == 0
    assert table.release_lapsed(timezone.now() + timedelta(seconds=61)) == 1
    assert claim(outbox, "another", after=62) == [delivery.pk]


def test_the_heartbeat_keeps_what_is_in_hand_and_nothing_else(outbox: Outbox, phone: Phone) -> None:
    rows = [outbox.delivery(phone) for _n in range(3)]
    claim(outbox, "one", 2)
    claim(outbox, "two")
    table.renew("one", [row.pk for row in rows], timezone.now() + timedelta(seconds=50))
    assert table.release_lapsed(timezone.now() + timedelta(seconds=61)) == 1


def test_rows_are_given_back_by_their_owner_alone(outbox: Outbox, phone: Phone) -> None:
    row = outbox.delivery(phone)
    claim(outbox, "one")
    assert table.give_back("two", [row.pk], timezone.now()) == 0
    assert table.give_back("one", [row.pk], timezone.now()) == 1
    assert claim(outbox, "two") == [row.pk]


@pytest.mark.parametrize(("sent", "attempts"), [(True, 1), (False, 0)])
def test_what_is_given_back_counts_as_an_attempt_if_it_was_sent(
    outbox: Outbox, phone: Phone, sent: bool, attempts: int
) -> None:
    row = outbox.delivery(phone)
    claim(outbox, "one")
    table.give_back("one", [row.pk], timezone.now(), sent=sent)
    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.PENDING, attempts)


ANSWERS = {
    "accepted": Answer(Outcome.ACCEPTED, 201),
    "trouble": Answer(Outcome.UNAVAILABLE, 503, "service_trouble"),
    "slow": Answer(Outcome.SLOW_DOWN, 429, "slow_down", retry_after=5.0),
    "gone": Answer(Outcome.GONE, 410, "gone"),
    "refused": Answer(Outcome.REFUSED, 403, "refused"),
}


def statements(outbox: Outbox, phones: list[Phone], rows: int, answer: Answer) -> int:
    """How many a batch takes from its claim to its end."""
    for number in range(rows):
        outbox.delivery(phones[number % len(phones)])
    now = timezone.now()
    with CaptureQueriesContext(connection) as queries:
        claimed = recheck.load(table.claim("one", outbox.service.host, 1000, now))
        assert recheck.judge(claimed, now) == {}
        made, failed = recheck.messages(claimed, now)
        assert (len(made), failed) == (rows, {})
        sent = [Sent(row, answer, 5, now) for row in claimed]
        assert record("one", sent, Runs(), now) == sent
    Delivery.objects.all().delete()
    return len(queries)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_batch_takes_a_constant_number_of_statements(
    outbox: Outbox, owner: User, colleague: User, answer: str
) -> None:
    few = statements(outbox, [outbox.phone(owner) for _n in range(4)], 10, ANSWERS[answer])
    many = statements(outbox, [outbox.phone(colleague) for _n in range(4)], 300, ANSWERS[answer])
    assert many <= few <= 25


def test_a_batch_that_was_accepted_takes_few_statements(outbox: Outbox, owner: User) -> None:
    phones = [outbox.phone(owner) for _n in range(3)]
    begun_and_ended = 2 if connection.vendor == "sqlite" else 0
    found = statements(outbox, phones, 30, ANSWERS["accepted"])
    assert found - begun_and_ended <= 7


def test_a_success_is_written_again_after_a_while_or_when_it_clears_something(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    phones = [outbox.phone(owner) for _n in range(2)]
    earlier = timezone.now() - timedelta(minutes=4)
    Subscription.objects.update(last_accepted_at=earlier)
    push_service.answer(503, times=1, token=phones[0].browser.token)
    for each in phones:
        outbox.delivery(each)
    outbox.drain()
    assert phones[0].fresh().last_error_reason == "service_trouble"
    outbox.hurry()
    outbox.drain()
    cleared = phones[0].fresh()
    assert (cleared.last_error_reason, cleared.last_error_at) == ("", None)
    assert cleared.last_accepted_at is not None
    assert cleared.last_accepted_at > earlier


# How texts and times survive the way to the database


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 4_000_000_000_000_000).map(
        lambda moment: EPOCH + timedelta(microseconds=moment)
    ),
)
@settings_of_hypothesis(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_and_time_reaches_the_database_whole(
    db: None, texts: list[tuple[str]], at: datetime
) -> None:
    columns = {"pk": "bigint", "said": "text", "at": "timestamptz", "none": "text"}
    rows = [(number, text, at, None) for number, (text,) in enumerate(texts)]
    found = run(rows_query(columns) + " ORDER BY 1", row_values(columns, rows))
    assert [(pk, said, read_moment(then), none) for pk, said, then, none in found] == rows


# At send time


def refused(outbox: Outbox, phone: Phone, **fields: Any) -> tuple[str, str]:
    delivery = outbox.send(phone, **fields)
    assert phone.browser.requests() == []
    return delivery.state, delivery.reason


def test_what_was_read_is_not_sent(outbox: Outbox, phone: Phone) -> None:
    about = {"read_at": timezone.now()}
    assert refused(outbox, phone, about=about) == (State.DROPPED, "read")


def test_what_this_device_caused_counts_as_read_there(outbox: Outbox, phone: Phone) -> None:
    about = {"device": phone.device}
    assert refused(outbox, phone, about=about) == (State.DROPPED, "read")


def test_what_is_too_late_is_not_sent(outbox: Outbox, phone: Phone) -> None:
    assert refused(outbox, phone, expires_at=timezone.now()) == (State.EXPIRED, "expired")


def test_nothing_is_sent_with_the_master_switch_off(
    outbox: Outbox, phone: Phone, owner: User
) -> None:
    owner.push_preference.__class__.set_push(owner, False)
    assert refused(outbox, phone) == (State.DROPPED, "master_off")


def test_nothing_is_sent_to_a_device_that_no_longer_wants_push(
    outbox: Outbox, phone: Phone
) -> None:
    phone.device.want_push(False)  # its subscription outlived it: ending it failed
    assert refused(outbox, phone) == (State.DROPPED, "unsubscribed")


def test_nothing_is_sent_after_an_unsubscribe(outbox: Outbox, phone: Phone) -> None:
    waiting = outbox.delivery(phone)
    phone.subscription.delete()
    outbox.drain()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == (State.DROPPED, "unsubscribed")
    assert phone.browser.requests() == []


def test_nothing_is_sent_to_a_closed_account(outbox: Outbox, phone: Phone, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert refused(outbox, phone) == (State.DROPPED, "unsubscribed")


def test_a_key_that_is_no_longer_there_fails_the_row_and_keeps_the_device(
    outbox: Outbox, phone: Phone
) -> None:
    Subscription.objects.filter(pk=phone.subscription.pk).update(key_id="0" * 16)
    assert refused(outbox, phone) == (State.FAILED, "unknown_key")
    assert phone.fresh().state == Subscription.State.ACTIVE


def test_what_was_shown_already_is_not_sent_again(outbox: Outbox, phone: Phone) -> None:
    assert refused(outbox, phone, shown_at=timezone.now()) == (State.ACCEPTED, "")


def test_a_row_follows_its_device_to_a_new_subscription(outbox: Outbox, phone: Phone) -> None:
    waiting = outbox.delivery(phone)
    renewed = outbox.renew(phone)
    outbox.drain()
    waiting.refresh_from_db()
    assert (waiting.state, waiting.subscription) == (State.ACCEPTED, renewed.subscription)
    assert len(renewed.browser.messages()) == 1


def test_the_badge_counts_what_is_unread_on_this_device(
    outbox: Outbox, phone: Phone, owner: User, stranger: User
) -> None:
    outbox.notification(owner)
    outbox.notification(owner, read_at=timezone.now())
    outbox.notification(owner, in_bell=False)
    outbox.notification(owner, device=phone.device)
    outbox.notification(stranger)
    outbox.send(phone)
    assert phone.browser.messages()[0]["app_badge"] == 2
