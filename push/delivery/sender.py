"""Many messages to many outcomes over one libcurl loop: HTTP, no database (RFC 8030 §5).

One thread, one epoll, HTTP/2 with many streams a connection where the service speaks it,
kept-alive HTTP/1.1 where it does not. The next messages are encrypted while the network works.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pycurl

from push.delivery.answers import Answer, Outcome, classify, classify_failure
from push.delivery.connection import MAX_BODY, new_handle
from push.delivery.encryption import EncryptionError, PlaintextTooLongError, encrypt
from push.delivery.event_loop import EventLoop
from push.delivery.request import Message, parse_headers, request_headers
from push.delivery.vapid import UnknownKeyError
from push.delivery.window import Window

logger = logging.getLogger(__name__)

__all__ = ["Message", "Result", "Sender"]

CONNECT_TIMEOUT = 5.0
TOTAL_TIMEOUT = 10.0

_BATCH = 16  # Messages encrypted between two looks at the network: about 1.5 ms.
_GRACE = 0.5  # Seconds after which a transfer is ended here, should libcurl not have ended it.
_TIMED_OUT = 28


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message, and in how many milliseconds from request to answer."""

    message: Message
    answer: Answer
    elapsed_ms: int


class _Transfer:
    """What one request has heard so far; at most ``MAX_BODY`` bytes of the body."""

    __slots__ = ("body", "headers", "message", "started")

    def __init__(self, message: Message, started: float) -> None:
        self.message = message
        self.started = started
        self.headers: list[bytes] = []
        self.body = b""

    def write(self, data: bytes) -> int:
        room = MAX_BODY - len(self.body)
        self.body += data[:room]
        return min(len(data), room)  # Less than was offered ends the transfer.


class Sender:
    """Sends what is submitted and hands out results; every message gives exactly one.

    ``wake_fd`` is a file descriptor whose readability ends a ``poll`` early (its owner drains it).
    Not for use from several threads.
    """

    def __init__(
        self,
        *,
        wake_fd: int | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
        total_timeout: float = TOTAL_TIMEOUT,
    ) -> None:
        self._timeouts = (connect_timeout, total_timeout)
        self._loop = EventLoop(wake_fd)
        self._queue: deque[Message] = deque()
        self._transfers: dict[Any, _Transfer] = {}  # the oldest first
        self._idle: dict[bool, list[Any]] = {True: [], False: []}  # handles by "plain http"
        self._windows: dict[str, Window] = {}
        self._results: list[Result] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def in_flight(self) -> int:
        """Messages submitted whose results have not been handed out."""
        return len(self._queue) + len(self._transfers) + len(self._results)

    def slots(self, service: str) -> int:
        """How many more messages this service should be given now."""
        return self._window(service).free

    def submit(self, messages: Iterable[Message]) -> None:
        """Take messages. They go out while ``poll`` runs."""
        for message in messages:
            self._window(message.service).in_flight += 1
            self._queue.append(message)

    def poll(self, timeout: float) -> list[Result]:
        """Work for at most ``timeout`` seconds, or until there are results or the wake-up."""
        until = time.monotonic() + timeout
        woken = False
        while True:
            self._launch()
            wait = 0.0 if self._queue or self._results else until - time.monotonic()
            if self._transfers:
                wait = min(wait, self._oldest_ends_at() - time.monotonic())
            woken = self._loop.drive(wait) or woken
            self._collect()
            if self._results or woken or time.monotonic() >= until:
                results, self._results = self._results, []
                return results

    def close(self) -> None:
        """Drop what is in flight (no results come for it) and all connections."""
        self._loop.close()
        for handle in (*self._transfers, *self._idle[True], *self._idle[False]):
            handle.close()
        self._transfers.clear()
        self._idle = {True: [], False: []}
        self._queue.clear()

    def _window(self, service: str) -> Window:
        window = self._windows.get(service)
        if window is None:
            window = self._windows[service] = Window()
        return window

    def _launch(self) -> None:
        """Encrypt the next few messages and give them to curl."""
        for _count in range(min(_BATCH, len(self._queue))):
            message = self._queue.popleft()
            try:
                self._start(message)
            except UnknownKeyError:
                self._finish(message, Answer(Outcome.MISMATCH, None, "unknown_key"))
            except PlaintextTooLongError:
                self._finish(message, Answer(Outcome.REJECTED, None, "too_long"))
            except EncryptionError:
                self._finish(message, Answer(Outcome.MISMATCH, None, "bad_device_keys"))
            except pycurl.error as error:
                self._finish(message, classify_failure(*error.args))
            except Exception:  # One message never takes the others with it.
                logger.exception("Delivery %s could not be prepared", message.id)
                self._finish(message, Answer(Outcome.REJECTED, None, "internal"))

    def _start(self, message: Message) -> None:
        body = encrypt(message.plaintext, message.p256dh, message.auth)
        headers = request_headers(message)
        plain = message.endpoint.startswith("http:")
        idle = self._idle[plain]
        handle = idle.pop() if idle else new_handle(plain, *self._timeouts)
        transfer = _Transfer(message, time.monotonic())
        try:
            handle.setopt(pycurl.URL, message.endpoint)
            handle.setopt(pycurl.HTTPHEADER, headers)
            handle.setopt(pycurl.POSTFIELDS, body)
            handle.setopt(pycurl.HEADERFUNCTION, transfer.headers.append)
            handle.setopt(pycurl.WRITEFUNCTION, transfer.write)
            self._loop.add(message.service, handle)
        except BaseException:
            handle.close()
            raise
        self._transfers[handle] = transfer

    def _collect(self) -> None:
        """Turn the transfers that ended into results."""
        for handle, number, text in self._loop.ended():
            self._end(handle, number, text)
        while self._transfers and self._oldest_ends_at() <= time.monotonic():
            self._end(next(iter(self._transfers)), _TIMED_OUT, "")

    def _oldest_ends_at(self) -> float:
        oldest = next(iter(self._transfers.values()))
        return oldest.started + self._timeouts[1] + _GRACE

    def _end(self, handle: Any, number: int, text: str) -> None:
        transfer = self._transfers.pop(handle)
        status = int(handle.getinfo(pycurl.RESPONSE_CODE))
        elapsed = float(handle.getinfo(pycurl.TOTAL_TIME)) or time.monotonic() - transfer.started
        message = transfer.message
        if number == _TIMED_OUT:
            self._loop.retire(handle)
        self._loop.remove(handle)
        self._idle[message.endpoint.startswith("http:")].append(handle)
        try:
            answer = _understand(transfer, status, number, text)
        except Exception:  # One answer never takes the others with it.
            logger.exception("The answer to delivery %s could not be read", message.id)
            answer = Answer(Outcome.NETWORK, None, "internal")
        self._finish(message, answer, elapsed, transfer.started)

    def _finish(
        self, message: Message, answer: Answer, elapsed: float = 0.0, started: float | None = None
    ) -> None:
        window = self._window(message.service)
        window.in_flight -= 1
        if started is not None:
            window.learn(answer, elapsed, started, time.monotonic())
        self._results.append(Result(message, answer, round(elapsed * 1000)))


def _understand(transfer: _Transfer, status: int, number: int, text: str) -> Answer:
    # A status with all its headers is an answer, however the body behind it ended.
    whole = bool(transfer.headers) and transfer.headers[-1] in (b"\r\n", b"\n")
    if status >= 200 and (number == 0 or whole):
        headers = parse_headers(transfer.headers)
        service = transfer.message.service
        return classify(status, headers, transfer.body, service, time.time())
    return classify_failure(number, text)
