"""The published algorithm that decides whether a push is a Declarative Web Push message.

W3C Push API, "declarative push message parser", with the exceptions of "create a notification" of the
WHATWG Notifications Standard. What the parser leaves out is left out here too.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

TEXTS = ("lang", "body", "tag")
URLS = ("image", "icon", "badge")
FLAGS = ("renotify", "silent", "requireInteraction")


class NotDeclarativeError(ValueError):
    """The browser would hand these bytes to the service worker alone, or show nothing."""


@dataclass
class Declared:
    """What the browser shows by itself."""

    title: str
    navigate: str
    options: dict[str, Any]
    actions: list[dict[str, str]] = field(default_factory=list)
    app_badge: int | None = None
    mutable: bool = False


def parse(plaintext: bytes, scope: str) -> Declared:
    """The declared notification; NotDeclarativeError says which step fails. ``scope`` is the base URL."""
    try:
        message = json.loads(plaintext.decode("utf-8"))
    except ValueError as error:
        raise NotDeclarativeError("not JSON") from error
    if not isinstance(message, dict) or not _is_integer(message.get("web_push")):
        raise NotDeclarativeError("no web_push")
    if message["web_push"] != 8030:
        raise NotDeclarativeError("another web_push")
    said = message.get("notification")
    if not isinstance(said, dict):
        raise NotDeclarativeError("no notification")
    if not isinstance(said.get("title"), str):
        raise NotDeclarativeError("no title")
    if not isinstance(said.get("navigate"), str):
        raise NotDeclarativeError("no navigate")
    declared = Declared(
        title=said["title"],
        navigate=_url(said["navigate"], scope),
        options=_options(said, scope),
        actions=_actions(said, scope),
    )
    _create(declared.options)
    if _is_integer(message.get("app_badge")) and 0 <= message["app_badge"] < 2**63:
        declared.app_badge = message["app_badge"]
    declared.mutable = message.get("mutable") is True
    return declared


def _options(said: dict[str, Any], scope: str) -> dict[str, Any]:
    options = {name: said[name] for name in TEXTS if isinstance(said.get(name), str)}
    if said.get("dir") in ("auto", "ltr", "rtl"):
        options["dir"] = said["dir"]
    for name in URLS:
        if isinstance(said.get(name), str):
            options[name] = _url(said[name], scope)
    options |= {name: said[name] for name in FLAGS if isinstance(said.get(name), bool)}
    if _is_integer(said.get("timestamp")) and 0 <= said["timestamp"] < 2**64:
        options["timestamp"] = said["timestamp"]
    if isinstance(said.get("vibrate"), list):
        options["vibrate"] = [one for one in said["vibrate"] if _is_integer(one)]
    if "data" in said:
        options["data"] = said["data"]
    return options


def _actions(said: dict[str, Any], scope: str) -> list[dict[str, str]]:
    """Only complete actions count; one without a URL of its own could not be opened."""
    kept = []
    for action in said["actions"] if isinstance(said.get("actions"), list) else []:
        names = ("action", "title", "navigate")
        if isinstance(action, dict) and all(isinstance(action.get(name), str) for name in names):
            kept.append({**action, "navigate": _url(action["navigate"], scope)})
    return kept


def _create(options: dict[str, Any]) -> None:
    if options.get("silent") and "vibrate" in options:
        raise NotDeclarativeError("silent, but it vibrates")
    if options.get("renotify") and not options.get("tag"):
        raise NotDeclarativeError("renotify without a tag")


def _url(text: str, scope: str) -> str:
    try:
        url = urljoin(scope, text)
        parts = urlsplit(url)
        _port = parts.port
    except ValueError as error:
        raise NotDeclarativeError(f"no URL: {text}") from error
    if not parts.scheme or (parts.scheme in ("http", "https") and not parts.hostname):
        raise NotDeclarativeError(f"no URL: {text}")
    return url


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
