"""INSERT … SELECT for a model: what the statement does not say is the field's default.

So a field that joins the model needs no change here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that is the same in every row."""

    value: Any


def insert_from(
    model: type[Model],
    given: Mapping[str, str | Parameter],
    source: str,
    parameters: Sequence[Any],
) -> int:
    """Adds a row for each of ``source`` (FROM … WHERE …, with its ``parameters``); how many were added.

    ``given`` maps names of fields to SQL expressions over the source, or to parameters. A row that is there
    already, by any unique constraint, is left alone.
    """
    columns, expressions, values = [], [], []
    for field in model._meta.local_concrete_fields:
        if field.primary_key or (field.name not in given and field.has_db_default()):
            continue
        said = given.get(field.name, Parameter(field.get_default()))
        columns.append(connection.ops.quote_name(str(field.column)))
        if isinstance(said, Parameter):
            expressions.append("%s")
            values.append(field.get_db_prep_save(said.value, connection))
        else:
            expressions.append(said)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(expressions)}"
            f" {source} ON CONFLICT DO NOTHING",
            [*values, *parameters],
        )
        return int(cursor.rowcount)
