"""Before its work each process waits for the database, then holds its secrets against it."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.db import InterfaceError, OperationalError, connection

from push.models import InstanceKey

logger = logging.getLogger(__name__)

FIRST_WAIT = 0.1
"""Seconds until the second look for a database that is away; doubled with each …"""

LONGEST_WAIT = 5.0
"""… up to this."""


def verify_instance() -> None:
    """``InstanceKey.verify`` as soon as the database is there; SIGTERM and Ctrl-C end the wait.

    A process that ended instead would take the others with it under honcho.

    Raises:
        ImproperlyConfigured: the secrets differ, or there are no tables.
    """
    with _ended_by_signals():
        wait = FIRST_WAIT
        while not _is_verified(wait):
            time.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
    if wait > FIRST_WAIT:
        logger.info("The database is back.")


def _is_verified(wait: float) -> bool:
    try:
        InstanceKey.verify()
    except (OperationalError, InterfaceError) as error:
        connection.close()
        said = str(error).strip().partition("\n")[0]
        logger.warning("The database is away (%s); next try in %.1f s.", said, wait)
        return False
    return True


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Nothing is in hand yet, so a signal may end the process wherever it is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, _end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(_number: int, _frame: object) -> NoReturn:
    logger.info("Stopped before the database was there.")
    raise SystemExit(0)
