"""The context processor behind the top bar of every page: bell, dot, banner and what the modules need."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Device, User
from push.delivery.vapid import keyring
from push.models import Notification
from push.notices import live
from push.views.facts import Facts, facts_of

LATEST = 5
URLS = (
    ("subscription", "push:subscription"),
    ("permission", "push:permission"),
    ("master", "push:master"),
    ("test", "push:test"),
    ("dismissal", "push:banner_dismissal"),
    ("latest", "push:notifications_latest"),
    ("devices", "push:devices"),
    ("worker", "push:service_worker"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A notification as this device sees it: what was done here counts as read here."""

    notification: Notification
    unread: bool


def lines(rows: Iterable[Notification], device: Device | None) -> list[Line]:
    here = device.pk if device else None
    return [
        Line(row, row.read_at is None and (row.device_id is None or row.device_id != here))
        for row in rows
    ]


class Bar:
    """``push`` in templates. Lazy: a page that shows nothing of it makes no query; all of it makes three."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def device(self) -> Device | None:
        return getattr(self._request, "device", None)

    @cached_property
    def facts(self) -> Facts | None:
        return facts_of(self.device) if self.device else None

    @cached_property
    def facts_json(self) -> str:
        return json.dumps(self.facts.as_json()) if self.facts else ""

    @cached_property
    def unread(self) -> int:
        if self.device is None:
            return 0
        return Notification.objects.bell(self._user).unread(self.device).count()

    @cached_property
    def latest(self) -> list[Line]:
        if self.device is None:
            return []
        return lines(Notification.objects.bell(self._user)[:LATEST], self.device)

    @cached_property
    def public_key(self) -> str:
        """The VAPID key to subscribe with; empty when the server has none."""
        current = keyring().current
        return current.public_text if current else ""

    @cached_property
    def events_token(self) -> str:
        return live.token_for(self._request)

    @cached_property
    def urls_json(self) -> str:
        return json.dumps({name: reverse(view) for name, view in URLS} | {"events": "/events"})

    @property
    def _user(self) -> User:
        return cast(User, self._request.user)


def bar(request: HttpRequest) -> dict[str, Any]:
    """One ``Bar`` per request, however many templates it renders."""
    kept = getattr(request, "push_bar", None)
    if kept is None:
        kept = Bar(request)
        request.push_bar = kept  # type: ignore[attr-defined]
    return {"push": kept}
