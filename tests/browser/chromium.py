"""Debian's Chromium with a lasting profile; messages reach its service worker by CDP.

`subscribe()` needs Google's servers, so Chromium proves pages, worker and notifications; Firefox
proves the whole way. An ordinary context counts as incognito, where push is refused.
"""

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from playwright.sync_api import BrowserContext, CDPSession, Page, Playwright

from tests.browser.desktop import Desktop

EXECUTABLE = shutil.which("chromium")


class Chromium:
    """One browser of one person, on one desktop. A context manager."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        """`folder` keeps profile and desktop, and must have a short path."""
        self.playwright = playwright
        self.folder = folder
        self.desktop: Desktop
        self.context: BrowserContext

    def __enter__(self) -> "Chromium":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.desktop = Desktop(self.folder).start()
        self.context = self.playwright.chromium.launch_persistent_context(
            self.folder / "profile",
            executable_path=EXECUTABLE,
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.desktop.address},
        )
        self.context.set_default_timeout(10_000)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.context.close()
        self.desktop.stop()

    def open(self, url: str) -> Page:
        """A new tab at this address."""
        page = self.context.new_page()
        page.goto(url)
        return page

    def allow_notifications(
        self, page: Page, origin: str, setting: Literal["granted", "denied", "prompt"]
    ) -> None:
        """Set what a person would choose in the site's settings."""
        self._session(page).send(
            "Browser.setPermission",
            {"permission": {"name": "notifications"}, "setting": setting, "origin": origin},
        )

    def deliver(self, page: Page, origin: str, payload: str) -> None:
        """Hand a plain payload to the origin's service worker, as if it had been pushed."""
        session = self._session(page)
        registrations: dict[str, dict[str, Any]] = {}
        session.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda event: registrations.update(
                {one["registrationId"]: one for one in event["registrations"]}
            ),
        )
        ready: set[str] = set()  # a worker still being installed loses the message in silence
        session.on(
            "ServiceWorker.workerVersionUpdated",
            lambda event: ready.update(
                one["registrationId"] for one in event["versions"] if one["status"] == "activated"
            ),
        )
        session.send("ServiceWorker.enable")
        while not (
            mine := [
                key for key, one in registrations.items() if _serves(one, origin) and key in ready
            ]
        ):
            page.wait_for_timeout(20)
        session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": origin, "registrationId": mine[-1], "data": payload},
        )
        session.detach()

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
        session = self._session(keep)
        session.send("Browser.resetPermissions")
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        session.detach()
        self.context.clear_cookies()
        keep.goto("about:blank")
        self.desktop.shown.clear()

    def _session(self, page: Page) -> CDPSession:
        return self.context.new_cdp_session(page)


def _serves(registration: dict[str, Any], origin: str) -> bool:
    return bool(registration["scopeURL"].startswith(origin) and not registration["isDeleted"])
