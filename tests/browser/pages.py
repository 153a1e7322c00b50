"""What a person does on the product's pages, and what they wait for."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Page, expect

from accounts.models import Device, User
from push.delivery.vapid import keyring
from push.models import Subscription
from tests.autopush.subscriber import Subscriber
from tests.browser.chromium import Chromium
from tests.browser.firefox import Firefox
from tests.conftest import PASSWORD
from tests.fixtures.product import Product
from tests.push_service import PushService

MANAGE = "/Account/Manage"


def sign_in(browser: Firefox | Chromium, product: Product, person: User) -> None:
    """A session without the sign-in page; the browser becomes a device at its first visit."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    cookie = {"name": "sessionid", "value": session.session_key or "", "url": product.url}
    browser.context.add_cookies([cookie])  # type: ignore[list-item]


def sign_in_by_hand(page: Page, product: Product, person: User) -> None:
    """The way people do it. Ends on the page that they come to."""
    page.goto(f"{product.url}/Account/Login")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_test_id("bell")).to_be_visible()


def sign_out(page: Page) -> None:
    """By the menu in the top bar."""
    page.get_by_role("button", name="Your account", exact=True).click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_test_id("bell")).to_have_count(0)


def expect_state(page: Page, state: str) -> None:
    """The card shows the words of this state."""
    expect(page.get_by_test_id("push-state")).to_have_attribute("data-state", state)


def expect_dot(page: Page, colour: str) -> None:
    """The bell's dot has this colour, and says what it means."""
    dot = page.get_by_test_id("bell-dot")
    expect(dot).to_have_attribute("data-state", colour)
    expect(dot).to_have_text("" if colour == "none" else dot.get_attribute(f"data-{colour}") or "?")


def expect_banner(page: Page, visible: bool) -> None:
    """The banner at the top of the page is there, or is not."""
    expect(page.get_by_test_id("push-banner")).to_be_visible(visible=visible)


def subscribe(browser: Firefox, product: Product, person: User) -> Page:
    """Sign in and turn push on with real clicks; ends on the account page, the desktop empty."""
    sign_in(browser, product, person)
    page = browser.open(product.url + MANAGE)
    page.get_by_test_id("push-subscribe").click()
    expect_state(page, "subscribed")
    browser.desktop.dismiss(browser.desktop.wait_for("Push is on"))
    return page


def subscription_of(person: User) -> Subscription:
    """The one subscription that this person has."""
    return Subscription.objects.get(user=person)


def subscribe_elsewhere(
    person: User, service: PushService, device: Device | None = None
) -> Subscriber:
    """This person has push on another device already, or on `device`, though not in the browser at hand."""
    current = keyring().current
    assert current is not None
    device = device or Device.objects.create(
        user=person, name="Another device", secret_hash="0" * 64
    )
    elsewhere = service.subscriber(current.public)
    Subscription.subscribe(
        device,
        endpoint=elsewhere.endpoint,
        service=service.host,
        p256dh=elsewhere.p256dh,
        auth=elsewhere.auth,
        key_id=current.key_id,
        repair=False,
    )
    return elsewhere


def until[T](page: Page, condition: Callable[[], T | None], what: str = "") -> T:
    """The first true value of a condition that no event tells about, looked at while pages go on."""
    for _attempt in range(200):
        if value := condition():
            return value
        page.wait_for_timeout(50)
    raise AssertionError(f"It did not happen within 10 s: {what or condition}")


def wait_for_tab(browser: Firefox | Chromium, url: str) -> Page:
    """The tab that shows this address, however it came there."""
    keep = browser.context.pages[0]
    return until(
        keep,
        lambda: next((page for page in browser.context.pages if page.url == url), None),
        f"a tab at {url}",
    )


def messages_of(page: Page) -> list[str]:
    """From now on, collects what the page's console says is wrong."""
    problems: list[str] = []
    page.on("console", lambda message: _collect(problems, message))
    page.on("pageerror", lambda error: problems.append(str(error)))
    return problems


def _collect(problems: list[str], message: Any) -> None:
    if message.type in ("error", "warning"):
        problems.append(message.text)
