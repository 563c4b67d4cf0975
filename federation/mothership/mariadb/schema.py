"""Schema: the tables of DocTypes in MariaDB, made from contracts and widened with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from federation.contract.columns import TableContract
from federation.contract.fieldtypes import TEXT
from federation.mothership.dictionary import Entry
from federation.mothership.evolution import evolve
from federation.mothership.ledger import count_generation
from federation.mothership.mariadb.column_types import LONGTEXT, sql_types
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.ddl import ddl
from federation.mothership.mariadb.indexes import PREFIX, Index, key_parts, wanted_indexes
from federation.mothership.mariadb.refusal import TableRefused
from federation.mothership.mariadb.standing import KEY, Standing, alterations, standing
from federation.mothership.mariadb.system_schema import OPTIONS, MariadbDefiner
from federation.mothership.mariadb.widening import widened
from federation.mothership.migrations import bring_up
from federation.mothership.sql import Connection, Fragment, identifier, listed, literal
from federation.mothership.tables import (
    StoredTable,
    comment_of,
    dictionary_of,
    given_name,
    read_tables,
    write_dictionary,
)

_COPY: Final = "_federation_copy"
_FORMER: Final = "_federation_former"
"""While a table is written anew: no DocType's table begins with an underscore."""


def create_system_tables(connection: MariadbConnection, place: str) -> None:
    """Make the system tables where they are not there, bring older ones up to date, remove what a killed process left.

    Args:
        connection: of a writer that holds the lock.
        place: the database, for messages.

    Raises:
        MothershipNewer: a later version made them.
        MothershipUnavailable: the server refused.
    """
    bring_up(MariadbDefiner(connection), place)
    _remove_leftovers(connection)


def stored_table(connection: Connection, doctype: str) -> StoredTable | None:
    """Return the table of a DocType as it stands, without columns where only its name is given; None without one."""
    name = read_tables(connection).get(doctype)
    if name is None:
        return None
    there = standing(connection, name)
    return StoredTable(doctype, name, there.arrow if there else {})


def ensure_table(
    connection: MariadbConnection,
    contract: TableContract,
    carried: Iterable[pa.Schema],
    longest: Mapping[str, int],
) -> StoredTable:
    """Make the table of a DocType, without secondary indexes, or add and widen its columns; return it as it stands.

    New columns, and longer VARCHARs, cost nothing; other widening writes the table anew, which analysts go on reading.
    A process killed in between leaves a table that the next one goes on with.

    Args:
        connection: of the writer, outside of a transaction.
        contract: the table over all satellites.
        carried: the schemas of the packages that will be merged.
        longest: text column → characters of the longest value to come; a column that isn't in it brings none.

    Raises:
        TableRefused: InnoDB can't hold it, or somebody altered it by hand.
        MothershipUnavailable: readers were in the way all the time, or the server refused.
    """
    name = given_name(connection, contract.doctype, _taken(connection))
    there = standing(connection, name)
    for alteration in alterations(there, contract) if there else ():
        raise TableRefused(name, f"was altered by hand: {alteration}.")
    held = there.arrow if there else {}
    change = evolve(contract, held, carried)
    stored = StoredTable(contract.doctype, name, {**held, **change.added, **change.widened})
    types = sql_types(contract, stored.columns, longest, there.types if there else {})
    if there and types == there.types:
        return stored
    # Texts that are short or not there take little of a page, however many columns there are: rows are refused, not
    # tables. `TableRefused.row_too_wide` is for those.
    connection.run("SET innodb_strict_mode = OFF")
    if there is None:
        columns = listed(Fragment(f"{identifier(column)} {_typed(column, kind)}") for column, kind in types.items())
        made = "CREATE TABLE {table} ({columns}, PRIMARY KEY ({key})) {options}"
        ddl(connection, made, table=name, columns=columns, key=KEY, options=OPTIONS)
    else:
        changes = listed(_changes(there, types))
        if any(there.arrow[column] != TEXT and stored.columns[column] == TEXT for column in change.widened):
            _rewrite(connection, there, stored, changes)
        else:
            alter = "ALTER TABLE {table} {changes}"
            ddl(connection, alter, table=name, changes=changes)
    return stored


def describe_table(
    connection: MariadbConnection,
    table: StoredTable,
    entries: Mapping[str, Entry],
) -> None:
    """Say in the dictionary and in comments what the columns mean.

    Args:
        connection: of the writer, outside of a transaction.
        table: as it stands.
        entries: column → what is to be said of it.

    Raises:
        MothershipUnavailable: readers were in the way all the time, or the server refused.
    """
    wanted, said = dictionary_of(connection, table, entries)
    there = None if said else standing(connection, table.name)
    if there is None:
        return
    changes = [
        _modified(column, kind, comment)
        for column, kind in there.types.items()
        if column in wanted and (comment := storable(comment_of(wanted[column]))) != there.columns[column].comment
    ]
    if there.comment != storable(table.doctype):
        changes.append(Fragment(f"COMMENT = {literal(storable(table.doctype))}"))
    if changes:
        ddl(connection, "ALTER TABLE {table} {changes}", table=table.name, changes=listed(changes))
    # After the comments: a process killed in between has said nothing yet.
    with connection.transaction():
        write_dictionary(connection, table, wanted)
        count_generation(connection)


def storable(comment: str) -> str:
    """Return a comment as MariaDB keeps it: it knows no characters beyond the Basic Multilingual Plane there."""
    return "".join("\N{REPLACEMENT CHARACTER}" if char > "\uffff" else char for char in comment)


def ensure_indexes(
    connection: MariadbConnection,
    contract: TableContract,
    stored: StoredTable,
    chosen: Sequence[Sequence[str]] | None,
) -> None:
    """Make the indexes that a table lacks and remove those of ours that it needn't have, in one online ALTER.

    Indexes that somebody else made stay. To be called after every merge: without a difference it costs one look.

    Args:
        connection: of the writer, outside of a transaction.
        contract: the table over all satellites.
        stored: the table as it stands.
        chosen: what the settings say for this DocType; None where they say nothing.

    Raises:
        TableRefused: a chosen column isn't there, or the key would be too long.
        MothershipUnavailable: readers were in the way all the time, or the server refused.
    """
    there = standing(connection, stored.name)
    if there is None:
        return
    lacking, needless = index_change(there, contract, chosen)
    changes = [Fragment(f"DROP KEY {identifier(name)}") for name in needless]
    for index in lacking:
        parts = listed(key_parts(contract.doctype, index, there.types))
        changes.append(Fragment(f"ADD KEY {identifier(index.name)} ({parts})"))
    if changes:
        online = "ALTER TABLE {table} {changes}, ALGORITHM=INPLACE, LOCK=NONE"
        ddl(connection, online, table=stored.name, changes=listed(changes))


def index_change(
    there: Standing, contract: TableContract, chosen: Sequence[Sequence[str]] | None
) -> tuple[tuple[Index, ...], tuple[str, ...]]:
    """Return the indexes that a table lacks, and the names of those of ours that it needn't have.

    Raises:
        TableRefused: a chosen column isn't there.
    """
    wanted = wanted_indexes(contract, chosen)
    columns = {index.columns for index in wanted}
    lacking = tuple(index for index in wanted if index.columns not in there.indexes.values())
    ours = {name: held for name, held in there.indexes.items() if name.startswith(PREFIX)}
    return lacking, tuple(name for name, held in ours.items() if held not in columns)


def _remove_leftovers(connection: MariadbConnection) -> None:
    """Remove what a process left that was killed while it wrote a table anew."""
    for leftover in (_COPY, _FORMER):
        if standing(connection, leftover):
            ddl(connection, "DROP TABLE {table}", table=leftover)


def _taken(connection: Connection) -> Iterator[str]:
    """Yield, once they are asked for, the names of all tables and views, ours and others'."""
    found = connection.run("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    yield from (table.casefold() for (table,) in found)


def _typed(column: str, kind: str) -> str:
    return f"{kind} NOT NULL" if column in KEY else f"{kind} NULL"


def _modified(column: str, kind: str, comment: str) -> Fragment:
    return Fragment(f"MODIFY COLUMN {identifier(column)} {_typed(column, kind)} COMMENT {literal(comment)}")


def _changes(there: Standing, types: Mapping[str, str]) -> Iterator[Fragment]:
    """Yield what an ALTER TABLE says to bring columns to their types."""
    modified = {column: kind for column, kind in types.items() if there.types.get(column, kind) != kind}
    for index, columns in there.indexes.items():
        if any(modified.get(column) == LONGTEXT for column in columns):
            if not index.startswith(PREFIX):
                raise TableRefused(
                    there.name,
                    f"needs longer texts than its index {index} on ({', '.join(columns)}) takes, which somebody made "
                    "by hand. Drop that index; make it again with a length behind the column.",
                )
            # `ensure_indexes` makes it again, with the beginning of the texts.
            yield Fragment(f"DROP KEY {identifier(index)}")
    for column, kind in types.items():
        if column in modified:
            yield _modified(column, kind, there.columns[column].comment)
        elif column not in there.columns:
            yield Fragment(f"ADD COLUMN {identifier(column)} {_typed(column, kind)}")


def _rewrite(connection: MariadbConnection, there: Standing, stored: StoredTable, changes: Fragment) -> None:
    """Write a table anew with wider types, beside the one that analysts read, and put it in its place at once."""
    _remove_leftovers(connection)
    ddl(connection, "CREATE TABLE {copy} LIKE {table}", copy=_COPY, table=there.name)
    ddl(connection, "ALTER TABLE {copy} {changes}", copy=_COPY, changes=changes)
    values = listed(
        widened(identifier(name), there.arrow[name], stored.columns[name]) if name in there.arrow else identifier(name)
        for name in there.columns
    )
    connection.run(
        "INSERT INTO {copy} ({columns}) SELECT {values} FROM {table}",
        copy=_COPY,
        columns=tuple(there.columns),
        values=values,
        table=there.name,
    )
    swap = "RENAME TABLE {table} TO {former}, {copy} TO {table}"
    ddl(connection, swap, table=there.name, former=_FORMER, copy=_COPY)
    ddl(connection, "DROP TABLE {former}", former=_FORMER)
