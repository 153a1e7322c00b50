"""One slow or dead service or device delays no other: what counts is the order in which things happen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from push.models import Delivery, ServiceState
from tests.push.crowd import Crowd
from tests.push.processes import Start, start, wait_until
from tests.push_services import Plan, Services

__all__ = ["start"]

pytestmark = pytest.mark.django_db(transaction=True)

State = Delivery.State

DEAD, LATE, SLOW_BODY = Plan({"stall": 1}), Plan({"late": 1}), Plan({"slow_body": 1})
BAD = [DEAD, LATE, SLOW_BODY]
GOOD = [Plan(), Plan(), Plan()]
PEOPLE, DEVICES = 10, 10
ROWS = 100
"""10 people with 10 devices at each service, told one thing: 100 deliveries a service."""


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """One that never answers, one that does after 6 s, one whose bodies take 4 s, and three good ones."""
    with Services(tmp_path, [*BAD, *GOOD], key=settings.WEBPUSH_PUBLIC_KEY, sample=10) as services:
        yield services


@pytest.fixture
def crowd(services: Services) -> Crowd:
    crowd = Crowd(services)
    for number in range(len(services.hosts)):
        crowd.join(PEOPLE, DEVICES, number)
    return crowd


def done(rows: QuerySet[Delivery]) -> bool:
    return not rows.exclude(state=State.ACCEPTED).exists()


def accepted_before(services: Services, service: int, what: str) -> int:
    """Messages that the good services accepted before this first happened at another."""
    order = [(line.service, line.what) for line in services.log()]
    before = order[: order.index((service, what))]
    return len([1 for each, kind in before if each >= len(BAD) and kind == "accept"])


def test_slow_and_dead_services_delay_no_other(
    start: Start, crowd: Crowd, services: Services
) -> None:
    dead, late, slow = services.hosts[: len(BAD)]
    of_the_good = Delivery.objects.filter(service__in=services.hosts[len(BAD) :])
    worker = start().ready()
    crowd.tell()
    wait_until(lambda: done(of_the_good))
    # The bad ones are waited for, and nothing has come of it yet.
    others = Delivery.objects.exclude(service__in=services.hosts[len(BAD) :])
    assert set(others.values_list("reason", "status")) == {("", None)}
    assert set(others.values_list("state", flat=True)) <= {State.PENDING, State.SENDING}

    def breaker() -> bool:
        return ServiceState.objects.filter(service=dead, open_until__gt=timezone.now()).exists()

    wait_until(breaker)
    assert accepted_before(services, 0, "gave_up") == ROWS * len(GOOD)
    assert set(ServiceState.objects.values_list("service", "reason")) == {(dead, "timeout")}
    for service in (late, slow):  # slow, but they work
        assert Delivery.objects.filter(service=service, state=State.ACCEPTED).exists()

    # While its breaker is open, it is left alone, and nobody else is.
    in_hand = Delivery.objects.filter(service=dead, state=State.SENDING)
    wait_until(lambda: not in_hand.exists())
    tried = len([line for line in services.log() if line.what == "stall"])
    crowd.tell()
    wait_until(lambda: done(of_the_good))
    assert len([line for line in services.log() if line.what == "stall"]) == tried
    assert worker.process.poll() is None


def test_a_device_that_must_wait_delays_itself_alone(
    start: Start, crowd: Crowd, services: Services
) -> None:
    crowd.subscriptions.clear()
    crowd.join(PEOPLE, DEVICES, len(BAD))
    [told_to_wait] = crowd.join(1, 1, len(BAD), mood="429_hour")
    start().ready()
    crowd.tell(5, expires_in=7200)
    wait_until(lambda: done(Delivery.objects.exclude(subscription=told_to_wait)))
    own = Delivery.objects.filter(subscription=told_to_wait)
    wait_until(lambda: not own.filter(state=State.SENDING).exists())
    assert len(own) == 5
    for row in own:
        assert (row.state, row.reason) == (State.PENDING, "slow_down")
        assert row.due_at > timezone.now()
    assert not ServiceState.objects.exclude(reason="").exists()
