"""A person's browser as the server sees it: a session, a device cookie, and a push subscription that it may hold."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.test import Client

from accounts.models import Device, User
from push.delivery.encryption import base64url_encode


def new_keys() -> dict[str, str]:
    point = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    )
    return {
        "p256dh": base64url_encode(point),
        "auth": base64url_encode(secrets.token_bytes(16)),
    }


def new_endpoint() -> str:
    return f"https://updates.push.services.mozilla.com/wpush/v2/{secrets.token_urlsafe(32)}"


def registration(**changes: Any) -> dict[str, Any]:
    """What a page sends after a click on Subscribe."""
    return {
        "endpoint": new_endpoint(),
        "keys": new_keys(),
        "key": settings.WEBPUSH_PUBLIC_KEY,
        "repair": False,
        **changes,
    }


@dataclass
class Browser:
    user: User
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        self.client.force_login(self.user)
        self.client.get("/Notifications")
        self.device = Device.objects.filter(user=self.user).latest("pk")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """JSON in, JSON out."""
        return self.client.generic(
            method,
            path,
            body if isinstance(body, bytes) else b"" if body is None else _json(body),
            content_type="application/json",
            headers=headers,
        )

    def subscribe(self, **changes: Any) -> dict[str, Any]:
        """Registers a subscription that is refused by nobody; returns what was sent."""
        body = registration(**changes)
        answer = self.call("PUT", "/push/subscription", body)
        assert answer.status_code == 200, answer.content
        return body

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = self.call("GET", "/push/subscription").json()["push"]
        return facts


def _json(body: Any) -> bytes:
    return json.dumps(body).encode()
