"""Migrations: what an older version of Federation made is brought up to this one's, and no row is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import pytest
from mothership_sites import Document, Site, ask, content, merge
from places import MariadbPlace, Place

from federation.contract.fieldtypes import DATETIME, INTEGER, TEXT
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.schema import DuckdbDefiner
from federation.mothership.errors import MothershipNewer
from federation.mothership.mariadb.mothership import MariadbMothership
from federation.mothership.mariadb.system_schema import MariadbDefiner
from federation.mothership.migrations import MIGRATIONS, AddColumn, AddTable, Definer, bring_up
from federation.mothership.sql import Connection
from federation.mothership.system_tables import CURSOR, SYSTEM_TABLES, VERSION, VIEW, SystemColumn, SystemTable

FIRST_VERSION: Final[Mapping[str, str]] = {
    "federation_meta": "version n, generation n",
    "federation_ledger": "satellite k, doctype t, package k, source t, seq n, run_id t, documents n, tombstones n, "
    "quarantined n, merged_at i",
    "federation_cursor": "satellite k, source k, seq n",
    "federation_freshness": "satellite k, doctype k, as_of i, rows n, pending n, waiting n, quarantined n, "
    "last_change i, merged_at i, compared_at i",
    "federation_tombstone": "satellite k, doctype k, name k, observed i",
    "federation_quarantine": "satellite t, doctype t, name t, fieldname t, value t, reason t, observed i, package t, "
    "document t",
    "federation_alias": "satellite k, doctype k, old_name k, new_name t, observed i",
    "federation_dictionary": "table_name k, column_name k, type t, label t, description t, doctype t, fieldname t, "
    "fieldtype t, options t, satellites t, policy t",
    "federation_table": "doctype k, table_name t",
    "federation_schema": "satellite k, doctype k, sha256 t, schema t",
}
"""The tables of version 1: n a number, i an instant, t a text, k a text of the key."""

TYPES: Final = {
    "duckdb": {"n": "BIGINT", "i": "TIMESTAMP", "t": "VARCHAR", "k": "VARCHAR"},
    "mariadb": {"n": "BIGINT", "i": "DATETIME(6)", "t": "LONGTEXT", "k": "VARCHAR(200)"},
}


class Killed(BaseException):
    """The end of a process, at once."""


class Dying:
    """A definer whose process ends in the place of one of its calls."""

    def __init__(self, definer: Definer, dies_at: int) -> None:
        self._definer = definer
        self._left = dies_at

    @property
    def connection(self) -> Connection:
        self._pass()
        return self._definer.connection

    def stands(self, table: SystemTable) -> bool:
        self._pass()
        return self._definer.stands(table)

    def add_table(self, table: SystemTable) -> None:
        self._pass()
        self._definer.add_table(table)

    def add_column(self, table: SystemTable, column: SystemColumn) -> None:
        self._pass()
        self._definer.add_column(table, column)

    def _pass(self) -> None:
        if self._left == 0:
            raise Killed
        self._left -= 1


def make_first_version(place: Place, *, versioned: bool = True) -> None:
    """Make what version 1 made, as a statement of today can't."""
    is_mariadb = isinstance(place, MariadbPlace)
    types = TYPES["mariadb" if is_mariadb else "duckdb"]
    for table, columns in FIRST_VERSION.items():
        pairs = [column.split() for column in columns.split(", ")]
        parts = [f'"{name}" {types[kind]}' for name, kind in pairs]
        if is_mariadb and any(kind == "k" for _, kind in pairs):
            parts.append(f"PRIMARY KEY ({', '.join(name for name, kind in pairs if kind == 'k')})")
        place.alter(f"CREATE TABLE {table} ({', '.join(parts)})" + (_MARIADB if is_mariadb else ""))
    if versioned:
        place.alter("INSERT INTO federation_meta (version, generation) VALUES (1, 0)")


_MARIADB: Final = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"


@contextmanager
def definer(place: Place) -> Iterator[Definer]:
    """What makes the tables of a place, which has some already."""
    with place.writer() as mothership:
        connection = mothership._database.connection
        assert isinstance(mothership, DuckdbMothership | MariadbMothership)
        yield MariadbDefiner(connection) if isinstance(mothership, MariadbMothership) else DuckdbDefiner(connection)


@pytest.fixture
def old(place: Place) -> Place:
    """A place with the tables of version 1."""
    if not isinstance(place, MariadbPlace):
        place.file.parent.mkdir(parents=True)
    make_first_version(place)
    return place


def version(place: Place) -> list[dict[str, object]]:
    return ask(place, "SELECT version FROM federation_meta")


def columns(place: Place, table: str) -> list[str]:
    return [name for name in place.comments(table) if name]


def test_a_mothership_of_the_first_version_is_merged_into_like_a_new_one(old: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"customer": "Acme"})], gone={"SINV-0": 1}, aside={"SINV-2": 1})
    merge(old, site)
    found = content(old)
    assert version(old) == [{"version": VERSION}]
    with old.emptied():
        merge(old, site)
        assert content(old) == found


def test_what_the_first_version_merged_stays_and_is_not_merged_again(place: Place, site: Site) -> None:
    site.commit(documents=[Document("SINV-1", 1, {"customer": "Acme"})])
    merge(place, site)
    place.alter("DROP TABLE federation_view")
    place.alter("DROP TABLE federation_drift")
    place.alter("UPDATE federation_meta SET version = 1")
    site.commit(documents=[Document("SINV-2", 2, {"customer": "Bolt"})])
    (report,) = merge(place, site)
    assert [result.inserted for result in report.merged] == [1]
    assert ask(place, "SELECT name, customer FROM sales_invoice ORDER BY name") == [
        {"name": "SINV-1", "customer": "Acme"},
        {"name": "SINV-2", "customer": "Bolt"},
    ]
    assert version(place) == [{"version": VERSION}]


def test_a_migration_brings_the_tables_of_today(old: Place) -> None:
    with old.writer():
        pass
    for table in SYSTEM_TABLES:
        assert columns(old, table.name) == [column.name for column in table.columns]
    assert old.comments(VIEW.name) == {"": VIEW.description, **{one.name: one.description for one in VIEW.columns}}


def test_tables_of_an_older_process_that_was_killed_at_the_end_are_brought_up_too(place: Place) -> None:
    if not isinstance(place, MariadbPlace):
        place.file.parent.mkdir(parents=True)
    make_first_version(place, versioned=False)
    assert version(place) == [{"version": VERSION}]
    assert ask(place, "SELECT count(*) AS n FROM federation_view") == [{"n": 0}]


NOTE: Final = SystemColumn("note", TEXT, "What somebody noted.")
EXTRA: Final = SystemTable(
    "federation_extra",
    "What a later version keeps.",
    (SystemColumn("name", TEXT, "What it is.", 64), SystemColumn("at", DATETIME, "When."), NOTE),
    ("name",),
)
LATER: Final = {
    **MIGRATIONS,
    VERSION + 1: (AddTable(EXTRA), AddColumn(CURSOR, NOTE)),
    VERSION + 2: (AddColumn(CURSOR, SystemColumn("times", INTEGER, "How often.")),),
}


def test_every_step_of_every_version_is_taken_and_rows_stay(place: Place) -> None:
    with definer(place) as made:
        made.connection.insert(CURSOR.name, ("satellite", "source", "seq"), [("north", "rest", 7)])
        bring_up(made, "here", LATER, VERSION + 2)
        found = made.connection.run("SELECT satellite, source, seq, note, times FROM federation_cursor")
        assert found == [("north", "rest", 7, None, None)]
        assert made.connection.run("SELECT version, generation FROM federation_meta") == [(VERSION + 2, 0)]
    assert place.comments(EXTRA.name) == {
        "": EXTRA.description,
        "name": "What it is.",
        "at": "When.",
        "note": NOTE.description,
    }
    assert place.comments(CURSOR.name)["note"] == NOTE.description


@pytest.mark.parametrize("step", range(8))
def test_a_migration_that_is_killed_between_two_steps_goes_on(place: Place, step: int) -> None:
    with definer(place) as made:
        with suppress(Killed):
            bring_up(Dying(made, step), "here", LATER, VERSION + 2)
        bring_up(made, "here", LATER, VERSION + 2)
        assert made.connection.run("SELECT version FROM federation_meta") == [(VERSION + 2,)]
        assert made.connection.run("SELECT note, times FROM federation_cursor") == []
        assert made.stands(EXTRA)


def test_a_mothership_of_a_later_version_is_left_alone(place: Place) -> None:
    with definer(place) as made:
        bring_up(made, "here", LATER, VERSION + 2)
    with pytest.raises(MothershipNewer, match=rf"has version {VERSION + 2} .* this program knows {VERSION}\."):
        version(place)
    assert "note" in columns(place, CURSOR.name)


def test_every_version_says_how_it_is_reached() -> None:
    assert set(MIGRATIONS) == set(range(2, VERSION + 1))
