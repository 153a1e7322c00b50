"""One push as a request: what is sent to the push service besides the encrypted body."""

from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from push.delivery.answers import HEADERS_READ
from push.delivery.encryption import base64url_encode
from push.delivery.endpoints import origin_of
from push.delivery.vapid import UnknownKeyError, authorization

DAY = 86_400
MAX_TTL = {"fcm": 28 * DAY, "mozilla": 30 * DAY, "apple": 30 * DAY}
"""Seconds for which a service keeps a message at most; 28 days for the others."""

_CONSTANT = (
    "Content-Encoding: aes128gcm",
    "Content-Type: application/octet-stream",
    "Expect:",  # no "100-continue" round trip
)
_PLAIN_BASE64 = str.maketrans("-_", "+/")
_READ = {name.encode("ascii"): name for name in HEADERS_READ}


@dataclass(slots=True)
class Message:
    """One push to one subscription. ``ttl`` in seconds; ``topic`` may be empty.

    ``urgency`` is very-low, low, normal or high; ``key_id`` names the pair it subscribed with.
    """

    id: int
    endpoint: str = field(repr=False)
    service: str
    p256dh: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    plaintext: bytes = field(repr=False)
    ttl: int
    urgency: str
    topic: str
    key_id: str


def request_headers(message: Message) -> tuple[str, ...]:
    """The headers of one push (RFC 8030 §5.2 TTL, §5.3 Urgency, §5.4 Topic; RFC 8292 §3).

    Messages with the same headers get the same object. Raises ``UnknownKeyError`` when the
    settings no longer hold the message's key pair.
    """
    # Windows answers 400 to a TTL of 0, and everybody else drops the message of an offline device.
    ttl = max(1, min(message.ttl, MAX_TTL.get(message.service, 28 * DAY)))
    signature = authorization(origin_of(message.endpoint), message.key_id)
    is_windows = message.service == "windows"
    return _headers(signature, ttl, message.urgency, message.topic, is_windows)


@lru_cache(maxsize=256)
def _headers(
    signature: str, ttl: int, urgency: str, topic: str, is_windows: bool
) -> tuple[str, ...]:
    headers = [*_CONSTANT, "Authorization: " + signature, f"TTL: {ttl}", "Urgency: " + urgency]
    if topic:
        headers.append("Topic: " + topic)
    if is_windows:
        headers.append("X-WNS-Cache-Policy: cache")
    return tuple(headers)


def secrets_of(message: Message) -> list[str]:
    """What nobody may read in an answer to the message: its path at the service, keys, signature."""
    path = message.endpoint[len("https://") :].partition("/")[2]
    keys = [base64url_encode(key) for key in (message.p256dh, message.auth)]
    secrets = [path, unquote(path), *keys, *(key.translate(_PLAIN_BASE64) for key in keys)]
    try:
        signature = authorization(origin_of(message.endpoint), message.key_id)
    except (UnknownKeyError, ValueError):  # it never went out
        return secrets
    return [*secrets, *signature.removeprefix("vapid t=").split(", k=")]


def parse_headers(lines: list[bytes]) -> dict[str, str]:
    """What is read of the last block of header lines (interim ones precede it), by lower-case name."""
    headers: dict[str, str] = {}
    for line in lines:
        name, _colon, value = line.partition(b":")
        known = _READ.get(name.lower())
        if known is not None:
            headers[known] = value.strip().decode("latin-1")
        elif name.startswith(b"HTTP/"):
            headers.clear()
    return headers
