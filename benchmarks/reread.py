"""Reread: what a nightly full pass costs where nothing has changed, against packaging the same documents.

The pages of `decode` are on the lake already, in a package or compacted. They are decoded and conformed again, and
found as known in every column; the ceiling is to package them once more.

    python -m benchmarks.reread
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.decode import DOCTYPE, decoded, recorded_reading, recorded_schema, rendered_pages
from benchmarks.figure import Figure, show
from federation.conform.page import conform_page
from federation.conform.reading import TableReading
from federation.contract.union import contract_of
from federation.lake.current import compact
from federation.lake.known import KnownDocuments
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk, DocTypeState
from federation.lake.place import LakePlace
from federation.lake.run import LakeRun, new_run_id
from federation.lake.storage import LakeFolder, open_lake

ROWS = 200_000
WANTED = 1.0
"""Of what decoding and conforming the same rows costs: comparing them mustn't cost more."""


def figures() -> Iterator[Figure]:
    """Package all pages, then read them again with the lake as it is and compacted."""
    reading = recorded_reading()
    pages = list(rendered_pages(reading, ROWS))
    with tempfile.TemporaryDirectory() as temporary:
        folder = open_lake(LakePlace(str(Path(temporary))), "north")
        packaged = _packaged(folder, reading, pages)
        yield Figure("decode, conform and package", _per_million(packaged))
        for what in ("packages", "`current`"):
            if what == "`current`":
                yield Figure("compact", _per_million(_compacted(folder)))
            total, comparing = _reread(folder, reading, pages)
            yield Figure(
                f"decode, conform and compare with {what}",
                _per_million(total),
                f"package: {_per_million(packaged)}",
            )
            ratio = comparing / (total - comparing)
            yield Figure(
                "… compare alone",
                f"{_per_million(comparing)}, {ratio:.2f} times",
                f"decode and conform: {_per_million(total - comparing)}",
                f"≤ {WANTED}",
                ratio <= WANTED,
            )


def _packaged(folder: LakeFolder, reading: TableReading, pages: Sequence[bytes]) -> float:
    now = datetime.now(UTC)
    run = LakeRun.open(folder, "rest", new_run_id(now))
    run.describe(recorded_schema())
    started = time.process_time()
    package = run.package(DOCTYPE, batch=1, walk="first", tables=[DOCTYPE])
    for body in pages:
        package.append({DOCTYPE: conform_page(decoded(body, reading), reading).table})
    written = package.finish()
    seconds = time.process_time() - started
    assert written is not None
    run.commit([written], [CompletedWalk("first", DOCTYPE, "changes", now)], {DOCTYPE: DocTypeState(through=now)})
    run.close()
    return seconds


def _compacted(folder: LakeFolder) -> float:
    contract = contract_of(DOCTYPE, [recorded_schema()], keeps=lambda *_: True, hashes=lambda *_: False)
    assert contract is not None
    started = time.process_time()
    compact(folder, CommitLog(folder), contract)
    return time.process_time() - started


def _reread(folder: LakeFolder, reading: TableReading, pages: Sequence[bytes]) -> tuple[float, float]:
    """Seconds of CPU, in all and of comparing and of noting what was seen."""
    started, comparing, unchanged = time.process_time(), 0.0, 0
    run = LakeRun.open(folder, "rest", new_run_id(datetime.now(UTC)))
    package = run.package(DOCTYPE, batch=1, walk="again", tables=[DOCTYPE])
    with KnownDocuments(folder, run.log, DOCTYPE, walk="again") as known:
        for body in pages:
            page = decoded(body, reading)
            table = conform_page(page, reading).table
            before = time.process_time()
            same = known.unchanged({DOCTYPE: table})
            package.add_seen(same, page.observed)
            comparing += time.process_time() - before
            unchanged += len(same)
    before = time.process_time()
    package.finish()
    comparing += time.process_time() - before
    if unchanged != ROWS:
        raise AssertionError(f"{ROWS - unchanged} documents seem to have changed")
    return time.process_time() - started, comparing


def _per_million(seconds: float) -> str:
    return f"{seconds * 1_000_000 / ROWS:.1f} CPU s a million"


if __name__ == "__main__":
    show("Reread", figures())
