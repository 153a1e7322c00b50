"""How sending scales: a second process, a far-away service, a silent one beside a good one, a long queue.

    python -m benchmarks.scaling [--messages 4000] [--long 100000] [--only distance isolation …] [--json]

Worker processes, PostgreSQL and sink share the machine's cores here, unlike in ``benchmarks.send``: the worker that
is measured has the first core, a second one the other, which the sink and PostgreSQL use too.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from benchmarks import pipeline, processes, subscribers
from benchmarks.installation import product
from benchmarks.sinks import Sink, running
from tests.fixtures.postgresql import binaries

GOALS = {
    "processes": ("two processes ÷ one, messages/s", 1.7),
    "distance": ("messages/s with a service 100 ms away", 3000.0),
    "isolation": ("throughput beside a silent service ÷ alone", 0.9),
    "length": ("cost per message of a long queue ÷ a short one (at most)", 1.2),
}
_AWAY = 0.1  # seconds
_SHORT = 1000
_BEATS = 3  # rounds, of which the median counts


class Scaling:
    """Three services - near, far and silent - and the database."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack) -> None:
        self.options = options
        self.core, self.other = processes.cores()
        self.browsers = subscribers.browsers(500)
        self.rows: dict[str, list[Any]] = {}
        self.near = stack.enter_context(running(core=self.other))
        trusted = self.near.certificates
        self.far = stack.enter_context(running(core=self.other, delay=_AWAY, certificates=trusted))
        self.silent = stack.enter_context(running(core=self.other, delay=-1, certificates=trusted))
        os.environ |= trusted.environment
        hosts = [each.host for each in (self.near, self.far, self.silent)]
        stack.enter_context(product(postgresql=True, services=hosts))
        self.server = pipeline.durable_server()
        self.server.pin(self.other, self.other)
        processes.pin([os.getpid()], self.other)

    def processes(self) -> dict[str, float]:
        """Messages a second of one worker and of two, from the same queue."""
        rows = self._subscribe(self.near)
        with self._workers(1) as one, self._workers(2) as two:
            rates: dict[str, list[float]] = {"one": [], "two": []}
            for _beat in range(_BEATS):
                rates["one"].append(self._rate(rows, one))
                rates["two"].append(self._rate(rows, two))
        found = {name: median(each) for name, each in rates.items()}
        return {**found, "reached": found["two"] / found["one"]}

    def distance(self) -> dict[str, float]:
        """Messages a second of one worker with a service 100 ms away, once its window has grown."""
        rows = self._subscribe(self.far)
        with self._workers(1) as one:
            rates = [self._rate(rows, one) for _beat in range(_BEATS)]
        return {"first": rates[0], "reached": median(rates[1:])}

    def isolation(self) -> dict[str, float]:
        """Messages a second to the near service alone, and with as many due to one that never answers."""
        rows, silent = self._subscribe(self.near), self._subscribe(self.silent)
        alone, beside = [], []
        for _beat in range(_BEATS):
            with self._workers(1) as one:
                self._rate(rows[:_SHORT], one)
                alone.append(self._rate(rows, one))
            with self._workers(1) as one:
                self._rate(rows[:_SHORT], one)
                pipeline.enqueue(silent)
                beside.append(self._rate(rows, one))
            pipeline.forget(silent)
        found = {"alone": median(alone), "beside": median(beside)}
        return {**found, "reached": found["beside"] / found["alone"]}

    def length(self) -> dict[str, float]:
        """Microseconds of CPU per message, worker and PostgreSQL, of a short queue and of a long one."""
        rows = self._subscribe(self.near, self.options.long)
        with self._workers(1) as one:
            self._drain(rows[:_SHORT], one)
            short = median(self._cost(rows[:_SHORT], one) for _beat in range(_BEATS))
            before = processes.peak_megabytes(one[0])
            long = self._cost(rows, one)
            grown = processes.peak_megabytes(one[0]) - before
        return {"short": short, "long": long, "grown_mb": grown, "reached": long / short}

    def _subscribe(self, sink: Sink, count: int | None = None) -> list[Any]:
        count = count or self.options.messages
        rows = self.rows.setdefault(sink.host, [])
        missing = count - len(rows)
        rows += pipeline.subscribe(self.browsers, sink.url, max(0, missing), len(rows))
        return rows[:count]

    @contextmanager
    def _workers(self, count: int) -> Iterator[list[int]]:
        with pipeline.workers(count, [self.core, self.other]) as pids:
            yield pids

    def _drain(self, rows: Sequence[Any], pids: Sequence[int]) -> dict[str, float]:
        pipeline.enqueue(rows)
        return pipeline.drain(self.server, pids, rows[0].service)

    def _rate(self, rows: Sequence[Any], pids: Sequence[int]) -> float:
        found = self._drain(rows, pids)
        return found["messages"] / found["seconds"]

    def _cost(self, rows: Sequence[Any], pids: Sequence[int]) -> float:
        found = self._drain(rows, pids)
        return found["cpu"] / found["messages"] * 1e6


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=4000, help="a round")
    parser.add_argument("--long", type=int, default=100_000, help="messages of the long queue")
    parser.add_argument("--only", nargs="+", choices=GOALS, default=list(GOALS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    chosen = options()
    if binaries() is None:
        raise SystemExit("This needs PostgreSQL: apt-get install postgresql")
    with ExitStack() as stack:
        scaling = Scaling(chosen, stack)
        measures: dict[str, Callable[[], dict[str, float]]] = {
            "processes": scaling.processes,
            "distance": scaling.distance,
            "isolation": scaling.isolation,
            "length": scaling.length,
        }
        found = {name: measures[name]() for name in chosen.only}
    if chosen.json:
        print(json.dumps(found))
        return
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{os.cpu_count()} cores, load average {load}")
    for name, figures in found.items():
        text, goal = GOALS[name]
        shown = ", ".join(f"{each} {value:,.2f}" for each, value in figures.items())
        print(f"{text}: goal {goal:,g}; {shown}")


if __name__ == "__main__":
    main()
