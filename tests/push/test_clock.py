"""Machines whose clocks differ: the workers go by PostgreSQL's."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from push.delivery import outbox as table
from push.delivery.clock import Clock
from push.models import Delivery
from tests.conftest import make_person
from tests.push.conftest import Outbox, Phone
from tests.push.processes import Start, start, wait_until
from tests.push_service import PushService

__all__ = ["start"]

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

State = Delivery.State

# Whatever starts with this on its path lives at another time.
SHIFTED = """
import datetime, time_machine
there = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes={minutes})
time_machine.travel(there, tick=True).start()
"""


def shifted(minutes: float) -> time_machine.travel:
    """This machine's clock is so much ahead; it goes on."""
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True)


def fresh(row: Delivery) -> Delivery:
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("minutes", [-5, 5])
def test_the_time_is_the_database_s(minutes: float) -> None:
    clock, before = Clock(), timezone.now()
    with shifted(minutes):
        clock.set()
        now = clock.now()
    assert before <= now <= timezone.now() + timedelta(seconds=1)
    assert clock.now() >= now


def test_a_worker_that_is_ahead_leaves_a_living_worker_its_rows(
    outbox: Outbox, phone: Phone
) -> None:
    row = outbox.delivery(phone)
    table.claim("living", outbox.service.host, 1, timezone.now())
    with shifted(5):
        outbox.drain()
    assert (fresh(row).state, row.lease_owner) == (State.SENDING, "living")
    assert phone.browser.requests() == []


def test_a_worker_that_is_behind_sends_at_once(outbox: Outbox, phone: Phone) -> None:
    row = outbox.delivery(phone)
    with shifted(-5):
        outbox.drain()
    assert fresh(row).state == State.ACCEPTED
    assert row.accepted_at is not None
    assert row.accepted_at > row.created_at


def test_a_worker_that_is_behind_waits_before_it_tries_again(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.answer(503, times=1, headers={"Retry-After": "30"})
    row = outbox.delivery(phone)
    with shifted(-5):
        outbox.drain()
    assert (fresh(row).state, row.reason) == (State.PENDING, "service_trouble")
    assert row.due_at > timezone.now() + timedelta(seconds=20)


@pytest.mark.django_db(transaction=True)
def test_the_lease_of_a_worker_that_is_behind_runs_a_minute(
    start: Start, outbox: Outbox, push_service: PushService, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SHIFTED.format(minutes=-5))
    start(PYTHONPATH=str(tmp_path)).ready()
    push_service.stall()
    row = outbox.delivery(outbox.phone(make_person("olga@example.org", "Olga Owner")))
    wait_until(lambda: fresh(row).state == State.SENDING)
    assert row.lease_until is not None
    assert timedelta(seconds=50) < row.lease_until - timezone.now() < timedelta(seconds=70)
