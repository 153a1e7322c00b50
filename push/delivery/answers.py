"""What each answer of a push service means: classified once, here, as a value with a name.

Sources: RFC 8030 §5 and §8.4; Apple, "Sending web push notifications in web apps and browsers";
Mozilla, autopush "Error Codes"; Microsoft, "Push notification service request and response
headers"; texts of Google's service as users reported them.
"""

import json
import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

from push.delivery.reasons import REASONS, Reason

__all__ = ["HEADERS_READ", "MAX_RETRY_AFTER", "REASONS", "Answer", "Outcome", "Reason", "classify"]

MAX_RETRY_AFTER = 6 * 3600.0
"""Seconds; a longer ``Retry-After`` is taken for a mistake of the service and cut to this."""

_MAX_CLOCK_SKEW = 600
_MAX_DETAIL = 200
_MAX_LOCATION = 1000


class Outcome(StrEnum):
    """What to do next. REFUSED and MISMATCH on many devices at once are a fault of this server."""

    ACCEPTED = "accepted"  # 200 201 202: keep Location and apns-id
    GONE = "gone"  # 404 410: this subscription is over
    SLOW_DOWN = "slow_down"  # 406 408 429: again after retry_after
    UNAVAILABLE = "unavailable"  # 5xx: again, later and later; it may have gone out
    NETWORK = "network"  # no answer: again; never a reason to delete
    TOO_BIG = "too_big"  # 413: shorten, once
    REFUSED = "refused"  # 401 403: our signature
    MISMATCH = "mismatch"  # this device's key differs: it must subscribe anew
    REJECTED = "rejected"  # permanent for this message, not for the device


class Answer(NamedTuple):
    """One outcome. ``reason`` is a key of ``REASONS`` (empty when accepted), ``detail`` a short
    text without secrets, ``retry_after`` seconds."""

    outcome: Outcome
    status: int | None = None
    reason: str = ""
    detail: str = ""
    retry_after: float | None = None
    location: str = ""
    apns_id: str = ""


_MISMATCH = (Outcome.MISMATCH, "key_mismatch")
_REFUSED = (Outcome.REFUSED, "bad_token")
_STATUS = {
    400: (Outcome.REJECTED, "bad_request"),
    401: (Outcome.REFUSED, "refused"),
    403: (Outcome.REFUSED, "refused"),
    404: (Outcome.GONE, "gone"),
    406: (Outcome.SLOW_DOWN, "slow_down"),
    407: (Outcome.NETWORK, "proxy"),
    408: (Outcome.SLOW_DOWN, "slow_down"),
    410: (Outcome.GONE, "gone"),
    413: (Outcome.TOO_BIG, "too_big"),
    421: (Outcome.UNAVAILABLE, "service_trouble"),
    425: (Outcome.UNAVAILABLE, "service_trouble"),
    429: (Outcome.SLOW_DOWN, "slow_down"),
}
# Words of the services' bodies, and the statuses with which they count. A status says what to do;
# a word only says it more exactly, and can never turn a refusal into "gone".
_WORDS: tuple[tuple[tuple[int, ...], str, tuple[Outcome, str]], ...] = (
    ((400, 401, 403), r"VapidPkHashMismatch", _MISMATCH),
    ((400, 401, 403), r"public key mismatch", _MISMATCH),
    ((400, 401, 403), r"not correspond to the (credentials|sender)", _MISMATCH),
    ((400, 401, 403), r"MismatchSenderId", _MISMATCH),
    ((400, 401, 403), r"\bexp(ired|iration)?\b.*\b(auth|token|jwt)|auth expired", _REFUSED),
    ((400, 401, 403), r"BadJwtToken|BadAuthorizationHeader|BadVapidPublicKey", _REFUSED),
    ((400, 401, 403), r"UnauthorizedRegistration|invalid JWT|crypto-key", _REFUSED),
    ((400, 401, 403), r"Invalid Authorization|bearer token", _REFUSED),
    ((400,), r"BadWebPushTopic|Invalid Topic|errno 113", (Outcome.REJECTED, "bad_topic")),
    ((400,), r"BadTtl|Invalid TTL|Missing TTL|errno 112", (Outcome.REJECTED, "bad_ttl")),
    ((400,), r"BadUrgency", (Outcome.REJECTED, "bad_urgency")),
    ((400,), r"errno (101|110|111)|encryption", (Outcome.REJECTED, "bad_encryption")),
    ((400, 413), r"PayloadTooLarge|errno 104", (Outcome.TOO_BIG, "too_big")),
    ((429,), r"TooManyProviderTokenUpdates", (Outcome.SLOW_DOWN, "too_many_tokens")),
)
_WORD_PATTERNS = tuple((codes, re.compile(word, re.I), row) for codes, word, row in _WORDS)
_SERVICE_WORDS = (400, 401, 403, 413, 429)

_WINDOWS_HEADERS = ("x-wns-error-description", "x-wns-notificationstatus", "x-wns-status")

HEADERS_READ = ("apns-id", "date", "location", "retry-after", *_WINDOWS_HEADERS)
"""The headers of an answer that ``classify`` looks at."""


def classify(
    status: int, headers: Mapping[str, str], body: bytes, service: str, now: float
) -> Answer:
    """What one HTTP answer means. Header names are lower-case; ``now`` is Unix time."""
    if status in (200, 201, 202):
        location = headers.get("location", "")
        return Answer(
            Outcome.ACCEPTED,
            status,
            location=location if len(location) <= _MAX_LOCATION else "",
            apns_id=headers.get("apns-id", "")[:64],
        )
    detail = _detail(headers, body, service)
    outcome, reason = _STATUS.get(status) or _by_class(status)
    if status in _SERVICE_WORDS:
        for codes, pattern, row in _WORD_PATTERNS:
            if status in codes and pattern.search(detail):
                outcome, reason = row
                break
    if outcome is Outcome.REFUSED and _clock_differs(headers.get("date", ""), now):
        reason = "clock"
    retry_after = _retry_after(headers.get("retry-after", ""), now)
    return Answer(outcome, status, reason, sanitise(detail), retry_after)


_DNS, _PROXY_DNS, _CONNECT, _TIMEOUT, _PROXY = 6, 5, 7, 28, 97
_FAILURES = {
    1: "bad_answer",  # CURLE_UNSUPPORTED_PROTOCOL: an HTTP/0.9 answer
    3: "bad_endpoint",  # CURLE_URL_MALFORMAT
    _PROXY_DNS: "proxy",
    _DNS: "dns",
    _CONNECT: "connect",
    8: "bad_answer",  # CURLE_WEIRD_SERVER_REPLY
    16: "reset",  # CURLE_HTTP2
    18: "reset",  # CURLE_PARTIAL_FILE
    23: "bad_answer",  # CURLE_WRITE_ERROR: an endless body before a usable status
    _TIMEOUT: "timeout",
    52: "reset",  # CURLE_GOT_NOTHING
    55: "reset",  # CURLE_SEND_ERROR
    56: "reset",  # CURLE_RECV_ERROR
    61: "bad_answer",  # CURLE_BAD_CONTENT_ENCODING
    92: "reset",  # CURLE_HTTP2_STREAM
    95: "reset",  # CURLE_HTTP3
    100: "bad_answer",  # CURLE_TOO_LARGE: endless headers
    _PROXY: "proxy",
    **dict.fromkeys((35, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98), "tls"),
}


def classify_failure(curl_errno: int, message: str) -> Answer:
    """What it means that there was no answer at all (libcurl-errors(3)): nearly always "again"."""
    reason = _FAILURES.get(curl_errno, "network")
    if "CONNECT tunnel" in message or "proxy" in message.lower():
        reason = "proxy"
    outcome = Outcome.REJECTED if reason == "bad_endpoint" else Outcome.NETWORK
    return Answer(outcome, None, reason, sanitise(message))


_TAGS = re.compile(r"<[^<>]*>")
_SECRETS = re.compile(r"\S*://\S*|[\w+/=.:%-]{40,}", re.ASCII)


def sanitise(text: str) -> str:
    """Short, on one line, and without anything that could be an endpoint, a key or a token."""
    text = "".join(each if each.isprintable() else " " for each in _TAGS.sub(" ", text))
    return " ".join(_SECRETS.sub("[…]", text).split())[:_MAX_DETAIL]


_MIN_SECRET = 8
_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)


def conceal(text: str, secrets: Iterable[str]) -> str:
    """Cuts out what one line of text repeats of these secrets, in capitals or not: 8 characters or more."""
    known = "\n".join(secrets).translate(_SMALL)
    said = text.translate(_SMALL)
    kept: list[str] = []
    end = 0
    for start in range(len(text) - _MIN_SECRET + 1):
        if said[start : start + _MIN_SECRET] in known:
            if start > end or not kept:
                kept.append(text[end:start])
            end = start + _MIN_SECRET
    return "[…]".join([*kept, text[end:]])


def _by_class(status: int) -> tuple[Outcome, str]:
    if 300 <= status < 400:
        return Outcome.REJECTED, "redirect"
    if 400 <= status < 500:
        return Outcome.REJECTED, "rejected"
    if 500 <= status < 600:
        return Outcome.UNAVAILABLE, "service_trouble"
    return Outcome.REJECTED, "unexpected_answer"


def _detail(headers: Mapping[str, str], body: bytes, service: str) -> str:
    """What the service says about it: a vendor's JSON or headers, else the text of the body."""
    if service == "windows":
        words = [headers[name] for name in _WINDOWS_HEADERS if headers.get(name)]
        if words:
            return ", ".join(words)
    text = body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        try:
            return _json_detail(json.loads(text)) or text
        except (ValueError, RecursionError):
            pass
    return text


def _json_detail(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    words = [str(value[key]) for key in ("reason", "message") if isinstance(value.get(key), str)]
    if isinstance(value.get("errno"), int):
        words.append(f"errno {value['errno']}")
    if isinstance(value.get("error"), dict):
        words.append(_json_detail(value["error"]))
    elif isinstance(value.get("error"), str) and not words:
        words.append(value["error"])
    return ", ".join(word for word in words if word)


def _retry_after(text: str, now: float) -> float | None:
    """Seconds from "120" or an HTTP date (RFC 9110 §10.2.3), 0 to the cap; garbage is ``None``."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MAX_RETRY_AFTER)
    at = _timestamp(text)
    return None if at is None else min(max(at - now, 0.0), MAX_RETRY_AFTER)


def _clock_differs(date: str, now: float) -> bool:
    at = _timestamp(date)
    return at is not None and abs(at - now) > _MAX_CLOCK_SKEW


def _timestamp(text: str) -> float | None:
    if not text or len(text) > 64:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
