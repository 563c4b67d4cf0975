"""Views: each jurisdiction's own database, which shows the rows of its satellites and of no others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from federation.mothership.errors import MothershipUnavailable
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.ddl import ddl
from federation.mothership.sql import Fragment, column, identifier, listed, literal
from federation.mothership.system_tables import (
    ALIAS,
    DICTIONARY,
    DRIFT,
    FRESHNESS,
    HELD,
    LEDGER,
    QUARANTINE,
    TABLE,
    TOMBSTONE,
)
from federation.mothership.tables import read_tables

Databases = Mapping[str, Collection[str]]
"""Database of views → the satellites that it shows."""

_BY_SATELLITE: Final = tuple(table.name for table in (FRESHNESS, LEDGER, TOMBSTONE, QUARANTINE, ALIAS, HELD, DRIFT))
_OF_ALL: Final[Mapping[str, frozenset[str]]] = {
    TABLE.name: frozenset(),
    DICTIONARY.name: frozenset({"satellites", "policy"}),
}
"""Tables without a satellite → the columns that tell of other jurisdictions' satellites and stay out."""
_RETRY_SECONDS: Final = 10.0
"""A view that analysts are reading all the time is defined anew by a later merge."""


@dataclass(frozen=True, slots=True, order=True)
class View:
    """A view by its place."""

    database: str
    name: str

    @property
    def sql(self) -> Fragment:
        """The view in a statement."""
        return column(self.database, self.name)

    def __str__(self) -> str:
        return f"{self.database}.{self.name}"


def refresh(connection: MariadbConnection, databases: Databases) -> tuple[str, ...]:
    """Define the views anew that tables, columns, satellites or jurisdictions have changed for; drop needless ones.

    They read the tables with the loader's privileges, and show no satellite that isn't named. Views and tables of
    others are never touched. Costs a few look-ups where nothing changed.

    Args:
        connection: of the writer, in its database, outside of a transaction.
        databases: every database of views; without one, views that were defined before are dropped.

    Returns:
        What an administrator should know: databases that aren't there, names that are taken, views that are in use.
    """
    recorded = {
        _view(name): definition for name, definition in connection.run("SELECT name, definition FROM federation_view")
    }
    if not databases and not recorded:
        return ()
    schemata = {name for (name,) in connection.run("SELECT schema_name FROM information_schema.schemata")}
    wanted = _wanted(connection, {name: databases[name] for name in sorted(databases) if name in schemata})
    standing, taken = _standing(connection, wanted.keys() | recorded.keys(), recorded)
    changed = {
        view: definition
        for view, definition in wanted.items()
        if view not in taken and not (standing.get(view) and recorded.get(view) == definition)
    }
    needless = [view for view in sorted(recorded.keys() - wanted.keys()) if view.database in schemata]
    return (
        *(_MISSING.format(name) for name in sorted(set(databases) - schemata)),
        *(_TAKEN.format(view) for view in sorted(taken & wanted.keys())),
        *_define(connection, changed),
        *_drop(connection, needless, standing),
    )


_MISSING: Final = (
    "The database {} is not there, or this account may not define views in it: run `federation mothership init`."
)
_TAKEN: Final = (
    "{} is not ours and stays as it is: rename it, and the next merge defines the view of the jurisdiction there."
)
_IN_USE: Final = "The view {} stays as it was until the next merge. {}"


def _wanted(connection: MariadbConnection, databases: Databases) -> dict[View, Fragment]:
    """Return every view that there should be, and its SELECT."""
    if not databases:
        return {}
    ((home,),) = connection.run("SELECT database()")
    columns: dict[str, list[str]] = {}
    for table, name in connection.run(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = database() AND table_name IN ({tables}) ORDER BY table_name, ordinal_position",
        tables=_literals((*read_tables(connection).values(), *_BY_SATELLITE, *_OF_ALL)),
    ):
        columns.setdefault(table, []).append(name)
    return {
        View(database, table): _select(home, table, names, satellites)
        for database, satellites in databases.items()
        for table, names in columns.items()
    }


def _select(home: str, table: str, columns: Iterable[str], satellites: Iterable[str]) -> Fragment:
    withheld = _OF_ALL.get(table)
    shown = listed(identifier(name) for name in columns if name not in (withheld or ()))
    everything = f"SELECT {shown} FROM {column(home, table)}"
    if withheld is not None:
        return Fragment(everything)
    return Fragment(f"{everything} WHERE {identifier('satellite')} IN ({_literals(satellites)})")


def _standing(
    connection: MariadbConnection, views: Collection[View], recorded: Collection[View]
) -> tuple[dict[View, bool], set[View]]:
    """Look at these places: which views are ours (and whether this account defined them), and what isn't ours.

    Ours is what is recorded. A view that this account defined and no record tells of (the tables were restored from a
    backup, or made anew) is taken over, if a view should be there.
    """
    if not views:
        return {}, set()
    ((account,),) = connection.run("SELECT current_user()")
    ours: dict[View, bool] = {}
    others: set[View] = set()
    for database, name, definer in connection.run(
        "SELECT t.table_schema, t.table_name, v.definer FROM information_schema.tables t "
        "LEFT JOIN information_schema.views v ON v.table_schema = t.table_schema AND v.table_name = t.table_name "
        "WHERE t.table_schema IN ({databases})",
        databases=_literals(view.database for view in views),
    ):
        view = View(database, name)
        if definer is not None and (view in recorded or definer == account):
            ours[view] = definer == account
        else:
            others.add(view)
    return ours, others


def _define(connection: MariadbConnection, views: Mapping[View, Fragment]) -> Iterator[str]:
    # Recorded first, without definitions: when this process dies, the next one knows that they are ours.
    _record(connection, dict.fromkeys(views, ""))
    defined: dict[View, str] = {}
    for view, definition in views.items():
        try:
            ddl(
                connection,
                "CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW {view} AS {definition}",
                retry_seconds=_RETRY_SECONDS,
                view=view.sql,
                definition=definition,
            )
        except MothershipUnavailable as error:
            yield _IN_USE.format(view, error)
        else:
            defined[view] = definition
    _record(connection, defined)


def _drop(connection: MariadbConnection, views: Iterable[View], standing: Collection[View]) -> Iterator[str]:
    for view in views:
        try:
            if view in standing:
                ddl(connection, "DROP VIEW {view}", retry_seconds=_RETRY_SECONDS, view=view.sql)
        except MothershipUnavailable as error:
            yield _IN_USE.format(view, error)
        else:
            connection.run("DELETE FROM federation_view WHERE name = $name", {"name": str(view)})


def _record(connection: MariadbConnection, definitions: Mapping[View, str]) -> None:
    if definitions:
        with connection.transaction():
            names = _literals(map(str, definitions))
            connection.run("DELETE FROM federation_view WHERE name IN ({names})", names=names)
            rows = [(str(view), definition) for view, definition in definitions.items()]
            connection.insert("federation_view", ("name", "definition"), rows)


def _literals(texts: Iterable[str]) -> Fragment:
    return listed(literal(text) for text in sorted(set(texts)))


def _view(name: str) -> View:
    database, _, view = name.partition(".")
    return View(database, view)
