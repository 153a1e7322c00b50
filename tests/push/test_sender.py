"""The sender against real servers on loopback: strict, rude, slow and broken ones."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import http_ece
import pytest

import push.delivery.sender
from push.delivery.answers import Outcome
from push.delivery.connection import MAX_CONNECTIONS
from push.delivery.encryption import base64url_encode
from push.delivery.sender import Result, Sender
from tests.push.raw_server import Heard, RawServer, answer
from tests.push.sending import AUTH, BROWSER_KEY, P256DH, finish, keys, message, send

__all__ = ["keys"]


def outcome(script: Callable[[Heard], object], **timeouts: float) -> tuple[Outcome, str]:
    with RawServer(script) as server:  # type: ignore[arg-type]
        (result,) = send(message(server.url()), **timeouts)
    return result.answer.outcome, result.answer.reason


def test_what_a_service_repeats_of_the_request_is_not_told() -> None:
    token, auth = "APA91bH4-PaLpK%3A68W", base64url_encode(AUTH)
    key = base64url_encode(P256DH)
    heard: list[Heard] = []

    def repeat(request: Heard) -> bytes:
        heard.append(request)
        signature = request.headers["authorization"].split(".")[-1]
        words = f"no {token}, {unquote(token)}, {auth}, {key[9:20]}, {signature[3:30]} here"
        return answer(400, words.encode())

    with RawServer(repeat) as server:
        (result,) = send(message(server.url(f"/x/{token}")))
    assert len(heard) == 1
    assert result.answer.detail == "no […], […], […], […], […] here"


def test_a_message_arrives_as_the_standards_say() -> None:
    with RawServer() as server:
        endpoint = server.url("/wp/../a//b?token=B%2fQ==&x")
        (result,) = send(message(endpoint, ttl=60, topic="a" * 32))
    (heard,) = server.heard
    assert result.answer.outcome is Outcome.ACCEPTED
    assert heard.line == "POST /wp/../a//b?token=B%2fQ==&x HTTP/1.1"
    assert heard.headers["ttl"] == "60"
    assert heard.headers["urgency"] == "high"
    assert heard.headers["topic"] == "a" * 32
    assert heard.headers["content-encoding"] == "aes128gcm"
    assert heard.headers["content-type"] == "application/octet-stream"
    assert heard.headers["authorization"].startswith("vapid t=")
    assert not heard.headers.keys() & {"expect", "cookie", "x-wns-cache-policy", "accept-encoding"}
    plain = http_ece.decrypt(heard.body, private_key=BROWSER_KEY, auth_secret=AUTH)
    assert plain == b"hello"


@pytest.mark.parametrize(
    ("service", "asked", "sent"),
    [
        ("fcm", 0, 1),
        ("fcm", -5, 1),
        ("fcm", 10**9, 28 * 86_400),
        ("mozilla", 10**9, 30 * 86_400),
        ("apple", 10**9, 30 * 86_400),
        ("127.0.0.1:1", 10**9, 28 * 86_400),
    ],
)
def test_the_time_to_live_is_never_zero_and_never_above_the_cap(
    service: str, asked: int, sent: int
) -> None:
    with RawServer() as server:
        send(message(server.url(), service=service, ttl=asked))
    assert server.heard[0].headers["ttl"] == str(sent)


def test_windows_is_told_to_keep_the_message() -> None:
    with RawServer() as server:
        send(message(server.url(), service="windows"))
    assert server.heard[0].headers["x-wns-cache-policy"] == "cache"


def test_location_and_apns_id_come_back() -> None:
    said = answer(201, Location="https://push.org/m/1", Apns_Id="eabeae54")
    with RawServer(lambda _heard: b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + said) as server:
        (result,) = send(message(server.url()))
    assert result.answer.location == "https://push.org/m/1"
    assert result.answer.apns_id == "eabeae54"
    assert result.elapsed_ms >= 0


def test_one_connection_serves_many_messages_over_http_1_1() -> None:
    with RawServer() as server, Sender() as sender:
        for number in range(20):
            sender.submit([message(server.url(), number)])
            finish(sender)
    assert len(server.heard) == 20
    assert server.connections == 1


def test_all_messages_to_one_service_carry_the_same_signature() -> None:
    with RawServer() as server:
        send(*(message(server.url(f"/{number}"), number) for number in range(5)))
    assert len({heard.headers["authorization"] for heard in server.heard}) == 1


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Outcome.ACCEPTED),
        (201, Outcome.ACCEPTED),
        (202, Outcome.ACCEPTED),
        (301, Outcome.REJECTED),
        (307, Outcome.REJECTED),
        (400, Outcome.REJECTED),
        (401, Outcome.REFUSED),
        (403, Outcome.REFUSED),
        (404, Outcome.GONE),
        (406, Outcome.SLOW_DOWN),
        (408, Outcome.SLOW_DOWN),
        (410, Outcome.GONE),
        (413, Outcome.TOO_BIG),
        (429, Outcome.SLOW_DOWN),
        (500, Outcome.UNAVAILABLE),
        (503, Outcome.UNAVAILABLE),
    ],
)
def test_each_status_comes_out_as_its_outcome(status: int, expected: Outcome) -> None:
    with RawServer() as server:
        elsewhere = server.url("/elsewhere")
        server.script = lambda heard: answer(status, b"why", Location=elsewhere)
        (result,) = send(message(server.url()))
    assert result.answer.outcome is expected
    assert [heard.line for heard in server.heard] == ["POST /push/token HTTP/1.1"]


@pytest.mark.parametrize(("said", "seconds"), [("7", 7.0), ("soon", None), ("-1", None)])
def test_retry_after_is_read_and_garbage_is_not(said: str, seconds: float | None) -> None:
    with RawServer(lambda _heard: answer(429, Retry_After=said)) as server:
        (result,) = send(message(server.url()))
    assert (result.answer.outcome, result.answer.retry_after) == (Outcome.SLOW_DOWN, seconds)


def test_an_endless_body_is_cut_and_the_status_counts() -> None:
    def script(_heard: Heard) -> Iterator[bytes]:
        yield b"HTTP/1.1 410 Gone\r\nContent-Type: text/plain\r\n\r\n"
        while True:
            yield b"x " * 32_768

    assert outcome(script) == (Outcome.GONE, "gone")


def test_endless_headers_are_no_answer() -> None:
    def script(_heard: Heard) -> Iterator[bytes]:
        yield b"HTTP/1.1 201 Created\r\n"
        while True:
            yield b"X-Filler: " + b"x" * 50_000 + b"\r\n"

    assert outcome(script)[0] is Outcome.NETWORK


def test_a_server_that_never_answers_is_a_timeout() -> None:
    said = outcome(lambda _heard: [RawServer.STALL], total_timeout=0.3)
    assert said == (Outcome.NETWORK, "timeout")


def test_a_slow_body_ends_with_the_total_timeout_and_the_status_counts() -> None:
    head = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nx"
    said = outcome(lambda _heard: [head, RawServer.STALL], total_timeout=0.3)
    assert said == (Outcome.ACCEPTED, "")


def test_headers_that_stop_half_way_are_a_timeout() -> None:
    head = b"HTTP/1.1 410 Gone\r\nContent-Le"
    said = outcome(lambda _heard: [head, RawServer.STALL], total_timeout=0.3)
    assert said == (Outcome.NETWORK, "timeout")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (lambda _heard: [RawServer.RESET], "reset"),
        (lambda _heard: [b"SSH-2.0-OpenSSH_9.2\r\n", RawServer.RESET], "bad_answer"),
        (lambda _heard: [b"HTTP/1.1 abc\r\n\r\n", RawServer.RESET], "bad_answer"),
    ],
)
def test_what_is_no_answer_is_a_network_outcome(script: object, reason: str) -> None:
    assert outcome(script) == (Outcome.NETWORK, reason)  # type: ignore[arg-type]


def test_a_closed_port_is_a_network_outcome() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (result,) = send(message(f"http://127.0.0.1:{port}/x"))
    assert (result.answer.outcome, result.answer.reason) == (Outcome.NETWORK, "connect")
    assert result.answer.status is None


def test_one_bad_message_takes_no_other_with_it() -> None:
    with RawServer() as server:
        url = server.url()
        results = send(
            message(url, 1),
            message(url, 2, p256dh=b"\x04" + bytes(64)),
            message(url, 3, plaintext=bytes(3001)),
            message(url, 4, key_id="0123456789abcdef"),
            message(url, 5, plaintext=None),
            message("http://[half", 6),
            message("http://127.0.0.1:1/\nx", 7),
            message(url, 8),
        )
    said = [(result.answer.outcome, result.answer.reason) for result in results]
    assert said[0] == said[7] == (Outcome.ACCEPTED, "")
    assert said[1] == (Outcome.MISMATCH, "bad_device_keys")
    assert said[2] == (Outcome.REJECTED, "too_long")
    assert said[3] == (Outcome.MISMATCH, "unknown_key")
    assert said[4] == (Outcome.REJECTED, "internal")
    assert [each[0] for each in said[5:7]] == [Outcome.REJECTED] * 2
    assert len(server.heard) == 2


def test_a_silent_service_holds_up_no_other() -> None:
    with (
        RawServer(lambda _heard: [RawServer.STALL]) as dead,
        RawServer() as quick,
        Sender(connect_timeout=15, total_timeout=15) as sender,
    ):
        sender.submit(message(dead.url(), n, service="dead") for n in range(32))
        sender.submit(message(quick.url(), n, service="quick") for n in range(100, 200))
        results: list[Result] = []
        while len(results) < 100:
            results += sender.poll(1.0)
        assert {result.message.service for result in results} == {"quick"}
        assert sender.in_flight == 32


def test_messages_that_wait_for_a_connection_time_out_too() -> None:
    with RawServer(lambda _heard: [RawServer.STALL]) as dead:
        results = send(*(message(dead.url(), n) for n in range(25)), total_timeout=0.3)
    assert {result.answer.reason for result in results} == {"timeout"}
    assert len(results) == 25


def test_poll_ends_when_the_wake_up_comes() -> None:
    reader, writer = socket.socketpair()
    with reader, writer, Sender(wake_fd=reader.fileno()) as sender:
        threading.Timer(0.05, lambda: writer.send(b"x")).start()
        before = time.monotonic()
        assert sender.poll(30.0) == []
        assert time.monotonic() - before < 15


def test_poll_ends_with_its_timeout_when_nothing_happens() -> None:
    with Sender() as sender:
        assert sender.poll(0.01) == []


def test_close_ends_the_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sender = Sender()
        sender.submit([message(f"http://127.0.0.1:{listener.getsockname()[1]}/x")])
        sender.poll(0.01)
        connection, _address = listener.accept()
        sender.close()
        with connection, connection.makefile("rb") as stream:
            assert stream.read().startswith((b"", b"POST"))


def test_an_answer_that_breaks_our_own_code_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = push.delivery.sender.classify

    def broken(status: int, *arguments: object) -> object:
        return 1 / 0 if status == 418 else real(status, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(push.delivery.sender, "classify", broken)
    with RawServer(lambda heard: answer(418 if "/bad" in heard.line else 201)) as server:
        urls = [server.url(path) for path in ("/a", "/bad", "/b", "/bad", "/c")]
        results = send(*(message(url, number) for number, url in enumerate(urls)))
    said = [result.answer.reason for result in results]
    assert said == ["", "internal", "", "internal", ""]


def test_slots_shrink_with_what_is_in_flight_and_come_back() -> None:
    with RawServer() as server, Sender() as sender:
        assert sender.slots("fcm") == 32
        sender.submit(message(server.url(), number) for number in range(10))
        assert (sender.slots("fcm"), sender.slots("mozilla")) == (22, 32)
        finish(sender)
        assert sender.slots("fcm") >= 32


def test_slots_halve_when_a_service_objects() -> None:
    with RawServer() as server, Sender() as sender:
        sender.submit(message(server.url(), number) for number in range(32))
        finish(sender)
        grown = sender.slots("fcm")
        server.script = lambda _heard: answer(429)
        sender.submit(message(server.url(), number) for number in range(10))
        finish(sender)
        assert sender.slots("fcm") == grown // 2
        for _round in range(8):
            sender.submit([message(server.url())])
            finish(sender)
        assert sender.slots("fcm") == 4


def test_without_http_2_no_message_waits_within_libcurl() -> None:
    """Its time-out would run meanwhile: a service that is only slow would seem to be dead."""
    with RawServer() as server, Sender(connect_timeout=1.0) as sender:
        for _round in range(3):
            sender.submit(message(server.url(), number) for number in range(sender.slots("fcm")))
            finish(sender)
        assert sender.slots("fcm") == MAX_CONNECTIONS
        assert server.connections <= MAX_CONNECTIONS
        server.script = lambda _heard: server.over.wait(1.2) or answer()
        sender.submit(message(server.url(), number) for number in range(sender.slots("fcm")))
        assert {result.answer.outcome for result in finish(sender)} == {Outcome.ACCEPTED}


def test_limits_and_time_outs_are_those_of_the_settings(settings) -> None:
    settings.WEBPUSH_LIMITS = {**settings.WEBPUSH_LIMITS, "IN_FLIGHT_START": 7, "TOTAL_TIMEOUT": 1}
    with RawServer(lambda _heard: [RawServer.STALL]) as server, Sender() as sender:
        assert sender.slots("fcm") == 7
        sender.submit([message(server.url())])
        (result,) = finish(sender)
    assert result.answer.reason == "timeout"
    assert result.elapsed_ms < 8000  # with the default it would be 10,000
