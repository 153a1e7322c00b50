"""The card "Your devices": all of one's own, what push does on each, without a query per row."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Device, User
from push.models import Preference, Subscription
from tests.push.browsers import Browser


@pytest.fixture
def browser(owner: User) -> Browser:
    return Browser(owner)


def rows(browser: Browser) -> dict[str, str]:
    """What the card says of each device, by public id."""
    html = browser.client.get("/push/devices").content.decode()
    parts = re.split(r'data-push-device="([^"]+)"', html)
    return {
        public_id: " ".join(re.sub(r"<[^>]+>", " ", text).split())
        for public_id, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_this_device_comes_first_and_says_so(browser: Browser, owner: User) -> None:
    other = Browser(owner)
    Device.objects.filter(pk=other.device.pk).update(
        last_seen_at=timezone.now() + timedelta(minutes=1)
    )
    found = rows(browser)
    assert list(found) == [browser.device.public_id, other.device.public_id]
    badges = [" this device Push" in text for text in found.values()]
    assert badges == [True, False]


def test_strangers_devices_are_not_listed(browser: Browser, stranger: User) -> None:
    theirs = Browser(stranger).device
    assert theirs.public_id not in rows(browser)
    assert theirs.public_id not in browser.client.get("/Account/Manage").content.decode()


def test_each_state_of_push_has_its_word(browser: Browser) -> None:
    device = browser.device.public_id
    assert "Push off" in rows(browser)[device]
    browser.subscribe()
    assert "Push on" in rows(browser)[device]
    assert "Last delivered nothing yet" in rows(browser)[device]
    Preference.set_push(browser.user, False)
    assert "Push paused" in rows(browser)[device]
    Subscription.objects.update(
        state=Subscription.State.GONE,
        last_error_at=timezone.now(),
        last_error_reason="gone",
        last_accepted_at=timezone.now() - timedelta(hours=2),
    )
    told = rows(browser)[device]
    assert "Push needs attention" in told
    assert "The browser has ended this subscription." in told
    assert "2 hours ago" in told


def test_only_a_device_with_push_can_be_tested(browser: Browser) -> None:
    def test_urls() -> list[str]:
        html = browser.client.get("/push/devices").content.decode()
        return re.findall(r'data-push-device-test="([^"]+)"', html)

    assert test_urls() == []
    browser.subscribe()
    assert test_urls() == [f"/push/devices/{browser.device.public_id}/test"]


def test_a_device_is_renamed_and_removed_from_the_card(browser: Browser, owner: User) -> None:
    other = Browser(owner)
    other.subscribe()
    html = browser.client.get("/push/devices").content.decode()
    actions = re.findall(r'action="([^"]+)"', html)
    rename, removal = (
        next(url for url in actions if re.search(rf"{other.device.public_id}{end}$", url))
        for end in ("", "/removal")
    )
    browser.client.post(rename, {"name": "Kitchen tablet"})
    assert "Kitchen tablet" in rows(browser)[other.device.public_id]
    browser.client.post(removal)
    assert other.device.public_id not in rows(browser)
    assert not Subscription.objects.exists()


def test_a_name_is_text(browser: Browser) -> None:
    Device.objects.filter(pk=browser.device.pk).update(name="<img src=x>")
    html = browser.client.get("/push/devices").content.decode()
    assert "<img" not in html
    assert "&lt;img" in html


def test_no_query_per_device(browser: Browser, owner: User, django_assert_num_queries: Any) -> None:
    from django.test import RequestFactory

    from push.views.devices import context

    for number in range(10):
        Device.objects.create(user=owner, name=f"Device {number}", secret_hash=f"{number:064d}")
    request = RequestFactory().get("/")
    request.user, request.device = owner, browser.device  # type: ignore[attr-defined]
    with django_assert_num_queries(2):
        assert len(context(request)["rows"]) == 11


def test_whoever_is_signed_out_sees_no_list(client: Client, db: None) -> None:
    assert client.get("/push/devices").status_code == 401
