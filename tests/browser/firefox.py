"""Stock Firefox with a profile, a desktop and a push service of its own choosing."""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from playwright.sync_api import BrowserContext, Page, Playwright

from tests.browser.desktop import Desktop

EXECUTABLE = shutil.which("firefox-esr")
FORGET = """async () => {
    for (const registration of await navigator.serviceWorker.getRegistrations()) {
        for (const shown of await registration.getNotifications()) shown.close();
        const subscription = await registration.pushManager.getSubscription();
        if (subscription) await subscription.unsubscribe();
        await registration.unregister();
    }
    for (const name of await caches.keys()) await caches.delete(name);
    for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
    localStorage.clear();
    sessionStorage.clear();
}"""
ASK, DENIED = 0, 2  # values of permissions.default.desktop-notification


def preferences(websocket_url: str, permission: int) -> dict[str, Any]:
    """Preferences under which Firefox behaves as at home, with this push service."""
    return {
        "dom.push.serverURL": websocket_url,
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.connection.enabled": True,  # automation switches it off
        "remote.prefs.recommended": False,
        "dom.push.retryBaseInterval": 200,  # milliseconds
        "dom.webnotifications.requireinteraction.count": 1000,
        "alerts.useSystemBackend": True,
        "browser.shell.checkDefaultBrowser": False,
        "browser.aboutwelcome.enabled": False,
        "datareporting.policy.dataSubmissionEnabled": False,
        "app.update.auto": False,
        "extensions.update.enabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "services.settings.server": "data:,#remote-settings-dummy/v1",
        "messaging-system.rsexperimentloader.enabled": False,
        "app.normandy.enabled": False,
        "browser.region.network.url": "",
        "browser.newtabpage.enabled": False,
        "browser.startup.page": 0,
        "toolkit.telemetry.enabled": False,
        "browser.safebrowsing.downloads.remote.enabled": False,
        "permissions.default.desktop-notification": permission,
    }


class Firefox:
    """One browser of one person, on one desktop. A context manager."""

    def __init__(
        self,
        playwright: Playwright,
        folder: Path,
        websocket_url: str,
        *,
        permission: int = ASK,
        **options: Any,
    ) -> None:
        """`folder` keeps profile and desktop, and must have a short path. `permission` is what
        Firefox says to sites that nobody decided about. `options` are those of
        `launch_persistent_context`."""
        self.playwright = playwright
        self.folder = folder
        self.preferences = preferences(websocket_url, permission)
        self.options = options
        self.desktop: Desktop
        self.context: BrowserContext

    def __enter__(self) -> "Firefox":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.desktop = Desktop(self.folder).start()
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.desktop.stop()

    def start(self) -> None:
        """Start the browser, anew on the same profile when it was stopped before."""
        self.context = self.playwright.firefox.launch_persistent_context(
            self.folder / "profile",
            channel="moz-firefox",
            executable_path=EXECUTABLE,
            firefox_user_prefs=self.preferences,
            env={
                **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
                "DBUS_SESSION_BUS_ADDRESS": self.desktop.address,
            },
            **self.options,
        )
        self.context.set_default_timeout(10_000)

    def stop(self) -> None:
        """End the browser; its profile stays."""
        self.context.close()

    def allow_notifications(self, origin: str) -> None:
        """What a person does who answers "Allow" when the site asks."""
        self.context.grant_permissions(["notifications"], origin=origin)

    def reset_permissions(self) -> None:
        """Take the permission back, so that sites have to ask again."""
        self.context.clear_permissions()

    def open(self, url: str) -> Page:
        """A new tab at this address."""
        page = self.context.new_page()
        page.goto(url)
        return page

    def close_tabs(self) -> Page:
        """Close every tab but an empty one, which keeps the browser running."""
        keep, *others = self.context.pages
        for page in others:
            page.close()
        keep.goto("about:blank")
        return keep

    def forget(self, origin: str) -> None:
        """As if nobody had ever visited `origin` with this browser."""
        keep = self.close_tabs()
        keep.goto(f"{origin}/healthz")
        keep.evaluate(FORGET)
        self.context.clear_cookies()
        self.context.clear_permissions()
        keep.goto("about:blank")
        self.desktop.shown.clear()
