"""The caller's own device gets a subscription, loses it, or tells that the browser has changed it."""

from datetime import timedelta
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from accounts.models import Device, DeviceEvent
from accounts.models.device import COOKIE
from accounts.requests import DeviceRequest
from push.delivery.endpoints import endpoint_hash
from push.forms import ChangeForm, SubscriptionForm
from push.models import GoneEndpoint, Subscription
from push.views.api import form_refusal, json_view, refusal
from push.views.facts import REPAIRED, SUBSCRIBED, Facts, facts_of

GONE_MEMORY = timedelta(days=30)
PER_MINUTE = 10
"""Registrations of one person: each writes several rows and sends a welcome. A stranger's calls write
nothing, so nothing counts them: to count one costs more than to answer it."""


class RegistrationError(Exception):
    """A registration that the rules forbid. ``code`` is stable; the text is for the person."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.field = code, field

    def answer(self) -> JsonResponse:
        return refusal(409, self.code, str(self), self.field)


class TooOftenError(RegistrationError):
    """``wait``: seconds until the next one is taken."""

    def __init__(self, wait: int) -> None:
        text = _("Push was turned on too often within a minute. Try again in %(seconds)s s.")
        super().__init__("too_often", text % {"seconds": wait})
        self.wait = wait

    def answer(self) -> JsonResponse:
        return refusal(429, self.code, str(self), **{"Retry-After": str(self.wait)})


@json_view("GET", "POST", "PUT", "DELETE", signed_in=False)
def subscription(request: HttpRequest, *, body: dict[str, Any]) -> HttpResponse:
    """GET: what the server knows. POST or PUT: register. DELETE: unsubscribe."""
    if getattr(request, "device", None) is None:
        return _signed_out(request)
    signed_in = cast(DeviceRequest, request)
    if request.method == "DELETE":
        end(signed_in.device)
    elif request.method != "GET":
        return _register(signed_in, SubscriptionForm(body))
    return _answer(signed_in.device)


@csrf_exempt
@json_view("POST")
def change(request: DeviceRequest, *, body: dict[str, Any]) -> HttpResponse:
    """From the service worker, which has no CSRF token.

    Session, device cookie and old endpoint must belong together.
    """
    form = ChangeForm(body | {"repair": True})
    if not form.is_valid():
        return form_refusal(form)
    digest = endpoint_hash(form.cleaned_data["old_endpoint"])
    if not Subscription.objects.filter(device=request.device, endpoint_hash=digest).exists():
        message = _("This device has no subscription with this endpoint.")
        return refusal(404, "unknown_endpoint", message, "old_endpoint")
    return _register(request, form)


def end(device: Device) -> None:
    """This person wants no push here: the row goes, and reconciliation ends what the browser still holds."""
    with transaction.atomic():
        device.want_push(False)
        Subscription.end_for(device)


def _signed_out(request: HttpRequest) -> HttpResponse:
    """A session that merely expired leaves push on; a sign-out does not. The device cookie tells which."""
    if request.method != "GET":
        return refusal(401, "signed_out", _("You are signed out. Sign in and try again."))
    secret = request.COOKIES.get(COOKIE, "")
    devices = Device.objects.for_browser(secret)
    subscribed = bool(secret) and Subscription.objects.active().filter(device__in=devices).exists()
    return JsonResponse({"subscribed": subscribed})


def _register(request: DeviceRequest, form: SubscriptionForm) -> HttpResponse:
    if not form.is_valid():
        return form_refusal(form)
    try:
        try:
            _store(request.device, form.cleaned_data)
        except IntegrityError:  # another device with the same endpoint at the same instant
            _store(request.device, form.cleaned_data)
    except RegistrationError as refused:
        return refused.answer()
    except IntegrityError:
        return _endpoint_taken().answer()
    return _answer(request.device)


def _store(device: Device, data: dict[str, Any]) -> None:
    """Holds a checked registration against what the server knows; all of it or nothing.

    Raises:
        RegistrationError: when it must not be stored.
        Device.DoesNotExist: when the device was removed meanwhile.
        IntegrityError: when another device has just taken the endpoint.
    """
    with transaction.atomic():
        Device.objects.select_for_update(no_key=True).get(pk=device.pk)  # one tab after the other
        _refuse_gone(data["endpoint"])
        if data["repair"]:
            if _is_registered(device, data):
                return
            _refuse_repair(facts_of(device))
        _refuse_haste(device)
        _take_over(device, data)
        Subscription.subscribe(
            device,
            endpoint=data["endpoint"],
            service=data["service"],
            p256dh=data["p256dh"],
            auth=data["auth"],
            key_id=data["key"].key_id,
            repair=data["repair"],
        )


def _refuse_gone(endpoint: str) -> None:
    since = timezone.now() - GONE_MEMORY
    if GoneEndpoint.objects.filter(
        endpoint_hash=endpoint_hash(endpoint), gone_at__gt=since
    ).exists():
        message = _(
            "The push service has ended this subscription. The browser must make a new one."
        )
        raise RegistrationError("endpoint_gone", message, "endpoint")


def _is_registered(device: Device, data: dict[str, Any]) -> bool:
    row = Subscription.objects.active().filter(device=device).first()
    return (
        row is not None
        and row.endpoint == data["endpoint"]
        and row.key_id == data["key"].key_id
        and _same_keys(row, data)
    )


def _refuse_repair(facts: Facts) -> None:
    if not facts.wanted:
        raise RegistrationError(
            "not_wanted", _("Push is not wanted on this device. Press Subscribe to turn it on.")
        )
    if not facts.repairs_left:
        message = _("Push was repaired three times within 24 hours. Press Subscribe to try again.")
        raise RegistrationError("repairs_spent", message)


def _refuse_haste(device: Device) -> None:
    """By the history of the person's devices, which tells of every registration."""
    now = timezone.now()
    recent = DeviceEvent.objects.filter(
        device__user=device.user_id,
        what__in=(SUBSCRIBED, REPAIRED),
        at__gt=now - timedelta(minutes=1),
    )
    times = list(recent.order_by("-at").values_list("at", flat=True)[:PER_MINUTE])
    if len(times) == PER_MINUTE:
        raise TooOftenError(max(1, 60 - int((now - times[-1]).total_seconds())))


def _take_over(device: Device, data: dict[str, Any]) -> None:
    """An endpoint in another device's row is the same browser only where both keys match too."""
    row = (
        Subscription.objects.filter(endpoint_hash=endpoint_hash(data["endpoint"]))
        .exclude(device=device)
        .select_related("device")
        .first()
    )
    if row is None:
        return
    if not _same_keys(row, data):
        raise _endpoint_taken()
    end(row.device)


def _endpoint_taken() -> RegistrationError:
    message = _("This endpoint belongs to another device.")
    return RegistrationError("endpoint_taken", message, "endpoint")


def _same_keys(row: Subscription, data: dict[str, Any]) -> bool:
    return (bytes(row.p256dh), bytes(row.auth)) == (data["p256dh"], data["auth"])


def _answer(device: Device) -> JsonResponse:
    return JsonResponse({"push": facts_of(device).as_json()})
