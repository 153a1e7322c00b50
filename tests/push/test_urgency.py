"""What is urgent goes before all that is not, however much of that waits."""

import re
import secrets
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from push.delivery import outbox as table
from push.delivery.sender import Sender
from push.delivery.wake import notify
from push.health import queue
from push.models import Delivery, Notification, ServiceState
from push.models.delivery import Lane
from tests.conftest import make_person
from tests.push.conftest import Outbox, Phone
from tests.push.processes import Start, start, wait_until
from tests.push.raw_server import RawServer
from tests.push.sending import finish, keys, message
from tests.push_service import PushService

__all__ = ["start"]

pytestmark = pytest.mark.django_db

State = Delivery.State

BROADCAST = 2000
WINDOW = 32
"""In flight at most to a service that speaks HTTP/1.1."""


def broadcast(phone: Phone, rows: int, **fields: Any) -> list[Delivery]:
    """Many rows for one device that are not urgent, due for a while."""
    now = timezone.now()
    values = {
        "urgency": "low",
        "service": phone.subscription.service,
        "due_at": now - timedelta(minutes=5),
        "expires_at": now + timedelta(hours=1),
        **fields,
    }
    notifications = Notification.objects.bulk_create(
        Notification(
            user=phone.device.user, kind="announcements.published", title="News", body="For all",
            url="/Notifications", event_key=secrets.token_hex(8),
        )
        for _row in range(rows)
    )  # fmt: skip
    return Delivery.objects.bulk_create(
        Delivery(
            notification=notification, subscription=phone.subscription, user=phone.device.user,
            device_public_id=phone.device.public_id,
            device_name="Phone", kind=notification.kind, **values,
        )
        for notification in notifications
    )  # fmt: skip


def urgencies(service: PushService) -> list[str]:
    """Of all messages that came, in order."""
    return [request.headers["urgency"] for request in service.posts]


@pytest.fixture
def far_phone(outbox: Outbox, transactional_db: None) -> Phone:
    """One whose rows other processes see."""
    return outbox.phone(make_person("olga@example.org", "Olga Owner"))


@pytest.mark.django_db(transaction=True)
def test_an_urgent_row_overtakes_a_broadcast(
    start: Start, outbox: Outbox, far_phone: Phone, push_service: PushService
) -> None:
    push_service.slowly(0.5, times=2 * WINDOW)
    broadcast(far_phone, BROADCAST)
    start().ready()
    push_service.wait(lambda: len(push_service.posts) > WINDOW)
    outbox.delivery(far_phone, urgency="high")
    notify()
    written = len(push_service.posts)
    push_service.wait(lambda: "high" in urgencies(push_service), 60)
    assert urgencies(push_service).index("high") - written <= 2 * WINDOW
    rows = Delivery.objects.filter(state=State.ACCEPTED)
    wait_until(lambda: rows.filter(urgency="high").exists())
    assert rows.count() < BROADCAST / 2


@pytest.mark.django_db(transaction=True)
def test_a_broadcast_leaves_slots_for_what_is_urgent(
    start: Start, outbox: Outbox, far_phone: Phone, push_service: PushService
) -> None:
    push_service.stall()
    broadcast(far_phone, 600)
    start(WEBPUSH_IN_FLIGHT_START="512").ready()
    sending = Delivery.objects.filter(state=State.SENDING)
    wait_until(lambda: sending.count() == 512 - 8)
    row = outbox.delivery(far_phone, urgency="high")
    notify()
    wait_until(lambda: sending.filter(pk=row.pk).exists(), 5)
    assert push_service.requests  # and nothing was answered
    assert not Delivery.objects.filter(state=State.ACCEPTED).exists()


@pytest.mark.usefixtures(keys.__name__)
def test_of_what_is_claimed_the_urgent_goes_out_first() -> None:
    with RawServer() as server, Sender() as sender:
        sender.submit(message(server.url(), number, urgency="low") for number in range(200))
        sender.submit(message(server.url(), 200 + each, urgency="normal") for each in range(3))
        finish(sender)
        said = [heard.headers["urgency"] for heard in server.heard]
    assert len(said) == 203
    assert said.index("normal") < WINDOW


# The table


@pytest.mark.parametrize(
    ("urgency", "lane"),
    [
        ("high", Lane.URGENT),
        ("normal", Lane.URGENT),
        ("low", Lane.LATER),
        ("very-low", Lane.LATER),
    ],
)
def test_each_urgency_waits_in_its_lane(
    outbox: Outbox, phone: Phone, urgency: str, lane: Lane
) -> None:
    row = outbox.delivery(phone, urgency=urgency)
    assert [(due.service, due.lane) for due in table.due()] == [(outbox.service.host, lane)]
    (other,) = set(Lane) - {lane}
    now = timezone.now()
    assert table.claim("one", outbox.service.host, 10, now, other) == []
    assert table.claim("one", outbox.service.host, 10, now, lane) == [row.pk]


def test_urgent_lanes_of_all_services_are_named_first(outbox: Outbox, phone: Phone) -> None:
    now = timezone.now()
    later = now - timedelta(minutes=1)
    for service, urgency, due_at in (
        ("apple", "low", later),
        ("fcm", "high", now),
        ("fcm", "low", later),
        ("mozilla", "normal", now),
    ):
        outbox.delivery(phone, service=service, urgency=urgency, due_at=due_at)
    found = [(due.lane, due.service, due.due_at) for due in table.due()]
    assert sorted(found) == [
        (Lane.URGENT, "fcm", now),
        (Lane.URGENT, "mozilla", now),
        (Lane.LATER, "apple", later),
        (Lane.LATER, "fcm", later),
    ]
    assert [lane for lane, _service, _due_at in found] == sorted(each[0] for each in found)


def test_urgent_retries_of_later_hold_nothing_back(outbox: Outbox, phone: Phone) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    retries = [outbox.delivery(phone, urgency="high", due_at=soon) for _row in range(40)]
    others = broadcast(phone, 40)
    outbox.drain()
    accepted = Delivery.objects.filter(state=State.ACCEPTED)
    assert set(accepted) == set(others)
    for row in retries:
        row.refresh_from_db()
        assert (row.state, row.attempts) == (State.PENDING, 0)


def test_the_urgent_try_a_service_that_may_work_again(
    outbox: Outbox, phone: Phone, push_service: PushService
) -> None:
    broadcast(phone, 10)
    for _row in range(3):
        outbox.delivery(phone, urgency="high")
    now = timezone.now()
    ServiceState.objects.create(service=outbox.service.host, open_until=now, reason="refused")
    push_service.answer(503)
    outbox.drain()
    assert urgencies(push_service)
    assert set(urgencies(push_service)) == {"high"}


def test_a_pause_concerns_both_lanes(outbox: Outbox, phone: Phone) -> None:
    until = timezone.now() + timedelta(minutes=5)
    ServiceState.objects.create(service=outbox.service.host, open_until=until, reason="refused")
    short: dict[str, Any] = {"due_at": timezone.now(), "expires_at": timezone.now()}
    held = [outbox.delivery(phone, urgency="high"), *broadcast(phone, 1, due_at=timezone.now())]
    late = [outbox.delivery(phone, urgency="high", **short), *broadcast(phone, 1, **short)]
    outbox.drain()
    assert not outbox.service.posts
    for row in (*held, *late):
        row.refresh_from_db()
    assert {(row.state, row.reason) for row in held} == {(State.PENDING, "breaker")}
    assert {row.state for row in late} == {State.EXPIRED}


def test_the_queue_counts_both_lanes_as_one_service(outbox: Outbox, phone: Phone) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    rows = broadcast(phone, 5)
    outbox.delivery(phone, urgency="high")
    outbox.delivery(phone, urgency="high", due_at=soon)
    broadcast(phone, 3, due_at=soon)
    with CaptureQueriesContext(connection) as few:
        (service,) = queue.look(timezone.now()).services
    assert (service.waiting, service.due, service.due_since) == (10, 6, rows[0].due_at)
    broadcast(phone, 300)
    with CaptureQueriesContext(connection) as many:
        queue.look(timezone.now())
    assert len(many) == len(few) <= 4


def test_a_look_at_the_lanes_is_one_statement(outbox: Outbox, owner: User) -> None:
    for number in range(5):
        outbox.delivery(outbox.phone(owner), service=f"service{number}")
        broadcast(outbox.phone(owner), 20, service=f"service{number}")
    with CaptureQueriesContext(connection) as queries:
        assert len(table.due()) == 10
    assert len(queries) == 1


def test_the_lanes_are_read_from_their_index(outbox: Outbox, phone: Phone) -> None:
    """The expression in the statements must be that of the index, word for word."""
    broadcast(phone, 50)
    now = timezone.now()
    with CaptureQueriesContext(connection) as queries:
        table.due()
        table.hold(outbox.service.host, Lane.LATER, now)
        queue.waiting([outbox.service.host], now)
        assert len(table.claim("one", outbox.service.host, 10, now, Lane.LATER)) == 10
    asked = [query["sql"] for query in queries if "CASE WHEN" in query["sql"]]
    assert len(asked) == 4
    for sql in asked:
        plan = plan_of(sql)
        assert reads_lanes(plan), plan


def plan_of(sql: str) -> str:
    """PostgreSQL's as the worker has it: for whatever values, and as with many rows."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        else:
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
                "SET LOCAL plan_cache_mode = force_generic_plan"
            )
            numbers = set(re.findall(r"\$\d+", sql))
            name = f"asked_{secrets.token_hex(4)}"
            cursor.execute(f"PREPARE {name} AS {sql}")
            values = f"({', '.join('NULL' for _each in numbers)})" if numbers else ""
            cursor.execute(f"EXPLAIN EXECUTE {name}{values}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def reads_lanes(plan: str) -> bool:
    """Does it go to the place in the index where a lane begins?"""
    if connection.vendor == "sqlite":
        return "USING INDEX outbox_due (service=? AND <expr>=?" in plan
    conditions = [line for line in plan.splitlines() if "Index Cond" in line]
    return any("CASE WHEN" in condition for condition in conditions)
