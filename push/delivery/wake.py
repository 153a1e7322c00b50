"""How a commit wakes the workers.

PostgreSQL: NOTIFY without payload, once per transaction (the server itself folds equal ones), heard by
a thread. SQLite: nothing to send, the worker looks at ``PRAGMA data_version``, which costs microseconds.
"""

import logging
import os
import select
import sqlite3
import threading
import time
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote

from django.db import connection

logger = logging.getLogger(__name__)

CHANNEL = "push_outbox"

LOOK_EVERY = 0.025
"""Seconds between two looks at SQLite: 12 ms from commit to notice, for 0.6 % of a core."""

_CHECK_EVERY = 30.0  # Seconds: a connection that says nothing may be dead.
_LONGEST_WAIT = 10.0  # Seconds between two tries to connect.


def notify() -> None:
    """Call inside the transaction that adds rows which are due now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


class Bell:
    """A pipe that ends a wait: rung by another thread or, as ``write_fd``, by a signal."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        os.set_blocking(self.write_fd, False)
        self._poll = select.poll()
        self._poll.register(self.read_fd, select.POLLIN)

    def ring(self) -> None:
        with suppress(BlockingIOError):  # full: it has been rung often enough
            os.write(self.write_fd, b"\0")

    def wait(self, seconds: float) -> bool:
        """Waits for it; True when it rings. It still wants an answer then."""
        return bool(self._poll.poll(seconds * 1000))

    def answer(self) -> bool:
        """Was it rung since the last answer?"""
        try:
            return bool(os.read(self.read_fd, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self.read_fd)
        os.close(self.write_fd)


class Watch(Protocol):
    """Notices commits. ``every``: seconds between two looks; None: it rings the bell by itself."""

    every: float | None

    def changed(self) -> bool: ...
    def close(self) -> None: ...


def watch(bell: Bell) -> Watch:
    """What fits the database in use."""
    return Listener(bell) if connection.vendor == "postgresql" else DataVersion()


def wait(bell: Bell, watch: Watch, seconds: float) -> bool:
    """Sleeps until the bell rings or the watch notices something (True), at most so many seconds.

    All that an idle worker does, so it does nothing else.
    """
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if bell.wait(left if watch.every is None else min(left, watch.every)) or watch.changed():
            return True
    return False


class DataVersion:
    """SQLite's own counter of commits by other connections; on a connection of its own."""

    every: float | None = LOOK_EVERY

    def __init__(self) -> None:
        path = quote(str(connection.settings_dict["NAME"]))
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        self._cursor = self._connection.cursor()
        self._seen: Any = None

    def changed(self) -> bool:
        try:
            version = self._cursor.execute("PRAGMA data_version").fetchone()
        except sqlite3.OperationalError:  # busy with recovery: whatever happened, look again
            return True
        changed: bool = version != self._seen
        self._seen = version
        return changed

    def close(self) -> None:
        self._connection.close()


class Listener:
    """A thread that LISTENs and rings the bell; it connects again when the server was restarted."""

    every: float | None = None

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._end = Bell()
        self._parameters = _connection_parameters()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="push listener", daemon=True)
        self._thread.start()

    def changed(self) -> bool:
        return False  # the bell tells

    def close(self) -> None:
        self._over.set()
        self._end.ring()
        self._thread.join()
        self._end.close()

    def _run(self) -> None:
        import psycopg

        wait = 0.1
        while not self._over.is_set():
            try:
                with psycopg.connect(**self._parameters, autocommit=True) as listening:
                    listening.execute(f"LISTEN {CHANNEL}")
                    wait = 0.1
                    self._bell.ring()  # for what was committed while nobody listened
                    self._hear(listening)
            except psycopg.Error as error:
                logger.warning("Not listening to the database: %s", str(error).partition("\n")[0])
                self._over.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    def _hear(self, listening: Any) -> None:
        while not self._over.is_set():
            ready, _, _ = select.select(
                [listening.fileno(), self._end.read_fd], [], [], _CHECK_EVERY
            )
            if not ready:
                listening.execute("SELECT 1")
            elif list(listening.notifies(timeout=0)):
                self._bell.ring()


def _connection_parameters() -> dict[str, Any]:
    """Django's own, without what makes Django's cursors."""
    parameters: dict[str, Any] = connection.get_connection_params()
    return {
        name: value
        for name, value in parameters.items()
        if name not in ("cursor_factory", "context", "prepare_threshold")
    }
