"""Replacement: a mothership made in a database of its own, whose tables then change places with the live ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from federation.contract.names import NAME, OBSERVED, SATELLITE
from federation.mothership.errors import MothershipBusy, MothershipError, MothershipUnavailable
from federation.mothership.mariadb import views
from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.database import MariadbDatabase
from federation.mothership.mariadb.ddl import ddl
from federation.mothership.mariadb.failures import explained
from federation.mothership.mariadb.mothership import Indexes, MariadbMothership
from federation.mothership.mariadb.schema import create_system_tables
from federation.mothership.replacement import is_given
from federation.mothership.sql import Fragment, column, listed
from federation.mothership.system_tables import SYSTEM_TABLES, TABLE, VIEW

_FORMER: Final = "~"
"""Behind the name of a table that was the live one: no table of ours ends so."""
_MARKS: Final = frozenset({SATELLITE, NAME, OBSERVED})
"""Columns by which a table of ours is told where the record of its name is lost."""


class MariadbReplacement:
    """A mothership in a database of its own; see `federation.mothership.replacement.Replacement`.

    Args:
        address: of the live one.
        aside: the database in which it is made, on the same server.
        who: who rebuilds, for those who wait.
        names: DocType → table, as they were given once.
        limits: how long it waits for others.
        indexes: what the settings say of indexes.
        shown: database of views → the satellites that it shows.
    """

    def __init__(
        self,
        address: MariadbAddress,
        aside: str,
        *,
        who: str,
        names: Mapping[str, str],
        limits: MariadbLimits,
        indexes: Indexes,
        shown: views.Databases,
    ) -> None:
        self._who = who
        self._names = names
        self._limits = limits
        self._shown = shown
        self._aside = replace(address, url=address.url.set(database=aside))
        self._live = MariadbDatabase(address, who, limits)
        self._entered = ExitStack()
        self.mothership = MariadbMothership(self._aside, who=who, limits=limits, indexes=indexes)

    def __enter__(self) -> Self:
        """Wait for another rebuild, and begin with an empty database."""
        while True:
            self._begin(self._limits)
            with ExitStack() as entered:
                entered.enter_context(self.mothership)
                if not self.mothership.freshness():
                    self._entered = entered.pop_all()
                    return self
                # Another rebuild came in between.

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove what is left in the database; where that can't be done, the next rebuild does it."""
        self._entered.__exit__(kind, error, trace)
        with suppress(MothershipBusy if error is None else MothershipError):
            self._begin(replace(self._limits, lock_seconds=0))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The live mothership's writers wait while the context lasts."""
        self._live.open()
        try:
            yield
        finally:
            self._live.close()

    def swap(self) -> tuple[str, ...]:
        """Let all tables change places in one statement; analysts see it at once."""
        live, aside = self._live.connection, self._aside.database
        place = self._aside.place
        with explained("replace", place):
            made = _tables(live, aside)
            former = self._former(live, made)
            if VIEW.name in former:
                live.run("DELETE FROM {view}", view=column(aside, VIEW.name))
                live.run("INSERT INTO {view} SELECT * FROM {live}", view=column(aside, VIEW.name), live=VIEW.name)
            moves = [(self._live.address.database, table, aside, f"{table}{_FORMER}") for table in former]
            moves += [(aside, table, self._live.address.database, table) for table in sorted(made)]
            renames = listed(
                Fragment(f"{column(source, table)} TO {column(target, name)}") for source, table, target, name in moves
            )
            # The server does it as a whole or, if it is killed in between, not at all (MariaDB 10.6 or later).
            ddl(live, "RENAME TABLE {renames}", renames=renames)
            return views.refresh(live, self._shown)

    def _former(self, live: MariadbConnection, made: frozenset[str]) -> list[str]:
        """Return which tables of the live database are ours.

        Raises:
            MothershipUnavailable: one that is not ours has the name of one that was made.
        """
        there = _tables(live, self._live.address.database)
        ours = {*self._names.values(), *(table.name for table in SYSTEM_TABLES)}
        if TABLE.name in there:
            recorded = live.run("SELECT doctype, table_name FROM federation_table")
            ours |= {table for doctype, table in recorded if is_given(doctype, table)}
        for table in sorted(there & made - ours):
            if not _columns(live, table) >= _MARKS:
                reason = "it is not ours, and a DocType's table is to have its name. Rename it, and rebuild again"
                raise MothershipUnavailable("replace", f"the table {table}", reason)
        return sorted(there & (ours | made))

    def _begin(self, limits: MariadbLimits) -> None:
        """Empty the database, then make the system tables with the names that were given."""
        database = MariadbDatabase(self._aside, self._who, limits).open()
        try:
            with explained("empty", self._aside.place):
                connection = database.connection
                self._refuse_others(connection)
                for table in sorted(_tables(connection, self._aside.database)):
                    ddl(connection, "DROP TABLE IF EXISTS {table}", table=table)
                create_system_tables(connection, self._aside.place)
                if self._names:
                    connection.insert(TABLE.name, ("doctype", "table_name"), list(self._names.items()))
        finally:
            database.close()

    def _refuse_others(self, connection: MariadbConnection) -> None:
        """Leave a database alone that somebody else keeps tables in: all of ours say whose rows they hold."""
        system = {table.name for table in SYSTEM_TABLES}
        others = [
            table
            for table in sorted(_tables(connection, self._aside.database))
            if table.removesuffix(_FORMER) not in system and not _columns(connection, table) & _MARKS
        ]
        if others:
            reason = f"it holds {', '.join(others[:5])}, and is for rebuilding alone. Move them to another database"
            raise MothershipUnavailable("empty", self._aside.place, reason)


def _tables(connection: MariadbConnection, database: str) -> frozenset[str]:
    rows = connection.run(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = $database AND table_type = 'BASE TABLE'",
        {"database": database},
    )
    return frozenset(table for (table,) in rows)


def _columns(connection: MariadbConnection, table: str) -> frozenset[str]:
    rows = connection.run(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = $table",
        {"table": table},
    )
    return frozenset(name for (name,) in rows)
