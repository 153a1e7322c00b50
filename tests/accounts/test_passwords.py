import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import (
    Browser,
    device_of,
    has_push,
    is_signed_in,
    link_in_mail,
    sign_in,
    subscribe,
)
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "a wholly different phrase"


def change(client: Client, current: str = PASSWORD, new: str = NEW) -> int:
    fields = {"oldpassword": current, "password1": new}
    return client.post("/Account/Password/Change", fields).status_code


def ask_for_reset(client: Client, email: str) -> str:
    return client.post("/Account/Password/Reset", {"email": email}, follow=True).content.decode()


def reset(client: Client, path: str, new: str = NEW) -> str:
    """Opens the link of the mail and sends the form behind it; the page that follows."""
    form = client.get(path)
    assert form.status_code == 302
    return client.post(form.headers["Location"], {"password1": new}, follow=True).content.decode()


def test_a_change_ends_every_other_session_and_subscription(browser: Browser, owner: User) -> None:
    here, elsewhere = browser(owner), browser(owner)
    subscribe(device_of(here))
    subscribe(device_of(elsewhere))
    assert change(here) == 302
    assert is_signed_in(here)
    assert has_push(device_of(here))
    assert not is_signed_in(elsewhere)
    assert not has_push(device_of(elsewhere))
    assert sign_in(browser(), owner.email, PASSWORD) == 200
    assert sign_in(browser(), owner.email, NEW) == 302


def test_a_change_leads_back_to_the_account_page_and_is_told_by_mail(
    browser: Browser, owner: User
) -> None:
    client = browser(owner)
    answer = client.post("/Account/Password/Change", {"oldpassword": PASSWORD, "password1": NEW})
    assert answer.headers["Location"] == "/Account/Manage#security"
    text = str(mail.outbox[-1].body)
    assert "was changed" in text
    assert "127.0.0.1 with this browser: Firefox on Linux" in text
    assert "http://localhost:8000/Account/Password/Reset" in text


def test_the_mail_about_a_change_repeats_no_header(owner: User) -> None:
    client = Client(headers={"user-agent": "see http://evil.example to undo this"})
    sign_in(client, owner.email)
    change(client)
    assert "evil" not in str(mail.outbox[-1].body)


@pytest.mark.parametrize(
    ("current", "new", "field", "words"),
    [
        ("wrong", NEW, "oldpassword", "This is not your current password."),
        (PASSWORD, "short", "password1", "This password is too short."),
        (PASSWORD, "olga@example.org", "password1", "too similar to the e-mail address"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    browser: Browser, owner: User, current: str, new: str, field: str, words: str
) -> None:
    client, elsewhere = browser(owner), browser(owner)
    subscribe(device_of(elsewhere))
    fields = {"oldpassword": current, "password1": new}
    page = client.post("/Account/Password/Change", fields).content.decode()
    assert words in page.split(f'id="id_{field}_error"')[1].split("</div>")[0]
    assert is_signed_in(elsewhere)
    assert has_push(device_of(elsewhere))
    assert not mail.outbox


def test_a_reset_ends_every_session_and_subscription(browser: Browser, owner: User) -> None:
    signed_in = browser(owner)
    subscribe(device_of(signed_in))
    client = browser()
    ask_for_reset(client, owner.email)
    assert "Your password is changed" in reset(client, link_in_mail())
    assert not is_signed_in(signed_in)
    assert not has_push(device_of(signed_in))
    assert not is_signed_in(client)
    assert sign_in(client, owner.email, NEW) == 302
    assert "was reset" in mail.outbox[-1].subject


def test_a_reset_by_somebody_signed_in_ends_this_session_too(browser: Browser, owner: User) -> None:
    client = browser(owner)
    subscribe(device_of(client))
    ask_for_reset(client, owner.email)
    reset(client, link_in_mail())
    assert not is_signed_in(client)
    assert not has_push(device_of(client))


def test_a_reset_link_works_once(browser: Browser, owner: User) -> None:
    ask_for_reset(browser(), owner.email)
    path = link_in_mail()
    reset(browser(), path)
    page = browser().get(path, follow=True).content.decode()
    assert "This link does not work" in page
    assert "Send a new link" in page


def test_asking_for_a_reset_does_not_tell_whether_there_is_an_account(
    browser: Browser, owner: User
) -> None:
    known, unknown = (
        ask_for_reset(browser(), email) for email in (owner.email, "nobody@example.net")
    )
    assert known.split("<main")[1] == unknown.split("<main")[1]
    assert mail.outbox[0].subject == "Choose a new password for FastLinkIt"
    assert mail.outbox[1].subject == "No FastLinkIt account has this address"


def test_the_link_names_this_site_whatever_host_the_request_claims(
    browser: Browser, owner: User
) -> None:
    browser().post("/Account/Password/Reset", {"email": owner.email}, headers={"host": "127.0.0.1"})
    assert "http://localhost:8000/Account/Password/Reset/" in str(mail.outbox[0].body)
    assert "127.0.0.1" not in str(mail.outbox[0].body)


def test_somebody_without_a_password_sets_one(browser: Browser, owner: User) -> None:
    client = Client()
    owner.set_unusable_password()
    owner.save()
    client.force_login(owner)
    assert client.get("/Account/Password/Change").headers["Location"] == "/Account/Password/Set"
    client.post("/Account/Password/Set", {"password1": NEW})
    assert sign_in(browser(), owner.email, NEW) == 302
    assert is_signed_in(client)


def test_changing_the_password_needs_a_sign_in(browser: Browser) -> None:
    location = browser().get("/Account/Password/Change").headers["Location"]
    assert location.startswith("/Account/Login?next=")


@pytest.mark.parametrize("link", ["1/x", "_/x", "zzzzzzzzzzzzzzzzzzzz/x-y", "-/-"])
def test_a_reset_link_that_is_not_ours_says_so(browser: Browser, link: str) -> None:
    client = browser()
    page = client.get(f"/Account/Password/Reset/{link}", follow=True).content.decode()
    assert "This link does not work" in page
    page = client.post(f"/Account/Password/Reset/{link}", {"password1": NEW}).content.decode()
    assert "This link does not work" in page


@pytest.mark.parametrize("link", ["1/a%00b", "%00/x", "1/%F0%9F%98%80"])
def test_nor_is_one_with_other_signs_in_it(browser: Browser, link: str) -> None:
    assert browser().get(f"/Account/Password/Reset/{link}").status_code == 404
