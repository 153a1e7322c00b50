"""Push workers, and others, as real processes, and waiting for what they do."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.fixtures.product import PROCESSES, ROOT, product_environment
from tests.push_service import PushService

PUSH_WORKER = ("manage.py", "push_worker")


def wait_until[T](condition: Callable[[], T], seconds: float = 120) -> T:
    """The first true value of a condition, looked at again and again; TimeoutError else."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > until:
            raise TimeoutError
        threading.Event().wait(0.05)
    return value


class Process:
    """One running process, a worker unless told otherwise, and what it said."""

    def __init__(
        self, environment: Mapping[str, str], log: Path, command: Sequence[str] = PUSH_WORKER
    ) -> None:
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=output,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def owner(self) -> str:
        """The name under which it leases rows."""
        found = re.search(r"push_worker (\S+) sends what waits", self.said())
        assert found, self.said()
        return found[1]

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, words: str) -> bool:
        return words in self.said()

    def is_ready(self) -> bool:
        return self.says("sends what waits")

    def ready(self) -> "Process":
        wait_until(lambda: self.is_ready() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As a service manager does; the exit code."""
        self.send(signal.SIGTERM)
        return self.ended()

    def ended(self) -> int:
        return self.process.wait(60)


class Start(Protocol):
    """Starts a worker, or another command of Python's, with these variables changed in the
    environment of the tests' product."""

    def __call__(self, *command: str, **environment: str) -> Process: ...


@pytest.fixture
def start(
    request: pytest.FixtureRequest, push_service: PushService, tmp_path: Path
) -> Iterator[Start]:
    """Starts workers; all that it started are gone after the test."""
    product = request.config.stash.get(PROCESSES, None)
    if product and "push" in product.running:
        product.kill("push")  # it would take this test's rows; it is started again later
    started: list[Process] = []

    def start(*command: str, **environment: str) -> Process:
        variables = product_environment(push_service, 8000, tmp_path, **environment)
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(Process(variables, log, command or PUSH_WORKER))
        return started[-1]

    yield start
    for each in started:
        each.kill()
