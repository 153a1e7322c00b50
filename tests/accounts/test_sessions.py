import pytest

from accounts.models import Device, User
from tests.accounts.conftest import (
    Browser,
    device_of,
    has_push,
    is_signed_in,
    sign_in,
    subscribe,
)

pytestmark = pytest.mark.django_db


def test_signing_out_everywhere_else_keeps_this_browser(browser: Browser, owner: User) -> None:
    here, elsewhere = browser(owner), browser(owner)
    subscribe(device_of(here))
    subscribe(device_of(elsewhere))
    answer = here.post("/Account/Sessions/closure", follow=True)
    assert "signed out everywhere else" in answer.content.decode()
    assert is_signed_in(here)
    assert has_push(device_of(here))
    assert not is_signed_in(elsewhere)
    assert not has_push(device_of(elsewhere))
    assert Device.objects.count() == 2


def test_it_touches_nobody_else(browser: Browser, owner: User, stranger: User) -> None:
    here, theirs = browser(owner), browser(stranger)
    subscribe(device_of(theirs))
    here.post("/Account/Sessions/closure")
    assert is_signed_in(theirs)
    assert has_push(device_of(theirs))


def test_a_closed_account_has_no_session_and_no_push(browser: Browser, owner: User) -> None:
    client = browser(owner)
    subscribe(device_of(client))
    owner.deactivate()
    assert not is_signed_in(client)
    assert not has_push(device_of(client))
    assert sign_in(browser(), owner.email) == 302  # to the page that says so


def test_an_account_opened_again_has_its_devices_but_no_push(browser: Browser, owner: User) -> None:
    client = browser(owner)
    device = device_of(client)
    subscribe(device)
    owner.deactivate()
    owner.reactivate()
    assert not is_signed_in(client)
    sign_in(client, owner.email)
    assert device_of(client) == device
    assert not has_push(device)
