"""Who we are to push services: VAPID keys, and one signed header for each service (RFC 8292)."""

import hashlib
import re
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.translation import gettext as _
from py_vapid import Vapid02
from py_vapid.jwt import sign

from push.delivery.encryption import base64url_decode, base64url_encode

TOKEN_LIFE = 12 * 3600
"""Seconds from signing to ``exp``. At most 24 h are legal (RFC 8292 §2); half leaves room for
clocks that differ."""

RENEW_BEFORE = 3600
"""Seconds before ``exp`` at which a header is signed anew."""

_FALLBACK_SUBJECT = "mailto:webpush@localhost"
_UNREACHABLE_DOMAINS = ("localhost", "local", "invalid", "test", "example")
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]+@([A-Za-z0-9.-]+)\Z")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])\Z")


class VapidKeyError(ValueError):
    """A key, or a pair of keys, that cannot be used. ``code`` is half, junk or mismatch."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnknownKeyError(KeyError):
    """A subscription was made with a key pair that the settings no longer name."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A VAPID key pair. ``public`` has 65 bytes; ``key_id`` is 16 hex digits of its SHA-256."""

    public: bytes
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    key_id: str
    public_text: str


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All pairs that the settings name, and what is wrong with those that were left out."""

    current: KeyPair | None
    pairs: dict[str, KeyPair]
    problems: tuple[VapidKeyError, ...]
    subject: str


def generate() -> tuple[str, str]:
    """A new pair as text, public and private, as ``npx web-push generate-vapid-keys`` prints it.

    Base64url without padding: 87 and 43 characters.
    """
    vapid = Vapid02()
    vapid.generate_keys()
    private: ec.EllipticCurvePrivateKey = vapid.private_key
    scalar = private.private_numbers().private_value.to_bytes(32, "big")
    return base64url_encode(_public_bytes(private)), base64url_encode(scalar)


def parse_pair(public: str, private: str) -> KeyPair:
    """Read a pair from its text form. Raises ``VapidKeyError`` with words for the operator."""
    if not public or not private:
        raise VapidKeyError("half", _("Only one half of a VAPID key pair is given."))
    try:
        point = base64url_decode(public)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise VapidKeyError("junk", _("The VAPID public key is not a P-256 key.")) from error
    try:
        scalar = base64url_decode(private)
        if len(scalar) != 32:
            raise ValueError("a private key has 32 bytes")
        key = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    except ValueError as error:
        raise VapidKeyError("junk", _("The VAPID private key is not a P-256 key.")) from error
    if _public_bytes(key) != point:
        raise VapidKeyError(
            "mismatch", _("The VAPID public key does not belong to the VAPID private key.")
        )
    return KeyPair(point, key, hashlib.sha256(point).hexdigest()[:16], base64url_encode(point))


@lru_cache(maxsize=1)
def keyring() -> KeyRing:
    """The keys of the settings, parsed once. What cannot be used is in ``problems``."""
    problems: list[VapidKeyError] = []
    pairs: dict[str, KeyPair] = {}
    current = None
    if settings.WEBPUSH_PUBLIC_KEY or settings.WEBPUSH_PRIVATE_KEY:
        try:
            current = parse_pair(settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY)
            pairs[current.key_id] = current
        except VapidKeyError as error:
            problems.append(error)
    for public, private in settings.WEBPUSH_PREVIOUS_KEYS:
        try:
            pair = parse_pair(public, private)
            pairs.setdefault(pair.key_id, pair)
        except VapidKeyError as error:
            problems.append(VapidKeyError("previous", str(error)))
    return KeyRing(current, pairs, tuple(problems), effective_subject())


def effective_subject() -> str:
    """The ``sub`` claim: ``WEBPUSH_SUBJECT``, else ``SITE_URL`` when that is https.

    On a plain http site without a subject it is a local address, which Mozilla and Google take
    and Apple refuses; ``subject_problem`` says so.
    """
    if settings.WEBPUSH_SUBJECT:
        return str(settings.WEBPUSH_SUBJECT)
    site = str(settings.SITE_URL)
    return site.rstrip("/") if site.lower().startswith("https://") else _FALLBACK_SUBJECT


def subject_problem(subject: str) -> str | None:
    """What a push service would dislike about a ``sub`` claim, in words, or ``None``.

    Apple answers ``403 BadJwtToken`` to a contact that cannot be reached; others don't look.
    """
    if subject.lower().startswith("mailto:"):
        match = _ADDRESS.match(subject[len("mailto:") :])
        if match is None:
            return _("It is not one plain e-mail address after “mailto:”.")
        domain = match[1].lower()
    elif subject.lower().startswith("https://"):
        domain = _site_domain(subject)
    else:
        return _("It begins neither with “mailto:” nor with “https://”.")
    if domain.rsplit(".", 1)[-1] in _UNREACHABLE_DOMAINS:
        return _("“%(domain)s” cannot be reached from the internet.") % {"domain": domain}
    if not _DOMAIN.match(domain):
        return _("It has no real domain name.")
    return None


def authorization(endpoint_origin: str, key_id: str, now: float | None = None) -> str:
    """The ``Authorization`` header for one push service, signed once and then kept.

    Apple refuses more than one new token an hour, and a signature costs as much as half an
    encryption: so there is one header for each (key, audience, subject), renewed an hour before
    it ends. ``endpoint_origin`` is scheme, host and port (RFC 6454 §6.2); ``now`` is Unix time.

    Raises ``UnknownKeyError``.
    """
    now = time.time() if now is None else now
    ring = keyring()
    kept = _headers.get((key_id, endpoint_origin, ring.subject))
    if kept is not None and kept.is_good_at(now):
        return kept.value
    pair = ring.pairs.get(key_id)
    if pair is None:
        raise UnknownKeyError(
            _("The settings no longer hold the VAPID key pair of this subscription."), key_id
        )
    return _sign(pair, endpoint_origin, ring.subject, now)


@dataclass(frozen=True, slots=True)
class _Header:
    value: str
    signed_at: float

    def is_good_at(self, now: float) -> bool:
        # A clock that was set back makes ``exp`` too far away to be legal.
        early, late = self.signed_at - RENEW_BEFORE, self.signed_at + TOKEN_LIFE - RENEW_BEFORE
        return early <= now < late


_headers: dict[tuple[str, str, str], _Header] = {}
_signing = threading.Lock()


def _sign(pair: KeyPair, audience: str, subject: str, now: float) -> str:
    with _signing:
        kept = _headers.get((pair.key_id, audience, subject))
        if kept is not None and kept.is_good_at(now):
            return kept.value
        claims = {"aud": audience, "exp": int(now) + TOKEN_LIFE, "sub": subject}
        value = f"vapid t={sign(claims, pair.private)}, k={pair.public_text}"
        for key in [key for key, header in _headers.items() if not header.is_good_at(now)]:
            del _headers[key]
        _headers[pair.key_id, audience, subject] = _Header(value, now)
        return value


def _public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _site_domain(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.username is None and " " not in url else ""
    except ValueError:
        return ""


def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting.startswith("WEBPUSH_") or setting == "SITE_URL":
        keyring.cache_clear()


setting_changed.connect(_forget, dispatch_uid="push.delivery.vapid")
