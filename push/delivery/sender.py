"""Many messages to many outcomes over one libcurl loop: HTTP, no database (RFC 8030 §5).

One thread, one epoll, HTTP/2 with many streams a connection where the service speaks it,
kept-alive HTTP/1.1 where it does not. The next messages are encrypted while the network works.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

import pycurl
from django.conf import settings

from push.delivery.answers import Answer, Outcome, classify, classify_failure, conceal
from push.delivery.connection import MAX_BODY, MAX_CONNECTIONS, new_handle
from push.delivery.encryption import EncryptionError, PlaintextTooLongError, encrypt
from push.delivery.event_loop import EventLoop
from push.delivery.request import Message, parse_headers, request_headers, secrets_of
from push.delivery.vapid import UnknownKeyError
from push.delivery.window import Window

logger = logging.getLogger(__name__)

__all__ = ["Message", "Result", "Sender"]

# Messages encrypted between two looks at the network: about 5 ms. In smaller turns encryption and
# network push each other out of the processor's cache, which costs a tenth.
_BATCH = 64
_URGENT = ("high", "normal")  # RFC 8030 §5.3
_GRACE = 0.5  # Seconds after which a transfer is ended here, should libcurl not have ended it.
_TIMED_OUT = 28
_HTTP_1 = b"HTTP/1"


class Result(NamedTuple):
    """What became of a message, and in how many milliseconds from request to answer."""

    message: Message
    answer: Answer
    elapsed_ms: int


class _Exchange:
    """A handle with what its present request has heard; at most ``MAX_BODY`` bytes of the body.

    Reused, as its handle is: what does not change from one message to the next is set up once.
    """

    __slots__ = ("body", "handle", "lines", "message", "plain", "sent_headers", "started")

    message: Message

    def __init__(self, plain: bool, timeouts: tuple[float, float]) -> None:
        self.plain = plain
        self.handle = new_handle(plain, *timeouts)
        self.lines: list[bytes] = []  # of the answer's head
        self.body = b""
        self.sent_headers: tuple[str, ...] = ()
        self.started = 0.0
        self.handle.setopt(pycurl.HEADERFUNCTION, self.lines.append)
        self.handle.setopt(pycurl.WRITEFUNCTION, self.write)

    def prepare(self, message: Message, headers: tuple[str, ...], body: bytes) -> None:
        handle = self.handle
        self.message = message
        self.lines.clear()
        self.body = b""
        handle.setopt(pycurl.URL, message.endpoint)
        if headers is not self.sent_headers:
            handle.setopt(pycurl.HTTPHEADER, headers)
            self.sent_headers = headers
        handle.setopt(pycurl.POSTFIELDS, body)
        self.started = time.monotonic()

    def write(self, data: bytes) -> int:
        room = MAX_BODY - len(self.body)
        self.body += data[:room]
        return min(len(data), room)  # Less than was offered ends the transfer.


class Sender:
    """Sends what is submitted and hands out results; every message gives exactly one.

    ``wake_fd`` is a file descriptor whose readability ends a ``poll`` early (its owner drains it).
    Time-outs are in seconds; unless given they are those of the settings. Not for use from several
    threads.
    """

    def __init__(
        self,
        *,
        wake_fd: int | None = None,
        connect_timeout: float | None = None,
        total_timeout: float | None = None,
    ) -> None:
        self._limits: dict[str, int] = settings.WEBPUSH_LIMITS
        self._timeouts = (
            connect_timeout or self._limits["CONNECT_TIMEOUT"],
            total_timeout or self._limits["TOTAL_TIMEOUT"],
        )
        self._loop = EventLoop(wake_fd)
        self._urgent: deque[Message] = deque()
        self._queue: deque[Message] = deque()  # the others
        self._exchanges: dict[Any, _Exchange] = {}  # by handle, the oldest first
        self._idle: dict[bool, list[_Exchange]] = {True: [], False: []}  # by "plain http"
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
        queued = len(self._urgent) + len(self._queue)
        return queued + len(self._exchanges) + len(self._results)

    def slots(self, service: str) -> int:
        """How many more messages this service should be given now."""
        return self._window(service).free

    def submit(self, messages: Iterable[Message]) -> None:
        """Take messages. They go out while ``poll`` runs, the urgent ones before all others."""
        for message in messages:
            self._window(message.service).in_flight += 1
            queue = self._urgent if message.urgency in _URGENT else self._queue
            queue.append(message)

    def poll(self, timeout: float) -> list[Result]:
        """Work for at most ``timeout`` seconds, or until there are results or the wake-up."""
        until = time.monotonic() + timeout
        woken = False
        while True:
            self._launch()
            is_busy = self._urgent or self._queue or self._results
            wait = 0.0 if is_busy else until - time.monotonic()
            if self._exchanges:
                wait = min(wait, self._oldest_ends_at() - time.monotonic())
            woken = self._loop.drive(wait) or woken
            self._collect()
            if self._results or woken or time.monotonic() >= until:
                results, self._results = self._results, []
                return results

    def close(self) -> None:
        """Drop what is in flight (no results come for it) and all connections."""
        self._loop.close()
        for exchange in (*self._exchanges.values(), *self._idle[True], *self._idle[False]):
            exchange.handle.close()
        self._exchanges.clear()
        self._idle = {True: [], False: []}
        self._urgent.clear()
        self._queue.clear()

    def _window(self, service: str) -> Window:
        window = self._windows.get(service)
        if window is None:
            window = self._windows[service] = Window(
                floor=self._limits["IN_FLIGHT_MIN"],
                start=self._limits["IN_FLIGHT_START"],
                ceiling=self._limits["IN_FLIGHT_MAX"],
            )
        return window

    def _launch(self) -> None:
        """Encrypt the next few messages, then give them all to curl; urgent ones wait for no others.

        In turns, the two would push each other out of the processor's cache.
        """
        queue = self._urgent or self._queue
        ready = []
        for _count in range(min(_BATCH, len(queue))):
            message = queue.popleft()
            try:
                body = encrypt(message.plaintext, message.p256dh, message.auth)
                ready.append((message, request_headers(message), body))
            except Exception as error:  # One message never takes the others with it.
                self._finish(message, _no_request(message, error))
        for message, headers, body in ready:
            try:
                self._start(message, headers, body)
            except Exception as error:
                self._finish(message, _no_request(message, error))

    def _start(self, message: Message, headers: tuple[str, ...], body: bytes) -> None:
        plain = message.endpoint.startswith("http:")
        idle = self._idle[plain]
        exchange = idle.pop() if idle else _Exchange(plain, self._timeouts)
        handle = exchange.handle
        try:
            exchange.prepare(message, headers, body)
            self._loop.add(message.service, handle)
        except BaseException:
            handle.close()
            raise
        self._exchanges[handle] = exchange

    def _collect(self) -> None:
        """Turn the transfers that ended into results."""
        for handle, number, text in self._loop.ended():
            self._end(handle, number, text)
        while self._exchanges and self._oldest_ends_at() <= time.monotonic():
            self._end(next(iter(self._exchanges)), _TIMED_OUT, "")

    def _oldest_ends_at(self) -> float:
        oldest = next(iter(self._exchanges.values()))
        return oldest.started + self._timeouts[1] + _GRACE

    def _end(self, handle: Any, number: int, text: str) -> None:
        exchange = self._exchanges.pop(handle)
        status = int(handle.getinfo(pycurl.RESPONSE_CODE))
        if number == _TIMED_OUT:
            self._loop.retire(handle)
        self._loop.remove(handle)
        try:
            answer = _understand(exchange, status, number, text)
        except Exception:  # One answer never takes the others with it.
            logger.exception("The answer to delivery %s could not be read", exchange.message.id)
            answer = Answer(Outcome.NETWORK, None, "internal")
        if exchange.lines and exchange.lines[0].startswith(_HTTP_1) and _is_http_1(handle):
            # What waits for a connection waits within libcurl, where its time-out runs already.
            self._window(exchange.message.service).keep_to(MAX_CONNECTIONS)
        self._idle[exchange.plain].append(exchange)
        self._finish(exchange.message, answer, exchange.started)

    def _finish(self, message: Message, answer: Answer, started: float | None = None) -> None:
        window = self._window(message.service)
        window.in_flight -= 1
        elapsed = 0.0
        if started is not None:
            now = time.monotonic()
            elapsed = now - started
            window.learn(answer, elapsed, started, now)
        if answer.detail:
            answer = answer._replace(detail=conceal(answer.detail, secrets_of(message)))
        self._results.append(Result(message, answer, round(elapsed * 1000)))


def _is_http_1(handle: Any) -> bool:
    """Was it the service that spoke HTTP/1, and not a proxy on the way to it?"""
    version = int(handle.getinfo(pycurl.INFO_HTTP_VERSION))
    return 0 < version < int(pycurl.CURL_HTTP_VERSION_2_0)


def _no_request(message: Message, error: Exception) -> Answer:
    """Why a message could not be sent at all."""
    match error:
        case UnknownKeyError():
            return Answer(Outcome.MISMATCH, None, "unknown_key")
        case PlaintextTooLongError():
            return Answer(Outcome.REJECTED, None, "too_long")
        case EncryptionError():
            return Answer(Outcome.MISMATCH, None, "bad_device_keys")
        case pycurl.error():
            return classify_failure(*error.args)
    logger.error("Delivery %s could not be prepared", message.id, exc_info=error)
    return Answer(Outcome.REJECTED, None, "internal")


def _understand(exchange: _Exchange, status: int, number: int, text: str) -> Answer:
    # A status with all its headers is an answer, however the body behind it ended.
    lines = exchange.lines
    whole = bool(lines) and lines[-1] in (b"\r\n", b"\n")
    if status >= 200 and (number == 0 or whole):
        service = exchange.message.service
        return classify(status, parse_headers(lines), exchange.body, service, time.time())
    return classify_failure(number, text)
