"""Stock browsers, the push service and the desktop work together: no product, a page of our own.

When these fail, the browsers are at fault, and the tests of the product say nothing.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page
from py_vapid import Vapid02
from pywebpush import webpush

from tests.autopush.validation import encode
from tests.browser.chromium import Chromium
from tests.browser.firefox import Firefox
from tests.push_service import PushService

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>waiting</title><button>Subscribe</button><script>
document.querySelector("button").onclick = async () => {
    await navigator.serviceWorker.register("/worker.js");
    const { pushManager } = await navigator.serviceWorker.ready;
    const applicationServerKey = location.hash.slice(1);
    const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    document.title = JSON.stringify(subscription);
};
</script>"""
WORKER = """
self.addEventListener("push", (event) => {
    const { title, ...options } = event.data.json();
    event.waitUntil(self.registration.showNotification(title, options));
});
self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(clients.openWindow("/opened?" + event.action));
});
"""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text, kind = (WORKER, "javascript") if self.path == "/worker.js" else (PAGE, "html")
        self.send_response(200)
        self.send_header("Content-Type", f"text/{kind}")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def wait_for_tab(watcher: Page, url: str) -> None:
    for _attempt in range(100):
        if any(page.url == url for page in watcher.context.pages):
            return
        watcher.wait_for_timeout(50)
    pytest.fail(f"No tab at {url}: {[page.url for page in watcher.context.pages]}")


def test_firefox_subscribes_receives_shows_and_opens(
    site: str, push_service: PushService, running_firefoxes: Callable[[str], Firefox]
) -> None:
    firefox = running_firefoxes("first")
    firefox.desktop.shown.clear()
    vapid = Vapid02()
    vapid.generate_keys()
    numbers = vapid.public_key.public_numbers()
    key = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")

    firefox.allow_notifications(site)
    page = firefox.open(f"{site}/#{encode(key)}")
    page.click("button")
    page.wait_for_function("document.title.startsWith('{')")
    subscription = json.loads(page.title())
    page.close()
    message = {"title": "Hello", "body": "with the tab closed", "tag": "one"}
    claims = {"sub": "mailto:admin@fastlinkit.org"}
    for title in ("Hello", "Hello again"):
        webpush(
            subscription,
            json.dumps(
                {**message, "title": title, "actions": [{"action": "copy", "title": "Copy"}]}
            ),
            vapid_private_key=vapid,
            vapid_claims=dict(claims),
            ttl=60,
        )
    shown = firefox.desktop.wait_for("Hello again")
    assert shown.body == "with the tab closed"
    firefox.desktop.wait(lambda: firefox.desktop.on_screen == [shown])  # the copy took its place
    push_service.wait(
        lambda: [m.acknowledged for m in push_service.store.messages.values()][-2:] == [100, 100]
    )
    firefox.desktop.click(shown, "copy")
    wait_for_tab(firefox.context.pages[0], f"{site}/opened?copy")
    firefox.close_tabs()


def test_chromium_shows_what_is_delivered_and_opens(site: str, running_chromium: Chromium) -> None:
    chromium = running_chromium
    page = chromium.open(f"{site}/")
    assert page.evaluate("Notification.permission") == "default"
    chromium.allow_notifications(page, site, "granted")
    page.evaluate("navigator.serviceWorker.register('/worker.js').then(() => true)")
    chromium.deliver(page, site, json.dumps({"title": "Hello", "body": "Chromium"}))
    shown = chromium.desktop.wait_for("Hello")
    assert "Chromium" in shown.body
    chromium.desktop.click(shown)
    wait_for_tab(page, f"{site}/opened?")
    chromium.close_tabs()
