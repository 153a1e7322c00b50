"""Send test: one push through the real pipeline, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Device, User
from accounts.requests import DeviceRequest
from push.delivery.answers import REASONS
from push.models import Delivery, Preference, ServiceState, Subscription
from push.views.anchors import MANUAL_PAGE
from push.views.api import json_view, refusal
from push.views.pauses import service_name

KIND = "push.test"
PER_MINUTE = 5
WORKER_PATIENCE = timedelta(seconds=10)
SHOW_PATIENCE = timedelta(seconds=15)

FAILED = (
    Delivery.State.FAILED,
    Delivery.State.GONE,
    Delivery.State.EXPIRED,
    Delivery.State.DROPPED,
)


@json_view("POST")
def test(request: DeviceRequest, *, body: dict[str, Any]) -> HttpResponse:
    """To this device."""
    return send(request.user, request.device)


def send(user: User, device: Device) -> HttpResponse:
    """Writes one test for ``device``; 202 with the URL that tells what became of it."""
    active = Subscription.objects.active().filter(device=device, user=user)
    subscription = active.first()
    if subscription is None:
        return _not_subscribed()
    if not Preference.push_is_on(user):
        return refusal(409, "paused", _("Push is off for your account. Turn it on first."))
    with transaction.atomic():
        User.objects.select_for_update().get(
            pk=user.pk
        )  # two presses at once count one after the other
        wait = _seconds_to_wait(user)
        if wait:
            return _too_often(wait)
        key = subscription.request_test().key
    if not _deliveries(user, key).exists():
        if not active.exists():  # it has ended in this very moment
            return _not_subscribed()
        return refusal(
            500, "not_written", _("The test could not be written. The server's log says why.")
        )
    status_url = reverse("push:test_outcome", args=[key])
    return JsonResponse({"id": key, "url": status_url}, status=202)


def _not_subscribed() -> HttpResponse:
    return refusal(409, "not_subscribed", _("Push is not on for this device."))


def _too_often(wait: int) -> HttpResponse:
    message = _("Five tests a minute are enough. Try again in %(seconds)s s.") % {"seconds": wait}
    return refusal(429, "too_often", message, **{"Retry-After": str(wait)})


def _seconds_to_wait(user: User) -> int:
    """0 when another test may go out now."""
    now = timezone.now()
    devices = list(Device.objects.filter(user=user).values_list("public_id", flat=True))
    sent = Delivery.objects.filter(
        notification__user=user,
        device_public_id__in=devices,
        kind=KIND,
        created_at__gt=now - timedelta(minutes=1),
    ).order_by("-created_at")
    times = list(sent.values_list("created_at", flat=True)[:PER_MINUTE])
    if len(times) < PER_MINUTE:
        return 0
    return max(1, 60 - int((now - times[-1]).total_seconds()))


@json_view("GET")
def outcome(request: DeviceRequest, key: str, *, body: dict[str, Any]) -> HttpResponse:
    """What became of a test: for programs as values, for people as lines of text."""
    delivery = _deliveries(request.user, key).first()
    if delivery is None:
        return refusal(404, "unknown_test", _("There is no such test. It may have been deleted."))
    return JsonResponse(_report(delivery, timezone.now()))


def _deliveries(user: User, key: str) -> Any:
    return Delivery.objects.filter(notification__user=user, notification__event_key=f"{KIND}:{key}")


@dataclass(frozen=True, slots=True)
class _Line:
    """``tone`` is one of Bootstrap's: success, warning, danger, secondary."""

    tone: str
    text: str
    fix: str = ""
    manual: str = ""


def _report(delivery: Delivery, now: datetime) -> dict[str, Any]:
    reason = _reason(delivery, now)
    shown_ms = _milliseconds(delivery.created_at, delivery.shown_at)
    accepted_ms = _milliseconds(delivery.created_at, delivery.accepted_at)
    lines = _lines(delivery, accepted_ms, shown_ms, reason)
    return {
        "id": delivery.notification.event_key.partition(":")[2],
        "state": delivery.state,
        "service": service_name(delivery.service),
        "status": delivery.status,
        "accepted_ms": accepted_ms,
        "shown_ms": shown_ms,
        "reason": reason,
        "lines": [
            {"tone": x.tone, "text": x.text, "fix": x.fix, "manual": x.manual} for x in lines
        ],
        "final": delivery.shown_at is not None
        or delivery.state in FAILED
        or reason in ("not_shown", "shown_unknown"),
    }


def _reason(delivery: Delivery, now: datetime) -> str:
    """The delivery's own reason, or what its silence means by now; a key of ``REASONS`` or empty."""
    if delivery.state == Delivery.State.PENDING and not delivery.reason:
        if ServiceState.objects.filter(service=delivery.service, open_until__gt=now).exists():
            return "breaker"
        is_late = not delivery.attempts and now - delivery.created_at > WORKER_PATIENCE
        return "no_worker" if is_late else ""
    if delivery.state == Delivery.State.ACCEPTED and delivery.shown_at is None:
        late = delivery.accepted_at is not None and now - delivery.accepted_at > SHOW_PATIENCE
        return ("shown_unknown" if delivery.service == "apple" else "not_shown") if late else ""
    return delivery.reason if delivery.state != Delivery.State.ACCEPTED else ""


def _milliseconds(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else max(0, round((end - start).total_seconds() * 1000))


def _lines(
    delivery: Delivery, accepted_ms: int | None, shown_ms: int | None, reason: str
) -> list[_Line]:
    names = {
        "service": service_name(delivery.service),
        "device": delivery.device_name,
    }
    lines = []
    if accepted_ms is not None:
        text = _("Accepted by %(service)s after %(seconds)s s.")
        lines.append(_Line("success", text % (names | {"seconds": _seconds(accepted_ms)})))
    elif not reason:
        lines.append(_Line("secondary", _("On its way to %(service)s …") % names))
    if shown_ms is not None:
        text = _("Shown after %(seconds)s s.") % {"seconds": _seconds(shown_ms)}
        lines.append(_Line("success", text))
    elif accepted_ms is not None and not reason:
        lines.append(_Line("secondary", _("Waiting for %(device)s to show it …") % names))
    if reason in REASONS:
        known = REASONS[reason]
        tone = "danger" if delivery.state in FAILED or reason == "no_worker" else "warning"
        lines.append(_Line(tone, str(known.title), str(known.fix), _manual(known.anchor)))
    return lines


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f}" if milliseconds >= 100 else f"{milliseconds / 1000:.2f}"


def _manual(anchor: str) -> str:
    return f"{reverse('push:manual', args=[MANUAL_PAGE])}#{anchor}"
