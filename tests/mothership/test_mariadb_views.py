"""Specification of the views of jurisdictions: what they show, how they follow tables and settings, what they leave."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import sqlalchemy

from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.database import MariadbDatabase
from federation.mothership.mariadb.schema import create_system_tables
from federation.mothership.mariadb.views import refresh
from tests.services import mariadb


class Place:
    """A mothership with two jurisdictions, written by an administrator: accounts are another specification's."""

    def __init__(self, server: mariadb.Server, home: str, connection: MariadbConnection) -> None:
        self.server = server
        self.home = home
        self.eu = f"{home}_eu"
        self.us = f"{home}_us"
        self.connection = connection
        self.shown: dict[str, tuple[str, ...]] = {self.eu: ("south", "east"), self.us: ("north",)}

    def refresh(self) -> tuple[str, ...]:
        return refresh(self.connection, self.shown)

    def ask(self, sql: str) -> list[tuple[object, ...]]:
        return self.server.ask(sql)

    def names(self, view: str) -> list[object]:
        return [row[0] for row in self.ask(f"SELECT name FROM {view} ORDER BY name")]

    def recorded(self) -> dict[object, object]:
        return dict(self.ask(f"SELECT name, definition FROM {self.home}.federation_view"))


@pytest.fixture
def place(mariadb_server: mariadb.Server) -> Iterator[Place]:
    home = mariadb.fresh_database(mariadb_server)
    for suffix in ("eu", "us"):
        mariadb_server.ask(f"CREATE DATABASE {home.name}_{suffix}")
    url = sqlalchemy.make_url(mariadb_server.url(home.name))
    address = MariadbAddress(url._replace(password=None), mariadb_server.admin_password)
    database = MariadbDatabase(address, "a test", MariadbLimits()).open()
    try:
        create_system_tables(database.connection, address.place)
        place = Place(mariadb_server, home.name, database.connection)
        for table in ("customer", "sales_order"):
            add_table(place, table)
        place.connection.run(
            "INSERT INTO customer (satellite, name) "
            "VALUES ('north', 'n1'), ('south', 's1'), ('east', 'e1'), ('gone', 'g1')"
        )
        yield place
    finally:
        database.close()
        for name in (home.name, f"{home.name}_eu", f"{home.name}_us"):
            mariadb_server.ask(f"DROP DATABASE IF EXISTS {name}")


def add_table(place: Place, table: str) -> None:
    place.connection.run(
        "CREATE TABLE {table} (satellite VARCHAR(64) NOT NULL, name VARCHAR(140) NOT NULL, {odd} TEXT, "
        "PRIMARY KEY (satellite, name)) COLLATE utf8mb4_nopad_bin",
        table=table,
        odd='50% "off" {x} $y',
    )
    place.connection.insert("federation_table", ("doctype", "table_name"), [(table.title(), table)])


def test_a_view_shows_its_satellites_with_all_columns_and_nobody_else(place: Place) -> None:
    assert place.refresh() == ()
    assert place.names(f"{place.eu}.customer") == ["e1", "s1"]
    assert place.names(f"{place.us}.customer") == ["n1"]
    columns = [row[0] for row in place.ask(f"SHOW COLUMNS FROM {place.eu}.customer")]
    assert columns == ["satellite", "name", '50% "off" {x} $y']


def test_system_tables_show_their_own_satellites_and_no_names_of_others(place: Place) -> None:
    for satellite in ("north", "south"):
        place.connection.run(
            "INSERT INTO federation_tombstone (satellite, doctype, name, observed) "
            "VALUES ($s, 'Customer', $s, '2026-01-01')",
            {"s": satellite},
        )
    place.refresh()
    views = {str(row[0]) for row in place.ask(f"SHOW TABLES IN {place.eu}")}
    assert views == {
        "customer", "sales_order", "federation_freshness", "federation_ledger", "federation_tombstone",
        "federation_quarantine", "federation_alias", "federation_drift", "federation_held", "federation_table",
        "federation_dictionary",
    }  # fmt: skip
    assert place.names(f"{place.eu}.federation_tombstone") == ["south"]
    columns = {row[0] for row in place.ask(f"SHOW COLUMNS FROM {place.eu}.federation_dictionary")}
    assert "label" in columns
    assert not columns & {"satellites", "policy"}


def test_views_are_defined_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.refresh()
    said: list[str] = []
    run = MariadbConnection.run

    def recorded(self, template, *args, **parts):
        said.append(template)
        return run(self, template, *args, **parts)

    monkeypatch.setattr(MariadbConnection, "run", recorded)
    assert place.refresh() == ()
    assert all(statement.startswith("SELECT") for statement in said)
    assert len(said) < 8


def test_a_new_column_and_a_new_table_show_in_the_views(place: Place) -> None:
    place.refresh()
    place.connection.run("ALTER TABLE customer ADD COLUMN territory TEXT AFTER satellite")
    add_table(place, "item")
    assert place.refresh() == ()
    assert "territory" in {row[0] for row in place.ask(f"SHOW COLUMNS FROM {place.eu}.customer")}
    assert place.names(f"{place.us}.item") == []


def test_a_table_whose_name_is_given_and_that_is_not_made_yet_has_no_view(place: Place) -> None:
    place.connection.insert("federation_table", ("doctype", "table_name"), [("Lead", "lead")])
    assert place.refresh() == ()
    assert "lead" not in {row[0] for row in place.ask(f"SHOW TABLES IN {place.eu}")}


def test_a_satellite_that_changes_its_jurisdiction_goes_there_at_once(place: Place) -> None:
    place.refresh()
    place.shown = {place.eu: ("south",), place.us: ("north", "east")}
    place.refresh()
    assert place.names(f"{place.eu}.customer") == ["s1"]
    assert place.names(f"{place.us}.customer") == ["e1", "n1"]


def test_views_of_a_jurisdiction_that_is_gone_are_dropped_and_its_database_stays(place: Place) -> None:
    place.refresh()
    place.ask(f"CREATE TABLE {place.us}.theirs (n INT)")
    place.shown = {place.eu: ("south",)}
    assert place.refresh() == ()
    assert place.ask(f"SHOW TABLES IN {place.us}") == [("theirs",)]
    place.shown = {}
    assert place.refresh() == ()
    assert place.ask(f"SHOW TABLES IN {place.eu}") == []
    assert place.recorded() == {}


def test_a_jurisdiction_without_its_database_is_named_and_the_others_are_shown(place: Place) -> None:
    place.shown = {**place.shown, f"{place.home}_in": ("west",)}
    (remark,) = place.refresh()
    assert f"{place.home}_in" in remark
    assert "federation mothership init" in remark
    assert place.names(f"{place.eu}.customer") == ["e1", "s1"]


@pytest.mark.parametrize(
    "theirs", ["TABLE {eu}.customer (n INT)", "DEFINER = somebody VIEW {eu}.customer AS SELECT 1 AS n"]
)
def test_what_others_have_under_such_a_name_stays_and_is_named(place: Place, theirs: str) -> None:
    place.ask(f"CREATE {theirs.format(eu=place.eu)}")
    (remark,) = place.refresh()
    assert f"{place.eu}.customer is not ours" in remark
    assert [row[0] for row in place.ask(f"SHOW COLUMNS FROM {place.eu}.customer")] == ["n"]
    assert place.names(f"{place.us}.customer") == ["n1"]


def test_views_of_others_beside_ours_stay(place: Place) -> None:
    place.refresh()
    place.ask(f"CREATE VIEW {place.eu}.best AS SELECT 1 AS n")
    place.shown = {}
    place.refresh()
    assert place.ask(f"SHOW TABLES IN {place.eu}") == [("best",)]


def test_a_view_that_somebody_dropped_or_took_over_is_defined_anew(place: Place) -> None:
    place.refresh()
    place.ask(f"DROP VIEW {place.eu}.customer")
    place.ask(
        f"CREATE OR REPLACE DEFINER = somebody VIEW {place.us}.customer AS SELECT name FROM {place.home}.customer"
    )
    assert place.refresh() == ()
    assert place.names(f"{place.eu}.customer") == ["e1", "s1"]
    assert place.names(f"{place.us}.customer") == ["n1"]


def test_after_the_record_got_lost_the_views_are_taken_over(place: Place) -> None:
    place.refresh()
    place.connection.run("DELETE FROM federation_view")
    place.shown = {place.eu: ("east",), place.us: ("north",)}
    assert place.refresh() == ()
    assert place.names(f"{place.eu}.customer") == ["e1"]
    assert f"{place.eu}.customer" in place.recorded()


def test_a_process_that_dies_anywhere_leaves_what_the_next_one_completes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call gets one statement more through than the last, and dies at the next that changes something."""
    run = MariadbConnection.run
    left = 0

    def dying(self, template, *args, **parts):
        nonlocal left
        if not template.startswith("SELECT"):
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
        return run(self, template, *args, **parts)

    for shown in (place.shown, {place.eu: ("south",)}, {}):
        place.shown = shown
        ended = False
        for answered in range(100):
            left = answered
            with monkeypatch.context() as patched, contextlib.suppress(KeyboardInterrupt):
                patched.setattr(MariadbConnection, "run", dying)
                assert place.refresh() == ()
                ended = True
            place.connection.run("ROLLBACK")
            if ended:
                break
        assert ended
        if place.eu in shown:
            assert place.names(f"{place.eu}.customer") == (["e1", "s1"] if len(shown) == 2 else ["s1"])
    assert place.ask(f"SHOW TABLES IN {place.eu}") == []
    assert place.ask(f"SHOW TABLES IN {place.us}") == []


def test_a_view_that_is_being_read_is_left_to_the_next_merge(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.mothership.mariadb.views._RETRY_SECONDS", 0.5)
    place.refresh()
    place.connection.run("ALTER TABLE customer ADD COLUMN territory TEXT")
    with place.server.connect() as reader, reader.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"SELECT * FROM {place.eu}.customer")
        (remark,) = place.refresh()
        assert f"{place.eu}.customer stays as it was" in remark
        assert "territory" in {row[0] for row in place.ask(f"SHOW COLUMNS FROM {place.us}.customer")}
        cursor.execute("ROLLBACK")
    assert place.refresh() == ()
    assert "territory" in {row[0] for row in place.ask(f"SHOW COLUMNS FROM {place.eu}.customer")}
