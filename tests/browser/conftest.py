"""Real browsers for the tests of this folder: running ones are lent out clean, one after another."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.product import Product
from tests.push_service import PushService

try:
    from playwright.sync_api import Playwright, expect, sync_playwright

    from tests.browser.chromium import Chromium
    from tests.browser.firefox import Firefox
except ImportError as error:
    collect_ignore_glob = ["test_*"]
    if os.environ.get("CI") == "true":
        raise
    print(f"The browser tests are skipped: {error}")

PATIENCE = 10_000  # milliseconds; a busy machine is no failure
PARTS = {"firefox": "firefox-esr", "chromium": "chromium", "D-Bus": "dbus-daemon"}


def require(*parts: str) -> None:
    """Skip the test where Debian's parts are missing; with CI=true that is a failure."""
    missing = [PARTS[part] for part in parts if not shutil.which(PARTS[part])]
    if missing:
        message = f"Not installed: apt-get install {' '.join(missing)}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def browser_folder() -> Iterator[Path]:
    """Where profiles live: a short path, since sockets are in it."""
    with tempfile.TemporaryDirectory(prefix="fli-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def playwright() -> Iterator["Playwright"]:
    """Playwright's driver. Its loop in this thread makes Django think that it is asynchronous."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def new_firefox(
    playwright: "Playwright", browser_folder: Path, push_service_process: PushService
) -> Callable[..., "Firefox"]:
    """Make a Firefox by name; it is started by `with`."""
    require("firefox", "D-Bus")

    def make(name: str, **options: Any) -> "Firefox":
        folder = browser_folder / name
        return Firefox(playwright, folder, push_service_process.websocket_url, **options)

    return make


@pytest.fixture(scope="session")
def running_firefoxes(
    new_firefox: Callable[..., "Firefox"],
) -> Iterator[Callable[[str], "Firefox"]]:
    """Firefox by name, started once in the session."""
    running: dict[str, Firefox] = {}
    with ExitStack() as stack:

        def get(name: str) -> "Firefox":
            if name not in running:
                running[name] = stack.enter_context(new_firefox(name))
            return running[name]

        yield get


@pytest.fixture
def firefox(product: Product, running_firefoxes: Callable[[str], "Firefox"]) -> Iterator["Firefox"]:
    """A clean Firefox whose person allows notifications as soon as they are asked."""
    browser = running_firefoxes("first")
    browser.forget(product.url)
    browser.allow_notifications(product.url)
    yield browser
    browser.close_tabs()


@pytest.fixture
def second_firefox(
    product: Product, running_firefoxes: Callable[[str], "Firefox"]
) -> Iterator["Firefox"]:
    """Another clean Firefox, on a desktop of its own."""
    browser = running_firefoxes("second")
    browser.forget(product.url)
    browser.allow_notifications(product.url)
    yield browser
    browser.close_tabs()


@pytest.fixture(scope="session")
def running_chromium(playwright: "Playwright", browser_folder: Path) -> Iterator["Chromium"]:
    """One Chromium for the session. Tests of the product ask for `chromium`."""
    require("chromium", "D-Bus")
    with Chromium(playwright, browser_folder / "chromium") as browser:
        yield browser


@pytest.fixture
def chromium(product: Product, running_chromium: "Chromium") -> Iterator["Chromium"]:
    """A clean Chromium, which asks for permission."""
    running_chromium.forget(product.url)
    yield running_chromium
    running_chromium.close_tabs()
