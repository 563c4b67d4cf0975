"""Accepting: what a site changed and the settings hold back is let in, by a commit on the satellite's lake."""

from __future__ import annotations

from datetime import UTC, datetime

from federation.drift.changes import Change
from federation.drift.following import held_back, release
from federation.drift.words import told
from federation.extract.lock import only_run
from federation.lake.log import CommitLog
from federation.lake.run import LakeRun, new_run_id
from federation.lake.schemas import read_schema
from federation.lakes import lake_folder
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Satellite, Settings


def accept_changes(settings: Settings, satellite: Satellite, doctype: str) -> tuple[Change, ...]:
    """Let in what is held back of a DocType and its child DocTypes, and return it; () where nothing is.

    The next run that reads the DocType follows the description that is accepted here, whatever the settings freeze
    later, and brings new fields to older documents. No site is asked.

    Raises:
        SatelliteBusy: a run of the satellite is under way.
        LakeError: its lake can't be read or written.
    """
    with only_run(settings, satellite):
        folder = lake_folder(settings, satellite.name)
        newest = CommitLog(folder).newest()
        if newest is None or not newest.schema:
            return ()
        schema = read_schema(folder, newest.schema)
        waiting = held_back(schema, doctype)
        if waiting:
            run = LakeRun.open(folder, "rest", new_run_id(datetime.now(UTC)))
            # Another machine may have committed meanwhile; from here on it can't.
            schema = run.schema or schema
            waiting = held_back(schema, doctype)
            run.describe(release(schema, doctype))
            run.close()
    keeps = FleetPolicy(settings).keeps
    return tuple(told(change, satellite.name, schema.told[change.doctype], keeps) for change in waiting)
