"""The time that all workers share: PostgreSQL's, whatever the machines' own clocks say.

A worker whose clock is a minute ahead would take living workers' rows for lapsed, one that is behind
would leave rows waiting that are due. SQLite is one machine and needs none of it.
"""

import time
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from push.delivery.statements import run

# Linux' goes on while the machine sleeps; no clock that somebody sets.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_SLOW = 1.0  # Seconds for one statement: something stood still.


class Clock:
    """Asks the database seldom (``set``), and counts from there by a clock that never jumps."""

    def __init__(self) -> None:
        self._start: datetime | None = None
        self._started_at = 0.0

    def set(self) -> None:
        """One statement, on PostgreSQL alone."""
        if connection.vendor == "postgresql":
            connection.ensure_connection()
            before = _steady()
            ((self._start,),) = run("SELECT statement_timestamp()", [])
            # Ahead by the way there: what has just been written is due. But never far ahead.
            after = _steady()
            self._started_at = before if after - before < _SLOW else after

    def now(self) -> datetime:
        """The database's time; before the first ``set``, and on SQLite, this machine's."""
        if self._start is None:
            return timezone.now()
        return self._start + timedelta(seconds=_steady() - self._started_at)


def _steady() -> float:
    return time.clock_gettime(_STEADY)
