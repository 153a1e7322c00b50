"""Signed receipts: the service worker tells that a notification was shown, tapped or closed.

A token proves display only. It carries no session: 13 bytes of (delivery, event, end) and 16 bytes of
a signature, in base64url; it is good once. One keyed BLAKE2b (RFC 7693 §2.9) of (delivery, end) gives
the signatures of all events: each its own part of the digest.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from push.delivery.encryption import base64url_decode, base64url_encode
from push.models import Delivery, Subscription

GRACE = timedelta(days=1)
"""How long after the delivery's own end a receipt is still taken."""

_FORM = struct.Struct(">QBI")
_SIGNED = struct.Struct(">QI")
_MAC_LENGTH = 16
_MAX_SECONDS = 2**32 - 1


class Event(IntEnum):
    """What a receipt tells. Numbers stay: tokens live for weeks."""

    SHOWN = 1
    TAPPED = 2
    CLOSED = 3

    @property
    def column(self) -> str:
        return f"{self.name.lower()}_at"

    @property
    def part(self) -> slice:
        """Of the digest: this event's signature."""
        return slice((self - 1) * _MAC_LENGTH, self * _MAC_LENGTH)


class Refusal(StrEnum):
    """Why a token is not taken."""

    MALFORMED = "malformed"
    FORGED = "forged"
    EXPIRED = "expired"
    USED = "used"
    UNKNOWN = "unknown"  # the delivery is no longer there


@dataclass(frozen=True, slots=True)
class Recorded:
    """A receipt that has just been taken."""

    delivery_id: int
    event: Event


_GRACE_SECONDS = int(GRACE.total_seconds())
_EVENTS = tuple((event.name.lower(), int(event), event.part) for event in Event)


def tokens(delivery_id: int, expires_at: datetime) -> dict[str, str]:
    """One token for each event, by name: shown, tapped, closed."""
    end = min(int(expires_at.timestamp()) + _GRACE_SECONDS, _MAX_SECONDS)
    signed = _digest(settings.SECRET_KEY, delivery_id, end)
    return {
        name: base64url_encode(_FORM.pack(delivery_id, event, end) + signed[part])
        for name, event, part in _EVENTS
    }


def record(token: str, now: datetime | None = None) -> Recorded | Refusal:
    """Takes a receipt, once per event, and notes that the subscription's device does show pushes."""
    now = now or timezone.now()
    opened = _open(token)
    if isinstance(opened, Refusal):
        return opened
    delivery_id, event, end = opened
    if now.timestamp() > end:
        return Refusal.EXPIRED
    with transaction.atomic():
        delivery = Delivery.objects.filter(pk=delivery_id)
        if not delivery.filter(**{event.column: None}).update(**{event.column: now}):
            return Refusal.USED if delivery.exists() else Refusal.UNKNOWN
        # By a look-up of its own: it is one row, and the subscription may have ended meanwhile.
        subscription_id = delivery.values_list("subscription_id", flat=True).first()
        if subscription_id is not None:
            Subscription.objects.filter(pk=subscription_id).update(last_shown_at=now)
    return Recorded(delivery_id, event)


def _digest(secret: str, delivery_id: int, end: int) -> bytes:
    said = _SIGNED.pack(delivery_id, end)
    return hashlib.blake2b(said, key=_key(secret), digest_size=len(Event) * _MAC_LENGTH).digest()


def _open(token: str) -> tuple[int, Event, int] | Refusal:
    try:
        raw = base64url_decode(token)
    except ValueError:
        return Refusal.MALFORMED
    if len(raw) != _FORM.size + _MAC_LENGTH:
        return Refusal.MALFORMED
    said, mac = raw[: _FORM.size], raw[_FORM.size :]
    delivery_id, number, end = _FORM.unpack(said)
    if number not in list(Event):
        return Refusal.FORGED
    event = Event(number)
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(mac, _digest(secret, delivery_id, end)[event.part]):
            return delivery_id, event, end
    return Refusal.FORGED


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"push receipt " + secret.encode()).digest()
