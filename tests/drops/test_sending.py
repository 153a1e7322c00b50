"""Sending text to one's own other devices."""

import threading
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from accounts.models import Device, User
from drops import signals
from drops.models import MAX_TEXT, Drop
from push.models import Notification
from tests.drops.conftest import Browser, SignIn


def test_a_text_is_sent_and_the_page_says_to_how_many(laptop: Browser, phone: Browser) -> None:
    response: Any = laptop.client.post(
        "/Drops", {"text": "The code is 4711", "client_id": laptop.form_id()}, follow=True
    )
    assert response.redirect_chain == [("/Drops", 302)]
    assert "Sent to your other device." in response.content.decode()
    drop = Drop.objects.get()
    assert (drop.text, drop.sender_device, drop.recipient) == (
        "The code is 4711",
        laptop.device,
        laptop.device.user,
    )


def test_the_text_arrives_exactly_as_it_was_written(laptop: Browser) -> None:
    text = "  indented\r\n\ttabbed 👩‍👧 <b>&amp;</b> \u202eright to left\r\n"
    laptop.send(text)
    assert Drop.objects.get().text == text.replace("\r\n", "\n")


def test_the_form_names_the_other_devices_and_which_of_them_have_push(
    laptop: Browser, phone: Browser, browser_of: SignIn, owner: User
) -> None:
    tablet = browser_of(owner, name="Tablet")
    tablet.device.want_push(True)
    page = laptop.client.get("/Drops").content.decode()
    devices = page[page.index("Goes to") : page.rindex("</form>")]
    assert "Laptop" not in devices
    tablet_part = devices[devices.index("Tablet") :].partition("</li>")[0]
    phone_part = devices[devices.index("Phone") :].partition("</li>")[0]
    assert ">push<" in tablet_part
    assert "no push" in phone_part


def test_a_person_with_one_device_is_told_how_to_add_another(
    laptop: Browser, settings: Any
) -> None:
    settings.SITE_URL = "https://drops.example.org"
    page = laptop.client.get("/Drops").content.decode()
    assert "This is your only device so far" in page
    assert "https://drops.example.org" in page
    assert laptop.device.user.email in page


def test_what_a_lonely_device_sends_is_kept(laptop: Browser) -> None:
    response = laptop.client.post(
        "/Drops", {"text": "for later", "client_id": laptop.form_id()}, follow=True
    )
    assert "Kept." in response.content.decode()
    assert Drop.objects.get().text == "for later"


def test_pressing_twice_sends_one_drop(laptop: Browser, phone: Browser) -> None:
    client_id = laptop.form_id()
    for _press in range(2):
        response: Any = laptop.send("once", client_id)
        assert response.status_code == 302
    assert Drop.objects.count() == 1
    assert Notification.objects.count() == 1


def test_the_same_text_from_a_new_form_is_another_drop(laptop: Browser) -> None:
    laptop.send("again")
    laptop.send("again")
    assert Drop.objects.count() == 2


def test_another_text_from_an_old_form_is_another_drop(laptop: Browser) -> None:
    client_id = laptop.form_id()
    laptop.send("first", client_id)
    laptop.send("second, after pressing Back", client_id)
    assert sorted(Drop.objects.values_list("text", flat=True)) == [
        "first",
        "second, after pressing Back",
    ]


def test_one_persons_form_id_does_not_stop_another_persons_drop(
    laptop: Browser, browser_of: SignIn, stranger: User
) -> None:
    client_id = laptop.form_id()
    laptop.send("mine", client_id)
    browser_of(stranger).send("mine", client_id)
    assert set(Drop.objects.values_list("sender__email", flat=True)) == {
        "olga@example.org",
        "sam@example.net",
    }


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_the_same_instant_send_one_drop(owner: User) -> None:
    together = threading.Barrier(4)
    client_id = uuid.uuid4()

    def press() -> None:
        together.wait()
        try:
            Drop.send(sender=owner, recipient=owner, text="now", device=None, client_id=client_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Drop.objects.count() == Notification.objects.count() == 1


def refused(browser: Browser, fields: dict[str, str]) -> str:
    """The page that says why; nothing was stored."""
    response = browser.client.post("/Drops", fields)
    assert response.status_code == 422
    assert not Drop.objects.exists()
    page: str = response.content.decode()
    return page


def test_nothing_to_send_is_said_at_the_field(laptop: Browser) -> None:
    for text in ("", " \r\n\t "):
        page = refused(laptop, {"text": text, "client_id": laptop.form_id()})
        assert "Text: there is nothing to send yet." in page
        assert 'aria-invalid="true"' in page


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_two_megabytes_are_refused_with_the_limit_and_kept_in_the_field(
    laptop: Browser, character: str
) -> None:
    size = len(character.encode())
    text = "START" + character * (2_000_000 // size)
    page = refused(laptop, {"text": text, "client_id": laptop.form_id()})
    assert f"Text: at most {MAX_TEXT:,} characters fit into a Drop." in page
    assert f"This one has {len(text):,} characters." in page
    assert text in page


def test_two_megabytes_in_a_browsers_own_encoding_are_told_so(laptop: Browser) -> None:
    """Three characters for each byte, so the request is three times as long as the text."""
    form = urlencode({"text": "é" * 1_000_000, "client_id": laptop.form_id()})
    answer = laptop.client.post("/Drops", form, "application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert "This one has 1,000,000 characters." in answer.content.decode()


def test_the_longest_text_that_fits_is_sent(laptop: Browser) -> None:
    laptop.send("x" * MAX_TEXT)
    assert len(Drop.objects.get().text) == MAX_TEXT
    response: Any = laptop.send("x" * (MAX_TEXT + 1))
    assert response.status_code == 422


def test_nul_characters_are_refused_at_the_field(laptop: Browser) -> None:
    page = refused(laptop, {"text": "a\x00b", "client_id": laptop.form_id()})
    assert "Null characters are not allowed." in page


@pytest.mark.parametrize("client_id", ["", "not-a-uuid", "1' OR 1=1"])
def test_a_form_without_its_id_says_so(laptop: Browser, client_id: str) -> None:
    page = refused(laptop, {"text": "hello", "client_id": client_id})
    assert "client_id" in page
    assert "Reload the page and send again." in page
    assert "hello" in page


def test_a_signed_out_person_is_sent_to_sign_in(db: None) -> None:
    response = Client().post("/Drops", {"text": "hello"})
    assert response.status_code == 302
    assert response["Location"].startswith("/Account/Login?next=/Drops")


def test_a_forged_form_is_refused(laptop: Browser) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = laptop.client.cookies
    fields = {"text": "hello", "client_id": laptop.form_id()}
    assert strict.post("/Drops", fields).status_code == 403
    assert not Drop.objects.exists()


def test_a_failing_follower_leaves_the_drop_in_place(laptop: Browser) -> None:
    def fail(**_named: object) -> None:
        raise RuntimeError("a follower is broken")

    signals.drop_received.connect(fail)
    try:
        laptop.send("still sent")
    finally:
        signals.drop_received.disconnect(fail)
    assert Drop.objects.get().text == "still sent"


def test_the_push_goes_to_every_device_but_the_sending_one(laptop: Browser, phone: Browser) -> None:
    laptop.send("hello")
    notification = Notification.objects.get()
    assert notification.device == laptop.device
    assert notification.url == Drop.objects.get().get_absolute_url()
    assert Device.objects.count() == 2
