"""The whole way in real Firefox: subscribed by a click, sent by the worker, shown, tapped."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from accounts.models import Device, User
from drops.models import Drop
from push.models import Delivery, Notification, Subscription
from tests.browser import pages
from tests.browser.firefox import DENIED, Firefox
from tests.fixtures.product import Product
from tests.push_service import PushService

pytestmark = pytest.mark.browser


def send_drop(browser: Firefox, product: Product, text: str) -> Drop:
    page = browser.open(f"{product.url}/Drops")
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_test_id("drop-send").click()
    expect(page.get_by_test_id("drops")).to_contain_text(text)
    return Drop.objects.get(text=text)


def test_a_drop_reaches_the_other_browser_with_its_page_closed_and_a_click_opens_it(
    product: Product,
    push_service: PushService,
    firefox: Firefox,
    second_firefox: Firefox,
    owner: User,
) -> None:
    pages.subscribe(firefox, product, owner)
    firefox.close_tabs()
    pages.sign_in(second_firefox, product, owner)
    push_service.clear()

    drop = send_drop(second_firefox, product, "The gate code is 4711")

    shown = firefox.desktop.wait_for("The gate code is 4711")
    sender = Device.objects.get(user=owner, sent_drops=drop)
    assert shown.title == f"Drop from {sender.name}"
    [post] = push_service.posts
    assert (post.status, post.problem, post.headers["urgency"]) == (201, "", "high")
    assert b"4711" not in post.body

    firefox.desktop.click(shown)
    page = pages.wait_for_tab(firefox, f"{product.url}/Drops/{drop.public_id}")
    expect(page.get_by_test_id("drop-text")).to_have_text("The gate code is 4711")
    delivery = Delivery.objects.get(notification__kind="drops.received")
    pages.until(page, lambda: Delivery.objects.filter(pk=delivery.pk, tapped_at__isnull=False))
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.ACCEPTED
    assert delivery.shown_at is not None
    pages.until(page, lambda: Drop.objects.filter(pk=drop.pk, read_at__isnull=False))


def test_the_copy_button_of_a_notification_opens_the_drop_ready_to_copy(
    product: Product, firefox: Firefox, owner: User
) -> None:
    pages.subscribe(firefox, product, owner)
    firefox.close_tabs()
    drop = Drop.send(sender=owner, recipient=owner, text="Copy me", device=None)
    firefox.desktop.click(firefox.desktop.wait_for("Copy me"), "copy")
    page = pages.wait_for_tab(firefox, f"{product.url}/Drops/{drop.public_id}?focus=copy")
    expect(page.get_by_test_id("drop-copy")).to_be_focused()


def test_a_drop_is_not_pushed_to_the_device_that_sent_it(
    product: Product,
    push_service: PushService,
    firefox: Firefox,
    second_firefox: Firefox,
    owner: User,
) -> None:
    pages.subscribe(firefox, product, owner)
    pages.subscribe(second_firefox, product, owner)
    push_service.clear()
    send_drop(second_firefox, product, "From the second one")
    firefox.desktop.wait_for("From the second one")
    assert second_firefox.desktop.on_screen == []
    assert len(push_service.posts) == 1


def test_send_test_says_when_it_was_accepted_and_when_it_was_shown(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    page.get_by_test_id("push-test").click()
    card = page.get_by_test_id("push-card")
    expect(card).to_contain_text(f"Accepted by {push_service.host} after")
    expect(card).to_contain_text("Shown after")
    firefox.desktop.wait_for("Test notification")
    assert not Notification.objects.filter(kind="push.test", in_bell=True).exists()


def test_send_test_says_why_the_service_refused_it(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    push_service.answer(400, body='{"reason": "BadWebPushTopic"}')
    page.get_by_test_id("push-test").click()
    link = page.get_by_test_id("push-card").locator("[data-push-output] a")
    expect(link).to_have_attribute("href", re.compile(r"#reason-"))
    address = link.get_attribute("href") or ""
    page.goto(product.url + address)
    expect(page.locator(f"[id='{address.partition('#')[2]}']")).to_be_visible()


def test_the_banner_turns_push_on_in_place(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    pages.subscribe_elsewhere(owner, push_service)
    pages.sign_in(firefox, product, owner)
    page = firefox.open(f"{product.url}/Drops")
    pages.expect_dot(page, "yellow")
    page.get_by_test_id("push-banner-enable").click()
    pages.expect_dot(page, "green")
    pages.expect_banner(page, visible=False)
    firefox.desktop.wait_for("Push is on")
    assert Subscription.objects.active().filter(user=owner).count() == 2


def test_unsubscribing_ends_it_here_and_nothing_brings_it_back(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    endpoint = pages.subscription_of(owner).endpoint
    page.get_by_test_id("push-unsubscribe").click()
    pages.expect_state(page, "allowed")
    assert not Subscription.objects.filter(user=owner).exists()
    token = push_service.token_of(endpoint)
    push_service.wait(lambda: push_service.store.channels[token].removed)

    page.reload()
    pages.expect_state(page, "allowed")
    assert (
        page.evaluate("navigator.serviceWorker.ready.then(r => r.pushManager.getSubscription())")
        is None
    )
    assert not Subscription.objects.filter(user=owner).exists()


def test_a_blocked_site_has_a_red_dot_and_the_steps_for_this_browser(
    product: Product, new_firefox: Callable[..., Firefox], owner: User
) -> None:
    with new_firefox("denied", permission=DENIED) as firefox:
        pages.sign_in(firefox, product, owner)
        page = firefox.open(product.url + pages.MANAGE)
        pages.expect_state(page, "denied")
        pages.expect_dot(page, "red")
        pages.expect_banner(page, visible=False)
        steps = page.get_by_test_id("push-state").get_by_role("listitem")
        expect(steps.first).to_contain_text("In Firefox")
        expect(page.get_by_test_id("push-state").get_by_role("list")).to_have_count(1)
        expect(page.get_by_test_id("push-subscribe")).to_have_count(0)


def test_signing_out_ends_push_here_and_clears_the_screen(
    product: Product, push_service: PushService, firefox: Firefox, owner: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    Drop.send(sender=owner, recipient=owner, text="For my eyes only", device=None)
    shown = firefox.desktop.wait_for("For my eyes only")
    pages.sign_out(page)
    firefox.desktop.wait(lambda: shown.closed is not None)
    assert not Subscription.objects.filter(user=owner).exists()
    push_service.clear()
    Drop.send(sender=owner, recipient=owner, text="After signing out", device=None)
    assert not Delivery.objects.filter(notification__body="After signing out").exists()


def test_the_next_person_on_a_browser_sees_nothing_of_the_last_and_opts_in_anew(
    product: Product, push_service: PushService, firefox: Firefox, owner: User, stranger: User
) -> None:
    page = pages.subscribe(firefox, product, owner)
    Drop.send(sender=owner, recipient=owner, text="Nobody else's business", device=None)
    shown = firefox.desktop.wait_for("Nobody else's business")
    page.close()
    firefox.context.clear_cookies(name="sessionid")  # the session is over; nobody signed out

    page = firefox.context.new_page()
    pages.sign_in_by_hand(page, product, stranger)
    firefox.desktop.wait(lambda: shown.closed is not None)
    assert not Subscription.objects.exists()
    page.goto(product.url + pages.MANAGE)
    pages.expect_state(page, "allowed")
    pages.expect_dot(page, "none")

    page.get_by_test_id("push-subscribe").click()
    pages.expect_state(page, "subscribed")
    firefox.desktop.wait_for("Push is on")
    assert pages.subscription_of(stranger).state == Subscription.State.ACTIVE
    push_service.clear()
    Drop.send(sender=owner, recipient=owner, text="Still not yours", device=None)
    Drop.send(sender=stranger, recipient=stranger, text="Yours", device=None)
    firefox.desktop.wait_for("Yours")
    assert not [s for s in firefox.desktop.shown if "Still not yours" in s.body]
