"""The worker's loop: wait, hear, record, look, claim, send. One thread; as many workers as one likes."""

import logging
import os
import secrets
import socket
import time
from collections import Counter

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from push.delivery import outbox
from push.delivery.breaker import PROBES
from push.delivery.clock import Clock
from push.delivery.hand import Hand
from push.delivery.sender import Sender
from push.delivery.wake import Bell, wait, watch
from push.models.delivery import Lane

logger = logging.getLogger(__name__)

SWEEP_EVERY = 5.0
"""Seconds between two looks for lapsed leases and for rows that no commit announced."""

EXPIRE_EVERY = 60.0
"""Seconds between two looks for rows of paused services whose time is spent; others say so when claimed."""

STOP_WITHIN = 10.0
"""Seconds that messages in flight are given at a stop."""

_RESERVE = 8  # Slots of a large window, and none of a small one, that wait for urgent rows.
_WINDOW_PER_RESERVED = 64
# Rows that are not urgent, claimed at once: for so long an urgent one waits for the database.
_LOT = 256

_LOOK_AGAIN = 0.05  # Seconds until the next look when somebody else was quicker.
_LONGEST_WAIT = 5.0  # Seconds between two tries to reach the database.


class Worker:
    """Drains the outbox until it is told to stop."""

    def __init__(self, bell: Bell | None = None) -> None:
        self.owner = f"{socket.gethostname()[:20]}:{os.getpid()}:{secrets.token_hex(3)}"
        self.bell = bell or Bell()
        self._sender = Sender(wake_fd=self.bell.read_fd)
        self._clock = Clock()
        self._hand = Hand(self.owner, self._sender, self._clock)
        self._watch = watch(self.bell)
        self._stops = 0
        self._waiting: list[outbox.Due] = []
        self._look_at = 0.0
        self._sweep_at = 0.0
        self._expire_at = 0.0
        self._failures = 0

    @property
    def outcomes(self) -> Counter[str]:
        """How many messages came to which end."""
        return self._hand.outcomes

    def stop(self) -> None:
        """Finish what is in flight and end; a second time: end at once. Safe in a signal handler."""
        self._stops += 1

    def run(self, *, until_empty: bool = False) -> None:
        """Works until ``stop``, or until nothing is due and nothing in flight."""
        try:
            while not self._stops:
                self._guarded_turn()
                if until_empty and not self._failures and self._is_empty():
                    break
            self._finish()
        finally:
            self._sender.close()
            self._watch.close()

    def _guarded_turn(self) -> None:
        try:
            self._turn()
        except (OperationalError, InterfaceError) as error:
            self._failures += 1
            connection.close()
            wait = min(0.1 * 2 ** min(self._failures, 10), _LONGEST_WAIT)
            said = str(error).strip().partition("\n")[0]
            logger.warning("The database is away (%s); next try in %.1f s.", said, wait)
            self._hear_for(wait)
            self._look_at = 0.0
            return
        if self._failures:
            logger.info("The database is back.")
            self._failures = 0

    def _turn(self) -> None:
        self._hand.drop_loose()
        if self._wait(self._timeout() if not self._failures else 0.0):
            self._look_at = 0.0
        now = time.monotonic()
        if (self._hand.record_at() or 0.0) <= now:
            self._record()
        if now >= self._sweep_at:
            self._sweep()
        self._hand.renew(now)
        if now >= self._look_at:
            self._look()
        self._claim()

    def _wait(self, seconds: float) -> bool:
        """Hears what the push services answer, or sleeps; True: there may be new rows."""
        if not self._sender.in_flight:
            noticed = wait(self.bell, self._watch, seconds)
        else:
            every = self._watch.every
            self._hand.hear(self._sender.poll(seconds if every is None else min(seconds, every)))
            noticed = self._watch.changed()
        return self.bell.answer() or noticed

    def _timeout(self) -> float:
        """Seconds until there is something to do that no wake-up announces."""
        at = min(self._look_at, self._sweep_at)
        if self._hand:
            at = min(at, self._hand.renew_at)
        record_at = self._hand.record_at()
        if record_at is not None:
            at = min(at, record_at)
        return max(at - time.monotonic(), 0.0)

    def _is_empty(self) -> bool:
        now = self._clock.now()
        return (
            not self._hand
            and self._look_at > time.monotonic()
            and all(due.may_go_at() > now for due in self._waiting)
        )

    def _hear_for(self, seconds: float) -> None:
        """Listens to the push services alone, until a stop."""
        until = time.monotonic() + seconds
        while not self._stops and (left := until - time.monotonic()) > 0:
            self._hand.hear(self._sender.poll(left))
            self.bell.answer()

    def _record(self) -> None:
        if self._hand.record():
            self._look_at = 0.0  # the breaker may have moved

    # Rows

    def _sweep(self) -> None:
        self._clock.set()
        now = self._clock.now()
        lapsed = outbox.release_lapsed(now)
        if lapsed:
            logger.warning("%d deliveries are taken up again: their worker has died.", lapsed)
        at = time.monotonic()
        paused = [due for due in outbox.due() if due.paused_until and due.paused_until > now]
        for due in paused:
            outbox.hold(due.service, due.lane, now)
        if at >= self._expire_at:
            for service in sorted({due.service for due in paused}):
                outbox.expire(service, now)
            self._expire_at = at + EXPIRE_EVERY
        self._sweep_at = at + SWEEP_EVERY
        self._look_at = 0.0

    def _look(self) -> None:
        self._waiting = outbox.due()
        now = self._clock.now()
        waits = [(due.may_go_at() - now).total_seconds() for due in self._waiting]
        ahead = min((wait for wait in waits if wait > 0), default=SWEEP_EVERY)
        self._look_at = time.monotonic() + ahead

    def _claim(self) -> None:
        now = self._clock.now()
        waiting = []
        is_urgent = False
        for due in self._waiting:
            if is_urgent and due.lane is Lane.LATER:
                self._look_at = 0.0  # as soon as the urgent ones are on their way
                break
            room = self._room(due) if due.may_go_at() <= now else 0
            ids = outbox.claim(self.owner, due.service, room, now, due.lane) if room else []
            self._hand.take(ids, now)
            is_urgent = is_urgent or bool(ids and due.lane is Lane.URGENT)
            if len(ids) == room and not (room and due.reason):  # nothing claimed, or more is there
                waiting.append(due)
            elif ids:
                self._look_at = 0.0
            else:  # another worker has them, and perhaps not committed yet
                self._look_at = min(self._look_at, time.monotonic() + _LOOK_AGAIN)
        self._waiting = waiting

    def _room(self, due: outbox.Due) -> int:
        """How many rows of a lane to claim now: not one by one while many of it are in flight."""
        in_hand = self._hand.of_service[due.service]
        if due.reason:
            return max(0, PROBES - in_hand)
        free = self._sender.slots(due.service)
        if due.lane is Lane.URGENT:
            urgent = self._hand.urgent_of_service[due.service]
            return free if free * 4 >= free + urgent else 0
        window = free + in_hand
        free = max(0, free - min(_RESERVE, window // _WINDOW_PER_RESERVED))
        return min(free, _LOT) if free * 4 >= window else 0

    # The end

    def _finish(self) -> None:
        """Hears out what is in flight, as long as it may, and gives back the rest.

        So it does with what times out meanwhile: the next worker need not wait before it tries again.
        """
        until = time.monotonic() + STOP_WITHIN
        while self._sender.in_flight and self._stops < 2 and time.monotonic() < until:
            heard = self._sender.poll(until - time.monotonic())
            self._hand.hear([each for each in heard if each.answer.reason != "timeout"])
            self.bell.answer()
        try:
            self._hand.record()
            given_back = self._hand.give_back()
        except DatabaseError as error:
            logger.warning("Stopped without the database; the leases will lapse: %s", error)
            return
        if given_back:
            logger.info("%d deliveries were given back.", given_back)
