"""Publish: what was written in private becomes the file that analysts open, at once and whole."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from federation.mothership.duckdb.database import WriterDatabase, explained
from federation.mothership.duckdb.published import generation_of


def publish(database: WriterDatabase, *, seconds: float) -> bool:
    """Copy the writer's file to where analysts look, unless they have all of it already.

    The generation in the published file says what they have, so a publication that was killed is made up for by the
    next one. Who has the old file open goes on reading it.

    Args:
        database: the open writer.
        seconds: leave it to a later call while the last publication is younger.

    Raises:
        MothershipUnavailable: the copy can't be written; the last publication stays.
    """
    generation = database.connection.run("SELECT generation FROM federation_meta")[0][0]
    if generation_of(database.file) == generation or _age(database.file) < seconds:
        return False
    with database.at_rest() as written, explained("publish", str(database.file)):
        # On the same file system, under one name: what a killed publication left is overwritten by the next.
        copy = database.file.with_name(f"{database.file.name}.publishing")
        shutil.copyfile(written, copy)
        _sync(copy)
        copy.replace(database.file)
        _sync(database.file.parent)
    return True


def _age(file: Path) -> float:
    """Seconds since a file was written; a file that isn't there is as old as can be."""
    try:
        return max(0.0, time.time() - file.stat().st_mtime)
    except FileNotFoundError:
        return float("inf")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
