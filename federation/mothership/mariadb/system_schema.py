"""System schema: the `federation_*` tables in MariaDB, with keys, collations and comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa

from federation.contract.fieldtypes import DATETIME, INTEGER, TEXT
from federation.mothership.mariadb.column_types import COLLATION, LONGTEXT
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.ddl import ddl
from federation.mothership.mariadb.standing import standing
from federation.mothership.sql import Connection, Fragment, identifier, listed, literal
from federation.mothership.system_tables import SystemColumn, SystemTable

OPTIONS: Final = Fragment(f"ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE {COLLATION}")
"""Of every table of ours."""

_TYPES: Final[Mapping[pa.DataType, str]] = {INTEGER: "bigint(20)", DATETIME: "datetime(6)"}


class MariadbDefiner:
    """How MariaDB makes system tables; see `migrations.Definer`."""

    def __init__(self, connection: MariadbConnection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The database."""
        return self._connection

    def stands(self, table: SystemTable) -> bool:
        """Return whether there is a table of this name."""
        return standing(self._connection, table.name) is not None

    def add_table(self, table: SystemTable) -> None:
        """Make a table, with its key and comments, where it isn't there."""
        ddl(
            self._connection,
            "CREATE TABLE IF NOT EXISTS {table} ({parts}) {options} COMMENT = {comment}",
            table=table.name,
            parts=listed(_parts(table)),
            options=OPTIONS,
            comment=literal(table.description),
        )

    def add_column(self, table: SystemTable, column: SystemColumn) -> None:
        """Add a column to a table, with its comment, where it isn't there."""
        add = "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column}"
        ddl(self._connection, add, table=table.name, column=_defined(column, table))


def _parts(table: SystemTable) -> Iterator[Fragment]:
    yield from (_defined(column, table) for column in table.columns)
    if table.key:
        yield Fragment(f"PRIMARY KEY ({listed(map(identifier, table.key))})")
    if table.sought:
        yield Fragment(f"KEY {identifier('federation_sought')} ({listed(map(identifier, table.sought))})")


def _defined(column: SystemColumn, table: SystemTable) -> Fragment:
    null = "NOT NULL" if column.name in table.key else "NULL"
    return Fragment(f"{identifier(column.name)} {_type(column)} {null} COMMENT {literal(column.description)}")


def _type(column: SystemColumn) -> str:
    if column.type == TEXT:
        return f"varchar({column.longest})" if column.longest else LONGTEXT
    return _TYPES[column.type]
