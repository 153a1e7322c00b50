"""Message encryption for web push: RFC 8291 on top of RFC 8188, one record, padded.

Written on ``cryptography`` and ``hashlib`` directly because the general library costs a third
more per message; the tests hold it to the RFC's vector and, both ways, to the reference library.
"""

import base64
import binascii
import os
import re
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PUBLIC_KEY_LENGTH = 65
"""Bytes of an uncompressed P-256 point (RFC 8291 §3.1), the first of which is 0x04."""

AUTH_LENGTH = 16
"""Bytes of the authentication secret (RFC 8291 §3.2)."""

BUCKETS = (512, 1024, 2048, 3000)
"""Plaintext is padded to these lengths in bytes, so that length does not tell the kind."""

MAX_PLAINTEXT = BUCKETS[-1]
"""Bytes. The protocol has room for 3,993; Firefox on Android takes about 3,000."""

_SALT_LENGTH = 16
_CURVE = ec.SECP256R1()
_ECDH = ec.ECDH()
_UNCOMPRESSED = (Encoding.X962, PublicFormat.UncompressedPoint)
_HEADER = (4096).to_bytes(4, "big") + bytes((PUBLIC_KEY_LENGTH,))  # record size, length of the key
_KEY_INFO = b"Content-Encoding: aes128gcm\x00\x01"
_NONCE_INFO = b"Content-Encoding: nonce\x00\x01"
_INNER = bytes(byte ^ 0x36 for byte in range(256))  # the pads of HMAC (RFC 2104 §2)
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_BASE64 = re.compile(r"[A-Za-z0-9_-]*\Z")


class EncryptionError(ValueError):
    """This message cannot be encrypted for this device: its keys are no use."""


class PlaintextTooLongError(EncryptionError):
    """The plaintext has more than ``MAX_PLAINTEXT`` bytes; shorten it before sending."""


def base64url_encode(data: bytes) -> str:
    """Base64url without padding, as every web push field is written (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_decode(text: str) -> bytes:
    """Decode base64url or plain base64, padded or not. ``ValueError`` for anything else."""
    body = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    if not _BASE64.match(body) or len(body) % 4 == 1:
        raise ValueError("not base64url")
    try:
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error


def pad(plaintext: bytes) -> bytes:
    """Add the delimiter of the last record (0x02) and zeros up to the next bucket (RFC 8188 §2).

    Raises ``PlaintextTooLongError`` above ``MAX_PLAINTEXT`` bytes.
    """
    length = len(plaintext)
    for bucket in BUCKETS:
        if length <= bucket:
            return plaintext + b"\x02" + bytes(bucket - length)
    raise PlaintextTooLongError(f"{length} bytes; at most {MAX_PLAINTEXT} fit")


def encrypt(
    plaintext: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    salt: bytes | None = None,
    private_key: ec.EllipticCurvePrivateKey | None = None,
    padding: bool = True,
) -> bytes:
    """Encrypt one message for one browser; the result is the whole ``aes128gcm`` body.

    ``p256dh`` is the browser's public key (65 bytes, uncompressed), ``auth`` its secret (16 bytes).
    Salt (16 bytes) and key pair are fresh for each message unless given: giving them is for the
    vector of RFC 8291 §5, as is ``padding=False``.

    Raises ``PlaintextTooLongError`` above 3,000 bytes, ``EncryptionError`` for keys that are none.
    """
    if len(auth) != AUTH_LENGTH or len(p256dh) != PUBLIC_KEY_LENGTH:
        raise EncryptionError("p256dh has 65 bytes and auth 16")
    record = pad(plaintext) if padding else plaintext + b"\x02"
    try:
        peer = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, p256dh)
    except ValueError as error:
        raise EncryptionError("p256dh is not a point on P-256") from error
    own = private_key or ec.generate_private_key(_CURVE)
    own_public = own.public_key().public_bytes(*_UNCOMPRESSED)
    salt = salt or os.urandom(_SALT_LENGTH)
    key, nonce = _derive(own.exchange(_ECDH, peer), auth, p256dh + own_public, salt)
    return salt + _HEADER + own_public + AESGCM(key).encrypt(nonce, record, None)


def _derive(shared: bytes, auth: bytes, public_keys: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Key and nonce of the record (RFC 8291 §3.4).

    HKDF-SHA-256 with outputs of one block each is one HMAC to extract and one to expand
    (RFC 5869 §2). The last two share their key, and so the pads.
    """
    secret = _hmac(_hmac(auth, shared), b"WebPush: info\x00" + public_keys + b"\x01")
    block = _hmac(salt, secret).ljust(64, b"\x00")
    inner, outer = block.translate(_INNER), block.translate(_OUTER)
    key = sha256(outer + sha256(inner + _KEY_INFO).digest()).digest()[:16]
    return key, sha256(outer + sha256(inner + _NONCE_INFO).digest()).digest()[:12]


def _hmac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA-256 of a key of at most 64 bytes: half the cost of the library's, which looks up
    its algorithm at each call."""
    block = key.ljust(64, b"\x00")
    inner = sha256(block.translate(_INNER) + text).digest()
    return sha256(block.translate(_OUTER) + inner).digest()
