"""``/events``: open tabs follow the account by server-sent events (WHATWG HTML, section 9.2).

A raw ASGI application. A stream costs a coroutine, no thread and no database connection: one poller
per process, alive while there are streams, looks on behalf of all of them. SQLite tells by ``PRAGMA
data_version`` whether anything was committed at all; PostgreSQL is simply asked, twice a second, by an
index over unread rows. (Triggers with NOTIFY would be quicker by 0.2 s, and would make every commit of
the push worker wait for PostgreSQL's one notification lock.)
"""

import asyncio
import json
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qs

from django.core import signing
from django.db import Error, connection
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Device
from push.models import Notification

__all__ = ["Live", "State", "events", "token_for"]

TOKEN_AGE = 24 * 60 * 60  # seconds
HEARTBEAT = 20.0  # seconds; proxies close what is silent for 30 or 60
POLL = {"sqlite": 0.2, "postgresql": 0.5}  # seconds
RETRY = 2000  # milliseconds until the browser asks again
OUTAGE = 2.0  # seconds between looks while the database does not answer
_SIGNER = signing.TimestampSigner(salt="push.notices.live")

type Scope = dict[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger(__name__)


def token_for(request: HttpRequest) -> str:
    """Lets this device's page in at ``/events``; empty where there is no device.

    Good for 24 hours and until the next sign-out. It gives away a number and a word, and nothing can be done with it.
    """
    device: Device | None = getattr(request, "device", None)
    return _SIGNER.sign(f"{device.public_id}.{device.sign_outs}") if device else ""


def session_of(token: str) -> str | None:
    """The device's public id and its count of sign-outs; None for a forged or stale token."""
    try:
        return _SIGNER.unsign(token, max_age=TOKEN_AGE)
    except signing.BadSignature:
        return None


@dataclass(frozen=True, slots=True)
class State:
    """``subscription``: active, stale, gone or none."""

    unread: int
    subscription: str


def states_of(sessions: Iterable[str]) -> dict[str, State]:
    """What the devices of these sessions should show. Two queries.

    A device that is not there any more, or was signed out since, is left out.
    """
    devices = {session.partition(".")[0] for session in sessions}
    rows = list(
        Device.objects.filter(public_id__in=devices, user__is_active=True).values_list(
            "public_id", "sign_outs", "pk", "user_id", "subscription__state"
        )
    )
    counts: dict[int, dict[int | None, int]] = {}
    unread = Notification.objects.filter(user__in={row[3] for row in rows}, in_bell=True).unread()
    for user, caused_on, number in (
        unread.order_by().values_list("user", "device").annotate(Count("pk"))
    ):
        counts.setdefault(user, {})[caused_on] = number
    return {
        f"{public_id}.{sign_outs}": State(
            # On the device that an event was caused on, its row counts as read.
            sum(number for caused_on, number in counts.get(user, {}).items() if caused_on != pk),
            subscription or "none",
        )
        for public_id, sign_outs, pk, user, subscription in rows
    }


def data_version() -> int | None:
    """Differs from the last answer when another connection has committed to SQLite; None elsewhere."""
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def disconnect() -> None:
    """Closes this thread's connection (``connection`` is another one in each)."""
    connection.close()


def server_is_stopping() -> bool:
    """Whether uvicorn is shutting down: it waits for open responses, and says so nowhere else.

    Its signal handler is a method of the server.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


@dataclass(eq=False, slots=True)
class Stream:
    """One open tab."""

    session: str
    state: State | None = None
    refused: bool = False
    closed: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, state: State | None) -> None:
        """None: the device is not there any more, or signed out."""
        if state is None:
            self.refused = True
            self.close()
        elif state != self.state:
            self.state = state
            self.news.set()

    def close(self) -> None:
        self.closed = True
        self.news.set()


class Live:
    """The application, and the streams of one event loop."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()
        self._newcomer = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._version: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await _refuse(send, 405, _("Only GET is understood here."))
            return
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        session = session_of(token)
        if session is None:
            await _refuse(
                send,
                403,
                _("The token of this page is not valid, or older than a day. Reload the page."),
            )
            return
        stream = Stream(session)
        self._enter(stream)
        left = asyncio.ensure_future(_left(receive))
        left.add_done_callback(lambda _future: stream.close())
        try:
            await _follow(stream, send)
        finally:
            left.cancel()
            self._streams.discard(stream)
            if not self._streams:
                self._newcomer.set()  # the poller ends with the last one

    def _enter(self, stream: Stream) -> None:
        self._streams.add(stream)
        self._newcomer.set()
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        """Looks for all streams, on one thread with one connection, until there are none."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        self._version = None
        try:
            while self._streams:
                pause = await self._look(loop, thread)
                await _wait(self._newcomer, pause)
                self._newcomer.clear()
                if server_is_stopping():
                    break
        finally:
            self._poller = None
            for stream in self._streams:
                stream.close()
            await loop.run_in_executor(thread, disconnect)
            thread.shutdown(wait=False)

    async def _look(self, loop: asyncio.AbstractEventLoop, thread: ThreadPoolExecutor) -> float:
        """One round; how many seconds to wait for the next."""
        try:
            version = await loop.run_in_executor(thread, data_version)
            changed = version is None or version != self._version
            asking = [stream for stream in self._streams if changed or stream.state is None]
            if asking:
                states = await loop.run_in_executor(
                    thread, states_of, {stream.session for stream in asking}
                )
                for stream in asking:
                    stream.tell(states.get(stream.session))
            self._version = version
        except Error:
            logger.exception("Open tabs are not kept up to date: the database does not answer.")
            await loop.run_in_executor(thread, disconnect)
            self._version = None
            return OUTAGE
        return POLL.get(connection.vendor, 0.5)


async def _follow(stream: Stream, send: Send) -> None:
    """Writes one stream until it is closed: a state whenever it differs from the last one, else a sign of life."""
    await _wait(stream.news, HEARTBEAT)
    if stream.refused:
        await _refuse(send, 403, _("This device is signed out. Sign in again."))
        return
    await _begin(send, 200, "text/event-stream; charset=utf-8")
    await _write(send, f"retry: {RETRY}\n\n")
    sent: State | None = None
    while not stream.closed:
        stream.news.clear()
        if stream.state != sent:
            sent = stream.state
            await _write(
                send, f"event: state\ndata: {json.dumps(asdict(sent))}\n\n" if sent else ""
            )
        if not await _wait(stream.news, HEARTBEAT):
            await _write(send, ": still here\n\n")
    await send({"type": "http.response.body", "body": b""})


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """False when nothing happened for that long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _left(receive: Receive) -> None:
    """Until the browser is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _begin(send: Send, status: int, content_type: str) -> None:
    headers = {
        "content-type": content_type,
        "cache-control": "no-store",
        "x-accel-buffering": "no",  # nginx passes each event on at once
        "x-content-type-options": "nosniff",
    }
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int, words: str) -> None:
    await _begin(send, status, "text/plain; charset=utf-8")
    await send({"type": "http.response.body", "body": words.encode()})


events = Live()
