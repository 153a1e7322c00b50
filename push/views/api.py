"""The shape of push's JSON endpoints: who may call, what a body is, what a refusal looks like.

A refusal is ``{"error": {"code", "message", "field"?}}`` or, from a form, ``{"errors": {field: [messages]}}``.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import Device

MAX_BODY = 16 * 1024
"""Bytes; the longest registration that a browser makes has about 1,500."""

type View = Callable[..., HttpResponse]


def refusal(status: int, code: str, message: str, field: str = "", **headers: str) -> JsonResponse:
    """``code`` is stable, for programs; ``message`` says why, for people; ``field`` is what to mend."""
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return JsonResponse({"error": error}, status=status, headers=headers)


def _signed_out() -> JsonResponse:
    return refusal(401, "signed_out", _("You are signed out. Sign in and try again."))


def form_refusal(form: forms.Form) -> JsonResponse:
    """400 with every field's messages, under the names that the caller used."""
    names: dict[str, str] = getattr(form, "json_names", {})
    errors = {names.get(field, field): list(messages) for field, messages in form.errors.items()}
    return JsonResponse({"errors": errors}, status=400)


def _read(request: HttpRequest) -> dict[str, Any] | JsonResponse:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        message = _("The body is larger than %(limit)s bytes.") % {"limit": MAX_BODY}
        return refusal(413, "too_large", message, "body")
    if not request.body and request.method in ("GET", "HEAD", "DELETE"):
        return {}
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return refusal(400, "not_json", _("The body is not JSON."), "body")
    if not isinstance(body, dict):
        return refusal(400, "not_an_object", _("The body must be a JSON object."), "body")
    return body


def json_view(*methods: str, signed_in: bool = True) -> Callable[[View], View]:
    """The view is given the parsed body as ``body``; whoever is signed out hears 401, not a redirect."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                message = _("Use %(methods)s.") % {"methods": ", ".join(methods)}
                return refusal(405, "method", message, Allow=", ".join(methods))
            if signed_in and getattr(request, "device", None) is None:
                return _signed_out()
            body = _read(request)
            if isinstance(body, HttpResponse):
                return body
            try:
                return view(request, *args, body=body, **kwargs)
            except Device.DoesNotExist:  # removed by another tab in this very moment
                return _signed_out()

        return never_cache(wrapped)

    return decorate
