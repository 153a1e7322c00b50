"""What a push service demands of a request (RFC 8030, 8188, 8291, 8292)."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

MAXIMUM_BODY = 4096  # bytes, RFC 8030 section 7.2
MAXIMUM_LIFE = 24 * 3600  # seconds a VAPID token may last, RFC 8292 section 2
URGENCIES = ("very-low", "low", "normal", "high")  # RFC 8030 section 5.3
RESERVED_DOMAINS = ("localhost", "local", "invalid", "test", "example")  # RFC 2606, RFC 6762


@dataclass(eq=False)
class RefusalError(Exception):
    """Why a request is refused: HTTP status, Mozilla's errno, a stable code and a sentence."""

    status: int
    errno: int
    reason: str
    message: str

    def body(self) -> bytes:
        """The answer in Mozilla's form, and with `reason` as Apple names it."""
        return json.dumps(
            {
                "code": self.status,
                "errno": self.errno,
                "reason": self.reason,
                "message": self.message,
            }
        ).encode()


@dataclass(frozen=True)
class Rules:
    """What is demanded: the service's own origin, and what a by-hand user may allow."""

    origin: str
    allow_zero_ttl: bool = False
    allow_local_subject: bool = False


def decode(text: str) -> bytes:
    """Bytes of base64url without padding; ValueError for anything else."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("not base64url without padding")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_key(raw: bytes) -> ec.EllipticCurvePublicKey:
    """An uncompressed P-256 point of 65 bytes; ValueError for anything else."""
    if len(raw) != 65 or raw[0] != 4:
        raise ValueError("not an uncompressed point of 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def check(
    headers: Mapping[str, str], body: bytes, key: bytes | None, rules: Rules, now: float
) -> None:
    """Raise RefusalError unless the request is one that every push service takes.

    `headers` have lower-case names, `key` is the application server key that the subscription
    was made with (None: any), `now` is Unix time in seconds.
    """
    check_authorization(headers.get("authorization"), key, rules, now)
    check_headers(headers, rules)
    check_body(headers, body)


def check_authorization(value: str | None, key: bytes | None, rules: Rules, now: float) -> None:
    """RFC 8292: a token signed by the key that the subscription was made with."""
    if not value:
        raise RefusalError(401, 109, "MissingAuthorization", "There is no Authorization header")
    match = re.fullmatch(r"vapid +(\w)=([^,\s]+), *(\w)=([^,\s]+)", value)
    fields = dict(zip(match.groups()[::2], match.groups()[1::2], strict=True)) if match else {}
    if set(fields) != {"t", "k"}:
        raise _unauthorized("BadAuthorization", "Authorization must be: vapid t=TOKEN, k=KEY")
    try:
        sender = decode(fields["k"])
        claims = _verified_claims(fields["t"], public_key(sender))
    except (ValueError, InvalidSignature) as error:
        raise _unauthorized("BadJwtToken", f"Token or key is broken: {error!r}") from error
    _check_claims(claims, rules, now)
    if key is not None and sender != key:
        raise RefusalError(
            403, 109, "VapidPkHashMismatch", "The subscription was made with another key"
        )


def _unauthorized(reason: str, message: str) -> RefusalError:
    return RefusalError(401, 109, reason, message)


def _verified_claims(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    signed, _, signature = token.rpartition(".")
    header_part, dot, claims_part = signed.partition(".")
    raw = decode(signature)
    if not dot or len(raw) != 64:
        raise ValueError("not three parts with a signature of 64 bytes")
    header, claims = json.loads(decode(header_part)), json.loads(decode(claims_part))
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("header and claims must be objects")
    if header.get("alg") != "ES256" or header.get("typ", "JWT") != "JWT":
        raise ValueError("the token must be a JWT signed with ES256")
    pair = utils.encode_dss_signature(
        int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    )
    key.verify(pair, signed.encode(), ec.ECDSA(hashes.SHA256()))
    return claims


def _check_claims(claims: Mapping[str, Any], rules: Rules, now: float) -> None:
    if claims.get("aud") != rules.origin:
        raise _unauthorized("BadAudience", f"aud must be {rules.origin}")
    expires = claims.get("exp")
    if isinstance(expires, bool) or not isinstance(expires, int | float):
        raise _unauthorized("BadExpiry", "exp must be a number of seconds")
    if expires <= now:
        raise _unauthorized("ExpiredJwtToken", "exp has passed")
    if expires > now + MAXIMUM_LIFE:
        raise _unauthorized("BadExpiry", "exp is more than 24 hours ahead")
    if not _is_sane_subject(claims.get("sub"), rules.allow_local_subject):
        raise _unauthorized("BadSubject", "sub must be mailto:someone@real.domain or an https URL")


def _is_sane_subject(subject: object, allow_local: bool) -> bool:
    if not isinstance(subject, str):
        return False
    match = re.fullmatch(r"mailto:[^\s<>()@:]+@([^\s<>()@:]+)", subject)
    if match:
        domain = match[1]
    elif re.fullmatch(r"https?://[^\s<>()]+", subject):
        parts = urlsplit(subject)
        if parts.scheme == "http" and not allow_local:
            return False
        domain = parts.hostname or ""
    else:
        return False
    if allow_local:
        return bool(domain)
    return "." in domain and domain.rpartition(".")[2].lower() not in RESERVED_DOMAINS


def check_headers(headers: Mapping[str, str], rules: Rules) -> None:
    """RFC 8030 section 5: TTL, Urgency, Topic."""
    ttl = headers.get("ttl")
    if ttl is None:
        raise RefusalError(400, 111, "MissingTTL", "There is no TTL header")
    if not re.fullmatch(r"[0-9]{1,10}", ttl):
        raise RefusalError(400, 112, "BadTTL", "TTL must be a number of seconds")
    if int(ttl) == 0 and not rules.allow_zero_ttl:
        raise RefusalError(400, 112, "BadTTL", "TTL must be more than 0")
    if headers.get("urgency", "normal") not in URGENCIES:
        raise RefusalError(400, 110, "BadUrgency", f"Urgency must be one of {', '.join(URGENCIES)}")
    topic = headers.get("topic")
    if topic is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic):
        raise RefusalError(
            400, 113, "BadWebPushTopic", "Topic must be 1 to 32 base64url characters"
        )
    # Apple refuses a base64 text that no number of bytes could have made.
    if topic is not None and len(topic) % 4 == 1:
        raise RefusalError(400, 113, "BadWebPushTopic", "No base64 text has this length")


def check_body(headers: Mapping[str, str], body: bytes) -> None:
    """RFC 8188 section 2.1 and RFC 8291 section 4: one record and its header block."""
    if len(body) > MAXIMUM_BODY:
        raise RefusalError(413, 104, "PayloadTooLarge", f"More than {MAXIMUM_BODY} bytes")
    if headers.get("content-encoding") != "aes128gcm":
        raise RefusalError(400, 110, "BadContentEncoding", "Content-Encoding must be aes128gcm")
    if len(body) < 16 + 4 + 1 + 65 + 17:
        raise RefusalError(400, 110, "BadPayload", "Too short for a header block and a record")
    record_size, key_length, record = int.from_bytes(body[16:20], "big"), body[20], body[86:]
    if key_length != 65:
        raise RefusalError(400, 110, "BadPayload", "The key in the header block must have 65 bytes")
    try:
        public_key(body[21:86])
    except ValueError as error:
        raise RefusalError(400, 110, "BadPayload", "The key is no point on P-256") from error
    if record_size < 18 or len(record) > record_size:
        raise RefusalError(
            400, 110, "BadPayload", "There must be one record, within the record size"
        )
