"""The push service that the other tests rely on must itself refuse what real ones refuse."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import http_ece
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.autopush.subscriber import Subscriber
from tests.autopush.validation import decode, encode
from tests.push_service import PushService

Post = Callable[..., requests.Response]


@pytest.fixture
def vapid() -> Vapid02:
    key = Vapid02()
    key.generate_keys()
    return key


@pytest.fixture
def subscriber(push_service: PushService, vapid: Vapid02) -> Subscriber:
    return push_service.subscriber(raw_public_key(vapid))


def raw_public_key(vapid: Vapid02) -> bytes:
    numbers: ec.EllipticCurvePublicNumbers = vapid.public_key.public_numbers()
    return b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def encrypted(subscriber: Subscriber, payload: object) -> bytes:
    body = http_ece.encrypt(
        json.dumps(payload).encode(),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=subscriber.p256dh,
        auth_secret=subscriber.auth,
    )
    return bytes(body)


@pytest.fixture
def post(push_service: PushService, vapid: Vapid02, subscriber: Subscriber) -> Post:
    """Post a message that is right but for what a test changes; None leaves a header out."""

    def send(
        payload: object = "hello",
        *,
        body: bytes | None = None,
        claims: dict[str, Any] | None = None,
        endpoint: str = "",
        **changed: str | None,
    ) -> requests.Response:
        right = {
            "aud": push_service.origin,
            "exp": int(time.time()) + 12 * 3600,
            "sub": "mailto:admin@fastlinkit.org",
        }
        headers: dict[str, str | None] = {
            "Content-Encoding": "aes128gcm",
            "TTL": "60",
            **vapid.sign(right | (claims or {})),
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return requests.post(
            endpoint or subscriber.endpoint,
            data=encrypted(subscriber, payload) if body is None else body,
            headers={name: value for name, value in headers.items() if value is not None},
            timeout=5,
        )

    return send


def test_it_accepts_a_message_and_the_subscriber_can_read_it(
    push_service: PushService, subscriber: Subscriber, post: Post
) -> None:
    answer = post({"title": "A Drop"}, Urgency="high", Topic="a" * 32)
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(push_service.origin + "/m/")
    assert subscriber.messages() == [{"title": "A Drop"}]
    [record] = push_service.posts
    assert (record.status, record.problem) == (201, "")
    assert record.headers["urgency"] == "high"


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"TTL": None}, 400, "MissingTTL"),
        ({"TTL": "0"}, 400, "BadTTL"),
        ({"TTL": "-1"}, 400, "BadTTL"),
        ({"TTL": "ten"}, 400, "BadTTL"),
        ({"Urgency": "urgent"}, 400, "BadUrgency"),
        ({"Topic": "a" * 33}, 400, "BadWebPushTopic"),
        ({"Topic": "has space"}, 400, "BadWebPushTopic"),
        ({"Topic": "a" * 29}, 400, "BadWebPushTopic"),
        ({"Content_Encoding": "aesgcm"}, 400, "BadContentEncoding"),
        ({"Content_Encoding": None}, 400, "BadContentEncoding"),
        ({"Authorization": None}, 401, "MissingAuthorization"),
        ({"Authorization": "WebPush a.b.c"}, 401, "BadAuthorization"),
        ({"Authorization": "vapid t=a.b.c, k=BA"}, 401, "BadJwtToken"),
        ({"claims": {"aud": "https://push.example.com"}}, 401, "BadAudience"),
        ({"claims": {"exp": int(time.time()) + 25 * 3600}}, 401, "BadExpiry"),
        ({"claims": {"exp": int(time.time()) - 5}}, 401, "ExpiredJwtToken"),
        ({"claims": {"sub": "mailto:admin@localhost"}}, 401, "BadSubject"),
        ({"claims": {"sub": "mailto:<admin@fastlinkit.org>"}}, 401, "BadSubject"),
        ({"claims": {"sub": "mailto:mailto:admin@fastlinkit.org"}}, 401, "BadSubject"),
        ({"claims": {"sub": "https://localhost"}}, 401, "BadSubject"),
        ({"body": b""}, 400, "BadPayload"),
        ({"body": b"x" * 4097}, 413, "PayloadTooLarge"),
        ({"body": bytes(16) + b"\0\0\x10\0" + b"\x10" + bytes(200)}, 400, "BadPayload"),
        ({"body": bytes(16) + b"\0\0\x10\0" + b"\x41\x04" + bytes(200)}, 400, "BadPayload"),
    ],
)
def test_it_refuses_what_real_services_refuse(
    push_service: PushService,
    post: Post,
    subscriber: Subscriber,
    changed: dict[str, Any],
    status: int,
    reason: str,
) -> None:
    answer = post(**changed)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert subscriber.messages() == []
    assert push_service.posts[-1].problem == reason


def test_it_refuses_a_record_longer_than_the_header_block_says(
    post: Post, subscriber: Subscriber
) -> None:
    body = encrypted(subscriber, "x" * 100)
    short = body[:16] + (50).to_bytes(4, "big") + body[20:]
    assert post(body=short).json()["reason"] == "BadPayload"


def test_it_refuses_a_token_that_another_key_signed(
    push_service: PushService, post: Post, vapid: Vapid02
) -> None:
    other = Vapid02()
    other.generate_keys()
    claims = {
        "aud": push_service.origin,
        "exp": int(time.time()) + 60,
        "sub": "mailto:admin@fastlinkit.org",
    }
    honest = other.sign(claims)["Authorization"]
    assert post(Authorization=honest).json()["reason"] == "VapidPkHashMismatch"
    forged = honest.partition("k=")[0] + "k=" + encode(raw_public_key(vapid))
    assert post(Authorization=forged).json()["reason"] == "BadJwtToken"


def test_it_knows_no_subscription_but_its_own(
    push_service: PushService, subscriber: Subscriber, post: Post
) -> None:
    assert post(endpoint=subscriber.endpoint + "x").status_code == 404
    push_service.remove(subscriber.endpoint)
    assert post().status_code == 410


def test_an_accepted_message_can_be_deleted_once(post: Post) -> None:
    location = post().headers["Location"]
    assert requests.delete(location, timeout=5).status_code == 204
    assert requests.delete(location, timeout=5).status_code == 404


def test_it_answers_as_it_is_told_for_one_or_for_all(
    push_service: PushService, vapid: Vapid02, subscriber: Subscriber, post: Post
) -> None:
    push_service.answer(429, retry_after=3, token=subscriber.token, times=1)
    slowed = post()
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "3")
    assert post().status_code == 201
    push_service.answer(503)
    assert [post().status_code, post().status_code] == [503, 503]
    push_service.behave()
    assert post().status_code == 201
    assert len(subscriber.messages()) == 2
    assert [record.status for record in push_service.posts] == [429, 201, 503, 503, 201]


def test_it_can_fail_after_the_message_went_out(
    push_service: PushService, subscriber: Subscriber, post: Post
) -> None:
    push_service.answer(500, deliver=True, times=1)
    assert post().status_code == 500
    assert [m.token for m in push_service.store.messages.values()].count(subscriber.token) == 1


def test_it_resets_and_stalls_and_is_slow(push_service: PushService, post: Post) -> None:
    push_service.hang_up(times=1)
    with pytest.raises(requests.ConnectionError):
        post()
    push_service.slowly(0.2, times=1)
    before = time.monotonic()
    assert post().status_code == 201
    assert time.monotonic() - before >= 0.2
    push_service.stall(times=1)
    host, _, port = push_service.host.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /wpush/v2/x HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        push_service.wait(lambda: len(push_service.posts) == 3)
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert [record.status for record in push_service.posts] == [None, 201, None]


# The browser's side


class Browser:
    """A browser as Mozilla's protocol sees it."""

    def __init__(self, push_service: PushService, connections: ExitStack) -> None:
        self.push_service = push_service
        self.open = connections
        self.uaid = ""
        self.socket: ClientConnection

    def hello(self) -> str:
        protocols = [Subprotocol("push-notification")]
        self.socket = self.open.enter_context(
            connect(self.push_service.websocket_url, subprotocols=protocols)
        )
        answer = self.ask(messageType="hello", uaid=self.uaid, use_webpush=True)
        assert (answer["status"], answer["use_webpush"]) == (200, True)
        self.uaid = answer["uaid"]
        return self.uaid

    def ask(self, **message: object) -> dict[str, Any]:
        self.socket.send(json.dumps(message))
        return self.receive()

    def receive(self) -> dict[str, Any]:
        return dict(json.loads(self.socket.recv(timeout=5)))

    def register(self, channel_id: str, key: bytes) -> str:
        answer = self.ask(messageType="register", channelID=channel_id, key=encode(key))
        assert (answer["status"], answer["channelID"]) == (200, channel_id)
        return str(answer["pushEndpoint"])


@pytest.fixture
def browser(push_service: PushService) -> Iterator[Browser]:
    with ExitStack() as connections:
        browser = Browser(push_service, connections)
        browser.hello()
        yield browser


def adopt(subscriber: Subscriber, push_service: PushService, endpoint: str) -> None:
    subscriber.endpoint, subscriber.token = endpoint, push_service.token_of(endpoint)


def test_a_browser_gets_what_is_posted_and_acknowledges_it(
    push_service: PushService, browser: Browser, subscriber: Subscriber, post: Post, vapid: Vapid02
) -> None:
    adopt(subscriber, push_service, browser.register("one", raw_public_key(vapid)))
    version = post("hi").headers["Location"].rpartition("/")[2]
    message = browser.receive()
    assert (message["messageType"], message["channelID"]) == ("notification", "one")
    assert message["headers"] == {"encoding": "aes128gcm"}
    assert subscriber.decrypt(decode(message["data"])) == b'"hi"'
    update = {"channelID": "one", "version": message["version"], "code": 100}
    browser.socket.send(json.dumps({"messageType": "ack", "updates": [update]}))
    push_service.wait(lambda: push_service.store.messages[version].acknowledged == 100)


def test_messages_wait_for_a_browser_that_is_away_until_they_expire(
    push_service: PushService, browser: Browser, subscriber: Subscriber, post: Post, vapid: Vapid02
) -> None:
    adopt(subscriber, push_service, browser.register("one", raw_public_key(vapid)))
    browser.socket.close()
    push_service.wait(lambda: browser.uaid not in push_service.store.browsers)
    version = post("expired").headers["Location"].rpartition("/")[2]
    push_service.store.messages[version].expires_at = time.monotonic()
    post("replaced", Topic="same")
    post("last word", Topic="same")
    assert browser.hello() in push_service.store.known_uaids
    assert subscriber.decrypt(decode(browser.receive()["data"])) == b'"last word"'
    assert browser.ask() == {}


def test_a_forgotten_browser_becomes_another_one_and_its_endpoints_are_gone(
    push_service: PushService, browser: Browser, subscriber: Subscriber, post: Post, vapid: Vapid02
) -> None:
    adopt(subscriber, push_service, browser.register("one", raw_public_key(vapid)))
    known = browser.uaid
    browser.socket.close()
    assert browser.hello() == known
    push_service.store.forget(known)
    assert browser.hello() != known
    assert post().status_code == 410


def test_an_unregistered_channel_is_gone_and_registering_twice_is_one_channel(
    push_service: PushService, browser: Browser, subscriber: Subscriber, post: Post, vapid: Vapid02
) -> None:
    key = raw_public_key(vapid)
    endpoint = browser.register("one", key)
    assert browser.register("one", key) == endpoint
    adopt(subscriber, push_service, endpoint)
    answer = browser.ask(messageType="unregister", channelID="one", code=200)
    assert (answer["status"], answer["channelID"]) == (200, "one")
    assert post().status_code == 410
    assert browser.register("one", key) != endpoint


def test_a_browser_cannot_register_with_a_key_that_is_none(browser: Browser) -> None:
    answer = browser.ask(
        messageType="register", channelID="one", key=encode(secrets.token_bytes(65))
    )
    assert answer["status"] == 400


# By hand


def test_it_runs_by_hand_and_takes_orders_over_http() -> None:
    script = Path(__file__).with_name("push_service.py")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(script), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd="/", env=environment
    ) as process:
        try:
            assert process.stdout is not None
            origin = process.stdout.readline().split()[-1]
            made = requests.post(f"{origin}/subscriptions", json={}, timeout=5).json()
            assert made["endpoint"].startswith(origin)
            fault: dict[str, Any] = {
                "status": 429,
                "headers": {"Retry-After": "3"},
                "times": 1,
            }
            assert requests.post(f"{origin}/faults", json=fault, timeout=5).status_code == 200
            answer = requests.post(made["endpoint"], timeout=5)
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
            token = made["endpoint"].rpartition("/")[2]
            requests.post(f"{origin}/remove", json={"token": token}, timeout=5)
            assert requests.post(made["endpoint"], timeout=5).status_code == 410
            log = requests.get(f"{origin}/log", timeout=5).json()
            assert [record["status"] for record in log] == [429, 410]
            assert requests.post(f"{origin}/faults", data="x", timeout=5).status_code == 400
        finally:
            process.terminate()


def test_it_says_what_it_is_for() -> None:
    command = [sys.executable, "-m", "tests.push_service", "--help"]
    root = Path(__file__).parent.parent
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root).stdout
    assert "POST /faults" in said
    assert "A push service to test against" in said
