"""The outbox in the database: what is due, whose turn it is, and who has it in hand. No HTTP.

A row is claimed under a lease. Its owner renews the lease while the row is in hand; a lease that
lapses (its owner was killed) is taken up again. Written in SQL because an ORM object per row costs
several times as much as sending the message; each function is a constant number of statements.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from push.delivery.statements import change, id_list, ids_query, moment, read_moment, run
from push.models.delivery import Lane

LEASE = timedelta(seconds=60)

LANE = "(CASE WHEN urgency IN ('high', 'normal') THEN 0 ELSE 1 END)"
"""A row's ``Lane``, word for word as the index has it, or the databases would not use that."""

# ORDER BY … LIMIT 1 and not MIN(), for which PostgreSQL may read every waiting row.
_DUE = f"""
WITH RECURSIVE services (service) AS (
    SELECT (SELECT service FROM push_delivery WHERE state = 'pending' ORDER BY service LIMIT 1)
    UNION ALL
    SELECT (SELECT delivery.service FROM push_delivery delivery
            WHERE delivery.state = 'pending' AND delivery.service > services.service
            ORDER BY delivery.service LIMIT 1)
    FROM services WHERE services.service IS NOT NULL
)
SELECT services.service, lanes.lane,
       (SELECT delivery.due_at FROM push_delivery delivery
        WHERE delivery.state = 'pending' AND delivery.service = services.service
        AND {LANE} = lanes.lane
        ORDER BY delivery.due_at LIMIT 1),
       paused.open_until, paused.reason
FROM (SELECT 0 AS lane UNION ALL SELECT 1) AS lanes CROSS JOIN services
LEFT JOIN push_servicestate paused ON paused.service = services.service
WHERE services.service IS NOT NULL
ORDER BY lanes.lane
"""  # noqa: S608

# MATERIALIZED: in line, PostgreSQL may run the inner query again and claim more than LIMIT rows.
_CLAIM_ON_POSTGRESQL = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM push_delivery
    WHERE state = 'pending' AND service = %s AND {LANE} = %s AND due_at <= %s
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
)
UPDATE push_delivery
SET state = 'sending', attempts = attempts + 1, lease_owner = %s, lease_until = %s
FROM due WHERE push_delivery.id = due.id
RETURNING push_delivery.id
"""  # noqa: S608

# One statement of SQLite's is alone with the database: the condition and the update are one.
_CLAIM_ON_SQLITE = f"""
UPDATE push_delivery
SET state = 'sending', attempts = attempts + 1, lease_owner = %s, lease_until = %s
WHERE id IN (
    SELECT id FROM push_delivery
    WHERE state = 'pending' AND service = %s AND {LANE} = %s AND due_at <= %s
    ORDER BY due_at LIMIT %s
)
RETURNING id
"""  # noqa: S608

_LAPSED = "SELECT 1 FROM push_delivery WHERE state = 'sending' AND lease_until < %s LIMIT 1"

# The owner's name stays on the row: should the old owner still live, what it heard counts.
_RELEASE_LAPSED = """
UPDATE push_delivery SET state = 'pending', due_at = %s, lease_until = NULL
WHERE state = 'sending' AND lease_until < %s
"""

_EXPIRE = """
UPDATE push_delivery
SET state = 'expired', reason = CASE WHEN reason = '' THEN 'expired' ELSE reason END
WHERE state = 'pending' AND service = %s AND expires_at <= %s
"""

# A minute is what a person who has just pressed a button looks back on; older ones need no words.
_HOLD = f"""
UPDATE push_delivery SET reason = 'breaker'
WHERE state = 'pending' AND service = %s AND {LANE} = %s AND due_at <= %s AND due_at > %s
AND reason = ''
"""  # noqa: S608
_RENEW = "UPDATE push_delivery SET lease_until = %s "
_GIVE_BACK = """
UPDATE push_delivery
SET state = 'pending', due_at = %s, lease_until = NULL, attempts = attempts - %s
"""
_MINE = """
WHERE state = 'sending' AND lease_owner = %s
AND id IN ({ids})
"""
_LANES = tuple(Lane)


@dataclass(frozen=True, slots=True)
class Due:
    """One lane of a service with rows that wait.

    ``paused_until`` in the past: a few may try whether the service works.
    """

    service: str
    lane: Lane
    due_at: datetime
    paused_until: datetime | None
    reason: str

    def may_go_at(self) -> datetime:
        return max(self.due_at, self.paused_until) if self.paused_until else self.due_at


def due() -> list[Due]:
    """Every lane with waiting rows and when its first one is due, paused services included.

    All urgent lanes first. Walks the index from one to the next: a million rows of one cost nothing.
    """
    return [
        Due(
            service,
            _LANES[lane],
            read_moment(at),
            read_moment(until) if until else None,
            reason or "",
        )
        for service, lane, at, until, reason in run(_DUE, [])
        if at is not None
    ]


def claim(
    owner: str, service: str, limit: int, now: datetime, lane: Lane = Lane.URGENT
) -> list[int]:
    """Takes at most ``limit`` due rows of one lane of a service, the longest due first; their ids."""
    until = moment(now + LEASE)
    if connection.vendor == "postgresql":
        rows = run(_CLAIM_ON_POSTGRESQL, [service, int(lane), now, limit, owner, until])
    else:
        rows = run(_CLAIM_ON_SQLITE, [owner, until, service, int(lane), moment(now), limit])
    return [row[0] for row in rows]


def renew(owner: str, ids: Iterable[int], now: datetime) -> None:
    """The owner's heartbeat: a new lease for all rows in hand, in one statement."""
    change(_RENEW + _mine(), [moment(now + LEASE), owner, id_list(ids)])


def give_back(owner: str, ids: Iterable[int], now: datetime, *, sent: bool = True) -> int:
    """Puts rows in hand back in the queue, due at once; how many they were.

    A message that was sent counts as an attempt, answered or not: it may have arrived.
    """
    return change(_GIVE_BACK + _mine(), [moment(now), 0 if sent else 1, owner, id_list(ids)])


def release_lapsed(now: datetime) -> int:
    """Puts rows whose owner has died back in the queue; how many they were."""
    at = moment(now)
    # An UPDATE takes SQLite's write lock even when it changes nothing.
    if not run(_LAPSED, [at]):
        return 0
    return change(_RELEASE_LAPSED, [at, at])


def hold(service: str, lane: Lane, now: datetime) -> None:
    """Says on the newest waiting rows in a lane of a paused service why they wait."""
    change(_HOLD, [service, int(lane), moment(now), moment(now - timedelta(minutes=1))])


def expire(service: str, now: datetime) -> int:
    """Ends the waiting rows of a paused service whose time to live is spent."""
    return change(_EXPIRE, [service, moment(now)])


def _mine() -> str:
    return _MINE.format(ids=ids_query())
