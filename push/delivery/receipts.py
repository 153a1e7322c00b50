"""Signed receipts: the service worker tells that a notification was shown, tapped or closed.

A token proves display only. It carries no session: 13 bytes of (delivery, event, end) and 16 bytes
of HMAC-SHA-256, in base64url; it is good once.
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
from push.delivery.keyed import KeyedHash
from push.models import Delivery, Subscription

GRACE = timedelta(days=1)
"""How long after the delivery's own end a receipt is still taken."""

_FORM = struct.Struct(">QBI")
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
_NAMES = tuple((event.name.lower(), int(event)) for event in Event)


def tokens(delivery_id: int, expires_at: datetime) -> dict[str, str]:
    """One token for each event, by name: shown, tapped, closed."""
    end = min(int(expires_at.timestamp()) + _GRACE_SECONDS, _MAX_SECONDS)
    key = _key(settings.SECRET_KEY)
    return {name: _sign(key, delivery_id, event, end) for name, event in _NAMES}


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


def _sign(key: KeyedHash, delivery_id: int, event: int, end: int) -> str:
    said = _FORM.pack(delivery_id, event, end)
    return base64url_encode(said + key.digest(said)[:_MAC_LENGTH])


def _open(token: str) -> tuple[int, Event, int] | Refusal:
    try:
        raw = base64url_decode(token)
    except ValueError:
        return Refusal.MALFORMED
    if len(raw) != _FORM.size + _MAC_LENGTH:
        return Refusal.MALFORMED
    said, mac = raw[: _FORM.size], raw[_FORM.size :]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(mac, _key(secret).digest(said)[:_MAC_LENGTH]):
            delivery_id, event, end = _FORM.unpack(said)
            return delivery_id, Event(event), end
    return Refusal.FORGED


@lru_cache(maxsize=8)
def _key(secret: str) -> KeyedHash:
    return KeyedHash(hashlib.sha256(b"push receipt " + secret.encode()).digest())
