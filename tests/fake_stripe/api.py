"""What each path answers: `/v1/…` for programs, `/c/pay/…` for people, `/_admin/…` for tests by hand."""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from tests.fake_stripe import form, page
from tests.fake_stripe.refusals import RefusalError

if TYPE_CHECKING:
    from tests.fake_stripe.server import FakeStripe

type Response = tuple[int, dict[str, str], bytes]
type Headers = Mapping[str, str]

SESSIONS = "/v1/checkout/sessions"
VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?")
ADMIN = re.compile(r"/_admin/(sessions|events)/(\w+)/(pay|expire|arrive|fail|tamper|replay)")


class Api:
    def __init__(self, fake: "FakeStripe") -> None:
        self.fake = fake

    def answer(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        """Status, headers, body. Raises ``RefusalError``."""
        if path.startswith("/v1/"):
            return self._program(method, path, headers, body)
        if path.startswith("/c/pay/"):
            return self._person(method, path.removeprefix("/c/pay/"), body)
        if match := ADMIN.fullmatch(path):
            return self._admin(match, body)
        if path == "/_admin/delay":
            self.fake.sender.delay = float(json.loads(body)["seconds"])
            return _json(200, {"seconds": self.fake.sender.delay})
        if path == "/":
            return _html(
                200, page.LAYOUT.substitute(content="<p>A pretend Stripe for demonstrations.</p>")
            )
        raise RefusalError(404, f"Unrecognized request URL ({method}: {path}).")

    def _program(self, method: str, path: str, headers: Headers, body: bytes) -> Response:
        self._check_headers(method, headers, body)
        key = headers.get("Idempotency-Key", "") if method == "POST" else ""
        if len(key) > 255:
            raise RefusalError(400, "Idempotency keys have at most 255 characters.")
        work = self._route(method, path, body)
        (status, answer), replayed = self.fake.store.once(key, path, body, work)
        extra = {"Idempotent-Replayed": "true"} if replayed else {}
        return _json(status, answer, extra | {"Request-Id": "req_" + secrets.token_hex(7)})

    def _check_headers(self, method: str, headers: Headers, body: bytes) -> None:
        scheme, _space, key = headers.get("Authorization", "").partition(" ")
        if not key:
            raise RefusalError(401, "You did not provide an API key.")
        if scheme != "Bearer" or key != self.fake.key:
            raise RefusalError(401, f"Invalid API Key provided: {key[:8]}***")
        if not VERSION.fullmatch(headers.get("Stripe-Version", "")):
            raise RefusalError(400, "Invalid Stripe API version: send Stripe-Version.")
        kind = headers.get("Content-Type", "").partition(";")[0]
        if method == "POST" and body and kind != "application/x-www-form-urlencoded":
            raise RefusalError(400, f"Invalid request: Content-Type {kind} is not form-encoded.")

    def _route(
        self, method: str, path: str, body: bytes
    ) -> Callable[[], tuple[int, dict[str, Any]]]:
        store = self.fake.store
        if path == SESSIONS and method == "POST":
            return lambda: (200, store.create(form.parse(body), f"{self.fake.url}/c/pay"))
        if match := re.fullmatch(f"{SESSIONS}/([A-Za-z0-9_]+)(/expire)?", path):
            if method == "GET" and not match[2]:
                return lambda: (200, store.get(match[1]))
            if method == "POST" and match[2]:
                return lambda: (200, store.expire(match[1]))
        raise RefusalError(404, f"Unrecognized request URL ({method}: {path}).")

    def _person(self, method: str, session_id: str, body: bytes) -> Response:
        store = self.fake.store
        try:
            session = store.get(session_id)
        except RefusalError:
            return _html(404, page.unknown())
        if session["status"] != "open":
            return _html(200, page.ended(session))
        if method != "POST":
            return _html(200, page.paying(session, store.orders[session_id]))
        fields = dict(parse_qsl(body.decode(errors="replace")))
        if fields.get("action") == "expire":
            return _html(200, page.ended(store.expire(session_id)))
        card = re.sub(r"[ -]", "", fields.get("card", ""))
        outcomes = {
            page.GOOD_CARD.replace(" ", ""): "paid",
            page.SLOW_CARD.replace(" ", ""): "unpaid",
        }
        if card not in outcomes:
            words = (
                "Your card was declined."
                if card == page.DECLINED_CARD.replace(" ", "")
                else "No pretend card."
            )
            return _html(402, page.paying(session, store.orders[session_id], words))
        store.complete(session_id, outcomes[card], fields.get("email", ""))
        back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
        return 303, {"Location": back}, b""

    def _admin(self, match: re.Match[str], body: bytes) -> Response:
        store, name, verb = self.fake.store, match[2], match[3]
        fields = json.loads(body or b"{}")
        if match[1] == "events":
            return _json(200, {"status": self.fake.sender.send(store.events[name])})
        if verb == "pay":
            return _json(200, store.complete(name, fields.get("payment_status", "paid")))
        if verb == "expire":
            return _json(200, store.expire(name))
        if verb == "tamper":
            store.tamper(name, **fields)
            return _json(200, store.get(name))
        return _json(200, store.arrive(name, succeeded=verb == "arrive"))


def _json(status: int, answer: Mapping[str, Any], headers: Headers | None = None) -> Response:
    kind = {"Content-Type": "application/json"}
    return status, kind | dict(headers or {}), json.dumps(answer, indent=2).encode()


def _html(status: int, text: str) -> Response:
    return status, {"Content-Type": "text/html; charset=utf-8"}, text.encode()
