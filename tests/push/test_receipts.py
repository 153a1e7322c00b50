"""Receipts: signed, good once per event, and a proof of display only."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from push.delivery import receipts
from push.delivery.encryption import base64url_decode, base64url_encode
from push.delivery.receipts import Event, Recorded, Refusal
from tests.push.conftest import Outbox, Phone

pytestmark = pytest.mark.django_db


def test_the_worker_sends_a_token_for_each_event(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.send(phone)
    tokens = phone.browser.messages()[0]["notification"]["data"]["receipts"]
    for name in ("shown", "tapped", "closed"):
        assert receipts.record(tokens[name]) == Recorded(delivery.pk, Event[name.upper()])
    delivery.refresh_from_db()
    assert None not in (delivery.shown_at, delivery.tapped_at, delivery.closed_at)
    assert phone.fresh().last_shown_at is not None


def test_a_token_is_good_once(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.delivery(phone)
    token = receipts.tokens(delivery.pk, delivery.expires_at)["shown"]
    first = timezone.now()
    receipts.record(token, first)
    assert receipts.record(token, first + timedelta(minutes=1)) is Refusal.USED
    delivery.refresh_from_db()
    assert delivery.shown_at == first


def test_a_token_ends_a_day_after_the_delivery(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.delivery(phone)
    token = receipts.tokens(delivery.pk, delivery.expires_at)["shown"]
    late = delivery.expires_at + timedelta(days=1, seconds=1)
    assert receipts.record(token, late) is Refusal.EXPIRED
    assert receipts.record(token, late - timedelta(seconds=2)) == Recorded(delivery.pk, Event.SHOWN)


def test_no_bit_of_a_token_can_be_changed(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.delivery(phone)
    raw = base64url_decode(receipts.tokens(delivery.pk, delivery.expires_at)["shown"])
    for place in range(len(raw)):
        forged = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert receipts.record(base64url_encode(forged)) is Refusal.FORGED
    delivery.refresh_from_db()
    assert delivery.shown_at is None


@pytest.mark.parametrize("junk", ["", "?", "ä", "A" * 38, "A" * 4000, "null"])
def test_junk_is_malformed(junk: str) -> None:
    assert receipts.record(junk) is Refusal.MALFORMED


def test_a_token_outlives_a_change_of_the_secret_key(
    outbox: Outbox, phone: Phone, settings: Any
) -> None:
    delivery = outbox.delivery(phone)
    token = receipts.tokens(delivery.pk, delivery.expires_at)["shown"]
    settings.SECRET_KEY, old = "another", settings.SECRET_KEY
    assert receipts.record(token) is Refusal.FORGED
    settings.SECRET_KEY_FALLBACKS = [old]
    assert isinstance(receipts.record(token), Recorded)


def test_a_receipt_of_a_pruned_delivery_is_unknown(outbox: Outbox, phone: Phone) -> None:
    delivery = outbox.delivery(phone)
    token = receipts.tokens(delivery.pk, delivery.expires_at)["shown"]
    delivery.delete()
    assert receipts.record(token) is Refusal.UNKNOWN


def test_a_receipt_counts_when_the_subscription_has_ended_meanwhile(
    outbox: Outbox, phone: Phone
) -> None:
    delivery = outbox.delivery(phone)
    token = receipts.tokens(delivery.pk, delivery.expires_at)["closed"]
    phone.subscription.delete()
    assert isinstance(receipts.record(token), Recorded)


def test_tokens_are_short() -> None:
    tokens = receipts.tokens(2**40, timezone.now() + timedelta(days=30))
    assert {len(token) for token in tokens.values()} == {39}
