"""The types of requests, where they come from, and what the targets of forms have in common."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.views.decorators.http import require_POST

from accounts.models import Device, User


class SignedInRequest(HttpRequest):
    """What a view behind ``login_required`` is given; ``device`` is set by the device middleware."""

    user: User
    device: Device | None


class DeviceRequest(SignedInRequest):
    """The same where a view needs the device and has seen that there is one."""

    device: Device


def client_address(request: HttpRequest) -> str:
    """The caller's IP address, as the outermost of our own proxies saw it (``TRUSTED_PROXIES`` counts them).

    What stands further left in ``X-Forwarded-For`` anybody can write.
    """
    count: int = settings.TRUSTED_PROXIES
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if count and len(hops) >= count:
        return hops[-count]
    return str(request.META.get("REMOTE_ADDR", ""))


type View = Callable[..., HttpResponse]


def form_target(page: str | Promise) -> Callable[[View], View]:
    """For signed-in people's POST alone. Who has to sign in first comes back to ``page``: a target is no page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(str(page))
            return view(request, *args, **kwargs)

        return require_POST(wrapped)

    return decorate
