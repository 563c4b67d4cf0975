"""Replay: somebody asks for documents that were set aside to be read and judged again; the next run does it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from msgspec.structs import replace

from federation.extract.lock import only_run
from federation.lake.log import CommitLog
from federation.lake.run import LakeRun, new_run_id
from federation.lake.standing import names_set_aside
from federation.lakes import lake_folder
from federation.settings.model import Satellite, Settings


def ask_replay(
    settings: Settings, satellite: Satellite, doctype: str, names: Collection[str] | None = None
) -> list[str]:
    """Commit to the satellite's lake that documents are to be read anew, and return which; nothing where none is aside.

    Few names become pending. For all of a DocType the lake forgets by what they were judged, as if the rules had
    changed, so that a commit never grows with them.

    Args:
        settings: the settings.
        satellite: whose documents.
        doctype: theirs.
        names: those wanted; None for all that are set aside. Names that aren't set aside are passed over.

    Raises:
        SatelliteBusy: a run of the satellite is under way.
        LakeError: the lake can't be read or written.
    """
    folder = lake_folder(settings, satellite.name)
    with only_run(settings, satellite):
        aside = names_set_aside(folder, CommitLog(folder), doctype)
        chosen = aside if names is None else [name for name in aside if name in set(names)]
        if not chosen:
            return []
        run = LakeRun.open(folder, "rest", new_run_id(datetime.now(UTC)))
        state = run.state(doctype)
        if names is None:
            asked = replace(state, rejected_by="")
        else:
            pending = tuple(dict.fromkeys([*state.position.pending, *chosen]))
            asked = replace(state, position=replace(state.position, pending=pending))
        run.note({doctype: asked})
        run.close()
    return chosen
