"""Held against the lake, whatever somebody did to the mothership by hand is found and named."""

from __future__ import annotations

from pathlib import Path

import pymysql
import pytest
from mothership_sites import ITEM, Document, Site, naive
from places import MariadbPlace, Place
from rebuild_world import settings_at

from federation import verifying
from federation.merging import merge_satellite, publish
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.interface import Readable
from federation.mothership.verify import Finding
from federation.settings.model import Settings
from federation.verifying import verify_mothership


@pytest.fixture
def settings(tmp_path: Path, place: Place) -> Settings:
    return settings_at(tmp_path, place)


def documents(tick: int, count: int = 4) -> list[Document]:
    return [
        Document(f"SINV-{n}", tick, {"customer": f"c{tick}", "modified": naive(tick)},
                 {ITEM: [{"name": f"{n}-{row}", "qty": tick} for row in range(2)]})
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def north(settings: Settings) -> Site:
    north = Site(Path(settings.lakes()[0].url), "north")
    north.commit(documents=documents(1), gone={"SINV-9": 1}, aside={"SINV-8": 1}, aliases=[("SINV-7", "SINV-0", 1)])
    north.commit(documents=documents(2, 2), gone={"SINV-3": 3})
    south = Site(Path(settings.lakes()[0].url), "south")
    south.commit(documents=documents(1))
    for site in (north, south):
        merge_satellite(settings, site.satellite)
    publish(settings, force=True)
    return north


def found(settings: Settings, place: Place, *statements: str) -> list[Finding]:
    """What is found after somebody did something by hand, and analysts see it."""
    for statement in statements:
        place.alter(statement)
    place.alter("UPDATE federation_meta SET generation = generation + 1")
    publish(settings, force=True)
    report = verify_mothership(settings)
    assert not report.unverified
    assert not list(settings.var.glob("check-*")), "nothing is left behind"
    return list(report.findings)


def test_an_untouched_mothership_is_as_the_lake_says(settings: Settings, place: Place, north: Site) -> None:
    assert found(settings, place) == []


def test_what_is_not_merged_yet_is_no_difference(settings: Settings, place: Place, north: Site) -> None:
    north.commit(documents=documents(5, 8))
    fields = {**north.fields, "Sales Invoice": {**north.fields["Sales Invoice"], "campus": "Data"}}
    north.describe(fields)
    north.commit(documents=documents(6, 8), walk="open", complete=False)
    assert found(settings, place) == []


def test_rows_that_were_edited_deleted_or_added_by_hand_are_named(
    settings: Settings, place: Place, north: Site
) -> None:
    assert found(
        settings,
        place,
        "UPDATE sales_invoice SET customer = 'mine', total = 7 WHERE name = 'SINV-1' AND satellite = 'north'",
        "DELETE FROM sales_invoice WHERE name = 'SINV-2' AND satellite = 'south'",
        "INSERT INTO sales_invoice (satellite, name) VALUES ('north', 'SINV-99')",
        "UPDATE sales_item SET qty = NULL WHERE name = '0-0' AND satellite = 'south'",
        "DELETE FROM federation_tombstone WHERE name = 'SINV-9'",
    ) == [
        Finding("sales_invoice", "north", "changed", 1, ("SINV-1",), ("customer", "total")),
        Finding("sales_invoice", "north", "surplus", 1, ("SINV-99",)),
        Finding("sales_invoice", "south", "missing", 1, ("SINV-2",)),
        Finding("sales_item", "south", "changed", 1, ("0-0",), ("qty",)),
        Finding("federation_tombstone", "north", "missing", 1, ("Sales Invoice, SINV-9",)),
    ]


def test_tables_and_columns_that_were_altered_by_hand_are_named(settings: Settings, place: Place, north: Site) -> None:
    findings = found(
        settings,
        place,
        "DROP TABLE sales_tax",
        "ALTER TABLE sales_item DROP COLUMN qty",
        "ALTER TABLE sales_item ADD COLUMN note VARCHAR(9)",
        "ALTER TABLE sales_invoice DROP COLUMN modified",
        "ALTER TABLE sales_invoice ADD COLUMN modified DATE",
    )
    told = {(one.table, one.kind, one.columns, one.reason) for one in findings if one.kind in ("table", "column")}
    assert told == {
        ("sales_tax", "table", (), "it is not there, or can't be read"),
        ("sales_item", "column", ("qty",), "missing"),
        ("sales_item", "column", ("note",), "added by hand"),
        ("sales_invoice", "column", ("modified",), "its type is date32[day] instead of timestamp[us]"),
    }


def test_packages_that_the_lake_lost_are_named(settings: Settings, place: Place, north: Site) -> None:
    findings = found(settings, place, "INSERT INTO federation_ledger (satellite, package) VALUES ('north', 'run/x')")
    assert [(one.table, one.satellite, one.names) for one in findings] == [("federation_ledger", "north", ("run/x",))]


def test_a_damaged_package_leaves_its_satellite_unverified_and_says_why(
    settings: Settings, place: Place, north: Site
) -> None:
    next(Path(settings.lakes()[0].url, "north", "runs").rglob("*.parquet")).write_bytes(b"")
    report = verify_mothership(settings)
    assert report.unverified.keys() == {"north"}
    assert "was changed after it was written" in report.unverified["north"]
    assert report.findings == ()


def test_without_a_mothership_there_is_nothing_to_check(settings: Settings) -> None:
    with pytest.raises(MothershipUnavailable, match="federation sync"):
        verify_mothership(settings)


def test_a_row_that_is_there_twice_is_named(settings: Settings, place: Place, north: Site) -> None:
    if isinstance(place, MariadbPlace):
        with pytest.raises(pymysql.IntegrityError):
            place.alter("INSERT INTO sales_item SELECT * FROM sales_item")
        return
    twice = "INSERT INTO sales_item SELECT * FROM sales_item WHERE name = '0-0' AND satellite = 'south'"
    assert found(settings, place, twice) == [Finding("sales_item", "south", "changed", 1, ("0-0",))]


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
def test_keys_collations_and_indexes_that_were_altered_by_hand_are_named(
    settings: Settings, place: MariadbPlace, north: Site
) -> None:
    (index, *_) = [
        name
        for (name,) in place.rows(
            "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = database() "
            "AND table_name = 'sales_item' AND index_name <> 'PRIMARY'"
        )
    ]
    findings = found(
        settings,
        place,
        f"ALTER TABLE sales_item DROP KEY {index}",
        "ALTER TABLE sales_tax DROP PRIMARY KEY",
        "ALTER TABLE sales_invoice MODIFY customer VARCHAR(140) COLLATE utf8mb4_general_ci",
    )
    told = [(one.table, one.kind) for one in findings]
    assert told == [("sales_invoice", "table"), ("sales_item", "index"), ("sales_tax", "table")]


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
def test_what_is_merged_while_a_check_goes_on_is_no_difference(
    settings: Settings, place: Place, north: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = verifying.verify

    def sync_and_look(*both: Readable) -> list[Finding]:
        monkeypatch.setattr(verifying, "verify", looked)
        north.commit(documents=documents(7, 8))
        merge_satellite(settings, "north")
        findings = list(looked(*both))
        assert findings, "the example is worth something"
        return findings

    monkeypatch.setattr(verifying, "verify", sync_and_look)
    assert found(settings, place) == []
