"""Migrations: from one version of the `federation_*` tables to the next, on every database alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from federation.lake.packages import RULE
from federation.mothership.errors import MothershipNewer
from federation.mothership.sql import Connection
from federation.mothership.superseded import mark_all_superseded
from federation.mothership.system_tables import (
    HELD,
    META,
    QUARANTINE,
    SUPERSEDES,
    SYSTEM_TABLES,
    VERSION,
    VIEW,
    SystemColumn,
    SystemTable,
)


class Definer(Protocol):
    """How one database makes system tables. What stands already stays as it is."""

    @property
    def connection(self) -> Connection:
        """The database."""

    def stands(self, table: SystemTable) -> bool:
        """Return whether there is a table of this name."""

    def add_table(self, table: SystemTable) -> None:
        """Make a table, with its key and comments, where it isn't there."""

    def add_column(self, table: SystemTable, column: SystemColumn) -> None:
        """Add a column to a table, with its comment, where it isn't there; null in the rows of the table."""


class Step(Protocol):
    """What a version changes about the one before. Done twice it changes nothing more."""

    def take(self, definer: Definer) -> None:
        """Make the change."""


@dataclass(frozen=True, slots=True)
class AddTable:
    """The version has a new table."""

    table: SystemTable

    def take(self, definer: Definer) -> None:
        """Make the change."""
        definer.add_table(self.table)


@dataclass(frozen=True, slots=True)
class AddColumn:
    """The version has a new column in an older table."""

    table: SystemTable
    column: SystemColumn

    def take(self, definer: Definer) -> None:
        """Make the change."""
        definer.add_column(self.table, self.column)


@dataclass(frozen=True, slots=True)
class FillText:
    """Rows of before have an empty text in a column that a version added."""

    table: SystemTable
    column: SystemColumn

    def take(self, definer: Definer) -> None:
        """Make the change."""
        definer.connection.run(
            "UPDATE {table} SET {column} = '' WHERE {column} IS NULL", table=self.table.name, column=self.column.name
        )


@dataclass(frozen=True, slots=True)
class MarkSuperseded:
    """Rows of before say whether an earlier version stands."""

    def take(self, definer: Definer) -> None:
        """Make the change."""
        mark_all_superseded(definer.connection)


Migrations = Mapping[int, Sequence[Step]]
"""Version → the steps that lead to it from the version before."""

_RULE, _SUPERSEDES = (
    next(column for column in QUARANTINE.columns if column.name == name) for name in (RULE, SUPERSEDES)
)

MIGRATIONS: Final[Migrations] = {
    2: (AddTable(VIEW),),
    3: (),
    4: (AddColumn(QUARANTINE, _RULE), FillText(QUARANTINE, _RULE), AddTable(HELD)),
    5: (AddColumn(QUARANTINE, _SUPERSEDES), MarkSuperseded()),
}


def bring_up(definer: Definer, place: str, migrations: Migrations = MIGRATIONS, version: int = VERSION) -> None:
    """Make the system tables, or bring those of an older version up to this program's.

    Killed in between, the next call goes on: which version it is is written last.

    Args:
        definer: the database, held for writing.
        place: what messages call it.
        migrations: the steps.
        version: the one that they lead to.

    Raises:
        MothershipNewer: a later version made them; nothing was changed.
    """
    found = _version(definer)
    if found == version:
        return
    if found is not None and found > version:
        raise MothershipNewer(place, found, version)
    if found is None:
        for table in SYSTEM_TABLES:
            definer.add_table(table)
    # Where no version stands, an older program may have been killed as it made its own tables: so all steps are taken.
    for later in range((found or 1) + 1, version + 1):
        for step in migrations[later]:
            step.take(definer)
    if found is None:
        definer.connection.insert(META.name, ("version", "generation"), [(version, 0)])
    else:
        definer.connection.run("UPDATE {meta} SET version = $version", {"version": version}, meta=META.name)


def _version(definer: Definer) -> int | None:
    """Return the version of the tables, None where none is written."""
    if not definer.stands(META):
        return None
    rows = definer.connection.run("SELECT version FROM {meta}", meta=META.name)
    return int(rows[0][0]) if rows else None
