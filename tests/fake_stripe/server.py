"""The HTTP server. `FakeStripe` runs it in a thread; tests reach its store, sender and faults directly."""

import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fake_stripe.api import Api
from tests.fake_stripe.refusals import RefusalError
from tests.fake_stripe.store import Store
from tests.fake_stripe.webhooks import Sender

MAX_BODY = 1_000_000  # bytes


@dataclass(frozen=True)
class Fault:
    """How the next API request goes wrong. ``status`` 0 hangs up without a word; ``after`` the work is done."""

    status: int = 500
    after: bool = False
    pause: float = 0  # seconds before anything


@dataclass(frozen=True)
class Seen:
    """One API request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int


class HangUpError(Exception):
    """The connection ends here."""


class FakeStripe:
    """On one loopback port. ``webhook`` is where events go; empty for nowhere."""

    def __init__(
        self,
        port: int = 0,
        *,
        webhook: str = "",
        secret: str = "whsec_fake",
        key: str = "sk_test_fake",
        pauses: tuple[float, ...] = (0.05, 0.1, 0.2),
    ) -> None:
        self.key = key
        self.sender = Sender(webhook, secret, pauses)
        self.store = Store(self.sender.tell)
        self.faults: deque[Fault] = deque()
        self.seen: list[Seen] = []
        self.api = Api(self)
        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._http.fake = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        """What STRIPE_API_BASE is set to."""
        return f"http://localhost:{self.port}"

    def start(self) -> "FakeStripe":
        self._thread.start()
        return self

    def stop(self) -> None:
        self.sender.stop()
        if self._thread.is_alive():
            self._http.shutdown()
        self._http.server_close()

    def serve(self) -> None:
        """In the foreground, until interrupted."""
        self._http.serve_forever()

    def clear(self) -> None:
        """As new."""
        self.sender.drain()
        self.store.clear()
        self.faults.clear()
        self.seen.clear()
        self.sender.attempts.clear()
        self.sender.delay = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "FakeStripe"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""

    def _answer(self, method: str) -> None:
        fake: FakeStripe = self.server.fake  # type: ignore[attr-defined]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MAX_BODY))
        path = self.path.partition("?")[0].partition("#")[0]
        is_api = path.startswith("/v1/")
        fault = fake.faults.popleft() if is_api and fake.faults else None
        try:
            status, headers, content = self._work(fake, method, path, body, fault)
        except HangUpError:
            self.close_connection = True
            return
        if is_api:
            seen = Seen(method, path, dict(self.headers.items()), body, status)
            fake.seen.append(seen)
        self._send(status, headers, content)

    def _work(
        self, fake: FakeStripe, method: str, path: str, body: bytes, fault: Fault | None
    ) -> tuple[int, dict[str, str], bytes]:
        if fault is not None:
            time.sleep(fault.pause)
            if not fault.after:
                return self._fail(fault)
        try:
            done = fake.api.answer(method, path, self.headers, body)
        except RefusalError as refusal:
            done = (
                refusal.status,
                {"Content-Type": "application/json"},
                json.dumps(refusal.body, indent=2).encode(),
            )
        return self._fail(fault) if fault is not None else done

    def _fail(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        if fault.status == 0:
            raise HangUpError
        error = {"error": {"type": "api_error", "message": "An unknown error occurred."}}
        headers = {"Content-Type": "application/json", "Stripe-Should-Retry": "false"}
        return fault.status, headers, json.dumps(error).encode()

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
