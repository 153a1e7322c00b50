"""Browsers for the accounts' tests: each with cookies of its own, signed in through the real page."""

import re
import secrets
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client

from accounts.models import Device, User
from accounts.models.device import COOKIE
from push.models import Subscription
from tests.conftest import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

type Browser = Callable[..., Client]


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> int:
    """Through the page; the answer's status: 302 when it worked."""
    fields = {"login": email, "password": password, "remember": "on", **more}
    return client.post("/Account/Login", fields).status_code


def is_signed_in(client: Client) -> bool:
    """Asks a page that only signed-in people see."""
    return client.get("/Account/Password/Change").status_code == 200


def device_of(client: Client) -> Device:
    return Device.objects.for_browser(client.cookies[COOKIE].value).get()


def link_in_mail(number: int = -1) -> str:
    """The path of the first link of a mail that was sent."""
    found = re.search(r"http://localhost:8000(/Account/\S+)", str(mail.outbox[number].body))
    assert found, mail.outbox[number].body
    return found[1]


def subscribe(device: Device) -> Subscription:
    """A row as a browser would have registered it."""
    digest = secrets.token_hex(32)
    device.want_push(True)
    return Subscription.objects.create(
        user=device.user,
        device=device,
        endpoint=f"https://push.example.org/{digest}",
        endpoint_hash=digest,
        p256dh=b"\x04" + bytes(64),
        auth=bytes(16),
        service="mozilla",
        key_id="0123456789abcdef",
    )


def has_push(device: Device) -> bool:
    """Whether this device is still sent to, or still wanted."""
    device.refresh_from_db()
    return device.push_wanted or Subscription.objects.filter(device=device).exists()


@pytest.fixture
def browser() -> Browser:
    """``browser()`` is a browser without cookies; ``browser(person)`` one where they have just signed in."""

    def open_browser(person: User | None = None) -> Client:
        client = Client(headers={"user-agent": FIREFOX})
        if person is not None:
            assert sign_in(client, person.email) == 302
        return client

    return open_browser
