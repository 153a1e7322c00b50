"""Before its work each process waits for the database, then holds its secrets against it."""

import logging
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, InterfaceError, OperationalError, connection

from push.models import InstanceKey

logger = logging.getLogger(__name__)

FIRST_WAIT = 0.1
"""Seconds until the second look for a database that is away; doubled with each …"""

LONGEST_WAIT = 5.0
"""… up to this."""

# PostgreSQL's and libpq's own words, for a connection that failed has no SQLSTATE. Whatever else it says may pass.
FINAL = re.compile(
    r"authentication failed|pg_hba\.conf|does not exist|not permitted|permission denied"
    r"|no password supplied|certificate|does not support SSL"
)
UNKNOWN_NAME = "failed to resolve host"


def verify_instance() -> None:
    """``InstanceKey.verify`` as soon as the database is there; SIGTERM and Ctrl-C end the wait.

    A process that ended instead would take the others with it under honcho.

    Raises:
        ImproperlyConfigured: the secrets differ, there are no tables, or the database refuses us.
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
        refusal = refusal_of(error)
        if refusal:
            raise ImproperlyConfigured(
                f"The database refuses this process ({refusal}). Waiting would not help: correct "
                "DATABASE_URL, or what PostgreSQL allows, and start again."
            ) from error
        logger.warning("The database is away (%s); next try in %.1f s.", _reason(error), wait)
        return False
    return True


def refusal_of(error: Error) -> str:
    """Why no time will mend it: a wrong password, no such database, a certificate. Else ``""``."""
    lines = str(error).splitlines()
    return next((_short(line) for line in lines if FINAL.search(line)), "")


def _reason(error: Error) -> str:
    """In one line. A name may be unknown only because that container is not there yet."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    attempts = [line for line in lines if line.startswith("- ")]
    said = _short((attempts or lines)[-1 if attempts else 0])
    return f"{said}; is the host in DATABASE_URL spelled right?" if UNKNOWN_NAME in said else said


def _short(line: str) -> str:
    """Without what comes before the server's words."""
    return line.rpartition("FATAL: ")[2].strip()


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
