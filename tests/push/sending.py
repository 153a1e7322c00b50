"""Messages for the tests of the sender, and sending them until all have an outcome."""

import os
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from push.delivery import vapid
from push.delivery.sender import Message, Result, Sender

BROWSER_KEY = ec.generate_private_key(ec.SECP256R1())
P256DH = BROWSER_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
AUTH = os.urandom(16)
KEYS = vapid.generate()


@pytest.fixture(autouse=True)
def keys(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBPUSH_PUBLIC_KEY, settings.WEBPUSH_PRIVATE_KEY = KEYS
    settings.WEBPUSH_PREVIOUS_KEYS = []
    settings.WEBPUSH_SUBJECT = "mailto:admin@fastlinkit.org"
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def message(endpoint: str, number: int = 1, **changes: object) -> Message:
    current = vapid.keyring().current
    assert current is not None
    values: dict[str, object] = {
        "id": number,
        "endpoint": endpoint,
        "service": "fcm",
        "p256dh": P256DH,
        "auth": AUTH,
        "plaintext": b"hello",
        "ttl": 3600,
        "urgency": "high",
        "topic": "",
        "key_id": current.key_id,
    }
    return Message(**{**values, **changes})  # type: ignore[arg-type]


def send(*messages: Message, **timeouts: float) -> list[Result]:
    with Sender(**timeouts) as sender:
        sender.submit(messages)
        return finish(sender)


def finish(sender: Sender) -> list[Result]:
    results: list[Result] = []
    until = time.monotonic() + 20
    while sender.in_flight and time.monotonic() < until:
        results += sender.poll(1.0)
    assert sender.in_flight == 0
    return sorted(results, key=lambda result: result.message.id)
