"""The pretend Stripe refuses what Stripe refuses; else tests against it would prove nothing."""

import http.client
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fake_stripe import FakeStripe
from tests.fake_stripe.webhooks import Sender

ROOT = Path(__file__).resolve().parent.parent.parent
ORDER = {
    "mode": "payment",
    "success_url": "https://shop.example/?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example/cart",
    "line_items[0][quantity]": "2",
    "line_items[0][price_data][currency]": "eur",
    "line_items[0][price_data][unit_amount]": "625",
    "line_items[0][price_data][product_data][name]": "<Mug>",
}


def ask(stripe: FakeStripe, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """The answer, read: status, headers and ``body`` (parsed when it is JSON)."""
    given = {"Authorization": f"Bearer {stripe.key}", "Stripe-Version": "2026-10-28.endive"}
    given |= {name.replace("_", "-"): text for name, text in headers.items()}
    if isinstance(body, dict):
        body = urlencode(body)
        given.setdefault("Content-Type", "application/x-www-form-urlencoded")
    connection = http.client.HTTPConnection("127.0.0.1", stripe.port, timeout=10)
    connection.request(method, path, body, {name: text for name, text in given.items() if text})
    answer = connection.getresponse()
    text = answer.read().decode()
    is_json = answer.headers["Content-Type"] == "application/json"
    answer.body = json.loads(text) if is_json else text  # type: ignore[attr-defined]
    connection.close()
    return answer


def made(stripe: FakeStripe, **change: str) -> Any:
    return ask(stripe, "POST", "/v1/checkout/sessions", ORDER | change).body


def test_a_session_is_made_and_retrieved(stripe: FakeStripe) -> None:
    session = made(stripe)
    assert (session["amount_total"], session["status"]) == (1250, "open")
    assert ask(stripe, "GET", f"/v1/checkout/sessions/{session['id']}").body == session


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer sk_test_other"}, 401),
        ({"Stripe_Version": ""}, 400),
        ({"Stripe_Version": "latest"}, 400),
        ({"Content_Type": "application/json"}, 400),
        ({"Idempotency_Key": "x" * 256}, 400),
    ],
)
def test_headers_matter(stripe: FakeStripe, headers: dict[str, str], status: int) -> None:
    assert ask(stripe, "POST", "/v1/checkout/sessions", ORDER, **headers).status == status


@pytest.mark.parametrize(
    "change",
    [
        {"mode": ""},
        {"mode": "subscription"},
        {"success_url": ""},
        {"success_url": "nowhere"},
        {"color": "red"},
        {"customer_email": "nobody"},
        {"expires_at": "1"},
        {"line_items[0][quantity]": "2.0"},
        {"line_items[0][price_data][unit_amount]": "-5"},
        {"line_items[0][price_data][unit_amount]": "1"},
        {"line_items[0][price_data][unit_amount]": "99999999"},
        {"line_items[0][price_data][currency]": "EURO"},
        {"line_items[0][price_data][product_data][name]": ""},
        {"client_reference_id": "x" * 201},
    ],
)
def test_what_stripe_refuses_is_refused(stripe: FakeStripe, change: dict[str, str]) -> None:
    answer = ask(stripe, "POST", "/v1/checkout/sessions", ORDER | change)
    assert answer.status == 400
    assert answer.body["error"]["type"] == "invalid_request_error"
    assert not stripe.store.sessions


def test_an_idempotency_key_repeats_the_answer_and_refuses_another_request(
    stripe: FakeStripe,
) -> None:
    first, again = (
        ask(stripe, "POST", "/v1/checkout/sessions", ORDER, Idempotency_Key="k")
        for _time in range(2)
    )
    assert again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"
    other = ask(
        stripe, "POST", "/v1/checkout/sessions", ORDER | {"locale": "de"}, Idempotency_Key="k"
    )
    assert (other.status, other.body["error"]["type"]) == (400, "idempotency_error")


def test_only_open_sessions_expire_and_unknown_ones_are_missing(stripe: FakeStripe) -> None:
    path = f"/v1/checkout/sessions/{made(stripe)['id']}/expire"
    assert ask(stripe, "POST", path).body["status"] == "expired"
    assert ask(stripe, "POST", path).status == 400
    missing = ask(stripe, "GET", "/v1/checkout/sessions/cs_test_no")
    assert (missing.status, missing.body["error"]["code"]) == (404, "resource_missing")


def test_a_person_sees_that_it_is_a_demo_and_pays(stripe: FakeStripe) -> None:
    session = made(stripe)
    path = f"/c/pay/{session['id']}"
    page = ask(stripe, "GET", path).body
    assert "DEMO – no real money" in page
    assert "12.50 EUR" in page
    assert "2 × &lt;Mug&gt;" in page
    declined = ask(stripe, "POST", path, {"action": "pay", "card": "4000 0000 0000 0002"})
    assert (declined.status, "declined" in declined.body) == (402, True)
    paid = ask(stripe, "POST", path, {"action": "pay", "card": "4242424242424242"})
    assert (paid.status, paid.headers["Location"]) == (
        303,
        f"https://shop.example/?s={session['id']}",
    )
    assert "is paid for" in ask(stripe, "GET", path).body
    assert stripe.store.get(session["id"])["payment_status"] == "paid"


def test_a_person_lets_it_expire(stripe: FakeStripe) -> None:
    session = made(stripe)
    assert (
        "has expired" in ask(stripe, "POST", f"/c/pay/{session['id']}", {"action": "expire"}).body
    )
    assert ask(stripe, "GET", "/c/pay/cs_test_no").status == 404


def test_admin_paths_pay_tamper_and_replay(stripe: FakeStripe) -> None:
    session = made(stripe)
    admin = f"/_admin/sessions/{session['id']}"
    assert ask(stripe, "POST", f"{admin}/tamper", '{"amount_total": 1}').body["amount_total"] == 1
    assert ask(stripe, "POST", f"{admin}/pay").body["payment_status"] == "paid"
    [event] = stripe.store.events
    assert ask(stripe, "POST", f"/_admin/events/{event}/replay").body == {"status": 0}


def test_a_webhook_comes_again_until_it_is_taken() -> None:
    """The receiver is a second pretend Stripe, which hangs up twice and then answers 404."""
    receiver = FakeStripe().start()
    try:
        sender = Sender(f"{receiver.url}/v1/webhook", "whsec_x", pauses=(0.01, 0.01))
        sender.tell({"id": "evt_1", "type": "x"})
        sender.drain()
        assert [attempt.status for attempt in sender.attempts] == [401, 401, 401]
        assert re.fullmatch(r"t=\d+,v1=[0-9a-f]{64}", receiver.seen[0].headers["Stripe-Signature"])
    finally:
        receiver.stop()


def test_it_runs_by_hand() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_stripe", "--port", "0"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert "A pretend Stripe answers at http://localhost:" in process.stdout.readline()
    process.terminate()
    process.communicate()
    assert process.returncode == 0
