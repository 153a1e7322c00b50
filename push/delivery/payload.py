"""What a device receives: a Declarative Web Push message that a classic service worker reads too.

Sources: W3C Push API, "Declarative push message"; RFC 8030 §5.4 (Topic). Service workers of the
past read this: add keys, never rename one.
"""

import hashlib
import hmac
import json
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.templatetags.static import static

from push.delivery.encryption import MAX_PLAINTEXT

VERSION = 1
"""Of ``notification.data``."""

SHORT = 1024
"""Bytes to which a message is cut that a push service found too big."""

ICON = "icons/icon-192.png"
BADGE = "icons/badge-96.png"

_ELLIPSIS = "…"
_LEAST = {"title": _ELLIPSIS, "body": ""}


@dataclass(frozen=True, slots=True)
class Content:
    """What a notification says. ``url`` and each action's ``navigate`` are paths of this site."""

    public_id: str
    kind: str
    title: str
    body: str
    url: str
    actions: list[dict[str, str]]
    language: str
    created_at: datetime


def build(content: Content, *, unread: int, receipts: Mapping[str, str]) -> bytes:
    """The plaintext of one push, at most 3,000 bytes of UTF-8: the body is cut, then the title.

    ``unread`` becomes the app's badge; ``receipts`` are the tokens by event.
    """
    notification = {
        "title": content.title,
        "navigate": absolute(content.url),
        "body": content.body,
        "lang": content.language,
        "dir": "auto",
        "tag": content.public_id,
        **{name: absolute(path) for name, path in _pictures().items()},
        "timestamp": int(content.created_at.timestamp() * 1000),
        "actions": [
            {
                "action": action["action"],
                "title": action["title"],
                "navigate": absolute(action["navigate"]),
            }
            for action in content.actions
        ],
        "data": {
            "v": VERSION,
            "id": content.public_id,
            "kind": content.kind,
            "receipts": dict(receipts),
        },
    }
    message = {
        "web_push": 8030,
        "mutable": True,
        "app_badge": unread,
        "notification": notification,
    }
    return _fit(message, MAX_PLAINTEXT)


def shorten(plaintext: bytes) -> bytes | None:
    """The same message in at most ``SHORT`` bytes, as near as its URLs allow; None: nothing to cut."""
    shorter = _fit(json.loads(plaintext), SHORT)
    return shorter if len(shorter) < len(plaintext) else None


def topic(public_id: str) -> str:
    """32 alphanumerics that only copies of one notification share, and that say nothing about it.

    Apple refuses a Topic whose length is 1 more than a multiple of 4.
    """
    key = f"push topic {settings.SECRET_KEY}".encode()
    return hmac.new(key, public_id.encode(), hashlib.sha256).hexdigest()[:32]


def absolute(url: str) -> str:
    """A path of this site as a URL."""
    site: str = settings.SITE_URL
    return site + url if url.startswith("/") else urljoin(site + "/", url)


@lru_cache(maxsize=1)
def _pictures() -> dict[str, str]:
    """Icon and badge; without ``collectstatic`` there are none, and the browser shows its own."""
    try:
        return {"icon": static(ICON), "badge": static(BADGE)}
    except ValueError:
        return {}


def _fit(message: dict[str, Any], limit: int) -> bytes:
    """Encodes ``message`` in ``limit`` bytes if cutting texts, and then leaving out buttons, does it."""
    notification = message["notification"]
    plaintext = _encode(message)
    for name in ("body", "title"):
        excess = len(plaintext) - limit
        if excess > 0:
            notification[name] = _cut(notification[name], excess, _LEAST[name])
            plaintext = _encode(message)
    while len(plaintext) > limit and notification["actions"]:
        notification["actions"].pop()
        plaintext = _encode(message)
    return plaintext


def _cut(text: str, excess: int, least: str) -> str:
    """The longest beginning of ``text`` that takes ``excess`` bytes less, cut between code points."""
    room = len(_encode(text)) - excess
    kept = bisect_right(
        range(len(text)), room, key=lambda end: len(_encode(text[:end] + _ELLIPSIS))
    )
    return text[: kept - 1].rstrip() + _ELLIPSIS if kept > 1 else least


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
