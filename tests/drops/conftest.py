"""A person's browsers, each signed in on a device of its own."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from accounts.models import Device, User

LINUX_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ANDROID_CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)


@dataclass
class Browser:
    client: Client
    device: Device

    def send(self, text: str, client_id: str | None = None) -> object:
        """Fills the form in as it is on the page, and presses Send."""
        client_id = client_id or self.form_id()
        return self.client.post("/Drops", {"text": text, "client_id": client_id})

    def form_id(self) -> str:
        return str(self.client.get("/Drops").context["form"]["client_id"].value())


type SignIn = Callable[..., Browser]


@pytest.fixture
def browser_of(db: None) -> SignIn:
    """Signs a person in on a new browser."""

    def sign_in(user: User, agent: str = LINUX_FIREFOX, name: str = "") -> Browser:
        client = Client(headers={"user-agent": agent})
        client.force_login(user)
        client.get("/Drops")
        device = Device.objects.filter(user=user).latest("pk")
        if name:
            Device.objects.filter(pk=device.pk).update(name=name)
            device.refresh_from_db()
        return Browser(client, device)

    return sign_in


@pytest.fixture
def laptop(browser_of: SignIn, owner: User) -> Browser:
    return browser_of(owner, name="Laptop")


@pytest.fixture
def phone(browser_of: SignIn, owner: User) -> Browser:
    return browser_of(owner, ANDROID_CHROME, name="Phone")
