"""What one worker has in hand: rows claimed, at a push service, or answered and not yet written down."""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import DatabaseError, InterfaceError, OperationalError

from push.delivery import outbox, payload, recheck
from push.delivery.answers import Outcome
from push.delivery.clock import Clock
from push.delivery.outcomes import Runs, Sent
from push.delivery.recheck import Fate, Row
from push.delivery.record import record, settle
from push.delivery.sender import Result, Sender
from push.models import Delivery

logger = logging.getLogger(__name__)

RENEW_EVERY = 20.0
"""Seconds between two heartbeats; the lease is 60."""

_RECORD_AT = 400  # Answers that are written down at once, …
_RECORD_AFTER = 0.05  # … or seconds after the first of them, unless nothing else is on its way.


class Hand:
    """Takes rows from the outbox to the sender and their answers back. Every row leaves it once."""

    def __init__(self, owner: str, sender: Sender, clock: Clock) -> None:
        self.owner = owner
        self.outcomes: Counter[str] = Counter()
        self.of_service: Counter[str] = Counter()
        self.urgent_of_service: Counter[str] = Counter()
        self.renew_at = 0.0
        self._sender = sender
        self._clock = clock
        self._runs = Runs()
        self._rows: dict[int, Row] = {}  # submitted, not yet recorded
        self._loose: list[int] = []  # claimed, not yet submitted
        self._shortened: set[int] = set()
        self._heard: list[Sent] = []
        self._heard_since = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, ids: list[int], now: datetime) -> None:
        """Sends the claimed rows that are still wanted; the others are settled."""
        # A clock that jumps lets the leases of rows in this very hand lapse: they are on their way.
        ids = [pk for pk in ids if pk not in self._rows]
        if not ids:
            return
        self._loose = ids
        rows = recheck.load(ids)
        fates = recheck.judge(rows, now)
        wanted = [row for row in rows if row.id not in fates] if fates else rows
        messages, failed = recheck.messages(wanted, now)
        settle(self.owner, fates | failed)
        if not self._rows:
            self.renew_at = time.monotonic() + RENEW_EVERY
        for row in wanted:
            if row.id not in failed:
                self._rows[row.id] = row
                self.of_service[row.service] += 1
                if row.urgency in Delivery.URGENT:
                    self.urgent_of_service[row.service] += 1
        self._loose = []
        self._sender.submit(messages)

    def drop_loose(self) -> int:
        """Gives back what was claimed when the database went away before it could be loaded."""
        loose, given_back = self._loose, 0
        if loose:
            given_back = outbox.give_back(self.owner, loose, self._clock.now(), sent=False)
            self._loose = []
        return given_back

    def renew(self, now: float) -> None:
        """The heartbeat, when it is time for it; ``now`` is of the monotonic clock."""
        if self._rows and now >= self.renew_at:
            outbox.renew(self.owner, self._rows, self._clock.now())
            self.renew_at = now + RENEW_EVERY

    def hear(self, results: Sequence[Result]) -> None:
        """Takes what the sender hands out."""
        if results and not self._heard:
            self._heard_since = time.monotonic()
        at = self._clock.now()
        for result in results:
            too_big = result.answer.outcome is Outcome.TOO_BIG
            if not (too_big and self._send_shorter(result)):
                row = self._rows[result.message.id]
                self._heard.append(Sent(row, result.answer, result.elapsed_ms, at))

    def _send_shorter(self, result: Result) -> bool:
        """A message that was too big goes out once more, shortened."""
        message = result.message
        if message.id in self._shortened:
            return False
        shorter = payload.shorten(message.plaintext)
        if shorter is None:
            return False
        self._shortened.add(message.id)
        self._sender.submit([replace(message, plaintext=shorter)])
        return True

    def record_at(self) -> float | None:
        """When the answers must be written down, by the monotonic clock; None: there are none."""
        if not self._heard:
            return None
        if len(self._heard) >= _RECORD_AT or not self._sender.in_flight:
            return 0.0
        return self._heard_since + _RECORD_AFTER

    def record(self) -> bool:
        """Writes the answers down; True when one of them may have moved a breaker."""
        heard = self._heard
        if not heard:
            return False
        try:
            record(self.owner, heard, self._runs, self._clock.now())
        except (OperationalError, InterfaceError):
            raise
        except DatabaseError:
            self._record_singly(heard)
        self._heard = []
        troubled = False
        for sent in heard:
            row = self._rows.pop(sent.row.id)
            self.of_service[row.service] -= 1
            if row.urgency in Delivery.URGENT:
                self.urgent_of_service[row.service] -= 1
            outcome = sent.answer.outcome
            self.outcomes[outcome.value] += 1
            troubled = troubled or outcome is not Outcome.ACCEPTED
        self._shortened.intersection_update(self._rows)
        return troubled

    def _record_singly(self, heard: Sequence[Sent]) -> None:
        """One answer that the database will not take never takes the others with it."""
        for sent in heard:
            try:
                record(self.owner, [sent], self._runs, self._clock.now())
            except (OperationalError, InterfaceError):
                raise
            except DatabaseError:
                logger.exception("The outcome of delivery %s cannot be recorded.", sent.row.id)
                settle(self.owner, {sent.row.id: Fate(Delivery.State.FAILED, "internal")})

    def give_back(self) -> int:
        """Puts all that is still in hand back in the queue; how many they were."""
        loose = self.drop_loose()
        return loose + outbox.give_back(self.owner, self._rows, self._clock.now())
