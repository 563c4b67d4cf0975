"""Keys: what arrives is named to the server in temporary tables, so that it can say what it has of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from federation.mothership.duckdb.sql import DuckdbConnection
from federation.mothership.mariadb.bulk import load
from federation.mothership.mariadb.column_types import COLLATION
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.sql import Fragment, identifier, listed, literal, shown
from federation.mothership.system_tables import LONGEST_NAME
from federation.mothership.tables import StoredTable

_INSTANT: Final = "observed"
_NAME_TYPE: Final = f"VARCHAR({LONGEST_NAME}) CHARACTER SET utf8mb4 COLLATE {COLLATION} NOT NULL"


@dataclass(frozen=True)
class Target:
    """Where the packages of one DocType of one satellite go.

    Attributes:
        connection: the server, within the transaction of the merge.
        bench: where the packages are read.
        parent: the DocType's table.
        children: the tables of all child DocTypes that a site has or had under this one.
    """

    connection: MariadbConnection
    bench: DuckdbConnection
    satellite: str
    doctype: str
    parent: StoredTable
    children: tuple[StoredTable, ...]

    @property
    def parts(self) -> dict[str, str]:
        """What most statements name: the satellite and the DocType as literals, and the parent's table."""
        return {"satellite": literal(self.satellite), "doctype": literal(self.doctype), "table": self.parent.sql}

    def holds(self, table: str) -> bool:
        """Return whether a table has any row of the satellite."""
        found = self.connection.run(
            "SELECT 1 FROM {table} WHERE satellite = {satellite} LIMIT 1",
            table=table,
            satellite=literal(self.satellite),
        )
        return bool(found)


def announce(target: Target, table: str, columns: Sequence[str], *, rows: int) -> None:
    """Make a temporary table on the server that has the rows of the bench's table of the same name.

    Temporary tables are the connection's own, hide tables of others that are called alike, and end with it. Making one
    doesn't end a transaction, unlike emptying one by TRUNCATE or dropping one without the word TEMPORARY.

    Args:
        target: the server and the bench.
        table: begins with an underscore, as no DocType's table does.
        columns: names, the first of them the key, and `observed`.
        rows: how many there are; 0 leaves the table empty, whatever the bench has.
    """
    types = listed(
        Fragment(f"{identifier(name)} {'DATETIME(6) NOT NULL' if name == _INSTANT else _NAME_TYPE}") for name in columns
    )
    target.connection.run(
        "CREATE OR REPLACE TEMPORARY TABLE {table} ({types}, PRIMARY KEY ({key})) ENGINE = InnoDB",
        table=table,
        types=types,
        key=columns[0],
    )
    if rows:
        select = f"SELECT {shown(columns)} FROM {identifier(table)}"
        load(target.connection, target.bench.raw, select, table, columns, rows=rows, replace=False)


def take_back(target: Target, table: str, names: Sequence[str]) -> None:
    """Put names that the server found aside, on the bench as `_found` and on the server out of `table`."""
    target.bench.raw.register("_arriving", pa.table({"name": pa.array(names, pa.string())}))
    target.bench.run("CREATE OR REPLACE TABLE _found AS SELECT name FROM _arriving")
    target.bench.raw.unregister("_arriving")
    announce(target, "_found", ("name",), rows=len(names))
    target.connection.run("DELETE {table} FROM _found STRAIGHT_JOIN {table} ON {table}.name = _found.name", table=table)
