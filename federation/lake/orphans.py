"""Orphans: files that a run left on the lake and that no manifest names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from federation.lake.log import CommitLog
from federation.lake.manifest import FencedRun, Manifest
from federation.lake.storage import LakeFolder

_SUSPECT_FOR: Final = timedelta(days=1)
"""A fenced run may live on elsewhere and write, until its next commit tells it to end. So long it is looked after."""


def fenced_runs(before: Manifest | None, now: datetime) -> tuple[FencedRun, ...]:
    """Return the runs that a run opening at `now` has to clean up after, given the commit `before` it.

    Only the run that wrote that commit can be unclosed and not yet known as such: any other lost the log before.
    """
    if before is None:
        return ()
    suspects = tuple(run for run in before.fenced if now - run.fenced_at < _SUSPECT_FOR)
    if before.stage == "closing":
        return suspects
    return (*suspects, FencedRun(before.run_id, before.opened, now))


def remove_orphans(log: CommitLog, fenced: Iterable[FencedRun]) -> None:
    """Remove what fenced runs left unnamed; what their commits name stays for ever."""
    for run in fenced:
        remove_unnamed(log.folder, run.run_id, _named_by(log, run))
    log.folder.remove_partial_files()


def remove_unnamed(folder: LakeFolder, run_id: str, named: Iterable[str]) -> None:
    """Remove the files of a run that are not among `named`."""
    found = folder.files(f"runs/{run_id}")
    if found:
        keep = set(named)
        for path in found:
            if path not in keep:
                folder.delete(path)


def _named_by(log: CommitLog, run: FencedRun) -> Iterator[str]:
    """The files that the run's commits name; reads nothing unless the run left any file."""
    for manifest in log.read(run.opened - 1):
        if manifest.run_id != run.run_id:
            return
        for package in manifest.packages:
            yield from (file.path for file in package.files)
