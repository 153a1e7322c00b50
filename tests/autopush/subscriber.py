"""A subscriber without a browser: its own keys, and it can read what was posted to it."""

import json
import secrets
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.autopush.store import Record, Store
from tests.autopush.validation import encode


class Subscriber:
    """What a browser holds: `endpoint`, `p256dh` (65 bytes) and `auth` (16 bytes)."""

    def __init__(self, store: Store, endpoint: str, token: str) -> None:
        self.store = store
        self.endpoint = endpoint
        self.token = token
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.p256dh = self.private_key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        self.auth = secrets.token_bytes(16)

    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON()` gives it."""
        keys = {"p256dh": encode(self.p256dh), "auth": encode(self.auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def requests(self) -> list[Record]:
        """Every message posted to this subscriber, accepted or not."""
        return [r for r in list(self.store.log) if r.token == self.token and r.method == "POST"]

    def decrypt(self, body: bytes) -> bytes:
        """The plaintext by RFC 8291; http_ece.ECEException when it was not meant for us."""
        plaintext = http_ece.decrypt(body, private_key=self.private_key, auth_secret=self.auth)
        return bytes(plaintext)

    def messages(self) -> list[Any]:
        """The JSON payloads of the messages that the service accepted, oldest first."""
        return [json.loads(self.decrypt(r.body)) for r in self.requests() if r.status == 201]
