import pytest
from django.core import mail
from django.test import Client

from accounts.models import Device, User
from tests.accounts.conftest import Browser, is_signed_in, link_in_mail, sign_in
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEWCOMER = "nina@example.org"


def register(client: Client, email: str = NEWCOMER, **fields: str) -> str:
    """The page that follows, as text."""
    answer = client.post(
        "/Account/Register", {"email": email, "password1": PASSWORD, **fields}, follow=True
    )
    return answer.content.decode()


def test_a_newcomer_confirms_the_address_and_is_in(browser: Browser) -> None:
    client = browser()
    assert "Look into your mail" in register(client, name="Nina", time_zone="Europe/Berlin")
    assert not is_signed_in(client)
    path = link_in_mail()
    assert "Is <strong>nina@example.org</strong> your address?" in client.get(path).content.decode()
    assert client.post(path).headers["Location"] == "/"
    assert is_signed_in(client)
    newcomer = User.objects.get()
    assert (newcomer.email, newcomer.name, newcomer.time_zone) == (
        NEWCOMER,
        "Nina",
        "Europe/Berlin",
    )


def test_looking_at_the_link_confirms_nothing(browser: Browser) -> None:
    """Mail servers open links to look for malware."""
    register(browser())
    browser().get(link_in_mail())
    assert sign_in(browser(), NEWCOMER) == 302
    assert not is_signed_in(browser())
    assert "Confirm your address" in mail.outbox[0].subject


def test_the_link_opened_elsewhere_confirms_but_signs_nobody_in(browser: Browser) -> None:
    register(browser())
    elsewhere = browser()
    assert elsewhere.post(link_in_mail()).headers["Location"] == "/Account/Login"
    assert not is_signed_in(elsewhere)
    assert sign_in(elsewhere, NEWCOMER) == 302
    assert is_signed_in(elsewhere)


def test_without_confirmation_a_right_password_does_not_sign_in(browser: Browser) -> None:
    register(browser())
    client = browser()
    answer = client.post("/Account/Login", {"login": NEWCOMER, "password": PASSWORD})
    assert answer.headers["Location"] == "/Account/Email/Sent"
    assert not is_signed_in(client)


def test_a_taken_address_looks_like_a_free_one(browser: Browser, owner: User) -> None:
    free, taken = register(browser()), register(browser(), owner.email)
    assert free.split("<main")[1] == taken.split("<main")[1]
    assert User.objects.count() == 2
    assert mail.outbox[-1].to == [owner.email]
    assert "You have a FastLinkIt account already" in mail.outbox[-1].subject


def test_letter_case_makes_no_second_account(browser: Browser, owner: User) -> None:
    register(browser(), owner.email.upper())
    assert User.objects.count() == 1


def test_the_mail_repeats_nothing_that_a_stranger_typed(browser: Browser) -> None:
    """Else registration would mail anybody anything."""
    register(browser(), name="Win at http://casino.example now")
    text, html = str(mail.outbox[0].body), mail.outbox[0].alternatives[0].content
    assert "casino" not in text + str(html) + mail.outbox[0].subject


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"email": "nobody"}, "email", "Enter a valid email address."),
        ({"email": ""}, "email", "This field is required."),
        ({"password1": "short"}, "password1", "This password is too short."),
        ({"password1": "password"}, "password1", "This password is too common."),
        ({"name": "n" * 151}, "name", "Ensure this value has at most 150 characters"),
        ({"name": "a\0b"}, "name", "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    browser: Browser, fields: dict[str, str], field: str, words: str
) -> None:
    page = register(browser(), **{"email": NEWCOMER, **fields})
    error = page.split(f'id="id_{field}_error"')[1].split("</div>")[0]
    assert words in error
    assert f'id_{field}_error"' in page.split(f'name="{field}"')[1].split(">")[0]
    assert not User.objects.exists()
    assert not mail.outbox


def test_a_time_zone_that_is_none_counts_as_not_given(browser: Browser) -> None:
    register(browser(), time_zone="../../etc/passwd")
    assert User.objects.get().time_zone == "UTC"


def test_a_robot_without_cookies_makes_no_devices(browser: Browser, owner: User) -> None:
    for path in ("/", "/Account/Login", "/Account/Register", "/Notifications", "/nothing"):
        answer = browser().get(path)
        assert "fli_device" not in answer.cookies
    assert not Device.objects.exists()


def test_many_registrations_from_one_place_are_stopped(browser: Browser) -> None:
    client = browser()
    for _attempt in range(20):
        assert client.post("/Account/Register", {"email": "junk"}).status_code == 200
    answer = client.post("/Account/Register", {"email": NEWCOMER, "password1": PASSWORD})
    assert answer.status_code == 429
    assert "Too many attempts" in answer.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("key", ["x", "MQ:1x:y", "%F0%9F%98%80", "k" * 3000])
def test_a_link_that_is_not_ours_says_so(browser: Browser, key: str) -> None:
    client = browser()
    answer = client.get(f"/Account/Email/Confirm/{key}")
    assert "This link does not work" in answer.content.decode()
    assert client.post(f"/Account/Email/Confirm/{key}").status_code == 404
