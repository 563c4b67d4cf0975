"""Merging into MariaDB: others in the same database, servers that refuse or break down, and who reads meanwhile."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest
from disturbance import Disturbance, disturbance
from mothership_sites import FIELDS, INVOICE, ITEM, ORDER, Document, KeepAll, Site, ask, content, merge
from places import DuckdbPlace, MariadbPlace

from federation.lake.log import CommitLog
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.interface import Mothership
from federation.mothership.mariadb import ddl
from federation.mothership.mariadb.address import MariadbLimits
from federation.mothership.mariadb.bench import bench, with_room
from federation.mothership.mariadb.driver import MariadbDriver
from federation.mothership.mariadb.mothership import MariadbMothership
from tests.services import mariadb
from tests.services.service import for_test


def load(site: Site, tick: int, rows: int = 3, **values: object) -> None:
    site.commit(
        documents=[
            Document(f"SINV-{n}", tick, {"customer": f"{tick:03}"} | values,
                     {ITEM: [{"name": f"{n}-{tick}-{row}", "qty": tick} for row in range(2)]})
            for n in range(rows)
        ],
        through=tick,
    )  # fmt: skip


def customers(place: MariadbPlace) -> set[object]:
    return {row["customer"] for row in ask(place, "SELECT customer FROM sales_invoice")}


@pytest.fixture
def disturbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disturbance]:
    with disturbance(monkeypatch) as made:
        yield made


@contextmanager
def meanwhile(work: threading.Thread) -> Iterator[None]:
    work.start()
    try:
        yield
    finally:
        work.join()


def test_the_writer_keeps_to_the_interface_and_has_nothing_to_publish(mariadb_place: MariadbPlace, site: Site) -> None:
    load(site, 1)
    writer: Mothership = MariadbMothership(mariadb_place.address, who="test")
    with writer:
        report = writer.merge(site.log, KeepAll())
        assert report.remarks == ()
        assert writer.publish(force=True) is False
        assert writer.tables() == {
            "Sales Invoice": "sales_invoice",
            "Sales Item": "sales_item",
            "Sales Tax": "sales_tax",
        }
        (fresh,) = writer.freshness()
        assert (fresh.satellite, fresh.doctype, fresh.rows) == ("north", INVOICE, 3)
        assert writer.cursor("north", "rest") == report.cursor


# Others in the same database


OTHERS = ("sales_invoice", "_documents", "_graves", "_child_rows", "_kept", "_found", "_aside", "_patch", "my notes")


def test_tables_of_others_are_left_alone_whatever_they_are_called(mariadb_place: MariadbPlace, site: Site) -> None:
    for table in OTHERS:
        mariadb_place.alter(f'CREATE TABLE "{table}" (name VARCHAR(10), mine INT)')
        mariadb_place.alter(f"INSERT INTO \"{table}\" VALUES ('SINV-0', 7)")
    mariadb_place.alter("CREATE VIEW sales_item AS SELECT 1 AS mine")
    load(site, 1)
    site.commit(gone={"SINV-2": 2}, aside={"SINV-9": 2})
    merge(mariadb_place, site)
    load(site, 3)
    site.commit(documents=[Document("SINV-1", 4)], without=["total"], gone={"SINV-0": 4})
    (report,) = merge(mariadb_place, site)
    assert report.failed == {}
    with mariadb_place.writer() as mothership:
        assert mothership.tables() == {INVOICE: "sales_invoice_2", ITEM: "sales_item_2", "Sales Tax": "sales_tax"}
    assert [row["name"] for row in ask(mariadb_place, "SELECT name FROM sales_invoice_2 ORDER BY name")] == [
        "SINV-1",
        "SINV-2",
    ]
    for table in OTHERS:
        assert mariadb_place.rows(f'SELECT * FROM "{table}"') == [("SINV-0", 7)]
    assert mariadb_place.rows("SELECT * FROM sales_item") == [(1,)]


@pytest.mark.parametrize(
    "harm",
    ["MODIFY idx SMALLINT", "DROP PRIMARY KEY", "MODIFY name VARCHAR(140) CHARACTER SET ascii COLLATE ascii_bin"],
)
def test_a_table_altered_by_hand_is_named_and_costs_its_doctype_only(
    mariadb_place: MariadbPlace, site: Site, harm: str
) -> None:
    load(site, 1)
    merge(mariadb_place, site)
    mariadb_place.alter(f"ALTER TABLE sales_invoice {harm}")
    load(site, 2)
    site.commit(ORDER, [Document("SO-1", 2)])
    (report,) = merge(mariadb_place, site)
    assert [result.doctype for result in report.merged] == [ORDER]
    assert "sales_invoice was altered by hand" in str(report.failed[INVOICE])
    assert mariadb_place.rows("SELECT DISTINCT customer FROM sales_invoice") == [("001",)]


# Accounts and settings of the server


def account(place: MariadbPlace, *privileges: str) -> MariadbPlace:
    """The same place, by an account that may do so much there."""
    name, database = f"u{place.url.database}"[:30], place.url.database
    place.alter(f"CREATE OR REPLACE USER {name}@'%' IDENTIFIED BY 'secret-of-the-test'")
    place.alter(f"GRANT {', '.join(privileges)} ON `{database}`.* TO {name}@'%'".replace("`", '"'))
    return MariadbPlace(str(place.url.set(username=name, password="secret-of-the-test").render_as_string(False)))


def test_an_account_that_may_only_read_is_refused_with_what_it_needs(mariadb_place: MariadbPlace, site: Site) -> None:
    load(site, 1)
    with pytest.raises(MothershipUnavailable, match=r"CREATE command denied.*federation mothership init"):
        merge(account(mariadb_place, "SELECT"), site)


def test_a_privilege_that_is_missing_in_the_middle_of_a_merge_costs_nothing(
    mariadb_place: MariadbPlace, site: Site
) -> None:
    load(site, 1)
    merge(mariadb_place, site)
    load(site, 2)
    some = ("SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "INDEX", "CREATE TEMPORARY TABLES")
    with pytest.raises(MothershipUnavailable, match=r"DELETE command denied.*federation mothership init") as caught:
        merge(account(mariadb_place, *some), site)
    assert "secret-of-the-test" not in f"{caught.value}{caught.value!r}"
    assert customers(mariadb_place) == {"001"}
    merge(account(mariadb_place, *some, "DELETE", "DROP"), site)
    assert customers(mariadb_place) == {"002"}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mariadb.Instance]:
    """A server of these tests' own, to be broken."""
    for_test(mariadb.running)
    folder = tmp_path_factory.mktemp("server")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    with mariadb.throwaway(folder) as running:
        yield running


@pytest.fixture
def own(instance: mariadb.Instance) -> MariadbPlace:
    """A database there."""
    return MariadbPlace(mariadb.fresh_database(instance.server).url)


def test_without_local_infile_everything_is_merged_as_well_and_the_report_says_why_it_took_longer(
    instance: mariadb.Instance, own: MariadbPlace, site: Site, tmp_path: Path
) -> None:
    instance.server.ask("SET GLOBAL local_infile = 0")
    try:
        load(site, 1, rows=50)
        site.commit(aside={"x": 1}, gone={"y": 1}, aliases=[("old", "SINV-1", 1)])
        (report,) = merge(own, site)
        assert "local_infile" in report.remarks[0]
        load(site, 2, rows=30, total=Decimal("1.5"))
        merge(own, site)
        (report,) = merge(own, site)
        assert report.remarks == ()
    finally:
        instance.server.ask("SET GLOBAL local_infile = 1")
    twin = DuckdbPlace(tmp_path / "twin.duckdb")
    merge(twin, site)
    assert content(own) == content(twin)


@pytest.mark.parametrize(
    ("statement", "after"), [("LOAD DATA", False), ("LOAD DATA", True), ("COMMIT", False), ("COMMIT", True)]
)
def test_a_server_that_breaks_down_in_the_middle_of_a_merge_and_comes_back_ends_with_it_merged_once(
    instance: mariadb.Instance, own: MariadbPlace, site: Site, disturbed: Disturbance, statement: str, *, after: bool
) -> None:
    restarts: list[threading.Thread] = []

    def break_down(_: MariadbDriver) -> None:
        instance.kill()
        restarts.append(threading.Thread(target=instance.start))
        restarts[0].start()

    load(site, 1)
    with MariadbMothership(own.address, who="test", limits=MariadbLimits(tries=20)) as mothership:
        mothership.merge(CommitLog(site.folder), KeepAll())
        load(site, 2)
        # The first COMMIT of this merge: its schema and its tables are known.
        disturbed.set(statement, break_down, after=after)
        report = mothership.merge(CommitLog(site.folder), KeepAll())
        assert disturbed.happened
    restarts[0].join()
    (result,) = report.merged
    assert (result.inserted, result.updated, result.rows, report.failed) == (0, 3, 3, {})
    assert customers(own) == {"002"}
    assert ask(own, "SELECT count(*) AS n FROM federation_ledger") == [{"n": 2}]
    assert ask(own, "SELECT DISTINCT qty FROM sales_item") == [{"qty": 2}]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own under a folder; skipped where this user can't mount one."""
    command = ("mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", folder)
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("rows", [1_500, 4_000], ids=["for documents", "for child rows"])
def test_a_full_disk_is_told_costs_nothing_and_is_made_up_for(
    instance: mariadb.Instance, own: MariadbPlace, site: Site, rows: int
) -> None:
    """MariaDB says that the table is full, or dies of it: where it has no room to undo what it did («out of disk space
    in rollback»), it ends itself, and takes it back when it is started again."""
    ((data,),) = own.rows("SELECT @@datadir")
    with small_disk(Path(str(data), str(own.url.database)), "6m") as disk:
        load(site, 1)
        merge(own, site)
        load(site, 2, rows=rows, total=Decimal(1), customer="x" * 1_000 if rows == 1_500 else "y")
        with (
            pytest.raises(MothershipUnavailable, match=r"full.*Make room on the disk|Can't connect"),
            MariadbMothership(own.address, who="test", limits=MariadbLimits(tries=2)) as mothership,
        ):
            mothership.merge(CommitLog(site.folder), KeepAll())
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        if not instance.alive():
            instance.start()
        assert customers(own) == {"001"}
        assert ask(own, "SELECT count(*) AS n FROM federation_ledger") == [{"n": 1}]
        merge(own, site)
        assert ask(own, "SELECT count(*) AS n FROM sales_invoice") == [{"n": rows}]
        assert ask(own, "SELECT count(*) AS n, min(qty) AS least FROM sales_item") == [{"n": 2 * rows, "least": 2}]
        for (table,) in own.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = database()"):
            own.alter(f'DROP TABLE "{table}"')


# Others who read and write meanwhile


def test_a_deadlock_with_somebody_else_only_makes_a_merge_begin_again(
    mariadb_place: MariadbPlace, site: Site, disturbed: Disturbance
) -> None:
    load(site, 1)
    merge(mariadb_place, site)
    load(site, 2)
    waits = (
        "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%meta%'"
    )
    with mariadb_place.connected() as other, other.cursor() as cursor:
        cursor.execute("CREATE TABLE heavy (n INT PRIMARY KEY)")
        cursor.execute("BEGIN")
        # Who has done more is spared.
        cursor.execute("INSERT INTO heavy SELECT seq FROM seq_1_to_5000")
        cursor.execute("SELECT * FROM federation_meta FOR UPDATE")
        merging = threading.Thread(target=merge, args=(mariadb_place, site))
        with meanwhile(merging):
            while mariadb_place.rows(waits) == [(0,)]:
                # The server looks anew for who asks seldom only.
                time.sleep(0.2)
                assert merging.is_alive()
            cursor.execute("UPDATE sales_invoice SET idx = 5 WHERE name = 'SINV-1'")
            cursor.execute("ROLLBACK")
    assert customers(mariadb_place) == {"002"}
    begun = [statement for statement in disturbed.statements if statement == "BEGIN"]
    assert disturbed.statements.count("ROLLBACK") == 1
    assert len(begun) >= 2


READ = (
    "SELECT min(customer), max(customer), count(DISTINCT invoice.name), min(qty), max(qty), count(*) "
    "FROM sales_invoice AS invoice LEFT JOIN sales_item AS item "
    "ON item.satellite = invoice.satellite AND item.parent = invoice.name"
)


def read_again_and_again(place: MariadbPlace, stop: threading.Event, seen: list[tuple[object, ...]]) -> None:
    with place.connected() as connection, connection.cursor() as cursor:
        while not stop.is_set():
            try:
                cursor.execute(READ)
                seen += cursor.fetchall()
            except pymysql.Error as error:
                seen.append((error,))
                return


def test_readers_in_a_loop_see_old_or_new_never_part_and_never_an_error(
    mariadb_place: MariadbPlace, site: Site
) -> None:
    """While rows are replaced, a column is added, one gets longer and one becomes text by a rewritten table."""
    load(site, 1, rows=50)
    merge(mariadb_place, site)
    stop = threading.Event()
    seen: list[list[tuple[object, ...]]] = [[], []]
    readers = [threading.Thread(target=read_again_and_again, args=(mariadb_place, stop, each)) for each in seen]
    with meanwhile(readers[0]), meanwhile(readers[1]):
        try:
            for tick in range(2, 9):
                if tick == 4:
                    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
                if tick == 6:
                    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data", "total": "Data"}})
                load(site, tick, rows=50, **({"campus": "x" * 200} if tick == 5 else {}))
                (report,) = merge(mariadb_place, site)
                assert report.failed == {}
        finally:
            stop.set()
    assert all(len(rows) > 7 for rows in seen)
    for row in {row for rows in seen for row in rows}:
        least, most, invoices, least_qty, most_qty, items = row
        assert (least, invoices, items) == (most, 50, 100)
        assert int(str(least)) == least_qty == most_qty


def test_who_reads_in_a_transaction_sees_one_state_and_delays_no_merge(mariadb_place: MariadbPlace, site: Site) -> None:
    load(site, 1)
    merge(mariadb_place, site)
    with mariadb_place.connected() as reader, reader.cursor() as cursor:
        cursor.execute("START TRANSACTION READ ONLY")
        cursor.execute(READ)
        before = cursor.fetchall()
        load(site, 2)
        merge(mariadb_place, site)
        cursor.execute(READ)
        assert cursor.fetchall() == before
        cursor.execute("COMMIT")
    assert customers(mariadb_place) == {"002"}


def test_a_new_column_waits_for_who_reads_in_a_transaction(mariadb_place: MariadbPlace, site: Site) -> None:
    load(site, 1)
    merge(mariadb_place, site)
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    load(site, 2, campus="West")
    with mariadb_place.connected() as reader, reader.cursor() as cursor:
        cursor.execute("START TRANSACTION READ ONLY")
        cursor.execute(READ)
        ending = threading.Timer(1, lambda: cursor.execute("COMMIT"))
        with meanwhile(ending):
            (report,) = merge(mariadb_place, site)
    assert report.failed == {}
    assert ask(mariadb_place, "SELECT DISTINCT campus FROM sales_invoice") == [{"campus": "West"}]


def test_who_never_stops_reading_is_named_and_costs_the_doctype_only(
    mariadb_place: MariadbPlace, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(site, 1)
    merge(mariadb_place, site)
    site.describe({**FIELDS, INVOICE: {**FIELDS[INVOICE], "campus": "Data"}})
    load(site, 2, campus="West")
    site.commit(ORDER, [Document("SO-1", 2)])
    with mariadb_place.connected() as reader, reader.cursor() as cursor, monkeypatch.context() as patient:
        patient.setitem(ddl.ddl.__kwdefaults__, "retry_seconds", 0.5)
        cursor.execute("START TRANSACTION READ ONLY")
        cursor.execute(READ)
        (report,) = merge(mariadb_place, site)
        assert [result.doctype for result in report.merged] == [ORDER]
        assert f"connection {reader.thread_id()} (admin@" in str(report.failed[INVOICE])
        assert cursor.execute(READ)
        cursor.execute("COMMIT")
    (report,) = merge(mariadb_place, site)
    assert [result.doctype for result in report.merged] == [INVOICE]
    assert customers(mariadb_place) == {"002"}


# The bench


def test_reading_that_needs_more_memory_gets_it() -> None:
    asked = []

    def work(memory_mb: int) -> int:
        asked.append(memory_mb)
        with bench(memory_mb) as opened:
            return opened.count("SELECT length(list(range)) FROM range(20_000_000)")

    assert with_room(work) == 20_000_000
    assert asked == sorted(asked)
    assert len(asked) > 1
