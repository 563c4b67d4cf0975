"""Anew: the writer's file written once more from its rows, so that no byte stays of those that were removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from federation.mothership.duckdb.database import WriterDatabase, explained
from federation.mothership.duckdb.sql import without_progress_bar
from federation.mothership.sql import literal

_MEMORY = "512MB"


def write_anew(database: WriterDatabase) -> None:
    """Copy all that is in the writer's file into a new one, which takes its place; tables of others come along.

    What killed writers, publications and rebuilds left beside the file goes too: it may hold what was removed.

    Raises:
        MothershipUnavailable: there is no room for the copy; the file stays as it was.
    """
    with database.at_rest() as written, explained("write anew", str(written)):
        copy = written.with_name(f"{written.name}.anew")
        for left in (copy, _log_of(copy), database.file.with_name(f"{database.file.name}.publishing")):
            left.unlink(missing_ok=True)
        spill = f"{copy}.spill"
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "threads": 1,
            "temp_directory": spill,
            "preserve_insertion_order": False,
        }
        with duckdb.connect(config=settings) as raw:
            connection = without_progress_bar(raw)
            connection.execute(f"ATTACH {literal(str(written))} AS live (READ_ONLY)")
            connection.execute(f"ATTACH {literal(str(copy))} AS made")
            connection.execute("COPY FROM DATABASE live TO made")
            connection.execute("CHECKPOINT made")
        _sync(copy)
        # Killed behind this line, the file is whole: its write-ahead log was empty, and the copy has none.
        _log_of(written).unlink(missing_ok=True)
        copy.replace(written)
        _sync(written.parent)
        for folder in (spill, f"{written}.spill", f"{database.file}.scratch"):
            shutil.rmtree(folder, ignore_errors=True)
        _remove_rebuild(Path(f"{database.file}.rebuild"))


def _remove_rebuild(folder: Path) -> None:
    """A rebuild under way finds by itself that it must begin anew."""
    try:
        with FileLock(f"{folder}.lock", timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
