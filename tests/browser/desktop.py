"""A desktop that keeps what it is asked to show: org.freedesktop.Notifications on a private bus.

Source: https://specifications.freedesktop.org/notification-spec/latest/protocol.html
"""

import asyncio
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
DISMISSED, CLOSED_BY_APPLICATION = 2, 3  # reasons of NotificationClosed

CONFIGURATION = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
  </policy>
</busconfig>
"""


@dataclass
class Shown:
    """One notification on screen."""

    identifier: int
    title: str
    body: str
    actions: dict[str, str]  # key -> label
    hints: dict[str, Any]
    at: float  # monotonic seconds
    replaced: int = 0  # how many times a copy took its place
    closed: int | None = None  # reason


class _Service(ServiceInterface):
    def __init__(self, desktop: "Desktop") -> None:
        super().__init__(NAME)
        self.desktop = desktop

    @dbus_method()
    def GetCapabilities(self) -> Annotated[list[str], DBusSignature("as")]:  # noqa: N802
        return ["actions", "body", "persistence"]

    @dbus_method()
    def GetServerInformation(  # noqa: N802
        self,
    ) -> Annotated[tuple[str, str, str, str], DBusSignature("ssss")]:
        return ("FastLinkIt test desktop", "FastLinkIt", "1", "1.2")

    @dbus_method()
    def Notify(  # noqa: N802
        self,
        _application: DBusStr,
        replaces: DBusUInt32,
        _icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Annotated[list[str], DBusSignature("as")],
        hints: Annotated[dict[str, Any], DBusSignature("a{sv}")],
        _timeout: DBusInt32,
    ) -> DBusUInt32:
        pairs = dict(zip(actions[::2], actions[1::2], strict=True))
        plain = {name: variant.value for name, variant in hints.items()}
        return self.desktop.show(replaces, title, body, pairs, plain)

    @dbus_method()
    def CloseNotification(self, identifier: DBusUInt32) -> None:  # noqa: N802
        self.desktop.mark_closed(identifier, CLOSED_BY_APPLICATION)
        self.NotificationClosed(identifier, CLOSED_BY_APPLICATION)

    @dbus_signal()
    def NotificationClosed(  # noqa: N802
        self, identifier: DBusUInt32, reason: DBusUInt32
    ) -> Annotated[tuple[int, int], DBusSignature("uu")]:
        return (identifier, reason)

    @dbus_signal()
    def ActionInvoked(  # noqa: N802
        self, identifier: DBusUInt32, key: DBusStr
    ) -> Annotated[tuple[int, str], DBusSignature("us")]:
        return (identifier, key)


class Desktop:
    """One person's desktop: its bus, what it shows, and the hand that clicks it."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the bus's socket; its path must be short (108 bytes with the name)."""
        self.folder = folder
        self.address = ""
        self.shown: list[Shown] = []
        self.changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._service = _Service(self)
        self._bus: MessageBus
        self._thread = threading.Thread(target=self._loop.run_forever, name="desktop", daemon=True)

    def start(self) -> "Desktop":
        """Start the bus and the service on it; returns itself."""
        configuration = self.folder / "session.conf"
        configuration.write_text(CONFIGURATION.format(folder=self.folder))
        command = ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"]
        self._daemon = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._daemon.stdout is not None
        self.address = self._daemon.stdout.readline().strip()
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        return self

    async def _serve(self) -> None:
        self._bus = await MessageBus(bus_address=self.address).connect()
        self._bus.export(PATH, self._service)
        await self._bus.request_name(NAME)

    def stop(self) -> None:
        """End the service and its bus."""
        self._loop.call_soon_threadsafe(self._bus.disconnect)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._daemon.terminate()
        self._daemon.wait()
        if self._daemon.stdout:
            self._daemon.stdout.close()

    # What applications do

    def show(
        self, replaces: int, title: str, body: str, actions: dict[str, str], hints: dict[str, Any]
    ) -> int:
        """Show a notification, or replace one; returns its identifier."""
        with self.changed:
            for shown in self.shown:
                if shown.identifier == replaces and shown.closed is None:
                    shown.title, shown.body, shown.actions = title, body, actions
                    shown.hints, shown.replaced = hints, shown.replaced + 1
                    break
            else:
                shown = Shown(len(self.shown) + 1, title, body, actions, hints, time.monotonic())
                self.shown.append(shown)
            self.changed.notify_all()
            return shown.identifier

    def mark_closed(self, identifier: int, reason: int) -> None:
        """A notification is no longer on screen."""
        with self.changed:
            for shown in self.shown:
                if shown.identifier == identifier and shown.closed is None:
                    shown.closed = reason
            self.changed.notify_all()

    # What a person sees and does

    @property
    def on_screen(self) -> list[Shown]:
        """The notifications that nobody has closed, oldest first."""
        return [shown for shown in list(self.shown) if shown.closed is None]

    def wait[T](self, condition: Callable[[], T | None], timeout: float = 10) -> T:
        """The first true value of a condition on this desktop; TimeoutError after seconds."""
        with self.changed:
            value = self.changed.wait_for(condition, timeout)
        if not value:
            raise TimeoutError(f"The desktop did not come to that; it shows {self.on_screen}")
        return value

    def wait_for(self, text: str, timeout: float = 10) -> Shown:
        """The notification on screen that has this text in its title or body."""
        return self.wait(
            lambda: next((s for s in self.on_screen if text in s.title + s.body), None), timeout
        )

    def click(self, shown: Shown, action: str = "default") -> None:
        """Click the notification, or its action of that name (Firefox) or label (Chromium)."""
        names = (action, f"{action}-moz")
        keys = [key for key, label in shown.actions.items() if key in names or label == action]
        assert keys, f"There is no action {action} in {shown.actions}"
        self._emit(self._service.ActionInvoked, shown.identifier, keys[0])

    def dismiss(self, shown: Shown) -> None:
        """Close the notification by hand."""
        self.mark_closed(shown.identifier, DISMISSED)
        self._emit(self._service.NotificationClosed, shown.identifier, DISMISSED)

    def _emit(self, signal: Callable[..., Any], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(signal, *arguments)
