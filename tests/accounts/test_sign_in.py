import pytest

from accounts.models import User
from accounts.models.device import COOKIE
from tests.accounts.conftest import Browser, is_signed_in, sign_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_the_address_is_taken_in_any_letter_case(browser: Browser, owner: User) -> None:
    client = browser()
    assert sign_in(client, owner.email.upper()) == 302
    assert is_signed_in(client)


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(
    browser: Browser, owner: User
) -> None:
    def page(email: str) -> str:
        answer = browser().post("/Account/Login", {"login": email, "password": "wrong"})
        return answer.content.decode().replace(email, "…")

    def without_token(text: str) -> str:
        return text.split("<main")[1].split("csrfmiddlewaretoken")[0]

    known, unknown = page(owner.email), page("nobody@example.org")
    assert without_token(known) == without_token(unknown)
    assert "do not go together" in known
    assert "do not go together" in unknown


def test_many_wrong_passwords_stop_further_attempts(browser: Browser, owner: User) -> None:
    for _attempt in range(5):
        sign_in(browser(), owner.email, "wrong")
    client = browser()
    assert sign_in(client, owner.email) == 200
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "http:evil.example",
        "http://localhost:9/",
        "https:///evil.example",
    ],
)
def test_next_leads_to_no_other_site(browser: Browser, owner: User, target: str) -> None:
    client = browser()
    fields = {"login": owner.email, "password": PASSWORD, "next": target}
    assert client.post("/Account/Login", fields).headers["Location"] == "/"
    assert client.get("/Account/Login", {"next": target}).headers["Location"] == "/"
    assert client.post("/Account/Logout", {"next": target}).headers["Location"] == "/Account/Login"


def test_next_leads_to_the_page_that_was_asked_for(browser: Browser, owner: User) -> None:
    client = browser()
    location = client.get("/Account/Password/Change").headers["Location"]
    assert location == "/Account/Login?next=/Account/Password/Change"
    fields = {"login": owner.email, "password": PASSWORD, "next": "/Account/Password/Change"}
    assert client.post("/Account/Login", fields).headers["Location"] == "/Account/Password/Change"


def test_a_session_made_before_signing_in_is_not_kept(browser: Browser, owner: User) -> None:
    """Session fixation."""
    client = browser()
    client.get("/")
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key
    sign_in(client, owner.email)
    assert client.cookies["sessionid"].value != before
    assert not client.session.exists(before)


def test_the_cookies_cannot_be_read_by_scripts_and_stay_on_this_site(
    browser: Browser, owner: User
) -> None:
    client = browser(owner)
    for name in ("sessionid", COOKIE):
        cookie = client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
    assert client.cookies[COOKIE]["max-age"] == 400 * 24 * 60 * 60


def test_not_kept_signed_in_means_until_the_browser_closes(browser: Browser, owner: User) -> None:
    client = browser()
    client.post("/Account/Login", {"login": owner.email, "password": PASSWORD})
    assert is_signed_in(client)
    assert not client.cookies["sessionid"]["max-age"]


def test_a_closed_account_is_told_so_after_the_right_password_only(
    browser: Browser, owner: User
) -> None:
    owner.deactivate()
    client = browser()
    assert sign_in(client, owner.email, "wrong") == 200
    answer = client.post("/Account/Login", {"login": owner.email, "password": PASSWORD})
    assert answer.headers["Location"] == "/Account/Inactive"
    assert "This account is closed" in client.get("/Account/Inactive").content.decode()
    assert not is_signed_in(client)


def test_signing_out_needs_a_click(browser: Browser, owner: User) -> None:
    client = browser(owner)
    assert "Sign out?" in client.get("/Account/Logout").content.decode()
    assert is_signed_in(client)
