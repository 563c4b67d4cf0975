"""Rebuilt from the lake alone, the mothership is the same, whatever happened to it; analysts see the old or the new."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import Event

import pytest
import rebuild_victim
from mothership_sites import FIELDS, INVOICE, ITEM, ORDER, TABLES, TAX, Document, Site, naive
from places import MariadbPlace, Place
from rebuild_world import Content, content, settings_at

from federation.lake.place import LakePlace
from federation.lakes import satellites_on
from federation.merging import merge_satellite, open_mothership, open_reader, publish
from federation.mothership.errors import MothershipUnavailable
from federation.rebuilding import Loss, RebuildReport, RebuiltSatellite, rebuild
from federation.settings.model import Settings

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["federation.mothership.duckdb.replacement", "federation.rebuilding"])

CLASH = "Sales-Invoice"
"""A DocType whose table would be called as another's: whose is whose was settled when they came."""


@dataclass
class Told:
    """What a rebuild tells, and something to do when it says so."""

    on_swapping: Callable[[], None] = lambda: None
    merged_satellites: list[RebuiltSatellite] = field(default_factory=list)

    def merging(self, satellite: str) -> None: ...

    def merged(self, satellite: RebuiltSatellite) -> None:
        self.merged_satellites.append(satellite)

    def swapping(self) -> None:
        self.on_swapping()


@pytest.fixture(autouse=True)
def _aside(place: Place) -> Iterator[None]:
    """On a server a rebuild needs a database of its own, which `federation mothership init` makes."""
    if not isinstance(place, MariadbPlace):
        yield
        return
    place.alter(f'CREATE DATABASE "{place.url.database}_rebuild"')
    yield
    place.alter(f'DROP DATABASE "{place.url.database}_rebuild"')


@pytest.fixture
def settings(tmp_path: Path, place: Place) -> Settings:
    return settings_at(tmp_path, place)


def documents(tick: int, count: int = 4, **values: object) -> list[Document]:
    return [
        Document(f"SINV-{n}", tick, {"customer": f"c{tick}", "total": Decimal(n), "modified": naive(tick), **values},
                 {ITEM: [{"name": f"{n}-{tick}-{row}", "qty": tick} for row in range(2)]})
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def lake(settings: Settings) -> Path:
    """Three satellites, one of them in nobody's settings; all kinds of packages; a walk that is still open."""
    place = Path(settings.lakes()[0].url)
    north = Site(place, "north", {CLASH: {"a": "Data"}, **FIELDS})
    north.commit(CLASH, [Document("first", 1)])
    merge_satellite(settings, "north")
    north.commit(documents=documents(1), aside={"SINV-3": 2}, through=2, compared=1)
    north.commit(ORDER, [Document("SO-1", 3, {}, {ITEM: [{"name": "o", "qty": 1}]})], aliases=[("SO-0", "SO-1", 3)])
    merge_satellite(settings, "north")
    north.describe({CLASH: {"a": "Data"}, **FIELDS, INVOICE: {**FIELDS[INVOICE], "total": "Data", "campus": "Data"}})
    north.commit(documents=documents(4, 2, total="1", campus="West"), gone={"SINV-2": 5})
    patched = {"name": "SINV-0", "observed": naive(5), "modified": naive(4), "campus": "East"}
    north.commit(patches={INVOICE: [patched]})
    north.commit(documents=documents(6, 3, total="1"), walk="open", complete=False)
    fewer, tables = {name: FIELDS[name] for name in (INVOICE, ITEM, TAX)}, {INVOICE: TABLES[INVOICE]}
    south = Site(place, "south", fewer, tables)
    south.commit(documents=documents(2, 3), through=2)
    former = Site(place, "former", fewer, tables)
    former.commit(documents=documents(1, 1))
    for satellite in ("south", "north", "former"):
        merge_satellite(settings, satellite)
    publish(settings, force=True)
    return place


def rebuilt(settings: Settings, **options: bool) -> RebuildReport:
    report = rebuild(settings, Told(), **options)
    assert report.ok, report
    return report


def nothing(place: Place) -> None: ...


def rows_altered(place: Place) -> None:
    place.alter("DELETE FROM sales_invoice_2")
    place.alter("UPDATE sales_item SET qty = 99")
    place.alter("DELETE FROM federation_alias")


def tables_altered(place: Place) -> None:
    place.alter("DROP TABLE sales_item")
    place.alter("ALTER TABLE sales_invoice_2 DROP COLUMN customer")
    place.alter("ALTER TABLE sales_order DROP COLUMN observed")


def system_tables_altered(place: Place) -> None:
    for table in ("federation_ledger", "federation_meta", "federation_freshness"):
        place.alter(f"DROP TABLE {table}")
    place.alter("UPDATE federation_table SET table_name = 'federation_schema' WHERE doctype = 'Sales Tax'")


def newer_version(place: Place) -> None:
    place.alter("UPDATE federation_meta SET version = 99")


HARMS = (nothing, rows_altered, tables_altered, system_tables_altered, newer_version)


@pytest.mark.parametrize("harm", HARMS)
def test_a_rebuild_ends_in_the_same_tables_whatever_was_done_to_them(
    settings: Settings, lake: Path, place: Place, harm: Callable[[Place], None]
) -> None:
    before = content(settings)
    assert len(before["sales_invoice_2"]) == 7
    harm(place)
    report = rebuilt(settings)
    assert content(settings) == before
    assert [one.satellite for one in report.satellites if not one.in_settings] == ["former"]
    (waiting,) = [one for satellite in report.satellites for one in satellite.doctypes if one.waiting]
    assert (waiting.doctype, waiting.waiting) == (INVOICE, 3)
    assert not merge_satellite(settings, "north").merged, "the next sync finds everything merged"


@pytest.mark.parametrize("place", ["duckdb"], indirect=True)
def test_where_the_files_are_damaged_or_gone_they_are_made_again(settings: Settings, lake: Path) -> None:
    before = content(settings)
    file = settings.mothership_file
    writer, log = file.with_name(f"{file.name}.writer"), file.with_name(f"{file.name}.writer.wal")
    writer.write_bytes(b"no database at all")
    log.write_bytes(b"no log either")
    assert "can't be read" in rebuilt(settings).remarks[0]
    assert content(settings) == before
    for harm in (lambda: file.write_bytes(b"no database"), lambda: shutil.rmtree(file.parent / "gone", True)):
        harm()
        writer.unlink()
        assert rebuild(settings, Told()).swapped
        assert same_but_for_clashes(content(settings), before)


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)
def test_where_the_whole_database_was_dropped_it_is_made_again(
    settings: Settings, lake: Path, place: MariadbPlace
) -> None:
    before = content(settings)
    name = place.url.database
    place.alter(f'DROP DATABASE "{name}"')
    with pytest.raises(MothershipUnavailable, match="init"):
        rebuild(settings, Told())
    place.url = place.url.set(database="")
    place.alter(f'CREATE DATABASE "{name}"')
    place.url = place.url.set(database=name)
    rebuilt(settings)
    assert same_but_for_clashes(content(settings), before)


def same_but_for_clashes(after: Content, before: Content) -> bool:
    """The names of two DocTypes that are alike were given in another order, because nobody knows the first any more."""
    names = {row["doctype"]: str(row["table_name"]) for row in after["federation_table"]}
    former = {row["doctype"]: str(row["table_name"]) for row in before["federation_table"]}
    assert names.keys() == former.keys()
    assert after["federation_freshness"] == before["federation_freshness"]
    return all(after[names[doctype]] == before[former[doctype]] for doctype in names)


def test_tables_and_views_of_others_stay(settings: Settings, lake: Path, place: Place) -> None:
    place.alter("CREATE TABLE mine AS SELECT name FROM sales_order")
    place.alter("CREATE VIEW my_orders AS SELECT name FROM sales_order")
    place.alter("DELETE FROM sales_order")
    publish(settings, force=True)
    rebuilt(settings)
    with open_reader(settings) as mothership:
        assert mothership is not None
        for table in ("mine", "my_orders"):
            assert mothership.query(f"SELECT * FROM {table}").read_all().to_pylist() == [{"name": "SO-1"}]


def test_a_damaged_package_is_named_and_the_mothership_stays(settings: Settings, lake: Path, place: Place) -> None:
    before = content(settings)
    folder = next(lake.joinpath("south", "runs").rglob("*sales_invoice*"), None) or lake / "south" / "runs"
    damaged = next(folder.rglob("*.parquet"))
    whole = damaged.read_bytes()
    damaged.write_bytes(b"")
    place.alter("DELETE FROM sales_order")
    publish(settings, force=True)
    report = rebuild(settings, Told())
    assert not report.ok
    assert not report.swapped
    (failed,) = [one for satellite in report.satellites for one in satellite.doctypes if one.error]
    assert "was changed after it was written" in failed.error
    assert (
        content(settings) == {**before, "sales_order": before["sales_order"]} or content(settings)["sales_order"] == []
    )
    assert rebuild(settings, Told(), accept_losses=True).swapped
    assert {row["satellite"] for row in content(settings)["sales_invoice_2"]} == {"north", "former"}
    damaged.write_bytes(whole)
    merge_satellite(settings, "south")
    publish(settings, force=True)
    assert content(settings) == before


def test_what_the_lake_lost_is_named_and_the_mothership_stays(settings: Settings, lake: Path) -> None:
    before = content(settings)
    shutil.rmtree(lake / "former")
    report = rebuild(settings, Told())
    assert not report.swapped
    assert report.lost == (Loss("former", INVOICE, 1),)
    assert content(settings) == before
    report = rebuild(settings, Told(), accept_losses=True)
    assert report.swapped
    assert not report.ok, "the user is told what is gone"
    assert {row["satellite"] for row in content(settings)["sales_invoice_2"]} == {"north", "south"}


def test_what_is_committed_while_a_rebuild_goes_on_is_in_it(settings: Settings, lake: Path) -> None:
    def sync() -> None:
        Site(
            lake, "south", {INVOICE: FIELDS[INVOICE], ITEM: FIELDS[ITEM], TAX: FIELDS[TAX]}, {INVOICE: TABLES[INVOICE]}
        ).commit(documents=documents(9, 1))
        merge_satellite(settings, "south")

    assert rebuild(settings, Told(on_swapping=sync)).ok
    south = [row for row in content(settings)["sales_invoice_2"] if row["satellite"] == "south"]
    assert sorted(str(row["customer"]) for row in south) == ["c2", "c2", "c9"]


def test_a_rebuild_that_is_left_leaves_the_mothership_and_nothing_else(settings: Settings, lake: Path) -> None:
    before = content(settings)

    def leave() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(settings, Told(on_swapping=leave))
    assert content(settings) == before
    rebuilt(settings)
    assert content(settings) == before


def test_only_satellites_with_a_log_are_found_on_the_lake(settings: Settings, lake: Path) -> None:
    (lake / "notes").mkdir()
    (lake / "README.md").write_text("ours")
    assert satellites_on(LakePlace(str(lake))) == ["former", "north", "south"]
    assert satellites_on(LakePlace(str(lake / "nowhere"))) == []


@pytest.mark.parametrize("point", rebuild_victim.POINTS)
def test_killed_at_any_point_a_rebuild_leaves_the_old_or_the_new_and_the_next_one_is_whole(
    settings: Settings, lake: Path, place: Place, tmp_path: Path, point: str
) -> None:
    good = content(settings)
    place.alter("DELETE FROM sales_order")
    with open_mothership(settings, "test") as mothership:
        mothership.publish(force=True)
    harmed = content(settings)
    process = processes.Process(target=rebuild_victim.rebuild_and_die, args=(tmp_path / "federation.yaml", point))
    process.start()
    process.join()
    assert process.exitcode == rebuild_victim.KILLED
    assert content(settings) in (harmed, good)
    merge_satellite(settings, "north")
    rebuilt(settings)
    assert content(settings) == good
    assert not list(tmp_path.rglob("*.rebuild"))


def test_readers_in_a_loop_see_the_old_or_the_new_and_never_an_error(
    settings: Settings, lake: Path, place: Place
) -> None:
    place.alter("UPDATE sales_invoice_2 SET customer = 'edited'")
    place.alter("UPDATE sales_item SET qty = 99")
    place.alter("UPDATE federation_meta SET generation = generation + 1")
    publish(settings, force=True)
    asked = (
        "SELECT count(*) AS n, count(CASE WHEN customer = 'edited' THEN 1 END) AS edited, "
        "count(CASE WHEN qty = 99 THEN 1 END) AS altered FROM sales_invoice_2 AS invoice "
        "JOIN sales_item AS item ON item.satellite = invoice.satellite AND item.parent = invoice.name"
    )
    seen: set[tuple[int, ...]] = set()
    over = Event()

    def read() -> None:
        while not over.is_set():
            with open_reader(settings) as mothership:
                assert mothership is not None
                for _ in range(5):
                    seen.update(zip(*mothership.query(asked).read_all().to_pydict().values(), strict=True))

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        try:
            for _ in range(2):
                rebuilt(settings)
        finally:
            over.set()
    for reader in readers:
        reader.result()
    assert seen <= {(14, 14, 14), (14, 0, 0)}
    assert (14, 0, 0) in seen
