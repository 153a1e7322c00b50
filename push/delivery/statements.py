"""The worker's few statements, each over many rows: how they reach either database at least cost.

PostgreSQL parses and plans each once a connection (a server-side prepared statement), takes columns
of values as arrays, and answers in binary. SQLite takes the same rows as one JSON array.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

type Columns = Mapping[str, str]
"""Names of columns and their types in PostgreSQL, the row's id first."""

# Made once, perhaps while the tables are empty, and kept: a plan must suit a million rows then.
_PLANS = """
SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
SET plan_cache_mode = force_generic_plan
"""
_NULL = "NULL"


def keep_plans(connection: BaseDatabaseWrapper, **_named: object) -> None:
    """For ``connection_created``, in a process that does nothing but work through the outbox.

    Elsewhere nothing is prepared, as Django has it, because connection poolers may not cope.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_PLANS)
        connection.connection.prepare_threshold = 0


def run(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Executes one statement; the rows that it returns, times with their zone, ids as numbers."""
    with _cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def change(statement: str, parameters: Sequence[Any]) -> int:
    """Executes one statement; how many rows it changed."""
    with _cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def ids_query() -> str:
    """A query of the rows of one parameter (``id_list``), however many they are."""
    if connection.vendor == "postgresql":
        return "SELECT unnest(%s::bigint[]) AS id"
    return "SELECT value AS id FROM json_each(%s)"


def id_list(ids: Iterable[int]) -> str:
    """The parameter of ``ids_query``."""
    listed = ",".join(map(str, ids))
    return f"{{{listed}}}" if connection.vendor == "postgresql" else f"[{listed}]"


def json_array() -> str:
    """Rows with a column ``value`` of the one parameter, a JSON array of texts."""
    return "json_array_elements_text(%s)" if connection.vendor == "postgresql" else "json_each(%s)"


def rows_query(columns: Columns) -> str:
    """A query that reads the parameters of ``row_values`` as rows with these columns."""
    if connection.vendor == "postgresql":
        named = ", ".join(
            f"to_timestamp({name}) AS {name}" if kind == "timestamptz" else name
            for name, kind in columns.items()
        )
        arrays = ", ".join(
            "%s::double precision[]" if kind == "timestamptz" else f"%s::{kind}[]"
            for kind in columns.values()
        )
        return f"SELECT {named} FROM unnest({arrays}) AS one ({', '.join(columns)})"  # noqa: S608
    fields = [f"json_extract(value, '$[{i}]') AS {name}" for i, name in enumerate(columns)]
    return f"SELECT {', '.join(fields)} FROM json_each(%s)"  # noqa: S608


def row_values(columns: Columns, rows: Sequence[Sequence[Any]]) -> list[str]:
    """The parameters of ``rows_query``; at least one row. Texts must not hold NUL."""
    if connection.vendor == "postgresql":
        return [
            _array(_WRITTEN[kind], column)
            for kind, column in zip(columns.values(), zip(*rows, strict=True), strict=True)
        ]
    return [json.dumps(rows, default=moment)]


def moment(at: datetime) -> str:
    """A time as both databases compare it with their own: UTC, SQLite's without a zone."""
    at = at.astimezone(UTC)
    return at.isoformat() if connection.vendor == "postgresql" else str(at.replace(tzinfo=None))


def read_moment(value: Any) -> datetime:
    """PostgreSQL gives a time with its zone; SQLite one without, or the text that was stored."""
    at: datetime = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _cursor() -> CursorWrapper:
    if connection.vendor != "postgresql":
        return connection.cursor()
    connection.ensure_connection()
    cursor = _prepared_cursor()(connection.connection)
    logged = connection.queries_logged
    return connection.make_debug_cursor(cursor) if logged else connection.make_cursor(cursor)


@cache
def _prepared_cursor() -> type[Any]:
    # SQLite's installations may have no psycopg.
    from psycopg import Cursor

    class Prepared(Cursor[tuple[Any, ...]]):
        def execute(self, query: Any, params: Any = None, **_options: Any) -> Any:
            return super().execute(query, params, prepare=True, binary=True)

    return Prepared


def _array(written: Callable[[Any], str], values: Iterable[Any]) -> str:
    return "{" + ",".join([_NULL if each is None else written(each) for each in values]) + "}"


def _quoted(text: str) -> str:
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text + '"'  # not formatted: that is slow for the members of an enumeration


def _seconds(at: datetime) -> str:
    return repr(at.timestamp())  # exact to the microsecond until the year 2106


_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "bigint": str,
    "integer": str,
    "smallint": str,
    "text": _quoted,
    "timestamptz": _seconds,
}
