"""Schema: the tables of the mothership in DuckDB, made from contracts and widened with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from federation.contract.columns import TableContract
from federation.mothership.dictionary import Entry
from federation.mothership.duckdb.sql import ARROW_TYPES, TYPES, DuckdbConnection, widened
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.evolution import evolve
from federation.mothership.ledger import count_generation
from federation.mothership.migrations import bring_up
from federation.mothership.sql import Fragment, identifier, listed, literal
from federation.mothership.system_tables import SystemColumn, SystemTable
from federation.mothership.tables import StoredTable, comment_of, dictionary_of, given_name, write_dictionary


def create_system_tables(connection: DuckdbConnection, place: str) -> None:
    """Make the system tables where they are not there, and bring older ones up to date.

    Raises:
        MothershipNewer: a later version made them.
        MothershipUnavailable: they can't be made.
    """
    bring_up(DuckdbDefiner(connection), place)


@dataclass(frozen=True)
class DuckdbDefiner:
    """How DuckDB makes system tables; see `migrations.Definer`."""

    connection: DuckdbConnection

    def stands(self, table: SystemTable) -> bool:
        """Return whether there is a table of this name."""
        return bool(_columns(self.connection, table.name))

    def add_table(self, table: SystemTable) -> None:
        """Make a table, with its comments, where it isn't there."""
        columns = listed(Fragment(f"{identifier(column.name)} {TYPES[column.type]}") for column in table.columns)
        self.connection.run("CREATE TABLE IF NOT EXISTS {table} ({columns})", table=table.name, columns=columns)
        # One of an earlier version has fewer columns.
        standing = _columns(self.connection, table.name)
        descriptions = {column.name: column.description for column in table.columns if column.name in standing}
        _comment_on(self.connection, table.name, table.description, descriptions)

    def add_column(self, table: SystemTable, column: SystemColumn) -> None:
        """Add a column to a table, with its comment, where it isn't there."""
        add = "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {kind}"
        self.connection.run(add, table=table.name, column=column.name, kind=Fragment(TYPES[column.type]))
        _comment_on(self.connection, table.name, table.description, {column.name: column.description})


def ensure_table(connection: DuckdbConnection, contract: TableContract, carried: Iterable[pa.Schema]) -> StoredTable:
    """Make the table of a DocType, or add and widen its columns; return it as it stands then.

    Each statement stands by itself: a process killed between two leaves a table that the next one goes on with.

    Raises:
        MothershipUnavailable: somebody changed a column to a type that isn't ours.
    """
    name = given_name(connection, contract.doctype)
    held = _columns(connection, name)
    change = evolve(contract, held, carried)
    stored = StoredTable(contract.doctype, name, {**held, **change.added, **change.widened})
    if not held:
        columns = listed(Fragment(f"{identifier(column)} {TYPES[kind]}") for column, kind in change.added.items())
        connection.run("CREATE TABLE {table} ({columns})", table=name, columns=columns)
        return stored
    for column, kind in change.added.items():
        add = "ALTER TABLE {table} ADD COLUMN {column} {kind}"
        connection.run(add, table=name, column=column, kind=Fragment(TYPES[kind]))
    if change.widened:
        _rewrite(connection, name, held, stored.columns)
    return stored


def _columns(connection: DuckdbConnection, table: str) -> dict[str, pa.DataType]:
    """Return column → type, as a table stands; {} where it isn't there."""
    rows = connection.run(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = $table AND schema_name = 'main' "
        "AND database_name = current_database() ORDER BY column_index",
        {"table": table},
    )
    for column, kind in rows:
        if kind not in ARROW_TYPES:
            raise MothershipUnavailable("use", f"{table}.{column}", f"its type was changed to {kind}; change it back")
    return {column: ARROW_TYPES[kind] for column, kind in rows}


def _rewrite(
    connection: DuckdbConnection,
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
    with connection.transaction():
        connection.run("CREATE TABLE _widened AS SELECT {columns} FROM {table}", columns=columns, table=table)
        connection.run("DROP TABLE {table}", table=table)
        connection.run("ALTER TABLE _widened RENAME TO {table}", table=table)


def describe_table(connection: DuckdbConnection, table: StoredTable, entries: Mapping[str, Entry]) -> None:
    """Say in the dictionary and in comments what the columns mean."""
    wanted, said = dictionary_of(connection, table, entries)
    found = connection.run(
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = $table AND schema_name = 'main' "
        "AND database_name = current_database()",
        {"table": table.name},
    )
    comments = {name: comment_of(row) for name, row in wanted.items()}
    unsaid = {name: comments.get(name, "") for name, there in found if (there or "") != comments.get(name, "")}
    if said and not unsaid:
        return
    with connection.transaction():
        write_dictionary(connection, table, wanted)
        _comment_on(connection, table.name, table.doctype, unsaid)
        count_generation(connection)


def _comment_on(connection: DuckdbConnection, table: str, comment: str, columns: Mapping[str, str]) -> None:
    connection.run("COMMENT ON TABLE {table} IS {text}", table=table, text=literal(comment))
    for column, text in columns.items():
        statement = "COMMENT ON COLUMN {table}.{column} IS {text}"
        connection.run(statement, table=table, column=column, text=literal(text))
