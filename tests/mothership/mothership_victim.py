"""Processes for the tests of the mothership: one that merges and is killed on its way, and some that wait or read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from mothership_sites import KeepAll, Site

from federation.mothership.duckdb import publish as publishing
from federation.mothership.duckdb.database import WriterDatabase
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.published import PublishedMothership
from federation.mothership.duckdb.sql import DuckdbConnection

KILLED = 9


class Fuse:
    """Kills the process at its n-th step, as a power cut would: nothing is closed, flushed or rolled back."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.lit = False

    def step(self) -> None:
        self.left -= self.lit
        if self.lit and self.left == 0:
            os._exit(KILLED)


class FusedConnection:
    """A real connection; each statement that may change something is a step."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, fuse: Fuse) -> None:
        self._connection = connection
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name not in ("execute", "executemany"):
            return method

        def stepping(statement: str, *values: Any) -> Any:
            if not statement.startswith(("SELECT", "FROM")):
                self._fuse.step()
            return method(statement, *values)

        return stepping


def fused(fuse: Fuse, work: Callable[..., Any]) -> Callable[..., Any]:
    def stepping(*arguments: Any) -> Any:
        fuse.step()
        return work(*arguments)

    return stepping


def torn_copy(fuse: Fuse, source: Path, target: Path) -> None:
    """Copy a file with a step when half of it is written."""
    with source.open("rb") as whole, target.open("wb") as part:
        part.write(whole.read(source.stat().st_size // 2))
        part.flush()
        fuse.step()
        shutil.copyfileobj(whole, part)


def merge_and_publish(file: Path, lake: Path, steps: int) -> None:
    """Merge and publish, and be killed at a step; 0 is never."""
    fuse = Fuse(steps)
    connect = WriterDatabase._connect
    WriterDatabase._connect = lambda database: DuckdbConnection(FusedConnection(connect(database).raw, fuse))  # type: ignore[assignment]
    publishing.shutil.copyfile = lambda source, target: torn_copy(fuse, source, target)  # type: ignore[assignment]
    publishing._sync = fused(fuse, publishing._sync)
    with DuckdbMothership(file, who="victim") as mothership:
        fuse.lit = True
        report = mothership.merge(Site(lake).log, KeepAll())
        assert not report.failed, report.failed
        mothership.publish(force=True)


def merge_in_turn(file: Path, lake: Path, satellite: str, times: int) -> None:
    """Open the mothership again and again for a document each time, as competing runs do."""
    site = Site(lake, satellite)
    for _ in range(times):
        with DuckdbMothership(file, who=satellite) as mothership:
            assert not mothership.merge(site.log, KeepAll()).failed
            mothership.publish(force=True)


def read_again_and_again(file: Path, stop: Any, halves: Any) -> None:
    """Count publications in which one table was ahead of the other."""
    while not stop.is_set():
        with PublishedMothership(file) as published:
            rows = published.query(
                "SELECT min(customer) AS least, max(customer) AS most, count(DISTINCT invoice.name) AS invoices, "
                "min(qty) AS least_qty, max(qty) AS most_qty, count(*) AS items "
                "FROM sales_invoice AS invoice FULL JOIN sales_item AS item ON item.parent = invoice.name"
            ).read_all()
        (row,) = rows.to_pylist()
        whole = (
            row["least"] == row["most"] and row["least_qty"] == row["most_qty"] and row["items"] == 2 * row["invoices"]
        )
        if not whole:
            halves.value += 1
