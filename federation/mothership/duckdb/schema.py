"""Schema: the tables of the mothership in DuckDB, made from contracts and widened with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa

from federation.contract.columns import TableContract
from federation.contract.names import table_name
from federation.mothership.dictionary import Entry
from federation.mothership.duckdb.ledger import count_generation
from federation.mothership.duckdb.sql import (
    ARROW_TYPES,
    TYPES,
    Fragment,
    identifier,
    listed,
    literal,
    run,
    transaction,
    widened,
)
from federation.mothership.errors import MothershipNewer, MothershipUnavailable
from federation.mothership.evolution import evolve
from federation.mothership.system_tables import DICTIONARY, META, SYSTEM_TABLES, VERSION

_LONGEST_COMMENT: Final = 1_000


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as it stands.

    Attributes:
        doctype: the DocType whose rows it holds.
        name: the table.
        columns: name → type.
    """

    doctype: str
    name: str
    columns: Mapping[str, pa.DataType]

    @property
    def sql(self) -> Fragment:
        """The table in a statement."""
        return identifier(self.name)


def create_system_tables(connection: duckdb.DuckDBPyConnection, place: str) -> None:
    """Make the system tables where they are not there.

    Raises:
        MothershipNewer: a later version made them.
        MothershipUnavailable: they can't be made.
    """
    for table in SYSTEM_TABLES:
        columns = listed(Fragment(f"{identifier(column.name)} {TYPES[column.type]}") for column in table.columns)
        run(connection, "CREATE TABLE IF NOT EXISTS {table} ({columns})", table=table.name, columns=columns)
    found = run(connection, "SELECT version FROM {meta}", meta=META.name)
    if found and found[0][0] > VERSION:
        raise MothershipNewer(place, found[0][0], VERSION)
    if found:
        return
    for table in SYSTEM_TABLES:
        descriptions = {column.name: column.description for column in table.columns}
        _comment_on(connection, table.name, table.description, descriptions)
    # The last statement: a file in which it is missing gets everything above again.
    run(connection, "INSERT INTO {meta} VALUES ($version, 0)", {"version": VERSION}, meta=META.name)


def stored_table(connection: duckdb.DuckDBPyConnection, doctype: str) -> StoredTable | None:
    """Return the table of a DocType as it stands, without columns where only its name is given; None without one.

    Raises:
        MothershipUnavailable: somebody changed a column to a type that isn't ours.
    """
    rows = run(
        connection,
        "SELECT known.table_name, column_name, data_type FROM federation_table AS known "
        "LEFT JOIN duckdb_columns() AS there ON there.table_name = known.table_name AND there.schema_name = 'main' "
        "AND there.database_name = current_database() WHERE known.doctype = $doctype ORDER BY column_index",
        {"doctype": doctype},
    )
    for table, column, kind in rows:
        if column is not None and kind not in ARROW_TYPES:
            raise MothershipUnavailable("use", f"{table}.{column}", f"its type was changed to {kind}; change it back")
    columns = {column: ARROW_TYPES[kind] for _, column, kind in rows if column is not None}
    return StoredTable(doctype, rows[0][0], columns) if rows else None


def ensure_table(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, carried: Iterable[pa.Schema]
) -> StoredTable:
    """Make the table of a DocType, or add and widen its columns; return it as it stands then.

    Each statement stands by itself: a process killed between two leaves a table that the next one goes on with.
    """
    there = stored_table(connection, contract.doctype) or _named(connection, contract.doctype)
    name, held = there.name, there.columns
    change = evolve(contract, held, carried)
    parts = {"table": identifier(name)}
    if not held:
        columns = listed(Fragment(f"{identifier(column)} {TYPES[kind]}") for column, kind in change.added.items())
        run(connection, "CREATE TABLE {table} ({columns})", **parts, columns=columns)
        return StoredTable(contract.doctype, name, change.added)
    for column, kind in change.added.items():
        add = "ALTER TABLE {table} ADD COLUMN {column} {kind}"
        run(connection, add, **parts, column=column, kind=Fragment(TYPES[kind]))
    if change.widened:
        _rewrite(connection, name, held, {**held, **change.added, **change.widened})
    return StoredTable(contract.doctype, name, {**held, **change.added, **change.widened})


def _named(connection: duckdb.DuckDBPyConnection, doctype: str) -> StoredTable:
    taken = [table for (table,) in run(connection, "SELECT table_name FROM federation_table")]
    name = table_name(doctype, taken)
    run(connection, "INSERT INTO federation_table VALUES ($doctype, $name)", {"doctype": doctype, "name": name})
    return StoredTable(doctype, name, {})


def _rewrite(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    held: Mapping[str, pa.DataType],
    wanted: Mapping[str, pa.DataType],
) -> None:
    """Write a table anew with wider types.

    DuckDB 1.5 takes ALTER … TYPE … USING with a function, but can't replay it after a crash: the file would not open
    again («GetDefaultDatabase with no default database set»).
    """
    columns = listed(
        Fragment(f"{widened(identifier(name), held.get(name, kind), kind)} AS {identifier(name)}")
        for name, kind in wanted.items()
    )
    with transaction(connection):
        run(connection, "CREATE TABLE _widened AS SELECT {columns} FROM {table}", columns=columns, table=table)
        run(connection, "DROP TABLE {table}", table=table)
        run(connection, "ALTER TABLE _widened RENAME TO {table}", table=table)


def describe_table(connection: duckdb.DuckDBPyConnection, table: StoredTable, entries: Mapping[str, Entry]) -> None:
    """Say in the dictionary and in comments what the columns mean.

    Columns that the contract no longer has keep their description, and no satellite.
    """
    wanted = {name: (*entry[:2], str(table.columns[name]), *entry[2:]) for name, entry in entries.items()}
    rows = run(connection, "FROM federation_dictionary WHERE table_name = $table", {"table": table.name})
    known = {row[1]: row for row in rows}
    position = [column.name for column in DICTIONARY.columns].index("satellites")
    for name, row in known.items():
        if name not in wanted:
            wanted[name] = (*row[:position], "", *row[position + 1 :])
    found = run(
        connection,
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = $table AND schema_name = 'main' "
        "AND database_name = current_database()",
        {"table": table.name},
    )
    comments = {name: _comment(row[3], row[4]) for name, row in wanted.items()}
    unsaid = {name: comment for name, comment in found if (comment or "") != comments.get(name, "")}
    if wanted == known and not unsaid:
        return
    with transaction(connection):
        run(connection, "DELETE FROM federation_dictionary WHERE table_name = $table", {"table": table.name})
        marks = Fragment(", ".join("?" * len(DICTIONARY.columns)))
        connection.executemany(f"INSERT INTO federation_dictionary VALUES ({marks})", list(wanted.values()))
        _comment_on(connection, table.name, table.doctype, {name: comments[name] for name in unsaid})
        count_generation(connection)


def _comment(label: str, description: str) -> str:
    """Return what a site wrote of a field as one printable line of bounded length."""
    text = f"{label}: {description}" if label and description else label or description
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST_COMMENT])


def _comment_on(connection: duckdb.DuckDBPyConnection, table: str, comment: str, columns: Mapping[str, str]) -> None:
    run(connection, "COMMENT ON TABLE {table} IS {text}", table=table, text=literal(comment))
    for column, text in columns.items():
        statement = "COMMENT ON COLUMN {table}.{column} IS {text}"
        run(connection, statement, table=table, column=column, text=literal(text))
