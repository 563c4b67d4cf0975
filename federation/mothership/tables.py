"""Tables: which table a DocType has, and what its columns mean: recorded alike on every database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from federation.contract.names import table_name
from federation.mothership.dictionary import Entry
from federation.mothership.sql import Connection, Fragment, identifier
from federation.mothership.system_tables import DICTIONARY, TABLE

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


def read_tables(connection: Connection) -> dict[str, str]:
    """Return DocType → table, child DocTypes included."""
    return dict(connection.run("SELECT doctype, table_name FROM federation_table ORDER BY doctype"))


def given_name(connection: Connection, doctype: str, others: Iterable[str] = ()) -> str:
    """Return the table of a DocType, whose name is chosen and recorded at the first time.

    Args:
        connection: the database.
        doctype: own or child.
        others: names that are taken by tables which aren't ours.
    """
    known = read_tables(connection)
    if doctype not in known:
        known[doctype] = table_name(doctype, {*known.values(), *others})
        connection.insert(TABLE.name, ("doctype", "table_name"), [(doctype, known[doctype])])
    return known[doctype]


def dictionary_of(
    connection: Connection, table: StoredTable, entries: Mapping[str, Entry]
) -> tuple[dict[str, tuple[str, ...]], bool]:
    """Return column → its row in the dictionary as it should be, and whether it is so already.

    Columns that the contract no longer has keep their description, and no satellite.
    """
    columns = [column.name for column in DICTIONARY.columns]
    wanted = {name: (*entry[:2], str(table.columns[name]), *entry[2:]) for name, entry in entries.items()}
    rows = connection.run(
        "SELECT {columns} FROM federation_dictionary WHERE table_name = $table", {"table": table.name}, columns=columns
    )
    known = {row[1]: tuple(row) for row in rows}
    position = columns.index("satellites")
    for name, row in known.items():
        if name not in wanted:
            wanted[name] = (*row[:position], "", *row[position + 1 :])
    return wanted, wanted == known


def write_dictionary(connection: Connection, table: StoredTable, rows: Mapping[str, tuple[str, ...]]) -> None:
    """Put what is said of a table's columns in the place of what was."""
    connection.run("DELETE FROM federation_dictionary WHERE table_name = $table", {"table": table.name})
    connection.insert(DICTIONARY.name, [column.name for column in DICTIONARY.columns], list(rows.values()))


def comment_of(row: tuple[str, ...]) -> str:
    """Return what a site wrote of a field, of its row in the dictionary, as one printable line of bounded length."""
    label, description = row[3], row[4]
    text = f"{label}: {description}" if label and description else label or description
    return "".join(char if char.isprintable() else " " for char in text[:_LONGEST_COMMENT])
