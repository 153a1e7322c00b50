"""Which device a request comes from, and its person's language and time zone."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone, translation
from django.utils.crypto import constant_time_compare

from accounts import user_agents
from accounts.models import Device, User
from accounts.models.device import COOKIE, COOKIE_AGE, hash_secret, new_secret

type GetResponse = Callable[[HttpRequest], HttpResponseBase]

SESSION_KEY = "device"
"""Where a session keeps the public id of the device that it began on."""


def device_middleware(get_response: GetResponse) -> GetResponse:
    """Sets ``request.device``: a ``Device`` for signed-in people, else None.

    A session belongs to the browser that it began in. Once its device is removed, or in another browser, it ends
    at its next request; the device's push is untouched by that.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.device = None  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            _recognise(request, request.user)
        response = get_response(request)
        _give_cookie(request, response)
        return response

    return middleware


def attach_device(request: HttpRequest, user: User) -> None:
    """Signs ``user`` in on this browser's device, which is made when it is new.

    A secret that no device has is not one of ours (forged, or its devices are gone) and is replaced.
    """
    secret = request.COOKIES.get(COOKIE, "")
    if not Device.objects.for_browser(secret).exists():
        secret = new_secret()
    agent = user_agents.parse(request.headers.get("User-Agent", ""))
    device = Device.sign_in(
        user, secret, name=agent.name, browser=agent.browser, system=agent.system
    )
    request.session[SESSION_KEY] = device.public_id
    request.device = device  # type: ignore[attr-defined]
    request.device_secret = secret  # type: ignore[attr-defined]


def _recognise(request: HttpRequest, user: User) -> None:
    remembered = request.session.get(SESSION_KEY)
    if remembered is None:
        attach_device(request, user)
        return
    secret = request.COOKIES.get(COOKIE, "")
    device = Device.objects.filter(user=user, public_id=remembered).first()
    if device is None or not constant_time_compare(device.secret_hash, hash_secret(secret)):
        logout(request)
        return
    device.user = user
    request.device = device  # type: ignore[attr-defined]
    if device.see():
        request.device_secret = secret  # type: ignore[attr-defined]


def _give_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Sets the cookie at sign-in and renews it whenever the device is seen anew."""
    secret = getattr(request, "device_secret", None)
    if secret is not None:
        response.set_cookie(
            COOKIE,
            secret,
            max_age=COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def preferences_middleware(get_response: GetResponse) -> GetResponse:
    """Texts in the person's language, times in the person's zone."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if not user.is_authenticated:
            return get_response(request)
        with translation.override(user.language), timezone.override(_zone(user.time_zone)):
            response = get_response(request)
            response.headers.setdefault("Content-Language", user.language)
            return response

    return middleware


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # no longer in the system's table
        return ZoneInfo("UTC")
