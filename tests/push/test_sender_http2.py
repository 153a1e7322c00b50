"""What an HTTP/2 service may do to a message that is on its way: it is sent again, never lost."""

from pathlib import Path

import pytest

from push.delivery.answers import Outcome
from push.delivery.sender import Result, Sender
from tests.push.http2_server import (
    END_HEADERS,
    ENHANCE_YOUR_CALM,
    HEADERS,
    INTERNAL_ERROR,
    PING,
    REFUSED_STREAM,
    Http2Server,
    Reply,
    created,
    frame,
    goaway,
    reset,
)
from tests.push.sending import finish, keys, message, send
from tests.push.tls import certificate, server_context, trusted

__all__ = ["certificate", "keys", "trusted"]

ACCEPTED = (Outcome.ACCEPTED, "")
AGAIN = (Outcome.NETWORK, "reset")


def said(result: Result) -> tuple[Outcome, str]:
    return result.answer.outcome, result.answer.reason


def send_twice(trusted: Path, reply: Reply) -> tuple[list[tuple[Outcome, str]], Http2Server]:
    """One message, and once it is over another one; the first request is answered by ``reply``."""

    def script(number: int, stream: int) -> bytes | None:
        return reply(number, stream) if number == 1 else created(stream)

    with Http2Server(server_context(trusted), script) as server, Sender() as sender:
        results = []
        for number in (1, 2):
            sender.submit([message(server.url, number)])
            results += finish(sender)
    return [said(result) for result in results], server


def test_a_stream_that_was_refused_unread_is_sent_again_by_libcurl(trusted: Path) -> None:
    said, server = send_twice(trusted, lambda _number, stream: reset(stream, REFUSED_STREAM))
    assert said == [ACCEPTED, ACCEPTED]
    assert server.requests == 3


@pytest.mark.parametrize("code", [INTERNAL_ERROR, ENHANCE_YOUR_CALM])
def test_a_stream_that_was_reset_may_go_out_again(trusted: Path, code: int) -> None:
    said, _server = send_twice(trusted, lambda _number, stream: reset(stream, code))
    assert said == [AGAIN, ACCEPTED]


def test_a_message_that_goaway_leaves_out_may_go_out_again(trusted: Path) -> None:
    said, server = send_twice(trusted, lambda _number, _stream: goaway(0))
    assert said[0] in (ACCEPTED, AGAIN)
    assert said[1] == ACCEPTED
    assert server.connections == 2


def test_a_message_that_goaway_includes_is_accepted_and_the_next_one_goes_elsewhere(
    trusted: Path,
) -> None:
    said, server = send_twice(trusted, lambda _number, stream: goaway(stream) + created(stream))
    assert said == [ACCEPTED, ACCEPTED]
    assert (server.requests, server.connections) == (2, 2)


def test_a_connection_that_breaks_under_a_message_is_a_reset(trusted: Path) -> None:
    said, server = send_twice(trusted, lambda _number, _stream: None)
    assert said == [AGAIN, ACCEPTED]
    assert server.connections == 2


def test_frames_that_make_no_sense_are_a_reset(trusted: Path) -> None:
    said, _server = send_twice(trusted, lambda _number, _stream: frame(PING, 0, 7, b"123"))
    assert said == [AGAIN, ACCEPTED]


def test_interim_answers_without_end_are_no_answer(trusted: Path) -> None:
    """HPACK: ``:status: 103``, thousands of times, and then nothing."""
    flood = 5000

    def script(_number: int, stream: int) -> bytes:
        return frame(HEADERS, END_HEADERS, stream, b"\x08\x03103") * flood

    with Http2Server(server_context(trusted), script) as server:
        (result,) = send(message(server.url), total_timeout=1)
    assert result.answer.outcome is Outcome.NETWORK


def test_many_messages_survive_resets_and_goaways_in_between(trusted: Path) -> None:
    def script(number: int, stream: int) -> bytes | None:
        if number % 7 == 0:
            return reset(stream, REFUSED_STREAM)
        return goaway(stream) + created(stream) if number % 11 == 0 else created(stream)

    accepted: set[int] = set()
    with Http2Server(server_context(trusted), script) as server, Sender() as sender:
        for _round in range(20):
            missing = set(range(60)) - accepted
            sender.submit(message(server.url, number) for number in missing)
            results = finish(sender)
            assert {said(result) for result in results} <= {ACCEPTED, AGAIN}
            accepted |= {result.message.id for result in results if said(result) == ACCEPTED}
    assert len(accepted) == 60
