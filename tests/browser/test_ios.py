"""iPhone and iPad: in a tab nothing of push is touched; as an app on the Home Screen all of it works.

WebKit itself cannot run here. What it lacks is taken away from Chromium, and what it has is added.
"""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from push.models import Preference, Subscription
from tests.browser import pages
from tests.browser.chromium import Chromium
from tests.browser.firefox import Firefox
from tests.fixtures.product import Product
from tests.push_service import PushService

pytestmark = pytest.mark.browser

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1"
)
IPAD = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.4 Safari/605.1.15"
)
CHROME_ON_IPHONE = IPHONE.replace("Version/18.4", "CriOS/139.0.7258.76")

AGENT = """
    Object.defineProperty(Navigator.prototype, "userAgent", { get: () => "%s" });
    Object.defineProperty(Navigator.prototype, "maxTouchPoints", { get: () => 5 });
"""
TAB = """
    window.calls = [];
    const spy = (object, name) => {
        const original = object[name];
        object[name] = function (...given) {
            window.calls.push(name);
            return original.apply(this, given);
        };
    };
    spy(ServiceWorkerContainer.prototype, "register");
    spy(PushManager.prototype, "subscribe");
    spy(PushManager.prototype, "getSubscription");
    spy(Notification, "requestPermission");
    delete window.PushManager;
    delete window.Notification;
    delete ServiceWorkerRegistration.prototype.pushManager;
    Object.defineProperty(Navigator.prototype, "standalone", { get: () => false });
"""
HOME_SCREEN = """
    Object.defineProperty(Navigator.prototype, "standalone", { get: () => true });
"""
PAGES = ("/", "/Drops", "/Notifications", pages.MANAGE)


def open_as(
    browser: Chromium | Firefox, product: Product, person: User, agent: str, script: str
) -> Page:
    """The account page in a tab that pretends to be `agent`."""
    pages.sign_in(browser, product, person)
    page = browser.context.new_page()
    page.add_init_script(AGENT % agent + script)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(product.url + pages.MANAGE)
    return page


@pytest.mark.parametrize("agent", [IPHONE, IPAD], ids=["iPhone", "iPad"])
def test_in_a_tab_the_card_says_how_to_install_and_nothing_of_push_is_touched(
    product: Product,
    push_service: PushService,
    chromium: Chromium,
    owner: User,
    agent: str,
) -> None:
    pages.subscribe_elsewhere(owner, push_service)
    page = open_as(chromium, product, owner, agent, TAB)
    pages.expect_state(page, "ios-tab")
    steps = page.get_by_test_id("push-state").get_by_role("listitem")
    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_contain_text("Share")
    expect(steps.nth(1)).to_contain_text("Add to Home Screen")
    for step in steps.all():
        page.wait_for_function(
            "image => image.naturalWidth > 0", arg=step.locator("img").element_handle()
        )
    expect(page.get_by_test_id("push-subscribe")).to_have_count(0)

    for path in PAGES:
        page.goto(product.url + path)
        page.wait_for_load_state("networkidle")
        pages.expect_dot(page, "none")
        pages.expect_banner(page, visible=False)
        assert page.evaluate("window.calls") == []
        assert page.evaluate("navigator.serviceWorker.getRegistrations()") == []
    assert Preference.push_is_on(owner)


def test_another_browser_on_an_iphone_is_sent_to_safari_first(
    product: Product, chromium: Chromium, owner: User
) -> None:
    page = open_as(chromium, product, owner, CHROME_ON_IPHONE, TAB)
    pages.expect_state(page, "ios-browser")
    expect(page.get_by_test_id("push-state")).to_contain_text(product.url + pages.MANAGE)
    assert page.evaluate("window.calls") == []


@pytest.mark.parametrize("agent", [IPHONE, IPAD], ids=["iPhone", "iPad"])
def test_on_the_home_screen_everything_works_from_a_tap(
    product: Product, push_service: PushService, firefox: Firefox, owner: User, agent: str
) -> None:
    page = open_as(firefox, product, owner, agent, HOME_SCREEN)
    page.get_by_test_id("push-subscribe").click()
    pages.expect_state(page, "subscribed")
    pages.expect_dot(page, "green")
    firefox.desktop.wait_for("Push is on")
    lost = pages.subscription_of(owner)
    push_service.remove(lost.endpoint)
    page.get_by_test_id("push-test").click()
    pages.expect_dot(page, "yellow")

    page.reload()  # there, subscribing needs a tap even when it is allowed
    pages.expect_state(page, "lost")
    pages.expect_dot(page, "yellow")
    pages.expect_banner(page, visible=True)
    assert not Subscription.objects.active().filter(user=owner).exists()

    page.get_by_test_id("push-subscribe").click()
    pages.expect_state(page, "subscribed")
    pages.expect_dot(page, "green")
    pages.expect_banner(page, visible=False)
    assert Subscription.objects.active().get(user=owner).endpoint != lost.endpoint
