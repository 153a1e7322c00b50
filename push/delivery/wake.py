"""How a commit wakes the workers.

PostgreSQL: NOTIFY without payload, once per transaction (the server itself folds equal ones). SQLite: nothing to send,
the worker watches ``PRAGMA data_version``.
"""

from django.db import connection

CHANNEL = "push_outbox"


def notify() -> None:
    """Call inside the transaction that adds rows which are due now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
