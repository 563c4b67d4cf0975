"""Fold rows: the rows of one table after some packages, as SQL over what is stored and what came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import duckdb
import pyarrow as pa

from federation.contract.columns import TableContract
from federation.lake.lake_sql import VERSION, Scan, duckdb_types, identifier, parquet, union


@dataclass(frozen=True, kw_only=True)
class RowsStep:
    """One table's part of a fold. It needs the table `changed` that `fold` makes.

    Attributes:
        table: its contract.
        stored: the file of what is known, if there is one.
        stored_columns: the columns of that file.
        covered: the packages tell all rows that their documents have in this table, even if they tell none.
        incoming: the files that came, if any has rows.
        incoming_columns: their columns.
    """

    table: TableContract
    stored: str | None
    stored_columns: frozenset[str]
    covered: bool
    incoming: Scan | None
    incoming_columns: frozenset[str]

    @cached_property
    def schema(self) -> pa.Schema:
        """The contract's columns that were ever carried, in its order and its types."""
        carried = self.stored_columns | self.incoming_columns
        return pa.schema([each for each in self.table.schema if each.name in carried])

    def sql(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Return the query; where documents claim the same child row, that is settled first."""
        casts = duckdb_types(connection, self.schema)
        selects = []
        if self.stored is not None:
            selects.append(self._kept(self.stored, casts))
        if self.incoming is not None:
            selects.append(self._brought(self.incoming, casts))
        rows = union(selects)
        return self._each_once(connection, rows) if self.table.is_child else rows

    @property
    def _owner(self) -> str:
        return "parent" if self.table.is_child else "name"

    def _kept(self, stored: str, casts: Mapping[str, str]) -> str:
        """Stored rows of documents that didn't change, or, where the table isn't covered, that live on."""
        gone = "changed" if self.covered else "(FROM changed WHERE absent OR anew)"
        columns = _select(casts, dict.fromkeys(self.stored_columns, "stored"))
        return (
            f"SELECT {columns} FROM {parquet([stored])} AS stored "
            f"ANTI JOIN {gone} AS gone ON gone.name = stored.{self._owner}"
        )

    def _brought(self, incoming: Scan, casts: Mapping[str, str]) -> str:
        """Rows that came with the winning versions; columns that didn't come are taken from the stored row."""
        sources = dict.fromkeys(self.stored_columns, "stored") | dict.fromkeys(self.incoming_columns, "incoming")
        rows = (
            f"SELECT {_select(casts, sources)} FROM ({incoming.sql(sorted(self.incoming_columns))}) AS incoming "
            f"JOIN changed ON changed.name = incoming.{self._owner} AND changed.{VERSION} = incoming.{VERSION}"
        )
        if self.stored is None or self.stored_columns <= self.incoming_columns:
            return rows
        return (
            f"{rows} LEFT JOIN {parquet([self.stored])} AS stored "
            f"ON stored.name = incoming.name AND stored.{self._owner} = incoming.{self._owner} AND NOT changed.anew"
        )

    def _each_once(self, connection: duckdb.DuckDBPyConnection, rows: str) -> str:
        """Leave a child row that moved to another document with the one observed later."""
        twice, owners = (identifier(f"{what} of {self.table.doctype}") for what in ("twice", "owners"))
        connection.execute(f"CREATE TEMP TABLE {twice} AS SELECT name FROM ({rows}) GROUP BY name HAVING count(*) > 1")
        if not connection.execute(f"FROM {twice} LIMIT 1").fetchall():
            return rows
        connection.execute(
            f"CREATE TEMP TABLE {owners} AS SELECT name, arg_max(parent, (observed, parent)) AS parent "
            f"FROM ({rows}) SEMI JOIN {twice} USING (name) GROUP BY name"
        )
        return (
            f"FROM ({rows}) AS claim "
            f"ANTI JOIN {owners} AS owner ON owner.name = claim.name AND owner.parent <> claim.parent"
        )


def _select(casts: Mapping[str, str], sources: Mapping[str, str]) -> str:
    return ", ".join(
        f"{f'{sources[name]}.{identifier(name)}' if name in sources else 'NULL'}::{cast} AS {identifier(name)}"
        for name, cast in casts.items()
    )
