"""What every sender of the comparison does with a round; a process of its own, asked over its standard input.

A line holds a number of messages; the answer is one line of JSON. Nothing of the product is imported here.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

type Send = Callable[[int], list[float]]
"""Sends that many messages, one after another to each subscription in turn; seconds each took."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is sent to whom: keys in base64url, the plaintext as text."""

    public_key: str
    private_key: str
    subject: str
    plaintext: str
    subscriptions: list[dict[str, Any]]

    def subscription(self, number: int) -> dict[str, Any]:
        return self.subscriptions[number % len(self.subscriptions)]


def read_task(path: str) -> Task:
    return Task(**json.loads(Path(path).read_text()))


def answer(send: Send) -> None:
    """Runs rounds until standard input ends. CPU is that of all threads, without start-up."""
    for line in sys.stdin:
        messages = int(line)
        cpu, started = time.process_time(), time.perf_counter()
        latencies = sorted(send(messages))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        found = {
            "messages": messages,
            "seconds": seconds,
            "cpu": cpu,
            "p50": latencies[len(latencies) // 2] * 1000,
            "p99": latencies[int(len(latencies) * 0.99)] * 1000,
        }
        print(json.dumps(found), flush=True)
