"""Browsers with real keys that subscribe at a sink, and the test whether what arrived there was right."""

import base64
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.peers.rounds import Task

SUBJECT = "mailto:push@fastlinkit.example.org"
PLAINTEXT_BYTES = 293
_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser's key pair and authentication secret."""

    private: ec.EllipticCurvePrivateKey
    public: bytes
    auth: bytes


class WrongMessageError(Exception):
    """A sender is left out of the comparison: what it sent was not right."""


def browsers(count: int) -> list[Browser]:
    """Makes ``count`` of them."""
    made = []
    for _each in range(count):
        private = ec.generate_private_key(_CURVE)
        public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        made.append(Browser(private, public, os.urandom(16)))
    return made


def task(subscribers: Sequence[Browser], url: str, keys: tuple[str, str]) -> Task:
    """What each sender is given: 293 bytes of plaintext for each browser at ``url``; keys public, private."""
    head = {"title": "New answer", "body": "", "url": "/Support/TKT-012"}
    head["body"] = "x" * (PLAINTEXT_BYTES - len(json.dumps(head)))
    subscriptions = [
        {
            "endpoint": f"{url}/push/{number}",
            "keys": {"p256dh": _encoded(browser.public), "auth": _encoded(browser.auth)},
        }
        for number, browser in enumerate(subscribers)
    ]
    return Task(*keys, SUBJECT, json.dumps(head), subscriptions)


def write(task: Task, path: Path) -> Path:
    path.write_text(json.dumps(asdict(task)))
    return path


def verify(
    kept: Sequence[dict[str, Any]],
    subscribers: Sequence[Browser],
    public_key: str,
    origin: str,
    plaintext: str | None,
) -> int:
    """How many messages were right: decrypted, signed, with the headers of RFC 8030 and 8292.

    ``plaintext`` None: any JSON will do. Raises ``WrongMessageError``.
    """
    tokens: set[str] = set()
    for request in kept:
        headers = request["headers"]
        number = int(headers[":path"].rpartition("/")[2])
        try:
            found = _decrypt(base64.b64decode(request["body"]), subscribers[number])
        except Exception as error:
            raise WrongMessageError(f"a body could not be decrypted: {error}") from error
        if (found != plaintext) if plaintext else not json.loads(found):
            raise WrongMessageError("a plaintext was another")
        if headers.get("content-encoding") != "aes128gcm" or not headers.get("ttl", "").isdigit():
            raise WrongMessageError("a header was missing")
        tokens.add(headers["authorization"])
    for token in tokens:
        _verify_token(token, public_key, origin)
    return len(kept)


def _decrypt(body: bytes, browser: Browser) -> str:
    plaintext: bytes = http_ece.decrypt(
        body, private_key=browser.private, auth_secret=browser.auth, version="aes128gcm"
    )
    return plaintext.decode()


def _verify_token(header: str, public_key: str, origin: str) -> None:
    scheme, _space, rest = header.partition(" ")
    fields = dict(field.strip().split("=", 1) for field in rest.split(","))
    signed, _dot, signature = fields["t"].rpartition(".")
    claims = json.loads(_decoded(signed.split(".")[1]))
    pair = _decoded(signature)
    number = encode_dss_signature(
        int.from_bytes(pair[:32], "big"), int.from_bytes(pair[32:], "big")
    )
    key = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, _decoded(public_key))
    key.verify(number, signed.encode(), ec.ECDSA(SHA256()))
    # webpush-rs leaves the port out, which push services don't have.
    is_for_us = claims["aud"] in (origin, origin.rpartition(":")[0])
    is_right = is_for_us and 0 < claims["exp"] - time.time() <= 86_400
    if scheme.lower() != "vapid" or fields["k"].rstrip("=") != public_key or not is_right:
        raise WrongMessageError("a VAPID header was not right")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
