"""What waits in the outbox at each push service, who has it in hand, and what is paused.

Four statements, however many rows there are: all read from the small indexes of open rows, and count no
further than ``COUNTED``.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Max

from push.delivery import outbox
from push.delivery.reasons import REASONS
from push.delivery.statements import json_array, moment
from push.models import Delivery, ServiceState

COUNTED = 1000
"""Rows: nobody does anything else at the thousandth than at the millionth."""

PATIENCE = timedelta(seconds=10)
"""A row that has been due for longer while nothing at all is in hand: no worker seems to run."""

_WAITING = f"""
SELECT services.value,
       (SELECT COUNT(*) FROM (
           SELECT 1 FROM push_delivery
           WHERE state = 'pending' AND service = services.value LIMIT %s) AS waiting),
       (SELECT COUNT(*) FROM (
           SELECT 1 FROM push_delivery
           WHERE state = 'pending' AND service = services.value
           AND {outbox.LANE} = 0 AND due_at <= %s
           UNION ALL
           SELECT 1 FROM push_delivery
           WHERE state = 'pending' AND service = services.value
           AND {outbox.LANE} = 1 AND due_at <= %s LIMIT %s) AS due)
FROM {{services}} AS services
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Service:
    """``waiting`` and ``due`` are ``COUNTED`` + 1 where there are more.

    ``due_since``: when the first one that waits is or was due. ``breaker`` is closed, open or half open.
    """

    service: str
    waiting: int
    due: int
    in_hand: int
    due_since: datetime | None
    breaker: str
    reason: str
    detail: str
    paused_since: datetime | None
    paused_until: datetime | None

    def why(self) -> str:
        """The reason of the pause in words; empty while the breaker is closed."""
        known = REASONS.get(self.reason)
        return str(known.title) if known else self.reason


@dataclass(frozen=True, slots=True)
class Worker:
    """One that has rows in hand. It renews their lease every 20 s, and was alive ``seen_at``."""

    name: str
    in_hand: int
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Queue:
    services: list[Service]
    workers: list[Worker]

    def in_hand(self) -> int:
        return sum(service.in_hand for service in self.services)

    def is_abandoned(self, now: datetime) -> bool:
        """Something is due at a service that is sent to, or held by the dead, and no worker is alive."""
        latest = max((worker.seen_at for worker in self.workers), default=None)
        if (
            latest is not None
        ):  # a worker that runs renews its leases, and takes up those of the dead
            return latest < now - outbox.LEASE - PATIENCE
        waits = [
            service.due_since
            for service in self.services
            if service.due and service.breaker == "closed" and service.due_since
        ]
        return any(since < now - PATIENCE for since in waits)


def look(now: datetime) -> Queue:
    """The queue as it is."""
    due_since: dict[str, datetime] = {}
    for due in outbox.due():
        due_since[due.service] = min(due.due_at, due_since.get(due.service, due.due_at))
    states = {state.service: state for state in ServiceState.objects.all()}
    in_hand: dict[str, int] = {}
    held: dict[str, Worker] = {}
    sending = Delivery.objects.filter(state=Delivery.State.SENDING).order_by()
    for service, owner, count, until in sending.values_list("service", "lease_owner").annotate(
        Count("pk"), Max("lease_until")
    ):
        in_hand[service] = in_hand.get(service, 0) + count
        seen = Worker(owner, count, until - outbox.LEASE)
        held[owner] = _together(held.get(owner), seen)
    names = sorted({*due_since, *states, *in_hand})
    counts = waiting(names, now)
    services = [
        _service(
            name, counts[name], in_hand.get(name, 0), due_since.get(name), states.get(name), now
        )
        for name in names
    ]
    return Queue(services, sorted(held.values(), key=lambda worker: worker.name))


def waiting(services: Collection[str], now: datetime) -> dict[str, tuple[int, int]]:
    """How many rows wait at each of these services, and how many of them are due; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WAITING.format(services=json_array()),
            [COUNTED + 1, moment(now), moment(now), COUNTED + 1, json.dumps([*services])],
        )
        return {service: (waiting, due) for service, waiting, due in cursor.fetchall()}


def in_words(count: int) -> str:
    """A count that may have ended at ``COUNTED``."""
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def _together(one: Worker | None, other: Worker) -> Worker:
    if one is None:
        return other
    return Worker(one.name, one.in_hand + other.in_hand, max(one.seen_at, other.seen_at))


def _service(
    name: str,
    counts: tuple[int, int],
    in_hand: int,
    due_since: datetime | None,
    state: ServiceState | None,
    now: datetime,
) -> Service:
    breaker = "closed"
    if state and state.reason:
        breaker = "open" if state.open_until and state.open_until > now else "half open"
    troubled = state if state and breaker != "closed" else None
    return Service(
        name,
        *counts,
        in_hand,
        due_since,
        breaker,
        troubled.reason if troubled else "",
        troubled.detail if troubled else "",
        troubled.opened_at if troubled else None,
        troubled.open_until if troubled else None,
    )
