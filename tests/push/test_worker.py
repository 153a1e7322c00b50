"""`manage.py push_worker` as a real process: woken, shared, stopped, killed."""

import signal
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

import push.delivery.worker
from push.delivery import outbox as table
from push.models import Delivery, InstanceKey
from tests.conftest import make_person
from tests.push.conftest import Outbox, Phone
from tests.push.processes import Process, Start, start, wait_until
from tests.push_service import PushService

__all__ = ["start"]

pytestmark = pytest.mark.django_db(transaction=True)

State = Delivery.State


@pytest.fixture
def phone(outbox: Outbox, transactional_db: None) -> Phone:
    return outbox.phone(make_person("olga@example.org", "Olga Owner"))


def state_of(row: Delivery) -> str:
    row.refresh_from_db()
    return row.state


def lapse() -> None:
    """A minute later."""
    Delivery.objects.filter(state=State.SENDING).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )


def with_one_in_flight(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> tuple[Process, Delivery]:
    """A worker, and its message to a push service that never answers."""
    worker = start().ready()
    push_service.stall()
    row = outbox.delivery(phone)
    push_service.wait(lambda: push_service.posts)
    return worker, row


def test_a_commit_wakes_it_and_a_stop_waits_for_the_answer(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    worker = start().ready()
    first = outbox.delivery(phone)
    wait_until(lambda: state_of(first) == State.ACCEPTED)
    push_service.slowly(0.5)
    second = outbox.delivery(phone)
    push_service.wait(lambda: len(push_service.posts) == 2)
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    assert state_of(second) == State.ACCEPTED
    assert worker.says("push_worker stopped: 2 accepted.")


def test_killed_with_a_message_in_flight_it_loses_nothing(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    worker, row = with_one_in_flight(start, outbox, phone, push_service)
    worker.send(signal.SIGKILL)
    worker.ended()
    push_service.behave()
    outbox.drain()
    assert state_of(row) == State.SENDING  # as long as the lease runs, nobody else takes it
    lapse()
    outbox.drain()
    assert (state_of(row), row.attempts) == (State.ACCEPTED, 2)
    assert len({request.headers["topic"] for request in phone.browser.requests()}) == 1


def test_killed_between_the_answer_and_its_record_it_sends_a_copy(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    worker = start().ready()
    push_service.slowly(0.2)
    row = outbox.delivery(phone)
    push_service.wait(lambda: push_service.posts)
    worker.send(signal.SIGSTOP)
    push_service.wait_for_posts(1)  # answered, to a process that cannot hear it
    worker.send(signal.SIGKILL)
    worker.ended()
    lapse()
    outbox.drain()
    assert state_of(row) == State.ACCEPTED
    copies = phone.browser.messages()
    assert len(copies) == 2
    assert len({message["notification"]["tag"] for message in copies}) == 1


def test_killed_after_its_claim_it_has_sent_nothing_and_loses_nothing(
    outbox: Outbox, phone: Phone
) -> None:
    row = outbox.delivery(phone)
    assert table.claim("killed", outbox.service.host, 10, timezone.now()) == [row.pk]
    outbox.drain()
    assert phone.browser.requests() == []
    lapse()
    outbox.drain()
    assert state_of(row) == State.ACCEPTED
    assert len(phone.browser.requests()) == 1


def test_a_second_stop_gives_back_what_is_in_flight(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    worker, row = with_one_in_flight(start, outbox, phone, push_service)
    worker.send(signal.SIGINT)
    worker.send(signal.SIGTERM)
    assert worker.ended() == 0
    assert (state_of(row), row.lease_until) == (State.PENDING, None)
    assert worker.says("1 deliveries were given back")


def test_workers_share_without_sending_twice(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    workers = [start() for _n in range(2)]
    for worker in workers:
        worker.ready()
    for _row in range(150):
        outbox.delivery(phone)
    wait_until(lambda: not Delivery.objects.exclude(state=State.ACCEPTED).exists())
    copies = Counter(request.headers["topic"] for request in push_service.posts)
    assert (len(copies), set(copies.values())) == (150, {1})
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("command", ["push_worker", "ox_worker"])
def test_it_refuses_to_start_with_another_secret_key(
    outbox: Outbox, phone: Phone, settings: Any, command: str
) -> None:
    InstanceKey.verify()
    row = outbox.delivery(phone)
    settings.SECRET_KEY = "another"
    with pytest.raises(CommandError, match="SECRET_KEY is not the one"):
        call_command(command)
    assert state_of(row) == State.PENDING


@pytest.mark.postgresql
def test_it_survives_a_restart_of_the_database(start: Start, outbox: Outbox, phone: Phone) -> None:
    worker = start().ready()
    first = outbox.delivery(phone)
    wait_until(lambda: state_of(first) == State.ACCEPTED)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    second = outbox.delivery(phone)
    wait_until(lambda: state_of(second) == State.ACCEPTED)
    wait_until(lambda: worker.says("The database is back."))
    assert worker.process.poll() is None


def test_a_stop_records_what_answers_and_leaves_nothing_in_hand(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    """Ten seconds: as long as a message may be in flight. What is given back may have been sent."""
    silent, late = phone, outbox.phone(phone.device.user, "Tablet")
    push_service.stall(token=silent.browser.token)
    push_service.slowly(2, token=late.browser.token)
    worker = start().ready()
    rows = [outbox.delivery(silent) for _n in range(3)]
    answered = outbox.delivery(late)
    push_service.wait(lambda: len(push_service.posts) == 4)
    assert worker.stop() == 0
    assert state_of(answered) == State.ACCEPTED
    for row in rows:
        assert (state_of(row), row.lease_until, row.reason) == (State.PENDING, None, "")
        assert (row.due_at < timezone.now(), row.attempts) == (True, 1)
    assert worker.says("3 deliveries were given back.")
    assert worker.says("push_worker stopped: 1 accepted.")


def test_killed_workers_leave_their_rows_to_others(
    start: Start, outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    push_service.stall()
    killed = start().ready()
    rows = [outbox.delivery(phone) for _n in range(8)]
    push_service.wait(lambda: len(push_service.posts) == 8)
    assert claimed_by(killed.owner) == 8
    killed.kill()
    push_service.behave()
    heir = start().ready()
    fresh = outbox.delivery(phone)
    wait_until(lambda: state_of(fresh) == State.ACCEPTED)
    assert claimed_by(killed.owner) == 8  # their leases run on
    lapse()
    wait_until(lambda: all(state_of(row) == State.ACCEPTED for row in rows))
    assert set(
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).values_list("attempts")
    ) == {(2,)}
    assert heir.says("8 deliveries are taken up again: their worker has died.")


def test_a_clock_that_jumps_makes_no_second_copy(
    outbox: Outbox, phone: Phone, push_service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All leases lapse at once, those of the rows in the worker's own hand too."""
    monkeypatch.setattr(table, "LEASE", timedelta(seconds=-1))
    monkeypatch.setattr(push.delivery.worker, "SWEEP_EVERY", 0.1)
    push_service.slowly(0.5)
    rows = [outbox.delivery(phone) for _n in range(3)]
    worker = outbox.drain()
    assert {state_of(row) for row in rows} == {State.ACCEPTED}
    assert len(phone.browser.messages()) == 3
    assert worker.outcomes == {"accepted": 3}


def claimed_by(owner: str) -> int:
    rows = Delivery.objects.filter(state=State.SENDING, lease_owner=owner)
    return rows.filter(lease_until__gt=timezone.now()).count()
