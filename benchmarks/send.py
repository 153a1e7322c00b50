"""Our sender and our whole pipeline against other projects' senders and the physical limit, in one run.

    python -m benchmarks.send [--rounds 5] [--messages 4000] [--subscriptions 500] [--sink nginx] [--json]

Who is measured has one core, the sink the other. All senders wait beside each other, warm, and take turns in each
round. CPU is that of the sender's process without its start-up; the outbox's is the worker's and PostgreSQL's.
First, some messages of each are decrypted and their signatures checked. Other projects' senders see 293 bytes and
send them as they are; ours pads to 512. Needs PostgreSQL for the outbox; peers that can't be installed are left out.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import limit, pipeline, processes, report, subscribers
from benchmarks.installation import environment, product
from benchmarks.peers import installed
from benchmarks.sinks import Sink, running
from tests.fixtures.postgresql import binaries

SENDER, OUTBOX = "sender", "outbox"

# A fortieth of the messages is as long a round for the slowest as all of them for ours.
_DIVISORS = {
    SENDER: 1, "pywebpush": 40, "pywebpush-session": 10, "pywebpush-async": 6, "web-push": 8, "webpush-rs": 4,
}  # fmt: skip


class Comparison:
    """Everything that is running while the comparison lasts."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack) -> None:
        self.options = options
        self.stack = stack
        self.core, self.sink_core = processes.cores()
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.browsers = subscribers.browsers(options.subscriptions)
        nginx = options.sink == "nginx"
        self.sink = stack.enter_context(running(core=self.sink_core, nginx=nginx))
        self.rounds: dict[str, list[dict[str, float]]] = defaultdict(list)
        self.parts: list[dict[str, float]] = []
        self.senders: dict[str, processes.Sender] = {}
        self.outbox: Outbox | None = None

    def start(self) -> None:
        """Installs, verifies and starts all senders."""
        keep = self.stack.enter_context(self._keeping_sink())
        has_outbox = self.options.outbox and binaries() is not None
        os.environ |= keep.certificates.environment
        services = [self.sink.host, keep.host]
        if has_outbox:
            self.stack.enter_context(product(postgresql=True, services=services))
        else:
            os.environ |= environment(str(self.folder), "sqlite://:memory:", services)
        self.keys = os.environ["WEBPUSH_PUBLIC_KEY"], os.environ["WEBPUSH_PRIVATE_KEY"]
        for name in (SENDER, *self.options.peers):
            try:
                self._verify(name)
                self.senders[name] = self._sender(name, self.sink)
                self.senders[name].round(self._messages(name) // 4 + 1)
            except (
                installed.NotInstalledError,
                processes.FailedError,
                subscribers.WrongMessageError,
            ) as error:
                if name == SENDER:
                    raise
                say(f"{name} is left out: {error}.")
        if has_outbox:
            self.outbox = Outbox(self, keep)
        else:
            say("The outbox is left out: it needs PostgreSQL.")

    def run(self) -> Iterator[int]:
        """One round of each after another; gives the number of each round that is over."""
        processes.pin([os.getpid()], self.core)
        for number in range(self.options.rounds):
            self.parts.append(limit.measure())
            for name, sender in self.senders.items():
                self.rounds[name].append(sender.round(self._messages(name)))
            if self.outbox:
                processes.pin([os.getpid()], self.sink_core)
                self.rounds[OUTBOX].append(self.outbox.round())
                processes.pin([os.getpid()], self.core)
            yield number + 1

    def summary(self) -> dict[str, Any]:
        return report.summary(self.rounds, [sum(parts.values()) for parts in self.parts])

    def median_parts(self) -> Mapping[str, float]:
        return {name: median(parts[name] for parts in self.parts) for name in self.parts[0]}

    def _keeping_sink(self) -> Any:
        return running(
            keep=self.options.subscriptions,
            core=self.sink_core,
            certificates=self.sink.certificates,
        )

    def _messages(self, name: str) -> int:
        messages: int = self.options.messages
        return max(1, messages // _DIVISORS[name])

    def _verify(self, name: str) -> None:
        """Sends one message to each browser by way of a sink that keeps them, and looks at every one."""
        with self._keeping_sink() as sink:
            sender = self._sender(name, sink)
            sender.round(self.options.subscriptions)
            plaintext = subscribers.task(self.browsers, sink.url, self.keys).plaintext
            self.verify(name, sink, plaintext)

    def verify(self, name: str, sink: Sink, plaintext: str | None) -> None:
        kept = sink.kept()
        right = subscribers.verify(kept, self.browsers, self.keys[0], sink.url, plaintext)
        if right < self.options.subscriptions:
            raise subscribers.WrongMessageError(f"only {right} messages arrived")
        say(f"{name}: {right} messages decrypted and verified, HTTP/{kept[0]['version']}.")

    def _sender(self, name: str, sink: Sink) -> processes.Sender:
        task = subscribers.task(self.browsers, sink.url, self.keys)
        path = subscribers.write(task, self.folder / f"{name}-{sink.process.pid}.json")
        ours = [sys.executable, "-m", "benchmarks.ours"]
        command = ours if name == SENDER else installed.command(name)
        environment = os.environ | {"WEBPUSH_EXTRA_HOSTS": sink.host}
        if self.options.own_bundle:
            names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
            environment |= dict.fromkeys(names, str(sink.certificates.authority))
        return self.stack.enter_context(
            processes.sender([*command, str(path)], environment, self.core)
        )


class Outbox:
    """The product's own worker on PostgreSQL."""

    def __init__(self, comparison: Comparison, keep: Sink) -> None:
        self.server = pipeline.durable_server()
        self.server.pin(comparison.core, comparison.sink_core)
        start = comparison.stack.enter_context
        self.workers = start(pipeline.workers(1, [comparison.core]))
        count = comparison.options.subscriptions
        self._drain(pipeline.subscribe(comparison.browsers, keep.url, count))
        comparison.verify(OUTBOX, keep, None)
        messages = comparison.options.messages
        self.rows = pipeline.subscribe(comparison.browsers, comparison.sink.url, messages)
        self._drain(self.rows[: messages // 4 + 1])

    def round(self) -> dict[str, float]:
        return self._drain(self.rows)

    def _drain(self, rows: Sequence[Any]) -> dict[str, float]:
        pipeline.enqueue(rows)
        return pipeline.drain(self.server, self.workers, rows[0].service)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--subscriptions", type=int, default=500, help="browsers with own keys")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--messages", type=int, default=4000, help="of ours a round; peers get fewer"
    )
    parser.add_argument("--peers", nargs="*", default=installed.NAMES, choices=installed.NAMES)
    parser.add_argument("--no-outbox", dest="outbox", action="store_false")
    parser.add_argument("--sink", choices=["own", "nginx"], default="own")
    parser.add_argument("--json", action="store_true", help="figures alone, on standard output")
    parser.add_argument(
        "--own-bundle", action="store_true",
        help="senders trust the run's authority alone: no system bundle to read for a connection",
    )  # fmt: skip
    return parser.parse_args(arguments)


def main() -> None:
    chosen = options()
    with ExitStack() as stack:
        comparison = Comparison(chosen, stack)
        comparison.start()
        for number in comparison.run():
            say(f"round {number} of {chosen.rounds}")
        found = comparison.summary()
        if chosen.json:
            print(json.dumps(found))
        else:
            report.show(found, comparison.median_parts())


if __name__ == "__main__":
    main()
