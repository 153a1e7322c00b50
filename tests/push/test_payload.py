"""What a device receives, held to the published algorithm and to the size that every browser takes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push.delivery import payload
from push.delivery.encryption import MAX_PLAINTEXT
from tests.push.declarative import NotDeclarativeError, parse

SCOPE = "http://localhost:8000/"
RECEIPTS = {"shown": "s" * 39, "tapped": "t" * 39, "closed": "c" * 39}


def content(**fields: Any) -> payload.Content:
    values = {
        "public_id": "0123456789abcdef01234567",
        "kind": "drops.received",
        "title": "Drop from Laptop",
        "body": "https://example.org",
        "url": "/Drops/abc",
        "actions": '[{"action": "copy", "title": "Copy", "navigate": "/Drops/abc?focus=copy"}]',
        "language": "en",
        "created_at": datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC),
    }
    return payload.Content(**values | fields)


def build(unread: int = 3, **fields: Any) -> bytes:
    return payload.build(content(**fields), unread=unread, receipts=RECEIPTS)


def test_the_published_algorithm_accepts_it_and_finds_everything() -> None:
    declared = parse(build(), SCOPE)
    assert (declared.title, declared.navigate) == (
        "Drop from Laptop",
        "http://localhost:8000/Drops/abc",
    )
    assert declared.app_badge == 3
    assert declared.mutable
    assert declared.actions == [
        {
            "action": "copy",
            "title": "Copy",
            "navigate": "http://localhost:8000/Drops/abc?focus=copy",
        }
    ]
    assert declared.options["timestamp"] == 1795435200250
    assert declared.options["tag"] == "0123456789abcdef01234567"
    assert declared.options["icon"] == "http://localhost:8000/static/icons/icon-192.png"
    assert declared.options["data"] == {
        "v": 1,
        "id": "0123456789abcdef01234567",
        "kind": "drops.received",
        "receipts": RECEIPTS,
    }


@pytest.mark.parametrize(
    "broken",
    [
        b"text",
        b"[]",
        b'{"web_push": 8031, "notification": {"title": "t", "navigate": "/"}}',
        b'{"web_push": "8030", "notification": {"title": "t", "navigate": "/"}}',
        b'{"web_push": 8030}',
        b'{"web_push": 8030, "notification": {"navigate": "/"}}',
        b'{"web_push": 8030, "notification": {"title": "t"}}',
        b'{"web_push": 8030, "notification": {"title": "t", "navigate": "https://[bad"}}',
        b'{"web_push": 8030, "notification": {"title": "t", "navigate": "/", "renotify": true}}',
    ],
)
def test_the_algorithm_refuses_what_is_no_such_message(broken: bytes) -> None:
    with pytest.raises(NotDeclarativeError):
        parse(broken, SCOPE)


@given(title=st.text(), body=st.text(), action=st.text())
def test_any_text_stays_a_message_of_at_most_3000_bytes(title: str, body: str, action: str) -> None:
    actions = json.dumps([{"action": "a", "title": action, "navigate": "/x"}])
    plaintext = build(title=title * 40, body=body * 400, actions=actions)
    assert len(plaintext) <= MAX_PLAINTEXT
    assert parse(plaintext, SCOPE).navigate == "http://localhost:8000/Drops/abc"


def test_the_body_is_cut_between_code_points_and_fills_the_room() -> None:
    plaintext = build(body="🎉" * 2000)
    said = parse(plaintext, SCOPE)
    assert said.title == "Drop from Laptop"
    assert set(said.options["body"]) == {"🎉", "…"}
    assert MAX_PLAINTEXT - 4 < len(plaintext) <= MAX_PLAINTEXT


def test_quotes_count_as_the_two_bytes_that_they_take() -> None:
    plaintext = build(body='"' * 5000)
    assert MAX_PLAINTEXT - 2 < len(plaintext) <= MAX_PLAINTEXT


def test_the_title_is_cut_only_when_the_body_is_used_up() -> None:
    said = parse(build(title="t" * 5000, body="b" * 5000), SCOPE)
    assert said.options["body"] == ""
    assert 1000 < len(said.title) < 5000
    assert said.title.endswith("…")


def test_urls_are_never_cut() -> None:
    url = "/Drops/" + "x" * 490
    said = parse(build(url=url, title="t" * 5000, body="b" * 5000), SCOPE)
    assert said.navigate == "http://localhost:8000" + url


def test_a_message_that_was_too_big_is_shortened_to_a_small_bucket() -> None:
    full = build(body="b" * 5000)
    shorter = payload.shorten(full)
    assert shorter is not None
    assert len(shorter) <= payload.SHORT
    assert parse(shorter, SCOPE).navigate == "http://localhost:8000/Drops/abc"
    assert json.loads(shorter)["notification"]["data"]["receipts"] == RECEIPTS


def test_a_message_that_is_small_already_cannot_be_shortened() -> None:
    assert payload.shorten(build(body="b")) is None


def test_the_topic_is_32_alphanumerics_that_differ_and_stay() -> None:
    one = payload.topic("one")
    assert len(one) == 32
    assert one.isalnum()
    assert one.isascii()
    assert one == payload.topic("one") != payload.topic("two")
    assert "one" not in one


def test_a_path_cannot_lead_away_from_the_site() -> None:
    assert parse(build(url="//evil.example/x"), SCOPE).navigate.startswith("http://localhost:8000/")
