"""Standing: a table as it stands on the server, and what somebody altered about it by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from federation.contract.columns import TableContract
from federation.contract.fieldtypes import TEXT
from federation.contract.names import NAME, SATELLITE
from federation.mothership.mariadb.column_types import COLLATION, arrow_type, sql_types
from federation.mothership.sql import Connection

KEY = (SATELLITE, NAME)
"""The primary key of every DocType's table."""


@dataclass(frozen=True, slots=True)
class StandingColumn:
    """A column as information_schema tells it; `collation` is "" where it holds no text."""

    type: str
    collation: str
    comment: str


@dataclass(frozen=True)
class Standing:
    """A table as it stands.

    Attributes:
        name: the table.
        engine: its storage engine; "" of a view.
        comment: of the table.
        columns: name → column, in their order.
        indexes: name → columns; that of the primary key is PRIMARY.
    """

    name: str
    engine: str
    comment: str
    columns: Mapping[str, StandingColumn]
    indexes: Mapping[str, tuple[str, ...]]

    @cached_property
    def types(self) -> dict[str, str]:
        """Column → MariaDB type, of the columns that can be ours."""
        return {name: column.type for name, column in self.columns.items() if arrow_type(column.type) is not None}

    @cached_property
    def arrow(self) -> dict[str, pa.DataType]:
        """Column → Arrow type, of the columns that can be ours."""
        return {name: kind for name, sql in self.types.items() if (kind := arrow_type(sql)) is not None}


def standing(connection: Connection, table: str) -> Standing | None:
    """Return a table as it stands, None where there is none of this name."""
    there = "WHERE table_schema = DATABASE() AND table_name = $table"
    asked = {"table": table}
    found = connection.run(f"SELECT engine, table_comment FROM information_schema.tables {there}", asked)
    if not found:
        return None
    columns = connection.run(
        "SELECT column_name, column_type, collation_name, column_comment FROM information_schema.columns "
        f"{there} ORDER BY ordinal_position",
        asked,
    )
    parts = connection.run(
        f"SELECT index_name, column_name FROM information_schema.statistics {there} ORDER BY index_name, seq_in_index",
        asked,
    )
    indexes: dict[str, tuple[str, ...]] = {}
    for index, column in parts:
        indexes[index] = (*indexes.get(index, ()), column)
    return Standing(
        table,
        found[0][0] or "",
        found[0][1],
        {name: StandingColumn(kind, collation or "", comment) for name, kind, collation, comment in columns},
        indexes,
    )


def alterations(there: Standing, contract: TableContract) -> Iterator[str]:
    """Yield what somebody altered by hand so that rows can't be merged any more: what it is, and how it was.

    Columns and indexes that somebody added are no such thing.
    """
    if there.engine.casefold() != "innodb":
        yield f"{there.name}: it is kept by {there.engine or 'a view'} now; keep it by InnoDB again"
        return
    key = there.indexes.get("PRIMARY", ())
    if key != KEY:
        yield f"{there.name}: its primary key was changed to ({', '.join(key)}); change it back to ({', '.join(KEY)})"
    ours = sql_types(contract, {column.name: column.type for column in contract.columns}, {}, {})
    for name, kind in ours.items():
        column = there.columns.get(name)
        if column is None:
            continue
        if name not in there.types:
            yield f"{there.name}.{name}: its type was changed to {column.type}; change it back to {kind}"
        elif there.arrow[name] == TEXT and column.collation != COLLATION:
            yield f"{there.name}.{name}: its collation was changed to {column.collation}; change it back to {COLLATION}"
