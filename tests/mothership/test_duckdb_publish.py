"""Publishing: analysts see whole loads only, writers queue, and nothing is copied for nothing."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from pathlib import Path

import duckdb
import mothership_victim
import pyarrow as pa
import pytest
from mothership_sites import ITEM, Document, KeepAll, Site, at, merge
from places import DuckdbPlace

from federation.mothership.duckdb.database import DuckdbLimits, WriterDatabase
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.published import PublishedMothership
from federation.mothership.duckdb.sql import DuckdbConnection
from federation.mothership.errors import MothershipBusy, MothershipNewer, MothershipUnavailable, QueryFailed
from federation.mothership.interface import Mothership, Readable
from federation.mothership.system_tables import VERSION

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["federation.mothership.duckdb.mothership", "federation.lake.run"])


def load(site: Site, tick: int, rows: int = 3) -> None:
    site.commit(
        documents=[
            Document(f"SINV-{n}", tick, {"customer": f"{tick:03}"},
                     {ITEM: [{"name": f"{n}-{tick}-{row}", "qty": tick} for row in range(2)]})
            for n in range(rows)
        ],
        through=tick,
    )  # fmt: skip


def customers(reader: Readable) -> set[object]:
    return {row["customer"] for row in reader.query("SELECT customer FROM sales_invoice").read_all().to_pylist()}


def test_merged_rows_show_once_they_are_published(file: Path, site: Site) -> None:
    load(site, 1)
    merge(DuckdbPlace(file), site)
    with pytest.raises(MothershipUnavailable, match="nothing was published yet"):
        PublishedMothership(file)
    with DuckdbMothership(file, who="test") as mothership:
        assert mothership.publish(force=True)
    with PublishedMothership(file) as published:
        assert customers(published) == {"001"}
        assert published.tables() == {
            "Sales Invoice": "sales_invoice",
            "Sales Item": "sales_item",
            "Sales Tax": "sales_tax",
        }
        (fresh,) = published.freshness()
        assert (fresh.satellite, fresh.doctype, fresh.rows, fresh.as_of) == ("north", "Sales Invoice", 3, at(1))


def test_nothing_new_is_not_published_again_and_a_young_publication_waits(file: Path, site: Site) -> None:
    limits = DuckdbLimits(publish_seconds=3_600)
    load(site, 1)
    with DuckdbMothership(file, who="test", limits=limits) as mothership:
        mothership.merge(site.log, KeepAll())
        assert mothership.publish()
        assert not mothership.publish(force=True)
        load(site, 2)
        mothership.merge(site.log, KeepAll())
        assert not mothership.publish()
        with PublishedMothership(file) as published:
            assert customers(published) == {"001"}
        os.utime(file, (0, 0))
        assert mothership.publish()
    with PublishedMothership(file) as published:
        assert customers(published) == {"002"}


def test_a_publication_that_was_damaged_or_deleted_is_made_again(file: Path, site: Site) -> None:
    load(site, 1)
    merge(DuckdbPlace(file), site)
    with DuckdbMothership(file, who="test") as mothership:
        assert mothership.publish()
        for harm in (file.unlink, lambda: file.write_bytes(b"no database")):
            harm()
            assert mothership.publish(force=True)
            with PublishedMothership(file) as published:
                assert customers(published) == {"001"}


def test_an_open_reader_keeps_what_it_opened_and_the_next_one_sees_what_is_new(file: Path, site: Site) -> None:
    load(site, 1)
    merge(DuckdbPlace(file), site)
    with DuckdbMothership(file, who="test") as mothership:
        mothership.publish(force=True)
    process = (
        processes.Process(target=mothership_victim.merge_and_publish, args=(file, site.folder.uri(".."), 0))
        if False
        else None
    )
    assert process is None
    with PublishedMothership(file) as published:
        load(site, 2)
        with DuckdbMothership(file, who="test") as mothership:
            mothership.merge(site.log, KeepAll())
            assert mothership.publish(force=True)
            assert not mothership.publish(force=True)
        with PublishedMothership(file) as later:
            assert customers(later) == {"002"}
        assert customers(published) == {"001"}


def test_a_reader_in_a_loop_never_sees_half_a_load(file: Path, site: Site, tmp_path: Path) -> None:
    load(site, 1, rows=50)
    mothership_victim.merge_in_turn(file, tmp_path / "lake", "north", 1)
    stop, halves = processes.Event(), processes.Value("i", 0)
    reader = processes.Process(target=mothership_victim.read_again_and_again, args=(file, stop, halves))
    reader.start()
    for tick in range(2, 8):
        load(site, tick, rows=50)
        mothership_victim.merge_in_turn(file, tmp_path / "lake", "north", 1)
    stop.set()
    reader.join()
    assert (reader.exitcode, halves.value) == (0, 0)


def test_writers_of_two_processes_queue_and_lose_nothing(file: Path, tmp_path: Path) -> None:
    sites = [Site(tmp_path / "lake", name) for name in ("north", "south")]
    for site in sites:
        load(site, 1)
    writers = [
        processes.Process(target=mothership_victim.merge_in_turn, args=(file, tmp_path / "lake", site.satellite, 4))
        for site in sites
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    with PublishedMothership(file) as published:
        assert {fresh.satellite: fresh.rows for fresh in published.freshness()} == {"north": 3, "south": 3}


def test_a_writer_that_waits_too_long_says_who_it_waits_for(file: Path) -> None:
    limits = DuckdbLimits(lock_seconds=0.1)
    with (
        DuckdbMothership(file, who="sync of north"),
        pytest.raises(MothershipBusy, match=r"sync of south waited 0\.1 s .* held by sync of north \(process \d+ on"),
    ):
        DuckdbMothership(file, who="sync of south", limits=limits).__enter__()
    with DuckdbMothership(file, who="sync of south", limits=limits):
        pass


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM sales_invoice",
        "CREATE TABLE x (a INT)",
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY sales_invoice TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.db'",
        "SELECT nothing FROM nowhere",
        "",
    ],
)
def test_an_analyst_reads_the_mothership_and_nothing_else(file: Path, site: Site, sql: str) -> None:
    load(site, 1)
    mothership_victim.merge_in_turn(file, Path(site.folder.uri("x")).parent.parent, "north", 1)
    with PublishedMothership(file) as published:
        with pytest.raises(QueryFailed, match="The query was refused"):
            published.query(sql)
        assert customers(published) == {"001"}


def test_a_query_streams_its_result_in_batches(file: Path, site: Site) -> None:
    load(site, 1)
    merge(DuckdbPlace(file), site)
    with DuckdbMothership(file, who="test") as mothership:
        mothership.publish(force=True)
    with PublishedMothership(file) as published:
        reader = published.query("SELECT range AS n FROM range(100000)")
        assert isinstance(reader, pa.RecordBatchReader)
        assert max(batch.num_rows for batch in reader) < 20_000


def test_a_mothership_of_a_later_version_is_left_alone(file: Path, site: Site) -> None:
    merge(DuckdbPlace(file), site)
    with DuckdbMothership(file, who="test") as mothership:
        mothership._database.connection.run("UPDATE federation_meta SET version = 99")
    with pytest.raises(MothershipNewer, match=rf"has version 99 .* this program knows {VERSION}"):
        merge(DuckdbPlace(file), site)


def test_a_file_that_is_no_database_is_named(file: Path) -> None:
    file.parent.mkdir()
    file.with_name("mothership.duckdb.writer").write_text("not a database at all, but long enough to look at" * 100)
    with pytest.raises(MothershipUnavailable, match=r"could not open .*mothership\.duckdb\.writer"):
        DuckdbMothership(file, who="test").__enter__()


def test_work_that_needs_more_memory_gets_it_up_to_the_limit(file: Path) -> None:
    hungry = "SELECT length(list(range)) FROM range(12_000_000)"
    for limit, enough in ((4_096, True), (128, False)):
        database = WriterDatabase(file, "test", DuckdbLimits(memory_mb=limit)).open()
        try:
            if enough:
                assert database.with_room(lambda connection: connection.run(hungry)) == [(12_000_000,)]
            else:
                with pytest.raises(duckdb.OutOfMemoryException):
                    database.with_room(lambda connection: connection.run(hungry))
        finally:
            database.close()


@pytest.mark.parametrize(("limit", "rows"), [(96, 1_000), (4_096, 41_000)])
def test_a_commit_that_runs_out_of_memory_leaves_nothing_behind(file: Path, limit: int, rows: int) -> None:
    def columns(first: int, count: int) -> str:
        values = ", ".join(f"{first} + range + {number} AS c{number}" for number in range(150))
        return f"SELECT {values} FROM range({count})"

    def insert(connection: DuckdbConnection) -> None:
        with connection.transaction():
            connection.run(f"INSERT INTO wide {columns(1_000, 40_000)}")

    database = WriterDatabase(file, "test", DuckdbLimits(memory_mb=limit)).open()
    try:
        database.connection.run(f"CREATE TABLE wide AS {columns(0, 1_000)}")
        with suppress(duckdb.TransactionException):
            database.with_room(insert)
        with database.at_rest():
            pass
        counted = "SELECT count(*), count(DISTINCT c0), count(DISTINCT c149), max(c7) FROM wide"
        assert database.connection.run(counted) == [(rows, rows, rows, rows + 6)]
    finally:
        database.close()


def test_the_writer_and_the_published_copy_keep_to_the_interface(file: Path, site: Site) -> None:
    load(site, 1)
    writer: Mothership = DuckdbMothership(file, who="test")
    with writer:
        writer.merge(site.log, KeepAll())
        writer.publish(force=True)
        reader: Readable = PublishedMothership(file)
        assert reader.freshness() == writer.freshness()
        assert reader.tables() == writer.tables()
