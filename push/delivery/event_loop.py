"""One epoll that drives libcurl: a ``CurlMulti`` for each push service, all in one thread."""

import select
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pycurl

from push.delivery.connection import new_multi


class EventLoop:
    """Adds, drives and ends transfers of several groups that keep out of each other's way.

    libcurl keeps transfers that wait for a connection in one queue per ``CurlMulti`` and looks at
    its head only, so a service that never answers would hold up all others: hence one per group.
    """

    def __init__(self, wake_fd: int | None = None) -> None:
        self._epoll = select.epoll()
        self._wake_fd = wake_fd
        if wake_fd is not None:
            self._epoll.register(wake_fd, select.EPOLLIN)
        self._groups: dict[str, _Group] = {}
        self._retired: list[_Group] = []
        self._homes: dict[Any, _Group] = {}  # of each handle
        self._owners: dict[int, _Group] = {}  # of each socket
        self._touched: set[_Group] = set()

    def add(self, name: str, handle: Any) -> None:
        """Start a transfer in a group. Raises ``pycurl.error``."""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(name, self._epoll, self._owners)
        group.multi.add_handle(handle)
        group.transfers += 1
        group.is_changed = True
        self._homes[handle] = group

    def remove(self, handle: Any) -> None:
        """Take out a transfer, ended or not; its handle can be used again."""
        group = self._homes.pop(handle)
        group.multi.remove_handle(handle)
        group.transfers -= 1
        group.is_changed = True

    def retire(self, handle: Any) -> None:
        """Let nothing new use the connections of this handle's group; what is on them goes on.

        An HTTP/2 connection that has silently died is otherwise used for every message to come:
        a time-out ends a stream, never the connection.
        """
        group = self._homes[handle]
        if self._groups.get(group.name) is group:
            del self._groups[group.name]
            self._retired.append(group)

    def drive(self, wait: float) -> bool:
        """One look at the network, at most ``wait`` seconds long. True: the wake-up came."""
        self._close_retired()
        for group in self._all():
            if group.is_changed:
                group.ask_when()
        due = [group.due for group in self._all() if group.due is not None]
        if due:
            wait = min(wait, min(due) - time.monotonic())
        woken = False
        for fd, events in self._epoll.poll(max(wait, 0.0)):
            if fd == self._wake_fd:
                woken = True
            elif fd in self._owners:
                self._act(self._owners[fd], fd, _curl_events(events))
        now = time.monotonic()
        for group in self._all():
            if group.due is not None and group.due <= now:
                self._act(group, pycurl.SOCKET_TIMEOUT, 0)
        return woken

    def ended(self) -> Iterator[tuple[Any, int, str]]:
        """Handle, error number (0: none) and error text of each transfer that has ended."""
        while self._touched:
            multi = self._touched.pop().multi
            queued = 1
            while queued:
                queued, succeeded, failed = multi.info_read()
                for handle in succeeded:
                    yield handle, 0, ""
                yield from failed

    def close(self) -> None:
        """Drop all transfers and connections."""
        for handle in list(self._homes):
            self.remove(handle)
        for group in self._all():
            group.multi.close()
        self._epoll.close()

    def _all(self) -> list["_Group"]:
        return [*self._groups.values(), *self._retired]

    def _close_retired(self) -> None:
        for group in [group for group in self._retired if not group.transfers]:
            self._retired.remove(group)
            self._touched.discard(group)
            group.multi.close()

    def _act(self, group: "_Group", fd: int, events: int) -> None:
        self._touched.add(group)
        group.is_changed = True
        # What fails here fails for a transfer, which says so itself or ends at its time-out.
        with suppress(pycurl.error):
            group.multi.socket_action(fd, events)


class _Group:
    """A ``CurlMulti`` with its connections, and the callback by which it says what to watch."""

    def __init__(self, name: str, epoll: select.epoll, owners: dict[int, "_Group"]) -> None:
        self.name = name
        self.transfers = 0
        self.due: float | None = None  # when it wants to be looked at
        self.is_changed = False  # since it was asked when
        self._epoll = epoll
        self._owners = owners
        self.multi = new_multi(self._on_socket)

    def _on_socket(self, what: int, fd: int, *_unused: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            self._owners.pop(fd, None)
            with suppress(OSError):  # A closed socket has left the epoll by itself.
                self._epoll.unregister(fd)
            return
        events = select.EPOLLIN if what & pycurl.POLL_IN else 0
        events |= select.EPOLLOUT if what & pycurl.POLL_OUT else 0
        self._owners[fd] = self
        try:
            self._epoll.modify(fd, events)
        except FileNotFoundError:
            self._epoll.register(fd, events)

    def ask_when(self) -> None:
        """Asked once for many transfers: libcurl's callback would come for each of them."""
        self.is_changed = False
        milliseconds = self.multi.timeout()
        self.due = None if milliseconds < 0 else time.monotonic() + milliseconds / 1000


def _curl_events(events: int) -> int:
    bits = 0
    if events & (select.EPOLLIN | select.EPOLLHUP):
        bits |= pycurl.CSELECT_IN
    if events & select.EPOLLOUT:
        bits |= pycurl.CSELECT_OUT
    if events & select.EPOLLERR:
        bits |= pycurl.CSELECT_ERR
    return bits
