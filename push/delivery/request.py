"""One push as a request: what is sent to the push service besides the encrypted body."""

from dataclasses import dataclass, field

from push.delivery.endpoints import origin_of
from push.delivery.vapid import authorization

DAY = 86_400
MAX_TTL = {"fcm": 28 * DAY, "mozilla": 30 * DAY, "apple": 30 * DAY}
"""Seconds for which a service keeps a message at most; 28 days for the others."""

_CONSTANT = (
    "Content-Encoding: aes128gcm",
    "Content-Type: application/octet-stream",
    "Expect:",  # no "100-continue" round trip
)


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


def request_headers(message: Message) -> list[str]:
    """The headers of one push (RFC 8030 §5.2 TTL, §5.3 Urgency, §5.4 Topic; RFC 8292 §3).

    Raises ``UnknownKeyError`` when the settings no longer hold the message's key pair.
    """
    # Windows answers 400 to a TTL of 0, and everybody else drops the message of an offline device.
    ttl = max(1, min(message.ttl, MAX_TTL.get(message.service, 28 * DAY)))
    headers = [
        *_CONSTANT,
        "Authorization: " + authorization(origin_of(message.endpoint), message.key_id),
        f"TTL: {ttl}",
        "Urgency: " + message.urgency,
    ]
    if message.topic:
        headers.append("Topic: " + message.topic)
    if message.service == "windows":
        headers.append("X-WNS-Cache-Policy: cache")
    return headers


def parse_headers(lines: list[bytes]) -> dict[str, str]:
    """Lower-case names to values, of the last block of header lines (interim ones precede it)."""
    headers: dict[str, str] = {}
    for line in lines:
        if line.startswith(b"HTTP/"):
            headers.clear()
        else:
            name, colon, value = line.partition(b":")
            if colon:
                headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    return headers
