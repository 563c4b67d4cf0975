"""Killed on DuckDB: whatever instruction a run dies at, the next one ends in the tables of an undisturbed one."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from decimal import Decimal
from pathlib import Path

import mothership_victim
import pytest
from kill_world import PERSON, first_of_everything, invoices, more_of_everything
from mothership_sites import FIELDS, Document, Site, ask, merge
from places import DuckdbPlace

from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.published import PublishedMothership
from federation.mothership.system_tables import META, SYSTEM_TABLES

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["federation.mothership.duckdb.mothership", "federation.lake.run"])

STEPS = 170
"""More than a run takes: the last ones finish undisturbed."""


def prepared(folder: Path) -> Path:
    """A mothership that is published once, and a lake with more to merge: every kind of change."""
    site = Site(folder / "lake", fields={**FIELDS, PERSON: {}})
    file = folder / "var" / "mothership.duckdb"
    first_of_everything(site)
    site.commit(PERSON, [Document("Ada", 1)])
    with DuckdbMothership(file, who="test") as mothership:
        mothership.merge(site.log, mothership_victim.KeepAll())
        mothership.publish(force=True)
    more_of_everything(site)
    return file


def run(file: Path, steps: int = 0) -> int | None:
    lake = file.parent.parent / "lake"
    process = processes.Process(target=mothership_victim.merge_and_publish, args=(file, lake, steps))
    process.start()
    process.join()
    return process.exitcode


def published(file: Path) -> list[dict[str, object]]:
    """Every row of every table, but for instants of merging and counts of publications."""
    with PublishedMothership(file) as opened:
        system = [table.name for table in SYSTEM_TABLES if table != META]
        asked = {table: f"FROM {table} ORDER BY ALL" for table in (*sorted(opened.tables().values()), *system)}
        for table in ("federation_ledger", "federation_freshness"):
            asked[table] = f"SELECT * EXCLUDE (merged_at) FROM {table} ORDER BY ALL"
        asked["comments"] = "SELECT table_name, column_name, comment FROM duckdb_columns() ORDER BY ALL"
        return [row for sql in asked.values() for row in opened.query(sql).read_all().to_pylist()]


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[dict[str, object]], list[dict[str, object]]]:
    """The folder before the run; what is published before and after it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    before = prepared(folder / "before")
    shutil.copytree(folder / "before", folder / "after")
    after = folder / "after" / "var" / before.name
    assert run(after) == 0
    return folder, published(before), published(after)


@pytest.mark.parametrize("first", [1, 3, 5])
def test_a_run_killed_at_any_statement_is_made_up_for_by_the_next(
    undisturbed: tuple[Path, list[dict[str, object]], list[dict[str, object]]], tmp_path: Path, first: int
) -> None:
    folder, before, after = undisturbed
    code = None
    for steps in range(first, STEPS, 6):
        shutil.copytree(folder / "before", tmp_path / str(steps))
        file = tmp_path / str(steps) / "var" / "mothership.duckdb"
        code = run(file, steps)
        assert published(file) in (before, after), f"half a load is seen after step {steps}"
        if code == 0:
            break
        assert code == mothership_victim.KILLED
        assert run(file) == 0, f"after step {steps}"
        assert published(file) == after, f"after step {steps}"
        shutil.rmtree(tmp_path / str(steps))
    assert code == 0, "the run is longer than the test thinks"


def test_a_writer_killed_from_outside_frees_the_mothership_for_the_next(file: Path, tmp_path: Path) -> None:
    site = Site(tmp_path / "lake")
    for tick in range(1, 4):
        site.commit(documents=invoices(tick, 200, total=Decimal(tick)))
    process = processes.Process(target=mothership_victim.merge_in_turn, args=(file, tmp_path / "lake", "north", 10_000))
    process.start()
    while not file.exists():
        assert process.is_alive()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    merge(DuckdbPlace(file), site)
    assert ask(DuckdbPlace(file), "SELECT DISTINCT customer FROM sales_invoice") == [{"customer": "3"}]
    assert ask(DuckdbPlace(file), "SELECT count(*) AS n FROM sales_item") == [{"n": 400}]
