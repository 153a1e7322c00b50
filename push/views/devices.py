"""The card "Your devices": every signed-in browser of a person, and push on each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import Device
from accounts.requests import DeviceRequest, SignedInRequest
from push.delivery.answers import REASONS
from push.delivery.reasons import Reason
from push.models import Preference, Subscription
from push.views import testing
from push.views.anchors import MANUAL_PAGE
from push.views.api import json_view, refusal
from push.views.pauses import Pause, paused_until


@dataclass(frozen=True, slots=True)
class Row:
    """``state`` is on, paused, attention or off."""

    device: Device
    subscription: Subscription | None
    state: str
    reason: Reason | None
    is_this: bool
    pause: Pause | None

    @property
    def can_test(self) -> bool:
        return self.state == "on"


def context(request: HttpRequest) -> dict[str, Any]:
    """Two queries, however many devices there are."""
    signed_in = cast(SignedInRequest, request)
    devices = Device.objects.filter(user=signed_in.user).select_related("subscription")
    devices = devices.annotate(paused_until=paused_until("subscription__service"))
    master = Preference.push_is_on(signed_in.user)
    rows = [_row(device, signed_in.device, master) for device in devices.order_by("-last_seen_at")]
    rows.sort(key=lambda row: not row.is_this)
    return {"rows": rows, "manual_page": MANUAL_PAGE}


def _row(device: Device, this: Device | None, master: bool) -> Row:
    subscription: Subscription | None = getattr(device, "subscription", None)
    if subscription is None:
        state = "off"
    elif subscription.state != Subscription.State.ACTIVE:
        state = "attention"
    else:
        state = "on" if master else "paused"
    reason = (
        REASONS.get(subscription.last_error_reason)
        if subscription and subscription.last_error_at
        else None
    )
    until: datetime | None = getattr(device, "paused_until", None)
    pause = Pause(subscription.service, until) if subscription and until and state == "on" else None
    return Row(device, subscription, state, reason, device == this, pause)


@never_cache
def listing(request: HttpRequest) -> HttpResponse:
    """The card alone, for a page whose push state has just changed."""
    if getattr(request, "device", None) is None:
        return refusal(401, "signed_out", _("You are signed out. Sign in and try again."))
    return render(request, "push/_devices_card.html", context(request))


@json_view("POST")
def device_test(request: DeviceRequest, public_id: str, *, body: dict[str, Any]) -> HttpResponse:
    """Send test to one of the person's own devices."""
    device = Device.objects.filter(user=request.user, public_id=public_id).first()
    if device is None:
        return refusal(404, "unknown_device", _("There is no such device."))
    return testing.send(request.user, device)
