"""Many push services in one process of their own, quick enough for tens of thousands of messages.

As strict as ``push_service.py`` about the messages that it looks at, and it misbehaves by a plan. What
happens to a message follows from the seed, its subscription, its Topic and how often it came, so that
the same seed makes the same services again. Every message leaves a line in a log, with the process that
sent it as the kernel knows it.
"""

import asyncio
import json
import os
import random
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

if not __package__:  # started as a process
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.autopush.http import response
from tests.autopush.validation import RefusalError, Rules, check, decode

MESSAGES = "/push/"  # + token: where messages are posted
DRIBBLE = 0.5  # seconds between two bytes of a slow body


@dataclass(frozen=True)
class Plan:
    """How one service behaves. ``moods`` are weights: see ``Connection.moods``; none: all accepted.

    ``gone`` is the share of its subscriptions that have ended, ``down_for`` the seconds from its
    first message on in which it answers 503 to everything. A token like ``429~xyz`` has its own mood.
    """

    moods: Mapping[str, float] = field(default_factory=dict)
    gone: float = 0.0
    down_for: float = 0.0


class Line(NamedTuple):
    """One message, or the end of one that was never answered (``gave_up``).

    ``at`` in seconds of the monotonic clock; ``pid`` 0: whoever sent it had ended by then.
    ``what`` is the mood, ``accepted`` when the answer was 201 in whichever form.
    """

    at: float
    service: int
    token: str
    topic: str
    pid: int
    what: str

    @property
    def accepted(self) -> bool:
        return self.what in ACCEPTING


ACCEPTING = frozenset({"accept", "slow_body", "late"})


def is_gone(seed: str, token: str, share: float) -> bool:
    """Has this subscription ended?"""
    return share > 0 and random.Random(f"{seed} {token}").random() < share


class Services:
    """Starts the process and reads its log; ``hosts`` are the services as ``host:port``."""

    def __init__(
        self,
        folder: Path,
        plans: Sequence[Plan],
        *,
        key: str,
        seed: str = "",
        sample: int = 1,
    ) -> None:
        """Each ``sample``-th message of a connection is held against the RFCs; ``key`` is VAPID's."""
        self.path = folder / "messages.log"
        self._order = {
            "log": str(self.path),
            "plans": [asdict(plan) for plan in plans],
            "key": key,
            "seed": seed,
            "sample": sample,
        }
        self._lines: list[Line] = []
        self._offset = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(self._order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.hosts = [f"127.0.0.1:{port}" for port in ports]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def endpoint(self, service: int, token: str) -> str:
        return f"http://{self.hosts[service]}{MESSAGES}{token}"

    def log(self) -> list[Line]:
        """All that has come so far, in order."""
        with self.path.open("rb") as log:
            log.seek(self._offset)
            text, _newline, _half = log.read().rpartition(b"\n")
        if text:
            self._offset += len(text) + 1
            self._lines += map(_line, text.decode().split("\n"))
        return self._lines

    def accepted(self) -> list[Line]:
        return [line for line in self.log() if line.accepted]

    def refused(self) -> list[Line]:
        """Messages that no real service would have taken."""
        return [line for line in self.log() if line.what.startswith("bad:")]


def _line(text: str) -> Line:
    at, service, token, topic, pid, what = text.split(" ")
    return Line(float(at), int(service), token, topic, int(pid), what)


# The process


class Service:
    """One of the services, in the process."""

    def __init__(self, number: int, order: Mapping[str, Any], log: Any) -> None:
        self.number = number
        self.plan = Plan(**order["plans"][number])
        self.seed, self.sample = order["seed"], order["sample"]
        self.key = decode(order["key"])
        self.log = log
        self.first_at = 0.0
        self.seen: Counter[tuple[str, str]] = Counter()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self.listener.getsockname()[1]
        self.rules = Rules(f"http://127.0.0.1:{self.port}")

    def mood(self, token: str, topic: str) -> str:
        """What becomes of this message."""
        plan = self.plan
        own, tilde, _name = token.partition("~")
        if tilde:
            return own
        if is_gone(self.seed, token, plan.gone):
            return "410"
        if plan.down_for:
            now = time.monotonic()
            self.first_at = self.first_at or now
            if now - self.first_at < plan.down_for:
                return "503"
        if not plan.moods:
            return "accept"
        self.seen[token, topic] += 1
        dice = random.Random(f"{self.seed} {token} {topic} {self.seen[token, topic]}")
        return dice.choices([*plan.moods], [*plan.moods.values()])[0]

    def note(self, token: str, topic: str, pid: int, what: str) -> None:
        line = f"{time.monotonic():.4f} {self.number} {token} {topic or '-'} {pid} {what}\n"
        self.log.write(line.encode())


class Connection(asyncio.Protocol):
    """One connection of a sender: HTTP/1.1, one request after another."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.buffer = b""
        self.count = 0
        self.unanswered: tuple[str, str] | None = None
        self.pid = 0
        self.moods: dict[str, Callable[[], None]] = {
            "accept": lambda: self.say(201, {"Location": "/m/1"}),
            "429": lambda: self.say(429),
            "429_seconds": lambda: self.say(429, {"Retry-After": "2"}),
            "429_date": lambda: self.say(429, {"Retry-After": formatdate(time.time() + 2)}),
            "429_hour": lambda: self.say(429, {"Retry-After": "3600"}),
            "410": lambda: self.say(410),
            "500": lambda: self.say(500),
            "503": lambda: self.say(503),
            "503_seconds": lambda: self.say(503, {"Retry-After": "1"}),
            "reset": self.reset,
            "cut": self.cut,
            "stall": lambda: None,
            "slow_body": lambda: self.dribble(8),
            "late": lambda: self.later(6.0, self.moods["accept"]),
        }

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.loop = asyncio.get_running_loop()
        self.pid = process_of(transport.get_extra_info("peername")[1], self.service.port)

    def connection_lost(self, _error: Exception | None) -> None:
        if self.unanswered:
            self.service.note(*self.unanswered, self.pid, "gave_up")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, blank, rest = self.buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _colon, value in pairs}
        length = int(headers["content-length"])
        if len(rest) >= length:
            self.buffer = rest[length:]
            self.answer(first.split(" ")[1].removeprefix(MESSAGES), headers, rest[:length])

    def answer(self, token: str, headers: Mapping[str, str], body: bytes) -> None:
        service, topic = self.service, headers.get("topic", "")
        self.count += 1
        if self.count % service.sample == 0:
            try:
                check(headers, body, service.key, service.rules, time.time())
            except RefusalError as refusal:
                service.note(token, topic, self.pid, f"bad:{refusal.reason}")
                self.say(refusal.status, body=refusal.body())
                return
        mood = service.mood(token, topic)
        service.note(token, topic, self.pid, mood)
        self.unanswered = (token, topic) if mood == "stall" else None
        self.moods[mood]()

    def say(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        self.transport.write(response(status, headers, body))

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def cut(self) -> None:
        """Half an answer, and then nothing more."""
        self.transport.write(b"HTTP/1.1 500 Internal Ser")
        self.loop.call_soon(self.transport.close)

    def dribble(self, left: int) -> None:
        """201, with a body that comes byte by byte."""
        self.transport.write(f"HTTP/1.1 201 Created\r\nContent-Length: {left}\r\n\r\n".encode())
        for number in range(left):
            self.later((number + 1) * DRIBBLE, lambda: self.transport.write(b"x"))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        self.loop.call_later(seconds, act)


def process_of(port: int, server_port: int) -> int:
    """The worker that holds the client's end of a loopback connection; 0 when it has ended."""
    ends = f"0100007F:{port:04X} 0100007F:{server_port:04X}"
    with open("/proc/net/tcp") as table:
        inode = next((line.split()[9] for line in table if ends in line), "0")
    wanted = f"socket:[{inode}]"
    known = [pid for pid in _workers if _holds(pid, wanted)]
    if not known:
        _workers.update(_find_workers())
        known = [pid for pid in _workers if _holds(pid, wanted)]
    return known[0] if known else 0


_workers: set[int] = set()


def _find_workers() -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ends while we look
            if b"push_worker" in (folder / "cmdline").read_bytes():
                yield int(folder.name)


def _holds(pid: int, target: str) -> bool:
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.readlink(entry.path) == target:
                    return True
    return False


async def serve(order: Mapping[str, Any]) -> None:
    """Until the standard input ends, which it does with whoever started this."""
    loop = asyncio.get_running_loop()
    with Path(order["log"]).open("wb", buffering=0) as log:
        services = [Service(number, order, log) for number in range(len(order["plans"]))]
        for service in services:
            await loop.create_server(lambda each=service: Connection(each), sock=service.listener)
        print(json.dumps([service.port for service in services]), flush=True)
        await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
