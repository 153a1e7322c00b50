"""A person whose device hangs on a paused push service sees until when, and that nothing is lost."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from push.models import Delivery, Preference, ServiceState, Subscription
from push.views.pauses import pause_of
from tests.push.browsers import Browser
from tests.push.conftest import Outbox

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def browser(owner: User) -> Browser:
    browser = Browser(owner)
    browser.subscribe()
    return browser


def pause(service: str = "mozilla", **fields: object) -> None:
    until = timezone.now() + timedelta(minutes=5)
    values = {"reason": "service_trouble", "open_until": until} | fields
    ServiceState.objects.update_or_create(service=service, defaults=values)


def said(browser: Browser, path: str = "/Account/Manage") -> str:
    html = browser.client.get(path).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def wait_for(browser: Browser, outbox: Outbox, count: int) -> None:
    subscription = Subscription.objects.get(device=browser.device)
    Delivery.objects.all().delete()
    for _row in range(count):
        Delivery.objects.create(
            notification=outbox.notification(browser.user),
            subscription=subscription,
            user=browser.user,
            service=subscription.service,
            device_public_id=browser.device.public_id,
            device_name=browser.device.name,
            kind="a.kind",
            expires_at=timezone.now() + timedelta(hours=1),
        )


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (0, "what is sent meanwhile waits and goes out by itself."),
        (1, "1 message waits; it goes out by itself."),
        (2, "2 messages wait; they go out by themselves."),
    ],
)
def test_the_card_says_until_when_in_the_persons_own_time(
    browser: Browser, outbox: Outbox, waiting: int, words: str
) -> None:
    User.objects.filter(pk=browser.user.pk).update(time_zone="Europe/Berlin")
    wait_for(browser, outbox, waiting)
    pause()
    sentence = f"Mozilla's push service is paused until 2:05 p.m.; {words}"
    assert sentence in said(browser)


@time_machine.travel(NOON, tick=False)
def test_another_day_is_named(browser: Browser) -> None:
    pause(open_until=NOON + timedelta(hours=13))
    assert "is paused until July 2, 2026, 1 a.m.; what is sent" in said(browser)


def test_each_device_says_it_for_its_own_service(browser: Browser, owner: User) -> None:
    other = Browser(owner)
    other.subscribe()
    Subscription.objects.filter(device=other.device).update(service="push.example.org:443")
    pause()
    text = said(browser, "/push/devices")
    assert text.count("is paused until") == 1
    assert "Mozilla's push service is paused until" in text
    pause("push.example.org:443")
    assert "The push service push.example.org:443 is paused until" in said(browser, "/push/devices")


@pytest.mark.parametrize(
    "fields",
    [{"open_until": None, "reason": ""}, {"open_until": NOON - timedelta(days=900)}],
    ids=["closed", "half open"],
)
def test_a_service_that_is_sent_to_says_nothing(
    browser: Browser, fields: dict[str, object]
) -> None:
    pause(**fields)
    assert "is paused until" not in said(browser)


def test_another_service_is_not_the_devices_business(browser: Browser) -> None:
    pause("fcm")
    assert "is paused until" not in said(browser)


def test_a_device_without_push_waits_for_nothing(owner: User) -> None:
    browser = Browser(owner)
    pause()
    assert "is paused until" not in said(browser)


def test_push_that_is_off_for_the_account_is_not_said_to_wait(browser: Browser) -> None:
    pause()
    Preference.set_push(browser.user, False)
    assert "is paused until" not in said(browser, "/push/devices")


def test_it_costs_the_page_one_query_and_in_a_pause_two(
    browser: Browser, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert pause_of(browser.device) is None
    pause()
    with django_assert_num_queries(2):
        assert pause_of(browser.device) is not None
