"""How many messages one push service is given at a time: grows while it is quick, else halves."""

from push.delivery.answers import Answer, Outcome

QUICK = 1.0
"""Seconds. A service 50–150 ms away that answers within this has room for more."""

_OVERLOADED = frozenset({406, 429, 503})


class Window:
    """The in-flight limit of one service, adapted as TCP does (RFC 5681 §3.1).

    Up to the last limit that worked it grows by one for each quick answer, so that it doubles in
    a round trip; above, by one a round trip. Trouble halves it, once for all messages that were
    on their way at that time.
    """

    __slots__ = ("_ceiling", "_floor", "_halved_at", "_limit", "_threshold", "in_flight")

    def __init__(self, *, floor: int, start: int, ceiling: int) -> None:
        self.in_flight = 0
        self._floor = float(floor)
        self._limit = float(start)
        self._threshold = self._ceiling = float(ceiling)
        self._halved_at = float("-inf")

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def free(self) -> int:
        return max(0, int(self._limit) - self.in_flight)

    def keep_to(self, ceiling: int) -> None:
        """Never grow past this, whatever the answers say."""
        self._ceiling = float(ceiling)
        self._limit = min(self._limit, self._ceiling)

    def learn(self, answer: Answer, elapsed: float, started: float, now: float) -> None:
        """Take one answer into account: seconds it took, and two times of one clock."""
        overloaded = answer.status in _OVERLOADED or answer.reason == "timeout"
        if overloaded:
            if started > self._halved_at:
                self._limit = max(self._floor, self._limit / 2)
                self._threshold = self._limit
                self._halved_at = now
        elif answer.outcome is not Outcome.NETWORK and elapsed < QUICK and self._is_used():
            step = 1.0 if self._limit < self._threshold else 1.0 / self._limit
            self._limit = min(self._ceiling, self._limit + step)

    def _is_used(self) -> bool:
        return self.in_flight * 2 >= self._limit
