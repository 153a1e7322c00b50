"""The mass-failure guard: a service that loses many devices at once has lost its mind, not they."""

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from push.models import Delivery, GoneEndpoint, Notification, ServiceState, Subscription
from tests.push.conftest import Outbox, Phone
from tests.push_service import PushService

pytestmark = pytest.mark.django_db

State = Delivery.State


def phones(outbox: Outbox, user: User, count: int) -> list[Phone]:
    return [outbox.phone(user, f"Phone {number}") for number in range(count)]


def die(outbox: Outbox, push_service: PushService, devices: list[Phone]) -> list[Delivery]:
    """The service answers 410 for these, and each of them is sent to."""
    for device in devices:
        push_service.answer(410, token=device.browser.token)
    rows = [outbox.delivery(device) for device in devices]
    outbox.drain()
    for row in rows:
        row.refresh_from_db()
    return rows


def gone() -> int:
    return Subscription.objects.filter(state=Subscription.State.GONE).count()


def test_ten_of_ten_devices_are_not_believed_to_be_gone(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    rows = die(outbox, push_service, phones(outbox, owner, 10))
    assert gone() == 0
    assert GoneEndpoint.objects.count() == 0
    assert {(row.state, row.reason) for row in rows} == {(State.PENDING, "mass_failure")}
    assert ServiceState.objects.get().reason == "mass_failure"


def test_nine_devices_are(outbox: Outbox, owner: User, push_service: PushService) -> None:
    die(outbox, push_service, phones(outbox, owner, 9))
    assert gone() == 9
    assert GoneEndpoint.objects.count() == 9
    assert not ServiceState.objects.exclude(reason="").exists()


def test_ten_of_forty_are_too_small_a_share(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 40)
    die(outbox, push_service, devices[:10])
    assert gone() == 10


def test_twelve_of_forty_are_enough(outbox: Outbox, owner: User, push_service: PushService) -> None:
    devices = phones(outbox, owner, 40)
    die(outbox, push_service, devices[:12])
    assert gone() == 0


def test_those_marked_before_in_the_window_come_back_with_their_messages(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 10)
    first = die(outbox, push_service, devices[:5])
    assert gone() == 5
    die(outbox, push_service, devices[5:])
    assert gone() == 0
    assert GoneEndpoint.objects.count() == 0
    for row in first:
        row.refresh_from_db()
    assert {(row.state, row.reason) for row in first} == {(State.PENDING, "mass_failure")}


def test_those_marked_before_the_window_stay_gone(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 14)
    die(outbox, push_service, devices[:4])
    Subscription.objects.filter(state=Subscription.State.GONE).update(
        gone_at=timezone.now() - timedelta(minutes=11)
    )
    die(outbox, push_service, devices[4:])
    assert gone() == 4


def test_another_services_devices_do_not_count(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    devices = phones(outbox, owner, 12)
    elsewhere = [device.subscription.pk for device in devices[:6]]
    Subscription.objects.filter(pk__in=elsewhere).update(
        service="fcm", state=Subscription.State.GONE, gone_at=timezone.now()
    )
    die(outbox, push_service, devices[6:])
    assert gone() == 12


def test_a_dead_device_marks_nothing_while_the_service_is_in_doubt(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    die(outbox, push_service, phones(outbox, owner, 10))
    past = timezone.now() - timedelta(seconds=1)
    ServiceState.objects.update(open_until=past)
    outbox.hurry()
    outbox.drain()
    assert gone() == 0
    assert ServiceState.objects.get().failures == 2


def test_one_device_that_works_does_not_make_the_others_death_believable(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    working, *others = phones(outbox, owner, 12)
    die(outbox, push_service, [working, *others])
    push_service.behave()
    ServiceState.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    assert outbox.send(working).state == State.ACCEPTED
    assert ServiceState.objects.get().reason == ""
    die(outbox, push_service, others[:3])
    assert gone() == 0
    assert ServiceState.objects.get().reason == "mass_failure"


def test_everything_arrives_once_the_service_is_itself_again(
    outbox: Outbox, owner: User, push_service: PushService
) -> None:
    die(outbox, push_service, phones(outbox, owner, 10))
    push_service.behave()
    ServiceState.objects.update(open_until=timezone.now() - timedelta(seconds=1))
    outbox.hurry()
    outbox.drain()
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    assert ServiceState.objects.get().reason == ""


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 503])
def test_no_single_answer_of_all_devices_removes_any(
    outbox: Outbox, owner: User, push_service: PushService, status: int
) -> None:
    devices = phones(outbox, owner, 15)
    push_service.answer(status)
    for device in devices:
        outbox.delivery(device)
    outbox.drain()
    assert Subscription.objects.active().count() == 15
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.PENDING}


@pytest.mark.parametrize("status", [403, 410])
def test_every_service_at_once_removes_nothing_and_alarms_once_each(
    outbox: Outbox, owner: User, stranger: User, settings: Any, status: int
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    with ExitStack() as stack:
        services = [PushService().start() for _n in range(3)]
        for service in services:
            stack.callback(service.stop)
            service.answer(status)
        settings.WEBPUSH_EXTRA_HOSTS = [service.host for service in services]
        for number, service in enumerate(services):
            there = Outbox(service)
            there.made = 1000 * number
            for device in phones(there, owner, 12):
                there.delivery(device)
        for _time in range(2):
            outbox.hurry()
            ServiceState.objects.update(open_until=timezone.now() - timedelta(seconds=1))
            outbox.drain()
    assert Subscription.objects.active().count() == 36
    assert GoneEndpoint.objects.count() == 0
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.PENDING}
    paused = ServiceState.objects.filter(open_until__gt=timezone.now()).exclude(reason="")
    assert paused.count() == 3
    assert Notification.objects.filter(kind="push.service_failing", user=stranger).count() == 3
