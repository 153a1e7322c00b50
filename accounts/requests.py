"""The types of requests."""

from django.http import HttpRequest

from accounts.models import Device, User


class SignedInRequest(HttpRequest):
    """What a view behind ``login_required`` is given; ``device`` is set by the device middleware."""

    user: User
    device: Device | None
