"""The state: sessions, idempotency keys, events. One lock for all of it."""

import copy
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.fake_stripe import sessions
from tests.fake_stripe.refusals import RefusalError

type Answer = tuple[int, dict[str, Any]]


class Store:
    """``tell`` is called with each new event, outside of the lock."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self.lock = threading.RLock()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, list[str]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, tuple[str, Answer | None]] = {}
        self._tell = tell

    def clear(self) -> None:
        with self.lock:
            for kept in (self.sessions, self.orders, self.events, self._answers):
                kept.clear()

    def once(
        self, key: str, path: str, body: bytes, work: Callable[[], Answer]
    ) -> tuple[Answer, bool]:
        """``work``'s answer, or the stored one of the same key; and whether it is that one.

        https://docs.stripe.com/api/idempotent_requests: other parameters are refused, and so is a
        request whose first one still runs. A 500 is stored as well.
        """
        if not key:
            return work(), False
        print_ = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
        with self.lock:
            stored = self._answers.get(key)
            if stored is None:
                self._answers[key] = (print_, None)
        if stored is not None:
            return self._replay(key, print_, stored), True
        try:
            answer = work()
        except RefusalError as refusal:
            answer = (refusal.status, refusal.body)
        except BaseException:
            with self.lock:
                del self._answers[key]
            raise
        with self.lock:
            self._answers[key] = (print_, answer)
        return answer, False

    def _replay(self, key: str, print_: str, stored: tuple[str, Answer | None]) -> Answer:
        if stored[0] != print_:
            raise RefusalError(
                400,
                f"Keys for idempotent requests can only be used with the same parameters: {key}",
                kind="idempotency_error",
            )
        if stored[1] is None:
            raise RefusalError(
                409, "Another request with this key runs.", code="idempotency_key_in_use"
            )
        return stored[1]

    def create(self, params: Mapping[str, Any], page: str) -> dict[str, Any]:
        session = sessions.make(params, page)
        with self.lock:
            self.sessions[session["id"]] = session
            self.orders[session["id"]] = sessions.names_in(params["line_items"])
        return copy.deepcopy(session)

    def get(self, session_id: str) -> dict[str, Any]:
        """The session as it is now; its time may have run out. Raises ``RefusalError`` 404."""
        with self.lock:
            session = self.sessions.get(session_id)
            if session is None:
                raise RefusalError(
                    404,
                    f"No such checkout.session: '{session_id}'",
                    code="resource_missing",
                    param="session",
                )
            overdue = session["status"] == "open" and session["expires_at"] <= time.time()
            snapshot = copy.deepcopy(session)
        return self.expire(session_id) if overdue else snapshot

    def expire(self, session_id: str) -> dict[str, Any]:
        def change(session: dict[str, Any]) -> str:
            session |= {"status": "expired", "url": None}
            return "checkout.session.expired"

        return self._end(session_id, change)

    def complete(
        self, session_id: str, payment_status: str = "paid", email: str = ""
    ) -> dict[str, Any]:
        """The buyer has done their part. ``payment_status`` "unpaid": the money is on its way."""

        def change(session: dict[str, Any]) -> str:
            session |= {
                "status": "complete",
                "payment_status": payment_status,
                "url": None,
                "payment_intent": "pi_" + secrets.token_hex(12),
                "customer_details": {"email": email or session["customer_email"]},
            }
            return "checkout.session.completed"

        return self._end(session_id, change)

    def arrive(self, session_id: str, *, succeeded: bool) -> dict[str, Any]:
        """What was on its way has come, or failed."""
        with self.lock:
            session = self.sessions[session_id]
            if succeeded:
                session["payment_status"] = "paid"
            snapshot = copy.deepcopy(session)
        outcome = "succeeded" if succeeded else "failed"
        self.emit(f"checkout.session.async_payment_{outcome}", snapshot)
        return snapshot

    def tamper(self, session_id: str, **fields: Any) -> None:
        """Makes Stripe say something else about a session than what was ordered."""
        with self.lock:
            self.sessions[session_id] |= fields

    def emit(self, kind: str, about: dict[str, Any]) -> dict[str, Any]:
        event = {
            "id": "evt_" + secrets.token_hex(12),
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "data": {"object": about},
            "livemode": bool(about.get("livemode")),
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        with self.lock:
            self.events[event["id"]] = event
        self._tell(event)
        return event

    def _end(self, session_id: str, change: Callable[[dict[str, Any]], str]) -> dict[str, Any]:
        with self.lock:
            session = self.sessions.get(session_id)
            if session is None:
                self.get(session_id)  # 404
                raise AssertionError
            if session["status"] != "open":
                raise RefusalError(
                    400,
                    'Only Checkout Sessions with a status in ["open"] can be ended. This one has'
                    f" status {session['status']}.",
                    param="session",
                )
            kind = change(session)
            snapshot = copy.deepcopy(session)
        self.emit(kind, snapshot)
        return snapshot
