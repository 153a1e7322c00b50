"""Switches: what the browser allows, what the account wants, and whether the banner is in the way."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from accounts.requests import DeviceRequest
from push.forms import MasterForm, PermissionForm
from push.models import Preference
from push.views.api import form_refusal, json_view
from push.views.facts import DISMISSED, facts_of
from push.views.subscription import end


@json_view("POST")
def master(request: DeviceRequest, *, body: dict[str, Any]) -> HttpResponse:
    """Turns push on or off for the whole account; subscriptions stay."""
    form = MasterForm(body)
    if not form.is_valid():
        return form_refusal(form)
    Preference.set_push(request.user, form.cleaned_data["enabled"])
    return JsonResponse({"push": facts_of(request.device).as_json()})


@json_view("POST")
def permission(request: DeviceRequest, *, body: dict[str, Any]) -> HttpResponse:
    """A Deny ends push here; allowing it again asks for one tap."""
    form = PermissionForm(body)
    if not form.is_valid():
        return form_refusal(form)
    if form.cleaned_data["state"] == "denied":
        end(request.device)
    return JsonResponse({"push": facts_of(request.device).as_json()})


@json_view("POST")
def banner_dismissal(request: DeviceRequest, *, body: dict[str, Any]) -> HttpResponse:
    """Remembered for this device; see ``facts.DISMISSAL``."""
    request.device.record(DISMISSED)
    return JsonResponse({"push": facts_of(request.device).as_json()})
