import pytest
from django.test import Client

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
USERS = "/admin/accounts/user/"
DEVICES = "/admin/accounts/device/"


@pytest.fixture
def admin(browser: Browser, owner: User) -> Client:
    """The owner's browser, where they are an administrator."""
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    return browser(owner)


def act(admin: Client, path: str, action: str, *chosen: int) -> str:
    fields = {"action": action, "_selected_action": [str(pk) for pk in chosen]}
    return admin.post(path, fields, follow=True).content.decode()


def test_the_admin_signs_in_through_the_page_that_everybody_uses(browser: Browser) -> None:
    client = browser()
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    location = client.get("/admin/login/?next=/admin/").headers["Location"]
    assert location == "/Account/Login?next=%2Fadmin%2F"


def test_who_is_no_administrator_is_told_so(browser: Browser, colleague: User) -> None:
    answer = browser(colleague).get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "You may not do that" in answer.content.decode()


def test_signing_out_there_ends_push_too(admin: Client) -> None:
    subscribe(device_of(admin))
    admin.post("/admin/logout/")
    assert not is_signed_in(admin)
    assert not has_push(device_of(admin))


def test_ones_own_password_is_changed_on_the_page_that_everybody_uses(admin: Client) -> None:
    location = admin.get("/admin/password_change/").headers["Location"]
    assert location == "/Account/Password/Change"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "auth/group/",
        "accounts/user/",
        "accounts/user/add/",
        "accounts/device/",
        "account/emailaddress/",
        "usersessions/usersession/",
    ],
)
def test_its_pages_open_and_can_be_searched(admin: Client, path: str) -> None:
    assert admin.get(f"/admin/{path}").status_code == 200
    assert admin.get(f"/admin/{path}", {"q": "olga"}).status_code in (200, 302)


def test_closing_an_account_ends_its_sessions_and_push(
    admin: Client, browser: Browser, colleague: User, owner: User
) -> None:
    theirs = browser(colleague)
    subscribe(device_of(theirs))
    page = act(admin, USERS, "deactivate", colleague.pk, owner.pk)
    assert "1 account is closed." in page
    assert "Your own account stays open." in page
    assert not is_signed_in(theirs)
    assert not has_push(device_of(theirs))
    assert is_signed_in(admin)
    assert "1 account is open." in act(admin, USERS, "reactivate", colleague.pk)
    assert sign_in(theirs, colleague.email) == 302
    assert is_signed_in(theirs)


def test_an_account_is_not_closed_by_a_tick_box_that_leaves_push_on(
    admin: Client, colleague: User
) -> None:
    page = admin.get(f"{USERS}{colleague.pk}/change/").content.decode()
    assert 'name="is_active"' not in page


def test_signing_somebody_out_ends_their_push(
    admin: Client, browser: Browser, colleague: User
) -> None:
    theirs = browser(colleague)
    subscribe(device_of(theirs))
    assert "1 person is signed out." in act(admin, USERS, "sign_out_everywhere", colleague.pk)
    assert not is_signed_in(theirs)
    assert not has_push(device_of(theirs))


def test_a_new_password_for_somebody_ends_their_sessions_and_push(
    admin: Client, browser: Browser, colleague: User
) -> None:
    theirs = browser(colleague)
    subscribe(device_of(theirs))
    new = "a wholly different phrase"
    fields = {"usable_password": "true", "password1": new, "password2": new}
    assert admin.post(f"{USERS}{colleague.pk}/password/", fields).status_code == 302
    assert not is_signed_in(theirs)
    assert not has_push(device_of(theirs))
    assert sign_in(theirs, colleague.email, new) == 302


def test_an_account_that_an_admin_makes_confirms_its_address_first(
    admin: Client, browser: Browser
) -> None:
    new = "a wholly different phrase"
    fields = {"email": "new@example.org", "usable_password": "true", "time_zone": "UTC"}
    admin.post(f"{USERS}add/", {**fields, "password1": new, "password2": new})
    client = browser()
    answer = client.post("/Account/Login", {"login": "new@example.org", "password": new})
    assert answer.headers["Location"] == "/Account/Email/Sent"


def test_a_device_is_shown_with_its_history_and_without_its_secret(
    admin: Client, owner: User
) -> None:
    device = device_of(admin)
    device.record("push_subscribed", "mozilla")
    page = admin.get(f"{DEVICES}{device.pk}/change/").content.decode()
    assert "push_subscribed" in page
    assert device.secret_hash not in page
    assert 'name="_save"' not in page


def test_removing_a_device_signs_it_out(admin: Client, browser: Browser, colleague: User) -> None:
    theirs = browser(colleague)
    device = device_of(theirs)
    subscribe(device)
    assert "1 device is gone." in act(admin, DEVICES, "remove", device.pk)
    assert not Device.objects.filter(pk=device.pk).exists()
    assert not is_signed_in(theirs)
