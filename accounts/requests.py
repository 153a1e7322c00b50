"""The types of requests, and where they come from."""

from django.conf import settings
from django.http import HttpRequest

from accounts.models import Device, User


class SignedInRequest(HttpRequest):
    """What a view behind ``login_required`` is given; ``device`` is set by the device middleware."""

    user: User
    device: Device | None


def client_address(request: HttpRequest) -> str:
    """The caller's IP address, as the outermost of our own proxies saw it (``TRUSTED_PROXIES`` counts them).

    What stands further left in ``X-Forwarded-For`` anybody can write.
    """
    count: int = settings.TRUSTED_PROXIES
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if count and len(hops) >= count:
        return hops[-count]
    return str(request.META.get("REMOTE_ADDR", ""))
