"""Fold patch: the rows of one table after a patch has set some columns, as SQL; no row comes or goes by it."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from federation.contract.columns import TableContract
from federation.lake.lake_sql import VERSION, Scan, duckdb_types, identifier, parquet
from federation.lake.packages import CHILD_KEYS, MODIFIED, PATCH_KEYS


@dataclass(frozen=True)
class PatchStep:
    """One table's part of a fold of patches.

    Attributes:
        table: its contract.
        stored: the file of what is known.
        stored_columns: the columns of that file.
        patches: the files that came.
        patch_columns: their columns.
    """

    table: TableContract
    stored: str
    stored_columns: frozenset[str]
    patches: Scan
    patch_columns: frozenset[str]

    @property
    def schema(self) -> pa.Schema:
        """The contract's columns that were ever carried, in its order and its types."""
        carried = self.stored_columns | self._set
        return pa.schema([each for each in self.table.schema if each.name in carried])

    def sql(self, connection: duckdb.DuckDBPyConnection) -> str:
        """Return the query. A patch is for the row that has its `modified` and wasn't observed later than it was."""
        casts = duckdb_types(connection, self.schema)
        columns = ", ".join(f"{self._value(name)}::{cast} AS {identifier(name)}" for name, cast in casts.items())
        key = ["name", "parent"] if self.table.is_child else ["name"]
        newest = (
            f"SELECT * FROM ({self.patches.sql(sorted(self.patch_columns))}) "
            f"QUALIFY row_number() OVER (PARTITION BY {', '.join(key)} ORDER BY {VERSION} DESC) = 1"
        )
        same = " AND ".join(f"patch.{name} = stored.{name}" for name in (*key, MODIFIED))
        return (
            f"SELECT {columns} FROM {parquet([self.stored])} AS stored LEFT JOIN ({newest}) AS patch "
            f"ON {same} AND patch.observed >= stored.observed"
        )

    def _value(self, name: str) -> str:
        column = identifier(name)
        stored = f"stored.{column}" if name in self.stored_columns else "NULL"
        return f"CASE WHEN patch.name IS NULL THEN {stored} ELSE patch.{column} END" if name in self._set else stored

    @property
    def _set(self) -> frozenset[str]:
        return self.patch_columns - {*PATCH_KEYS, *CHILD_KEYS}
