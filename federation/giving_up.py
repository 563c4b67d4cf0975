"""Giving up: versions that were set aside leave the quarantine for good, by a commit on the satellite's lake."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from federation.extract.lock import only_run
from federation.lake.dropped import AsideVersion, versions_aside
from federation.lake.log import CommitLog
from federation.lake.manifest import CompletedWalk
from federation.lake.packages import DROPPED_SCHEMA
from federation.lake.run import LakeRun, new_run_id
from federation.lakes import lake_folder
from federation.settings.model import Satellite, Settings


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What became of documents that were to be given up.

    Attributes:
        dropped: their versions left the quarantine with this commit, or had left it before.
        newer: the lake has a later version in quarantine than the one that was meant, so it stays.
    """

    dropped: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()


def give_up(settings: Settings, satellite: Satellite, doctype: str, meant: Mapping[str, datetime]) -> GivenUp:
    """Commit that versions of documents leave the quarantine; the mothership follows with the next merge.

    What was accepted before stays. A document comes back when it changes on its site and is rejected again.

    Args:
        settings: where the lake is.
        satellite: whose documents.
        doctype: their DocType.
        meant: name → when the version that is meant was seen (UTC).

    Raises:
        SatelliteBusy: a run of the satellite is under way.
        LakeError: the lake can't be read or written.
    """
    with only_run(settings, satellite):
        folder = lake_folder(settings, satellite.name)
        found = versions_aside(folder, CommitLog(folder), doctype, list(meant))
        newer = {name for name, version in found.items() if version.observed > meant[name]}
        leaving = {name: version for name, version in found.items() if name not in newer}
        if leaving:
            run = LakeRun.open(folder, "rest", new_run_id(datetime.now(UTC)))
            try:
                _commit(run, doctype, leaving)
            finally:
                run.close()
    return GivenUp(tuple(name for name in meant if name not in newer), tuple(name for name in meant if name in newer))


def _commit(run: LakeRun, doctype: str, leaving: Mapping[str, AsideVersion]) -> None:
    walk = f"drop-{uuid.uuid4().hex[:12]}"
    writer = run.package(doctype, batch=1, walk=walk, tables=())
    try:
        writer.add_dropped(pa.Table.from_pylist(list(_rows(leaving)), DROPPED_SCHEMA))
        package = writer.finish()
    except BaseException:
        writer.abort()
        raise
    through = run.state(doctype).through or datetime.now(UTC)
    run.commit([package] if package else [], [CompletedWalk(walk, doctype, "drop", through)])


def _rows(leaving: Mapping[str, AsideVersion]) -> Iterator[dict[str, object]]:
    for name, version in leaving.items():
        yield {"name": name, "observed": version.observed.replace(tzinfo=None), "digest": version.digest}
