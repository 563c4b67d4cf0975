"""Others: tables and views in the mothership's file that are not ours, taken along when it is replaced."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import duckdb

from federation.contract.names import NAME, OBSERVED, SATELLITE
from federation.mothership.duckdb.database import first_line
from federation.mothership.duckdb.sql import DuckdbConnection
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.replacement import is_given
from federation.mothership.sql import Fragment
from federation.mothership.system_tables import SYSTEM_TABLES, TABLE

_MARKS: Final = frozenset({SATELLITE, NAME, OBSERVED})
"""Columns by which a table of ours is told where the record of its name is lost."""
_TABLES: Final = (
    "SELECT stored.schema_name, stored.table_name, any_value(stored.sql), list(column_name) "
    "FROM duckdb_tables() AS stored JOIN duckdb_columns() AS columns USING (database_name, schema_name, table_name) "
    "WHERE database_name = 'live' AND NOT stored.internal GROUP BY ALL ORDER BY ALL"
)
_VIEWS: Final = (
    "SELECT view_name, sql FROM duckdb_views() WHERE database_name = 'live' AND NOT internal ORDER BY view_oid"
)


def take_along(connection: DuckdbConnection, names: Collection[str]) -> Iterator[str]:
    """Copy what is not ours from the attached database `live` to `made`, which is in use.

    Args:
        connection: has both attached.
        names: tables that are ours in `live`, beside those that it records itself.

    Yields:
        A sentence on each view that doesn't fit `made`.

    Raises:
        MothershipUnavailable: a table that is not ours has the name of one that is.
    """
    ours = {*names, *_recorded(connection, "live"), *(table.name for table in SYSTEM_TABLES)}
    made = _recorded(connection, "made")
    for schema, name, statement, columns in connection.run(_TABLES):
        if schema == "main" and (name in ours or (name in made and set(columns) >= _MARKS)):
            continue
        if schema == "main" and name in made:
            reason = "it is not ours, and a DocType's table is to have its name. Rename it, and rebuild again"
            raise MothershipUnavailable("keep", f"the table {name}", reason)
        connection.run("CREATE SCHEMA IF NOT EXISTS {schema}", schema=schema)
        connection.run("{statement}", statement=Fragment(statement))
        connection.run("INSERT INTO made.{schema}.{name} SELECT * FROM live.{schema}.{name}", schema=schema, name=name)
    for name, statement in connection.run(_VIEWS):
        try:
            connection.run("{statement}", statement=Fragment(statement))
        except duckdb.Error as error:
            yield f"The view {name}, which is not ours, could not be kept: {first_line(error)}."


def _recorded(connection: DuckdbConnection, database: str) -> frozenset[str]:
    """Return the tables that a database records as ours; () where somebody removed the record."""
    recorded = connection.count(
        "SELECT count(*) FROM duckdb_columns() WHERE database_name = $database AND schema_name = 'main' "
        "AND table_name = $table AND column_name = 'table_name'",
        {"database": database, "table": TABLE.name},
    )
    if not recorded:
        return frozenset()
    rows = connection.run("SELECT doctype, table_name FROM {database}.federation_table", database=database)
    return frozenset(table for doctype, table in rows if is_given(doctype, table))
