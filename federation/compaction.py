"""Compaction: the `current` dataset of every DocType of a satellite is brought up to its log."""

from __future__ import annotations

from federation.contract.union import contract_of
from federation.extract.lock import only_run
from federation.lake.current import compact
from federation.lake.errors import CompactionFailed
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.lakes import lake_folder
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Satellite, Settings


def compact_satellite(settings: Settings, satellite: Satellite) -> tuple[CompactionFailed, ...]:
    """Compact what a satellite has on the lake; return what failed, where the dataset before stays.

    Raises:
        SatelliteBusy: a run of the satellite is under way.
        LakeError: the log can't be read, or the lake can't be written.
    """
    failures: list[CompactionFailed] = []
    with only_run(settings, satellite):
        folder = lake_folder(settings, satellite.name)
        log = CommitLog(folder)
        newest = log.newest()
        if newest is None or not newest.schema:
            return ()
        schema = read_schema(folder, newest.schema)
        policy = FleetPolicy(settings)
        for doctype in sorted(newest.doctypes):
            contract = contract_of(doctype, [schema], keeps=policy.keeps, hashes=policy.hashes)
            if contract is None:
                continue
            try:
                compact(folder, log, contract)
            except CompactionFailed as error:
                failures.append(error)
    return tuple(failures)
