"""Send test: the real pipeline, and what the card says of each outcome."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from push.delivery import receipts
from push.models import Delivery, Notification, Preference, ServiceState, Subscription
from tests.push.browsers import Browser
from tests.push.conftest import Outbox


@pytest.fixture
def browser(owner: User, outbox: Outbox) -> Browser:
    """Subscribed at the stand-in."""
    browser = Browser(owner)
    subscriber = outbox.service.subscriber()
    browser.subscribe(**{key: subscriber.subscription()[key] for key in ("endpoint", "keys")})
    outbox.drain()  # the welcome
    return browser


def press(browser: Browser) -> str:
    answer = browser.call("POST", "/push/test", {})
    assert answer.status_code == 202, answer.content
    return str(answer.json()["url"])


def report(browser: Browser, url: str) -> dict[str, Any]:
    answer: dict[str, Any] = browser.call("GET", url).json()
    return answer


def texts(report: dict[str, Any]) -> str:
    return " ".join(line["text"] for line in report["lines"])


def delivery_of(url: str) -> Delivery:
    return Delivery.objects.get(notification__event_key=f"push.test:{url.rsplit('/', 1)[1]}")


def test_a_test_is_accepted_then_shown(browser: Browser, outbox: Outbox) -> None:
    url = press(browser)
    waiting = report(browser, url)
    assert (waiting["state"], waiting["final"]) == ("pending", False)
    outbox.drain()
    accepted = report(browser, url)
    assert (accepted["state"], accepted["final"]) == ("accepted", False)
    assert accepted["accepted_ms"] >= 0
    assert f"Accepted by {outbox.service.host} after" in texts(accepted)
    delivery = delivery_of(url)
    receipts.record(receipts.tokens(delivery.pk, delivery.expires_at)["shown"])
    Delivery.objects.filter(pk=delivery.pk).update(
        shown_at=delivery.created_at + timedelta(seconds=1.2)
    )
    shown = report(browser, url)
    assert (shown["shown_ms"], shown["final"]) == (1200, True)
    assert "Shown after 1.2 s." in texts(shown)


def test_a_test_is_not_in_the_bell(browser: Browser) -> None:
    press(browser)
    assert not Notification.objects.bell(browser.user).exists()


def test_a_refusal_is_told_with_its_fix_and_the_manual(browser: Browser, outbox: Outbox) -> None:
    Subscription.objects.update(endpoint="https://updates.push.services.mozilla.com/x")
    url = press(browser)
    Delivery.objects.filter(pk=delivery_of(url).pk).update(
        state=Delivery.State.GONE, reason="gone", status=410, attempts=1
    )
    told = report(browser, url)
    assert (told["reason"], told["status"], told["final"]) == ("gone", 410, True)
    [line] = told["lines"]
    assert (line["tone"], bool(line["fix"])) == ("danger", True)
    assert line["manual"] == "/docs/manual/browser-push-notifications#reason-gone"


def test_while_it_is_retried_the_report_goes_on(browser: Browser) -> None:
    url = press(browser)
    Delivery.objects.filter(pk=delivery_of(url).pk).update(reason="service_trouble", attempts=1)
    told = report(browser, url)
    assert (told["reason"], told["final"]) == ("service_trouble", False)
    assert told["lines"][0]["tone"] == "warning"


def test_after_ten_seconds_it_says_that_no_worker_runs(browser: Browser) -> None:
    url = press(browser)
    assert report(browser, url)["reason"] == ""
    age(url, created_at=11)
    told = report(browser, url)
    assert (told["reason"], told["final"]) == ("no_worker", False)
    assert "push_worker is not running" in texts(told)


def test_while_the_service_is_paused_no_worker_is_blamed(browser: Browser, outbox: Outbox) -> None:
    url = press(browser)
    age(url, created_at=11)
    until = timezone.now() + timedelta(minutes=1)
    ServiceState.objects.create(service=outbox.service.host, open_until=until, reason="bad_token")
    assert report(browser, url)["reason"] == "breaker"


@pytest.mark.parametrize(
    ("service", "reason"), [("mozilla", "not_shown"), ("apple", "shown_unknown")]
)
def test_accepted_and_not_shown_is_told_after_a_while(
    browser: Browser, outbox: Outbox, service: str, reason: str
) -> None:
    url = press(browser)
    outbox.drain()
    age(url, created_at=16, accepted_at=16)
    Delivery.objects.filter(pk=delivery_of(url).pk).update(service=service)
    told = report(browser, url)
    assert (told["reason"], told["final"]) == (reason, True)
    assert [line["tone"] for line in told["lines"]] == ["success", "warning"]


def age(url: str, **seconds: float) -> None:
    now = timezone.now()
    times = {name: now - timedelta(seconds=value) for name, value in seconds.items()}
    Delivery.objects.filter(pk=delivery_of(url).pk).update(**times)


def test_the_sixth_test_within_a_minute_must_wait(browser: Browser) -> None:
    urls = [press(browser) for _number in range(5)]
    refused = browser.call("POST", "/push/test", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_often")
    assert 1 <= int(refused["Retry-After"]) <= 60
    age(urls[0], created_at=61)
    press(browser)


def test_the_limit_counts_all_of_a_persons_devices(browser: Browser, owner: User) -> None:
    other = Browser(owner)
    other.subscribe()
    path = f"/push/devices/{other.device.public_id}/test"
    for _number in range(5):
        assert browser.call("POST", path, {}).status_code == 202
    assert browser.call("POST", "/push/test", {}).status_code == 429


def test_a_test_of_another_device_goes_to_that_device_alone(browser: Browser, owner: User) -> None:
    other = Browser(owner)
    other.subscribe()
    answer = browser.call("POST", f"/push/devices/{other.device.public_id}/test", {})
    assert delivery_of(answer.json()["url"]).device_public_id == other.device.public_id


def test_strangers_devices_and_tests_are_not_there(browser: Browser, stranger: User) -> None:
    url = press(browser)
    them = Browser(stranger)
    assert them.call("GET", url).status_code == 404
    path = f"/push/devices/{browser.device.public_id}/test"
    assert them.call("POST", path, {}).json()["error"]["code"] == "unknown_device"
    assert them.call("GET", "/push/test/junk").status_code == 404


def test_without_a_subscription_or_with_push_off_nothing_is_sent(
    browser: Browser, owner: User
) -> None:
    unsubscribed = Browser(owner).call("POST", "/push/test", {})
    assert (unsubscribed.status_code, unsubscribed.json()["error"]["code"]) == (
        409,
        "not_subscribed",
    )
    Preference.set_push(owner, False)
    paused = browser.call("POST", "/push/test", {})
    assert (paused.status_code, paused.json()["error"]["code"]) == (409, "paused")
    assert not Delivery.objects.filter(kind="push.test").exists()


def test_a_subscription_that_ends_in_the_moment_of_the_press_is_told_so(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_first(subscription: Subscription) -> Any:
        Subscription.end_for(browser.device)
        return request_test(subscription)

    request_test = Subscription.request_test
    monkeypatch.setattr(Subscription, "request_test", end_first)
    answer = browser.call("POST", "/push/test", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_subscribed")
