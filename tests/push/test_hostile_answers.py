"""Malformed answers through the real worker: each is an outcome with its reason, none ends it."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from push.models import Delivery, Subscription
from tests.conftest import make_person
from tests.push.certificates import make_certificate
from tests.push.conftest import Outbox, Phone
from tests.push.processes import Start, start, wait_until
from tests.push.raw_server import Heard, RawServer, Script, answer
from tests.push_service import PushService

__all__ = ["start"]

pytestmark = pytest.mark.django_db(transaction=True)

State = Delivery.State


def endless_body(_heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 500 No\r\n\r\n"
    while True:
        yield b"x" * 65536


def endless_head(_heard: Heard) -> Iterator[bytes]:
    yield b"HTTP/1.1 201 Created\r\n"
    while True:
        yield b"X-Junk: " + b"x" * 1000 + b"\r\n"


SCRIPTS: dict[str, tuple[Script, str, str]] = {
    "words for a Retry-After": (
        lambda _heard: answer(429, Retry_After="soon, I hope"),
        State.PENDING,
        "slow_down",
    ),
    "a Retry-After before all time": (
        lambda _heard: answer(503, Retry_After="Mon, 01 Jan 0001 00:00:00 -9999"),
        State.PENDING,
        "service_trouble",
    ),
    "a Retry-After of many digits": (
        lambda _heard: answer(429, Retry_After="9" * 5000),
        State.EXPIRED,
        "slow_down",
    ),
    "an endless body": (endless_body, State.PENDING, "service_trouble"),
    "an endless head": (endless_head, State.PENDING, "reset"),
    "a redirect": (
        lambda heard: answer(307, Location=f"http://{heard.headers['host']}/elsewhere"),
        State.FAILED,
        "redirect",
    ),
    "HTTP/0.9": (lambda _heard: [b"fine with me\n", RawServer.RESET], State.PENDING, "bad_answer"),
    "a status of letters": (
        lambda _heard: [b"HTTP/1.1 abc def\r\n\r\n", RawServer.RESET],
        State.PENDING,
        "bad_answer",
    ),
    "an unknown status": (lambda _heard: answer(999), State.FAILED, "unexpected_answer"),
    "nothing at all": (lambda _heard: [b"", RawServer.RESET], State.PENDING, "reset"),
    "zeros and escapes": (
        lambda _heard: answer(400, b"\0\x1b[2J\xff\xfe" * 50),
        State.FAILED,
        "bad_request",
    ),
    "JSON a thousand deep": (
        lambda _heard: answer(400, b'{"a":' * 800),
        State.FAILED,
        "bad_request",
    ),
    "the request come back": (
        lambda heard: answer(400, f"{heard.line} {heard.headers}".encode()),
        State.FAILED,
        "bad_request",
    ),
}


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def move(phone: Phone, url: str, service: str) -> None:
    """The device's subscription is at another push service from now on."""
    Subscription.objects.filter(pk=phone.subscription.pk).update(endpoint=url, service=service)
    phone.subscription.refresh_from_db()


def judged(rows: dict[str, Delivery]) -> bool:
    for row in rows.values():
        row.refresh_from_db()
    return all(row.reason and row.state != State.SENDING for row in rows.values())


def test_each_is_recorded_with_its_reason_and_the_worker_lives_on(
    start: Start, outbox: Outbox, servers: ExitStack, push_service: PushService
) -> None:
    person = make_person("olga@example.org", "Olga Owner")
    rows, secrets = {}, []
    worker = start(DJANGO_SETTINGS_MODULE="tests.push.loud").ready()
    for name, (script, _state, _reason) in SCRIPTS.items():
        server = servers.enter_context(RawServer(script))
        phone = outbox.phone(person, name)
        url = server.url(f"/push/secret-{len(rows)}{'x' * 100}?token=of-the-device-{'y' * 100}")
        move(phone, url, f"127.0.0.1:{server.port}")
        rows[name] = outbox.delivery(phone)
        secrets += [url, f"secret-{len(rows) - 1}", phone.subscription.endpoint]
    wait_until(lambda: judged(rows))
    found = {name: (row.state, row.reason) for name, row in rows.items()}
    assert found == {name: (state, reason) for name, (_script, state, reason) in SCRIPTS.items()}
    assert max(row.due_at for row in rows.values()) < timezone.now() + timedelta(hours=7)

    well = outbox.phone(person, "Well")
    assert_alive(outbox, well)
    assert worker.stop() == 0
    assert "Traceback" not in worker.said()
    secrets += [well.browser.token, "of-the-device", "vapid t=", "eyJ"]
    assert [secret for secret in secrets if secret in worker.said()] == []
    assert worker.says(phone.subscription.endpoint_hash[:8])  # so it did speak of them
    for row in rows.values():
        assert "secret-" not in row.detail
        assert "token" not in row.detail


def assert_alive(outbox: Outbox, phone: Phone) -> None:
    row = outbox.delivery(phone)
    wait_until(lambda: Delivery.objects.get(pk=row.pk).state == State.ACCEPTED)


def test_tls_that_is_wrong_is_a_reason_to_try_again(
    start: Start, outbox: Outbox, servers: ExitStack, tmp_path: Path
) -> None:
    """And the push service of the tests speaks TLS itself when it is given a certificate."""
    person = make_person("olga@example.org", "Olga Owner")
    (tmp_path / "other").mkdir()
    trusted, unknown = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    wrong_name = make_certificate(tmp_path, "127.0.0.9")
    (tmp_path / "bundle.pem").write_text(
        Path(trusted[0]).read_text() + Path(wrong_name[0]).read_text()
    )
    good = PushService(certificate=trusted).start()
    servers.callback(good.stop)
    worker = start(SSL_CERT_FILE=str(tmp_path / "bundle.pem")).ready()

    rows = {}
    ports = {
        "unknown": servers.enter_context(RawServer(context=context(unknown))).port,
        "wrong name": servers.enter_context(RawServer(context=context(wrong_name))).port,
        "no TLS": servers.enter_context(plain_server()),
    }
    for name, port in ports.items():
        phone = outbox.phone(person, name)
        move(phone, f"https://127.0.0.1:{port}/push/x", f"127.0.0.1:{port}")
        rows[name] = outbox.delivery(phone)
    wait_until(lambda: judged(rows))
    assert {(row.state, row.reason) for row in rows.values()} == {(State.PENDING, "tls")}
    assert {row.status for row in rows.values()} == {None}

    own = Outbox(good)
    own.made = 100
    phone = own.phone(person, "Well")
    assert phone.subscription.endpoint.startswith("https://")
    assert_alive(own, phone)
    assert len(phone.browser.messages()) == 1
    assert worker.stop() == 0


def context(certificate: tuple[str, str]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    return made


@contextmanager
def plain_server() -> Iterator[int]:
    """As nginx answers TLS on a port that has none; its port."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer(400, b"a plain HTTP port"))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
