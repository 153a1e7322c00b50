"""Real Chromium: every page, the service worker with messages good and bad, dot and banner."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Device, User
from drops.models import Drop
from push.models import Notification
from tests.browser import pages
from tests.browser.chromium import Chromium
from tests.fixtures.product import Product
from tests.push_service import PushService

pytestmark = pytest.mark.browser

SIGNED_OUT = ("/", "/Account/Login", "/Account/Register", "/Account/Password/Reset")
SIGNED_IN = (
    "/",
    "/Drops",
    "/Notifications",
    "/docs/manual/browser-push-notifications",
    pages.MANAGE,
)
WIDTHS = (390, 1280)


def test_every_page_loads_without_a_complaint_and_fits_its_window(
    product: Product, chromium: Chromium, owner: User
) -> None:
    Drop.send(sender=owner, recipient=owner, text="A Drop " * 40, device=None)
    page = chromium.context.new_page()
    problems = pages.messages_of(page)
    for path in SIGNED_OUT:
        visit(page, product.url + path)
    pages.sign_in(chromium, product, owner)
    for path in SIGNED_IN:
        visit(page, product.url + path)
    assert problems == []


def visit(page: Page, url: str) -> None:
    response = page.goto(url)
    assert response is not None
    assert response.status == 200, url
    expect(page.get_by_role("main")).to_be_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (url, width)


def open_with_worker(chromium: Chromium, product: Product, person: User, path: str) -> Page:
    """A page whose service worker is at work, in a browser that may show notifications."""
    pages.sign_in(chromium, product, person)
    page = chromium.open(product.url + path)
    chromium.allow_notifications(page, product.url, "granted")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    return page


def message(product: Product, **notification: Any) -> str:
    """A Declarative Web Push message as the product sends it."""
    said = {"title": "A Drop", "body": "The text", "navigate": f"{product.url}/Drops", "tag": "one"}
    return json.dumps({"web_push": 8030, "mutable": True, "notification": said | notification})


def test_the_worker_shows_a_message_with_its_actions_and_a_copy_replaces_it(
    product: Product, chromium: Chromium, owner: User
) -> None:
    page = open_with_worker(chromium, product, owner, "/Drops")
    action = {"action": "copy", "title": "Copy", "navigate": f"{product.url}/Drops?copied"}
    chromium.deliver(page, product.url, message(product, actions=[action]))
    first = chromium.desktop.wait_for("The text")
    assert first.title == "A Drop"
    assert "Copy" in first.actions.values()
    chromium.deliver(page, product.url, message(product, body="Once more", actions=[action]))
    again = chromium.desktop.wait_for("Once more")
    assert chromium.desktop.on_screen == [again]
    chromium.desktop.click(again, "Copy")
    page.wait_for_url(f"{product.url}/Drops?copied")


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "not JSON",
        "null",
        "[]",
        '{"notification": 5}',
        '{"notification": {"title": ""}}',
        '{"notification": {"title": "T", "actions": 7, "data": 3, "navigate": {}, "timestamp": "x"}}',
        '{"notification": {"title": "T", "icon": "http://[", "actions": [{"action": "a"}, null]}}',
    ],
)
def test_whatever_comes_something_is_shown_and_a_click_opens_the_site(
    product: Product, chromium: Chromium, owner: User, payload: str
) -> None:
    page = open_with_worker(chromium, product, owner, "/Notifications")
    chromium.deliver(page, product.url, payload)
    shown = chromium.desktop.wait(lambda: next(iter(chromium.desktop.on_screen), None))
    assert shown.title in ("New notification", "T")
    chromium.desktop.click(shown)
    pages.wait_for_tab(chromium, f"{product.url}/")


def test_a_click_never_leaves_the_site(product: Product, chromium: Chromium, owner: User) -> None:
    page = open_with_worker(chromium, product, owner, "/Notifications")
    chromium.deliver(page, product.url, message(product, navigate="https://evil.example/"))
    chromium.desktop.click(chromium.desktop.wait_for("The text"))
    pages.wait_for_tab(chromium, f"{product.url}/")


def test_a_click_uses_the_tab_that_is_there(
    product: Product, chromium: Chromium, owner: User
) -> None:
    drop = Drop.send(sender=owner, recipient=owner, text="Look here", device=None)
    page = open_with_worker(chromium, product, owner, "/Notifications")
    tabs = len(chromium.context.pages)
    address = product.url + drop.get_absolute_url()
    chromium.deliver(page, product.url, message(product, navigate=address))
    chromium.desktop.click(chromium.desktop.wait_for("The text"))
    page.wait_for_url(address)
    assert len(chromium.context.pages) == tabs


def test_reading_closes_what_is_on_screen_and_the_badge_follows_in_other_tabs(
    product: Product, chromium: Chromium, owner: User
) -> None:
    drop = Drop.send(sender=owner, recipient=owner, text="Read me", device=None)
    page = open_with_worker(chromium, product, owner, "/Notifications")
    expect(page.get_by_test_id("bell-badge")).to_have_text("1 unread")
    chromium.deliver(
        page, product.url, message(product, navigate=product.url + drop.get_absolute_url())
    )
    shown = chromium.desktop.wait_for("The text")
    chromium.open(product.url + drop.get_absolute_url())
    chromium.desktop.wait(lambda: shown.closed is not None)
    expect(page.get_by_test_id("bell-badge")).to_be_hidden()
    assert not Notification.objects.filter(user=owner, read_at=None).exists()


def test_a_new_notification_reaches_an_open_tab_by_itself(
    product: Product, chromium: Chromium, owner: User
) -> None:
    pages.sign_in(chromium, product, owner)
    page = chromium.open(f"{product.url}/Drops")
    badge = page.get_by_test_id("bell-badge")
    expect(badge).to_be_hidden()
    Drop.send(sender=owner, recipient=owner, text="Live", device=None)
    expect(badge).to_have_text("1 unread")
    page.get_by_test_id("bell").click()
    expect(page.locator("[data-push-latest]")).to_contain_text("Live")


def test_dot_and_banner_follow_account_and_permission(
    product: Product, push_service: PushService, chromium: Chromium, owner: User
) -> None:
    pages.sign_in(chromium, product, owner)
    page = chromium.open(product.url + pages.MANAGE)
    pages.expect_state(page, "not-asked")
    pages.expect_dot(page, "none")
    pages.expect_banner(page, visible=False)

    pages.subscribe_elsewhere(owner, push_service)
    page.reload()
    pages.expect_state(page, "elsewhere")
    pages.expect_dot(page, "yellow")
    pages.expect_banner(page, visible=True)

    chromium.allow_notifications(page, product.url, "denied")
    pages.expect_state(page, "denied")
    pages.expect_dot(page, "red")
    pages.expect_banner(page, visible=False)
    expect(page.get_by_test_id("push-state").get_by_role("listitem").first).to_contain_text(
        "Chrome"
    )

    chromium.allow_notifications(page, product.url, "prompt")
    pages.expect_state(page, "elsewhere")
    pages.expect_dot(page, "yellow")
    pages.expect_banner(page, visible=True)
    page.get_by_test_id("push-banner-dismiss").click()
    pages.expect_banner(page, visible=False)
    page.goto(f"{product.url}/Drops")
    pages.expect_dot(page, "yellow")
    pages.expect_banner(page, visible=False)


def test_a_tab_left_open_hears_of_the_sign_out_in_another(
    product: Product, push_service: PushService, chromium: Chromium, owner: User
) -> None:
    pages.sign_in(chromium, product, owner)
    left = chromium.open(product.url + pages.MANAGE)
    pages.expect_state(left, "not-asked")
    pages.subscribe_elsewhere(owner, push_service, Device.objects.get(user=owner))
    pages.expect_state(left, "lost")  # this browser holds no subscription
    pages.sign_out(chromium.open(f"{product.url}/Drops"))
    pages.expect_state(left, "not-asked")


def test_a_subscribe_that_fails_says_why_on_the_card(
    product: Product, chromium: Chromium, owner: User
) -> None:
    pages.sign_in(chromium, product, owner)
    page = chromium.open(product.url + pages.MANAGE)
    page.evaluate(
        "() => { PushManager.prototype.subscribe = () => "
        "Promise.reject(new DOMException('push service not available', 'AbortError')); }"
    )
    chromium.allow_notifications(page, product.url, "granted")
    page.get_by_test_id("push-subscribe").click()
    expect(page.get_by_test_id("push-card").get_by_role("alert")).to_contain_text("push service")
    expect(page.get_by_test_id("push-subscribe")).to_be_enabled()
