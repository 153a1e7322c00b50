"""What a device receives: a Declarative Web Push message that a classic service worker reads too.

Sources: W3C Push API, "Declarative push message"; RFC 8030 §5.4 (Topic). Service workers of the
past read this: add keys, never rename one.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple
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


class Content(NamedTuple):
    """What a notification says. ``url`` and each action's ``navigate`` are paths of this site.

    ``actions`` is JSON, as it is stored: an array of objects with action, title and navigate.
    """

    public_id: str
    kind: str
    title: str
    body: str
    url: str
    actions: str
    language: str
    created_at: datetime


def build(content: Content, *, unread: int, receipts: Mapping[str, str]) -> bytes:
    """The plaintext of one push, at most 3,000 bytes of UTF-8: the body is cut, then the title.

    ``unread`` becomes the app's badge; ``receipts`` are the tokens by event. Written out by hand:
    ``json.dumps`` of the whole costs several times as much.
    """
    site = settings.SITE_URL
    public_id = _quoted(content.public_id)
    tokens = ",".join(f"{_quoted(event)}:{_quoted(token)}" for event, token in receipts.items())
    message = (
        f'{{"web_push":8030,"mutable":true,"app_badge":{unread},"notification":{{'
        f'"title":{_quoted(content.title)},"navigate":{_quoted(absolute(content.url))},'
        f'"body":{_quoted(content.body)},"lang":{_quoted(content.language)},"dir":"auto",'
        f'"tag":{public_id},{_pictures(site)}'
        f'"timestamp":{int(content.created_at.timestamp() * 1000)},'
        f'"actions":{_actions(content.actions, site)},'
        f'"data":{{"v":{VERSION},"id":{public_id},"kind":{_quoted(content.kind)},'
        f'"receipts":{{{tokens}}}}}}}}}'
    ).encode("utf-8", "replace")
    return message if len(message) <= MAX_PLAINTEXT else _fit(json.loads(message), MAX_PLAINTEXT)


def shorten(plaintext: bytes) -> bytes | None:
    """The same message in at most ``SHORT`` bytes, as near as its URLs allow; None: nothing to cut."""
    shorter = _fit(json.loads(plaintext), SHORT)
    return shorter if len(shorter) < len(plaintext) else None


def topic(public_id: str) -> str:
    """32 alphanumerics that only copies of one notification share, and that say nothing about it.

    Apple refuses a Topic whose length is 1 more than a multiple of 4.
    """
    key = _topic_key(settings.SECRET_KEY)
    return hashlib.blake2b(public_id.encode(), key=key, digest_size=16).hexdigest()


def absolute(url: str) -> str:
    """A path of this site as a URL."""
    site: str = settings.SITE_URL
    return site + url if url.startswith("/") else urljoin(site + "/", url)


@lru_cache(maxsize=8)
def _topic_key(secret: str) -> bytes:
    return hashlib.sha256(f"push topic {secret}".encode()).digest()


@lru_cache(maxsize=8)
def _pictures(site: str) -> str:
    """Icon and badge; without ``collectstatic`` there are none, and the browser shows its own."""
    try:
        pictures = {"icon": static(ICON), "badge": static(BADGE)}
    except ValueError:
        return ""
    return "".join(f'"{name}":{_quoted(absolute(path))},' for name, path in pictures.items())


@lru_cache(maxsize=64)
def _actions(stored: str, site: str) -> str:
    """The buttons: the same for many notifications."""
    actions = [
        {
            "action": action["action"],
            "title": action["title"],
            "navigate": absolute(action["navigate"]),
        }
        for action in json.loads(stored)
    ]
    return _encode(actions).decode()


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
