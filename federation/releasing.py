"""Releasing: what an expectation holds back on a lake may be merged from now on, because somebody says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from federation.extract.lock import only_run
from federation.lake.current import read_current
from federation.lake.log import CommitLog
from federation.lake.manifest import Breach
from federation.lake.run import LakeRun, new_run_id
from federation.lakes import lake_folder
from federation.settings.model import Satellite, Settings


@dataclass(frozen=True, slots=True)
class Released:
    """What was let go.

    Attributes:
        packages: how many were held back themselves; what had to wait behind them isn't counted.
        documents: in them.
        breaches: what they don't meet, package by package.
    """

    packages: int
    documents: int
    breaches: tuple[Breach, ...]


def release(settings: Settings, satellite: Satellite, doctype: str) -> Released:
    """Commit to the satellite's lake that nothing of a DocType is held back any more; the next merge takes it.

    It stands on the lake, so a rebuild takes it too. What comes later is judged as ever. Where nothing is held back,
    nothing is committed.

    Raises:
        SatelliteBusy: a run of the satellite is under way.
        LakeError: the lake can't be read or written.
    """
    folder = lake_folder(settings, satellite.name)
    with only_run(settings, satellite):
        log = CommitLog(folder)
        held = [one.package for one in log.since(read_current(folder, doctype).seq).holding(doctype)]
        if held:
            run = LakeRun.open(folder, log.source, new_run_id(datetime.now(UTC)))
            run.commit(released=[doctype])
            run.close()
    breaches = tuple(breach for package in held if package.hold for breach in package.hold.breaches)
    return Released(len(held), sum(package.documents for package in held), breaches)
