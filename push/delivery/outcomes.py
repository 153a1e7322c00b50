"""What to do about each answer: the rules of ``answers.py``'s outcomes, service by service.

One device's trouble concerns its own rows; that of several devices concerns the service. Decides
and moves the breaker; ``record.py`` writes the decisions down.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from push.delivery import breaker, guard
from push.delivery.answers import Answer, Outcome
from push.delivery.recheck import Fate, Row
from push.models import Delivery, ServiceState

State = Delivery.State

FIRST_WAIT = 2.0
"""Seconds before the first retry; doubled with each attempt …"""

LONGEST_WAIT = 3600.0
"""… up to this. Half of it is jitter, so that rows that failed together come back apart."""

SEVERAL = 3
"""Devices of a service that are told to slow down, with no success between: leave it alone."""

MANY = 10
"""Devices of a service that cannot be reached, with no success between: pause it."""

SERVICE_WAIT = 30.0
"""Seconds of a service's pause when it names none."""

_TROUBLE = (Outcome.UNAVAILABLE, Outcome.NETWORK)
_REFUSED = (Outcome.REFUSED, Outcome.MISMATCH)
_FAULTS = frozenset({breaker.MASS_FAILURE, "bad_token", "clock", "refused", "key_mismatch"})


_ACCEPTED = Fate(State.ACCEPTED)


@dataclass(slots=True)
class Sent:
    """A row, what the push service answered, and when (the request took ``elapsed_ms``)."""

    row: Row
    answer: Answer
    elapsed_ms: int
    at: datetime


@dataclass(slots=True)
class Runs:
    """One worker's memory: the devices of each service in trouble since it last answered well."""

    slow: dict[str, set[int | None]] = field(default_factory=lambda: defaultdict(set))
    trouble: dict[str, set[int | None]] = field(default_factory=lambda: defaultdict(set))

    def end(self, service: str) -> None:
        self.slow.pop(service, None)
        self.trouble.pop(service, None)


@dataclass(slots=True)
class Verdict:
    """What one batch of answers means: rows' fates by id, and subscriptions by what befalls them."""

    fates: dict[int, Fate] = field(default_factory=dict)
    gone: dict[int, str] = field(default_factory=dict)  # with their endpoint's hash
    refused: set[int] = field(default_factory=set)
    stale: set[int] = field(default_factory=set)
    revived: dict[str, datetime] = field(default_factory=dict)  # services, and when to try again
    pardoned: set[tuple[str, str]] = field(default_factory=set)  # services and keys

    def postpone(self, sent: Sent, until: datetime | None, reason: str = "") -> None:
        """The row goes out again: after its own wait, and not before ``until``."""
        at = sent.at + timedelta(seconds=wait(sent.row.attempts, sent.answer.retry_after))
        at = max(at, until) if until else at
        state = State.PENDING if at < sent.row.expires_at else State.EXPIRED
        self.fates[sent.row.id] = Fate(state, reason or sent.answer.reason, at)

    def end(self, sent: Sent, state: State) -> None:
        self.fates[sent.row.id] = Fate(state, sent.answer.reason)


def wait(attempts: int, retry_after: float | None) -> float:
    """Seconds until a row is sent again: what the service asked for, else longer each time."""
    if retry_after:
        return retry_after * random.uniform(1.0, 1.1)  # noqa: S311 - spreads load
    longest = min(FIRST_WAIT * 2.0 ** min(attempts - 1, 20), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def decide(batch: Sequence[Sent], runs: Runs, now: datetime) -> Verdict:
    """The verdict on a batch of answers; inside the transaction that writes it down."""
    by_service: dict[str, list[Sent]] = defaultdict(list)
    for sent in batch:
        by_service[sent.row.service].append(sent)
    states = breaker.states(set(by_service))
    verdict = Verdict()
    for service, group in by_service.items():
        _Service(service, group, states.get(service), runs, now, verdict).decide()
    return verdict


class _Service:
    """The answers of one service within a batch."""

    def __init__(
        self,
        name: str,
        batch: Sequence[Sent],
        state: ServiceState | None,
        runs: Runs,
        now: datetime,
        verdict: Verdict,
    ) -> None:
        self.name = name
        self.by_outcome: dict[Outcome, list[Sent]] = defaultdict(list)
        for sent in batch:
            self.by_outcome[sent.answer.outcome].append(sent)
        self.state = state
        self.runs = runs
        self.now = now
        self.verdict = verdict

    def decide(self) -> None:
        if self._works():
            self.runs.end(self.name)
            if self._is_half_open() and breaker.close(self.name, self.now):
                self.state = None
        for sent in self.by_outcome[Outcome.ACCEPTED]:
            self.verdict.fates[sent.row.id] = _ACCEPTED
        for sent in (*self.by_outcome[Outcome.TOO_BIG], *self.by_outcome[Outcome.REJECTED]):
            self.verdict.end(sent, State.FAILED)
        self._slow_down(self.by_outcome[Outcome.SLOW_DOWN])
        self._trouble(self._of(*_TROUBLE))
        if refused := self._of(*_REFUSED):
            self._refused(refused)
        if gone := self.by_outcome[Outcome.GONE]:
            self._gone(gone)

    def _of(self, *outcomes: Outcome) -> list[Sent]:
        return [sent for outcome in outcomes for sent in self.by_outcome[outcome]]

    def _is_half_open(self) -> bool:
        state = self.state
        return state is not None and state.open_until is not None and state.open_until <= self.now

    def _is_fault(self) -> bool:
        return self.state is not None and self.state.reason in _FAULTS

    def _works(self) -> bool:
        """A refusal shows that a service is there, but not that it takes our messages."""
        if self._is_fault():
            return bool(self.by_outcome[Outcome.ACCEPTED])
        answered = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.TOO_BIG, Outcome.GONE)
        return bool(self._of(*answered))

    def _slow_down(self, slow: list[Sent]) -> None:
        until = None
        devices = self.runs.slow[self.name]
        devices.update(_devices(slow))
        if slow and (len(devices) >= SEVERAL or self._is_half_open()):
            asked = max(sent.answer.retry_after or SERVICE_WAIT for sent in slow)
            until = self.now + timedelta(seconds=asked)
            breaker.pause_until(self.name, until, self.now, slow[-1].answer.reason)
        for sent in slow:
            self.verdict.postpone(sent, until)

    def _trouble(self, trouble: list[Sent]) -> None:
        until = None
        devices = self.runs.trouble[self.name]
        devices.update(_devices(trouble))
        if trouble and (len(devices) >= MANY or self._is_half_open()):
            until = self._open(breaker.TROUBLE, trouble[-1].answer)
            devices.clear()
        for sent in trouble:
            self.verdict.postpone(sent, until)

    def _refused(self, refused: list[Sent]) -> None:
        by_key: dict[str, list[Sent]] = defaultdict(list)
        for sent in refused:
            if sent.answer.status is None:  # refused by our own sender: nobody else is concerned
                self._blame(sent)
            else:
                by_key[sent.row.key_id].append(sent)
        accepted = {sent.row.key_id for sent in self.by_outcome[Outcome.ACCEPTED]}
        breaker.lock(self.name)
        for key_id, group in by_key.items():
            fault = key_id not in accepted and (
                (self._is_half_open() and self._is_fault())
                or guard.is_server_fault(self.name, key_id, _devices(group))
            )
            until = self._open(breaker.FAULT, group[-1].answer) if fault else None
            if fault:
                self.verdict.pardoned.add((self.name, key_id))
            for sent in group:
                if fault:
                    self.verdict.postpone(sent, until)
                else:
                    self._blame(sent)

    def _blame(self, sent: Sent) -> None:
        """One device's refusal: the second one, or the service's word, means another key."""
        row, answer = sent.row, sent.answer
        if row.subscription_id is None or answer.reason == "unknown_key":
            self.verdict.end(sent, State.FAILED)
            return
        self.verdict.refused.add(row.subscription_id)
        if answer.outcome is Outcome.MISMATCH or row.refusals:
            self.verdict.stale.add(row.subscription_id)
            self.verdict.end(sent, State.FAILED)
        else:
            self.verdict.postpone(sent, None)

    def _gone(self, gone: list[Sent]) -> None:
        breaker.lock(self.name)
        suspended = self.state is not None and self.state.reason == breaker.MASS_FAILURE
        if suspended or guard.is_mass_death(self.name, _devices(gone), self.now):
            detail = f"{len(_devices(gone))} at once"
            until = self._open(breaker.FAULT, Answer(Outcome.GONE, None, "", detail), gone=True)
            self.verdict.revived[self.name] = until
            for sent in gone:
                self.verdict.postpone(sent, until, breaker.MASS_FAILURE)
            return
        for sent in gone:
            self.verdict.end(sent, State.GONE)
            if sent.row.subscription_id is not None:
                self.verdict.gone[sent.row.subscription_id] = sent.row.endpoint_hash

    def _open(self, pause: breaker.Pause, answer: Answer, *, gone: bool = False) -> datetime:
        reason = breaker.MASS_FAILURE if gone else answer.reason
        return breaker.open_breaker(self.name, pause, self.now, reason=reason, detail=answer.detail)


def _devices(batch: Iterable[Sent]) -> set[int]:
    return {sent.row.subscription_id for sent in batch if sent.row.subscription_id is not None}
