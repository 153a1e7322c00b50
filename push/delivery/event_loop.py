"""One epoll that drives libcurl: a ``CurlMulti`` for each push service, all in one thread."""

import select
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pycurl

from push.delivery.connection import new_multi


class EventLoop:
    """Adds, drives and ends transfers. Groups keep out of each other's way.

    libcurl keeps transfers that wait for a connection in one queue per ``CurlMulti`` and looks at
    its head only, so a service that never answers would hold up all others: hence one per group.
    """

    def __init__(self, wake_fd: int | None = None) -> None:
        self._epoll = select.epoll()
        self._wake_fd = wake_fd
        if wake_fd is not None:
            self._epoll.register(wake_fd, select.EPOLLIN)
        self._multis: dict[str, Any] = {}
        self._owners: dict[int, str] = {}  # group of each socket
        self._timers: dict[str, float] = {}  # when each group wants to be looked at
        self._touched: set[str] = set()

    def add(self, group: str, handle: Any) -> None:
        """Start a transfer. Raises ``pycurl.error``."""
        multi = self._multis.get(group)
        if multi is None:
            on_socket, on_timer = partial(self._on_socket, group), partial(self._on_timer, group)
            multi = self._multis[group] = new_multi(on_socket, on_timer)
        multi.add_handle(handle)

    def remove(self, group: str, handle: Any) -> None:
        """Take out a transfer, ended or not; its handle can be used again."""
        self._multis[group].remove_handle(handle)

    def drive(self, wait: float) -> bool:
        """One look at the network, at most ``wait`` seconds long. True: the wake-up came."""
        if self._timers:
            wait = min(wait, min(self._timers.values()) - time.monotonic())
        woken = False
        for fd, events in self._epoll.poll(max(wait, 0.0)):
            if fd == self._wake_fd:
                woken = True
            elif fd in self._owners:
                self._act(self._owners[fd], fd, _curl_events(events))
        now = time.monotonic()
        for group in [group for group, at in self._timers.items() if at <= now]:
            del self._timers[group]
            self._act(group, pycurl.SOCKET_TIMEOUT, 0)
        return woken

    def ended(self) -> Iterator[tuple[Any, int, str]]:
        """Handle, error number (0: none) and error text of each transfer that has ended."""
        while self._touched:
            multi = self._multis[self._touched.pop()]
            queued = 1
            while queued:
                queued, succeeded, failed = multi.info_read()
                for handle in succeeded:
                    yield handle, 0, ""
                yield from failed

    def close(self) -> None:
        for multi in self._multis.values():
            multi.close()
        self._epoll.close()

    def _act(self, group: str, fd: int, events: int) -> None:
        self._touched.add(group)
        # What fails here fails for a transfer, which says so itself or ends at its time-out.
        with suppress(pycurl.error):
            self._multis[group].socket_action(fd, events)

    def _on_socket(self, group: str, what: int, fd: int, *_unused: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            self._owners.pop(fd, None)
            with suppress(OSError):  # A closed socket has left the epoll by itself.
                self._epoll.unregister(fd)
            return
        events = select.EPOLLIN if what & pycurl.POLL_IN else 0
        events |= select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        self._owners[fd] = group
        try:
            self._epoll.modify(fd, events)
        except FileNotFoundError:
            self._epoll.register(fd, events)

    def _on_timer(self, group: str, milliseconds: int) -> None:
        if milliseconds < 0:
            self._timers.pop(group, None)
        else:
            self._timers[group] = time.monotonic() + milliseconds / 1000


def _curl_events(events: int) -> int:
    bits = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        bits |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        bits |= pycurl.CSELECT_OUT
    if events & select.EPOLLERR:
        bits |= pycurl.CSELECT_ERR
    return bits
