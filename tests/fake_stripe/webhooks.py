"""Signed webhooks, each sent from a thread of its own, and again until it is taken."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


def sign(body: bytes, secret: str, at: int | None = None) -> str:
    """The ``Stripe-Signature`` header. https://docs.stripe.com/webhooks#verify-manually"""
    at = int(time.time()) if at is None else at
    signature = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signature}"


def post(url: str, body: bytes, signature: str) -> int:
    """The answer's status. Raises ``OSError`` or ``HTTPException`` when there is none."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature}
        connection.request("POST", parts.path or "/", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@dataclass
class Attempt:
    """``status`` 0: nobody answered."""

    event: str
    type: str
    status: int


@dataclass
class Sender:
    """``url`` empty: nobody is told. ``pauses`` in seconds, one after each failed attempt."""

    url: str
    secret: str
    pauses: tuple[float, ...] = (1, 2, 4, 8, 15, 30, 60, 120, 300)
    delay: float = 0
    attempts: list[Attempt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._threads: set[threading.Thread] = set()
        self._stopping = threading.Event()

    def tell(self, event: dict[str, Any]) -> None:
        if self.url:
            thread = threading.Thread(target=self._send_until_taken, args=(event,), daemon=True)
            self._threads.add(thread)
            thread.start()

    def drain(self) -> None:
        """Waits until everything that was told has been sent, or given up."""
        while self._threads:
            for thread in list(self._threads):
                thread.join()
                self._threads.discard(thread)

    def stop(self) -> None:
        self._stopping.set()
        self.drain()

    def send(self, event: dict[str, Any]) -> int:
        """One attempt, now; the answer's status, 0 for none."""
        body = json.dumps(event, indent=2).encode()
        try:
            status = post(self.url, body, sign(body, self.secret))
        except (OSError, http.client.HTTPException):
            status = 0
        self.attempts.append(Attempt(event["id"], event["type"], status))
        return status

    def _send_until_taken(self, event: dict[str, Any]) -> None:
        self._stopping.wait(self.delay)
        for pause in (*self.pauses, 0):
            if self._stopping.is_set() or 200 <= self.send(event) < 300:
                return
            self._stopping.wait(pause)
