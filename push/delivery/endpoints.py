"""Is this really a push service? Endpoints come from strangers' browsers: hostile input.

Whoever may name a URL that this server posts to could reach what only this server can reach, so
the *parsed* host is held against a list, and everything unusual is refused.
"""

import hashlib
import re
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.translation import gettext as _

from push.delivery import vapid
from push.delivery.encryption import AUTH_LENGTH, PUBLIC_KEY_LENGTH, base64url_decode

MAX_LENGTH = 2048
"""Characters of an endpoint; the longest seen (Windows) have about 700."""

_EXACT = {
    "fcm.googleapis.com": "fcm",
    "jmt17.google.com": "fcm",  # Chromium builds without Google's branding
    "updates.push.services.mozilla.com": "mozilla",
    "web.push.apple.com": "apple",
}
_SUFFIXES = {
    ".push.services.mozilla.com": "mozilla",
    ".push.apple.com": "apple",
    ".notify.windows.com": "windows",
}
SERVICE_NAMES = {"fcm": "Google", "mozilla": "Mozilla", "apple": "Apple", "windows": "Microsoft"}
"""Whose they are."""

_PERMANENTLY_REMOVED = "permanently-removed.invalid"
_VISIBLE_ASCII = re.compile(r"[!-~]+\Z")
_DEFAULT_PORTS = {"https": 443, "http": 80}


class EndpointError(ValueError):
    """This endpoint is not taken. ``code`` is stable; the text is for the person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SubscriptionKeyError(ValueError):
    """A subscription's key is no use. ``field`` is p256dh or auth; the text is for the person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def service_of(endpoint: str) -> str:
    """The push service behind an endpoint: fcm, mozilla, apple, windows, or ``host:port``.

    Raises ``EndpointError`` with one of the codes malformed, too_long, removed, user_info,
    not_https, ip_literal, port, unknown_service, apple_subject.
    """
    parts, host, port = _parse(endpoint)
    extra = _extra_service(parts.scheme, host, port)
    if extra:
        return extra
    if parts.scheme != "https":
        raise EndpointError("not_https", _("A push endpoint must begin with https://."))
    if _is_ip(host):
        raise EndpointError("ip_literal", _("A push endpoint must not be a bare IP address."))
    service = _EXACT.get(host) or next(
        (name for suffix, name in _SUFFIXES.items() if host.endswith(suffix)), None
    )
    if service is None:
        raise EndpointError("unknown_service", _("This is not a push service that we know."))
    if port != 443:
        raise EndpointError("port", _("This push service is only known on port 443."))
    if service == "apple":
        _require_subject_for_apple()
    return service


def services() -> list[str]:
    """What ``service_of`` can answer by the settings of now; an extra host counts with https."""
    hosts = _usable_extra_hosts()
    return [
        *SERVICE_NAMES,
        *(_named(host, port or _DEFAULT_PORTS["https"]) for host, port in hosts),
    ]


def origin_of(endpoint: str) -> str:
    """Scheme, host and port of an accepted endpoint (RFC 6454 §6.2): the VAPID audience."""
    slash = endpoint.find("/", 8)
    return _origin(endpoint if slash < 0 else endpoint[:slash])


def endpoint_hash(endpoint: str) -> str:
    """SHA-256 in hex: what is stored, compared and (its first 8 digits) logged of an endpoint."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def parse_keys(p256dh: str, auth: str) -> tuple[bytes, bytes]:
    """A browser's keys as bytes: 65 of a point on P-256, and 16 (RFC 8291 §2.1, §3.2).

    Takes base64url and plain base64, with or without padding. Raises ``SubscriptionKeyError``.
    """
    point = _decode_key("p256dh", p256dh, PUBLIC_KEY_LENGTH)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise SubscriptionKeyError(
            "p256dh", _("The browser's key “p256dh” is not a point on the curve P-256.")
        ) from error
    return point, _decode_key("auth", auth, AUTH_LENGTH)


def extra_hosts() -> dict[tuple[str, int | None], bool]:
    """``WEBPUSH_EXTRA_HOSTS`` as (host, port or None) -> is it a loopback address.

    Raises ``ValueError`` naming the first entry that is not ``host`` or ``host:port``.
    """
    return {_parse_host(entry): _is_loopback(_parse_host(entry)[0]) for entry in _entries()}


def _parse(endpoint: str) -> tuple[SplitResult, str, int]:
    """Split strictly: what another URL parser could read differently is refused."""
    if len(endpoint) > MAX_LENGTH:
        raise EndpointError("too_long", _("The push endpoint is too long."))
    malformed = EndpointError("malformed", _("The push endpoint is not a web address."))
    if not _VISIBLE_ASCII.match(endpoint) or "\\" in endpoint or "#" in endpoint:
        raise malformed
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise malformed from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise EndpointError("not_https", _("A push endpoint must begin with https://."))
    if not host or "%" in host or port == 0:
        raise malformed
    if host == _PERMANENTLY_REMOVED or host.endswith("." + _PERMANENTLY_REMOVED):
        raise EndpointError("removed", _("The browser says that this subscription was removed."))
    if "@" in parts.netloc:
        raise EndpointError("user_info", _("A push endpoint must not carry a user name."))
    return parts, host, port or _DEFAULT_PORTS[parts.scheme]


def _extra_service(scheme: str, host: str, port: int) -> str | None:
    for (extra_host, extra_port), loopback in _usable_extra_hosts().items():
        same = host == extra_host and port == (extra_port or _DEFAULT_PORTS[scheme])
        if same and (scheme == "https" or loopback):
            return _named(host, port)
    return None


def _named(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@lru_cache(maxsize=1)
def _usable_extra_hosts() -> dict[tuple[str, int | None], bool]:
    try:
        return extra_hosts()
    except ValueError:  # The system check names the entry; until it is mended none counts.
        return {}


def _entries() -> list[str]:
    return [str(entry) for entry in settings.WEBPUSH_EXTRA_HOSTS]


def _parse_host(entry: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit("//" + entry)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    shown = f"[{host}]" if host and ":" in host else host
    known_form = bool(_VISIBLE_ASCII.match(entry))
    if (
        not host
        or not known_form
        or entry.lower() != (shown if port is None else f"{shown}:{port}")
    ):
        raise ValueError(entry)
    return host, port


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        # Resolvers also read 2130706433, 0x7f.1 and 127.1 as addresses: no host name has a
        # last label that begins with a digit.
        return host.rsplit(".", 1)[-1][:1].isdigit()
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_subject_for_apple() -> None:
    problem = vapid.subject_problem(vapid.effective_subject())
    if problem:
        raise EndpointError(
            "apple_subject",
            _(
                "Apple refuses pushes from this server until an administrator sets "
                "WEBPUSH_SUBJECT to a contact address that works. %(problem)s"
            )
            % {"problem": problem},
        )


@lru_cache(maxsize=4096)
def _origin(start: str) -> str:
    parts = urlsplit(start)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def _decode_key(field: str, text: str, length: int) -> bytes:
    try:
        key = base64url_decode(text)
    except ValueError:
        key = b""
    if len(key) != length:
        raise SubscriptionKeyError(
            field,
            _("The browser's key “%(field)s” must be %(length)s bytes in base64url.")
            % {"field": field, "length": length},
        )
    return key


def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == "WEBPUSH_EXTRA_HOSTS":
        _usable_extra_hosts.cache_clear()


setting_changed.connect(_forget, dispatch_uid="push.delivery.endpoints")
