"""The breaker of a push service: when it opens, who hears of it, and how it closes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from push import signals
from push.delivery import breaker
from push.models import Delivery, Notification, ServiceState, Subscription
from tests.push.conftest import Outbox, Phone
from tests.push_service import PushService

pytestmark = pytest.mark.django_db

State = Delivery.State


@pytest.fixture
def paused() -> Any:
    """The services that the signal named."""
    heard: list[str] = []

    def hear(subject: ServiceState, **_named: object) -> None:
        heard.append(subject.service)

    signals.service_paused.connect(hear)
    yield heard
    signals.service_paused.disconnect(hear)


def let_it_try_again() -> None:
    past = timezone.now() - timedelta(seconds=1)
    ServiceState.objects.update(open_until=past)
    Delivery.objects.filter(state=State.PENDING).update(due_at=past)


def phones(outbox: Outbox, user: User, count: int) -> list[Phone]:
    return [outbox.phone(user, f"Phone {number}") for number in range(count)]


def send_all(outbox: Outbox, devices: list[Phone]) -> list[Delivery]:
    rows = [outbox.delivery(device) for device in devices]
    outbox.drain()
    for row in rows:
        row.refresh_from_db()
    return rows


@pytest.mark.parametrize("status", [401, 403])
def test_two_refused_devices_are_a_fault_of_this_server(
    outbox: Outbox, owner: User, push_service: PushService, status: int
) -> None:
    devices = phones(outbox, owner, 3)
    push_service.answer(status)
    rows = send_all(outbox, devices)
    state = ServiceState.objects.get(service=push_service.host)
    assert state.open_until is not None
    assert state.open_until > timezone.now()
    assert {(row.state, row.reason) for row in rows} == {(State.PENDING, "refused")}
    assert all(row.due_at >= state.open_until for row in rows)
    assert {device.fresh().state for device in devices} == {Subscription.State.ACTIVE}
    assert {device.subscription.refusals for device in devices} == {0}


def test_two_refusals_one_after_the_other_are_one_too(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    first, second = phones(outbox, owner, 2)
    push_service.answer(403)
    assert outbox.send(first).reason == "refused"
    assert not ServiceState.objects.exclude(reason="").exists()
    outbox.send(second)
    assert ServiceState.objects.get().reason == "refused"


def test_a_success_between_two_refusals_clears_this_server(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    first, second, third = phones(outbox, owner, 3)
    push_service.answer(403, times=1)
    outbox.send(first)
    outbox.send(second)
    push_service.answer(403, times=1)
    outbox.send(third)
    assert not ServiceState.objects.exclude(reason="").exists()
    assert third.fresh().refusals == 1


def test_a_device_that_was_set_aside_comes_back_when_others_are_refused_too(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    first, second = phones(outbox, owner, 2)
    push_service.answer(403, body="public key mismatch")
    outbox.send(first)
    assert first.fresh().state == Subscription.State.STALE
    outbox.send(second)
    assert first.fresh().state == Subscription.State.ACTIVE
    assert ServiceState.objects.get().reason == "key_mismatch"


def test_nothing_is_sent_while_it_is_open(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 2)
    push_service.answer(403)
    send_all(outbox, devices)
    before = len(push_service.posts)
    push_service.behave()
    waiting = outbox.send(devices[0])
    assert (waiting.state, waiting.reason) == (State.PENDING, "breaker")
    assert len(push_service.posts) == before


def test_a_success_closes_it_and_everything_goes_out(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 8)
    push_service.answer(403)
    send_all(outbox, devices)
    push_service.behave()
    let_it_try_again()
    outbox.drain()
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    state = ServiceState.objects.get()
    assert (state.reason, state.open_until, state.failures) == ("", None, 0)


def test_only_a_few_rows_try_and_a_failure_opens_it_for_longer(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    push_service.answer(403)
    send_all(outbox, phones(outbox, owner, 8))
    before = len(push_service.posts)
    let_it_try_again()
    outbox.drain()
    assert len(push_service.posts) == before + breaker.PROBES
    state = ServiceState.objects.get()
    assert state.failures == 2
    assert state.open_until is not None
    assert timedelta(seconds=110) < state.open_until - timezone.now() < timedelta(seconds=121)


def test_admins_hear_of_it_once(
    outbox: Outbox, owner: User, stranger: User, push_service: PushService, paused: list[str]
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    push_service.answer(403)
    send_all(outbox, phones(outbox, owner, 4))
    let_it_try_again()
    outbox.drain()
    assert paused == [push_service.host]
    told = Notification.objects.get(kind="push.service_failing")
    assert told.user == stranger


def test_it_alarms_again_after_it_had_closed(
    outbox: Outbox, owner: User, push_service: PushService, paused: list[str]
) -> None:
    devices = phones(outbox, owner, 4)
    for _time in range(2):
        push_service.answer(403)
        send_all(outbox, devices)
        push_service.behave()
        let_it_try_again()
        outbox.drain()
    assert len(paused) == 2


def test_another_service_is_not_concerned(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    ServiceState.objects.create(
        service="fcm", reason="refused", open_until=timezone.now() + timedelta(hours=1)
    )
    (device,) = phones(outbox, owner, 1)
    assert outbox.send(device).state == State.ACCEPTED


def test_a_service_that_asks_several_devices_for_a_pause_gets_one(
    outbox: Outbox, owner: User, push_service: PushService, paused: list[str]
) -> None:
    devices = phones(outbox, owner, 4)
    push_service.answer(429, retry_after=200)
    send_all(outbox, devices[:3])
    push_service.behave()
    assert outbox.send(devices[3]).state == State.PENDING
    state = ServiceState.objects.get()
    assert state.open_until is not None
    assert timedelta(seconds=195) < state.open_until - timezone.now() <= timedelta(seconds=200)
    assert paused == []


def test_a_service_that_many_devices_cannot_reach_is_paused_without_alarm(
    outbox: Outbox, owner: User, push_service: PushService, paused: list[str]
) -> None:
    push_service.answer(503)
    send_all(outbox, phones(outbox, owner, 10))
    state = ServiceState.objects.get()
    assert (state.reason, state.failures) == ("service_trouble", 1)
    assert paused == []


def test_one_device_in_trouble_pauses_nothing(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    (device,) = phones(outbox, owner, 1)
    push_service.answer(503)
    send_all(outbox, [device] * 12)
    assert not ServiceState.objects.exclude(reason="").exists()


def test_what_waits_too_long_at_a_paused_service_expires(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    ServiceState.objects.create(
        service=push_service.host,
        reason="refused",
        open_until=timezone.now() + timedelta(hours=1),
    )
    (device,) = phones(outbox, owner, 1)
    late = outbox.send(device, expires_at=timezone.now() - timedelta(seconds=1))
    assert late.state == State.EXPIRED


def test_a_person_can_say_that_it_works_again(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 2)
    push_service.answer(403)
    send_all(outbox, devices)
    push_service.behave()
    assert breaker.resume(push_service.host)
    assert not breaker.resume(push_service.host)
    assert outbox.send(devices[0]).state == State.ACCEPTED
