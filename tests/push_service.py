"""A push service to test against: as strict as the real ones, and it misbehaves when told to.

    python tests/push_service.py --port 8700

It speaks both sides. Applications post encrypted messages over HTTP (RFC 8030 and 8292), and stock
Firefox subscribes and receives over Mozilla's WebSocket protocol. See `--help` for the settings
of either, and for the admin paths with which it answers 410, 429, slowly or not at all.
"""

import argparse
import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

if not __package__:  # started by hand
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.autopush.admin import HELP
from tests.autopush.server import Server
from tests.autopush.store import Channel, Fault, Record, Store
from tests.autopush.subscriber import Subscriber
from tests.autopush.validation import Rules, decode


class PushService:
    """One service on one loopback port, in a thread of its own."""

    def __init__(
        self,
        port: int = 0,
        *,
        certificate: tuple[str, str] | None = None,
        allow_zero_ttl: bool = False,
        allow_local_subject: bool = False,
    ) -> None:
        """`certificate` is (certificate file, key file) in PEM and makes it TLS."""
        self.store = Store()
        self.port = port
        self.certificate = certificate
        self.allow_zero_ttl = allow_zero_ttl
        self.allow_local_subject = allow_local_subject
        self._server: Server
        self._stopped: asyncio.Event
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._problem: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="push service", daemon=True)

    # Starting, stopping, addresses

    def start(self) -> "PushService":
        """Listen; returns itself. OSError when the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._problem:
            raise self._problem
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()

    @property
    def host(self) -> str:
        """`host:port`, as WEBPUSH_EXTRA_HOSTS wants it."""
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        """What endpoints begin with, and what a VAPID token must name as its audience."""
        return f"{'https' if self.certificate else 'http'}://{self.host}"

    @property
    def websocket_url(self) -> str:
        """For Firefox's `dom.push.serverURL`."""
        return f"{'wss' if self.certificate else 'ws'}://{self.host}/ws"

    # Subscriptions

    def subscriber(self, key: bytes | str | None = None) -> Subscriber:
        """A subscriber without a browser; `key` is the application server's public key."""
        raw = decode(key) if isinstance(key, str) else key
        channel = self.store.subscribe(raw)
        return Subscriber(self.store, self.endpoint_of(channel), channel.token)

    def endpoint_of(self, channel: Channel) -> str:
        """The URL that messages for this subscription are posted to."""
        return self._server.endpoint_of(channel)

    def token_of(self, endpoint: str) -> str:
        """The subscription's name in this service, of an endpoint."""
        return urlsplit(endpoint).path.rpartition("/")[2]

    def remove(self, endpoint: str) -> None:
        """Answer 410 for this subscription from now on. The browser is not told."""
        self.store.remove(self.token_of(endpoint))

    # What came

    @property
    def requests(self) -> list[Record]:
        """Every request so far, oldest first, the admin's own left out."""
        return list(self.store.log)

    @property
    def posts(self) -> list[Record]:
        """Every message posted so far, whatever the answer was."""
        return [record for record in self.requests if record.method == "POST"]

    def wait_for_posts(self, count: int, timeout: float = 10) -> list[Record]:
        """The posts, once there are `count` that were decided on; TimeoutError (seconds) else."""
        self.wait(lambda: len([r for r in self.posts if r.status]) >= count, timeout)
        return self.posts

    def wait[T](self, condition: Callable[[], T], timeout: float = 10) -> T:
        """The first true value of a condition on this service; TimeoutError after seconds."""
        return self.store.wait(condition, timeout, "What the test waits for at the push service")

    def print_requests(self) -> None:
        """Say each request and its answer on the console, for ever."""
        log, seen = self.store.log, 0
        while True:
            with self.store.changed:
                while len(log) == seen:
                    self.store.changed.wait()
                fresh, seen = log[seen:], len(log)
            for record in fresh:
                print(f"{record.method} {record.path[:24]}… {record.problem or 'in order'}")

    # Misbehaviour

    def answer(self, status: int, *, retry_after: str | int | None = None, **fault: Any) -> Fault:
        """Answer `status`. Fault says what else: `token`, `times`, `body`, `deliver`, …"""
        headers: Mapping[str, str] = fault.pop("headers", {})
        if retry_after is not None:
            headers = {**headers, "Retry-After": str(retry_after)}
        return self.misbehave(Fault(status=status, headers=headers, **fault))

    def slowly(self, delay: float, **fault: Any) -> Fault:
        """Give the right answer, `delay` seconds late."""
        return self.misbehave(Fault(delay=delay, **fault))

    def stall(self, **fault: Any) -> Fault:
        """Take requests and never answer."""
        return self.misbehave(Fault(silence="stall", **fault))

    def hang_up(self, **fault: Any) -> Fault:
        """Reset the connection when a request has come."""
        return self.misbehave(Fault(silence="reset", **fault))

    def misbehave(self, fault: Fault) -> Fault:
        """Do what the fault says; the newest one that fits a request wins."""
        with self.store.changed:
            self.store.faults.append(fault)
        return fault

    def behave(self) -> None:
        """Answer as a real service does again."""
        with self.store.changed:
            self.store.faults.clear()

    def clear(self) -> None:
        """Forget requests and faults; browsers keep their subscriptions."""
        with self.store.changed:
            self.store.faults.clear()
            self.store.log.clear()

    # The thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stopped = asyncio.Event()
        try:
            listener = await self._listen()
        except OSError as error:
            self._problem = error
            return
        finally:
            self._ready.set()
        await self._stopped.wait()
        listener.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> asyncio.Server:
        with socket.create_server(("127.0.0.1", self.port), backlog=1024) as listener:
            self.port = listener.getsockname()[1]
            context = None
            if self.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(*self.certificate)
            rules = Rules(self.origin, self.allow_zero_ttl, self.allow_local_subject)
            self._server = Server(self.store, rules)
            return await asyncio.start_server(
                self._server.connection, sock=listener.dup(), ssl=context
            )


def settings_for(service: PushService) -> str:
    """What the application and the browser must be told, for a by-hand user."""
    return (
        f"Push service on {service.origin}\n"
        f"  FastLinkIt:  WEBPUSH_EXTRA_HOSTS={service.host}\n"
        f"  Firefox:     dom.push.serverURL = {service.websocket_url}\n"
        "               dom.push.testing.allowInsecureServerURL = true\n"
        f"  Requests:    curl {service.origin}/log"
    )


def main() -> None:
    """Run by hand until Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8700, help="loopback port (8700; 0: any)")
    parser.add_argument("--certificate", help="PEM file; with --key the service speaks TLS")
    parser.add_argument("--key", help="PEM file of the certificate's private key")
    parser.add_argument("--allow-zero-ttl", action="store_true", help="take TTL: 0")
    parser.add_argument(
        "--allow-local-subject", action="store_true", help="take a VAPID subject like localhost"
    )
    options = parser.parse_args()
    service = PushService(
        options.port,
        certificate=(options.certificate, options.key) if options.certificate else None,
        allow_zero_ttl=options.allow_zero_ttl,
        allow_local_subject=options.allow_local_subject,
    )
    try:
        service.start()
    except OSError as error:
        sys.exit(f"Port {options.port} cannot be used: {error}")
    print(settings_for(service), flush=True)
    try:
        service.print_requests()
    except KeyboardInterrupt:
        service.stop()


if __name__ == "__main__":
    main()
