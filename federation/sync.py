"""Sync: one satellite from its site to the mothership, and where it looked deep the lake compacted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from connectors.frappe import FrappeError
from federation.compaction import compact_satellite
from federation.extract.errors import ExtractError
from federation.extract.outcome import DocTypeOutcome, Progress
from federation.extract.satellite import RunOptions, extract
from federation.lake.errors import LakeError
from federation.merging import merge_satellite
from federation.merging_beside import MergingBeside
from federation.mothership.errors import MothershipError
from federation.mothership.interface import MergeReport
from federation.settings.model import Satellite, Settings


@dataclass(frozen=True, slots=True)
class SatelliteOutcome:
    """What one sync did for one satellite.

    Attributes:
        doctypes: what was read, in the order in which it ended.
        merged: what the mothership took over, earlier commits included.
        error: why the satellite failed as a whole; "" where it didn't.
        seconds: how long it took.
    """

    satellite: str
    doctypes: tuple[DocTypeOutcome, ...]
    merged: MergeReport
    error: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Nothing failed: neither the satellite nor one of its DocTypes."""
        unread = any(outcome.status == "failed" for outcome in self.doctypes)
        return not (self.error or unread or self.merged.failed)


def sync_satellite(
    settings: Settings,
    satellite: Satellite,
    options: RunOptions,
    progress: Progress,
    merging: Callable[[str], None] = lambda _: None,
) -> SatelliteOutcome:
    """Bring one satellite up to date; its failure is an outcome, so that others go on.

    Args:
        merging: told the satellite's name when its packages begin to be merged.

    Raises:
        SettingsError: a secret can't be had; nothing was started.
    """
    started = monotonic()
    ended: list[DocTypeOutcome] = []
    merged = MergeReport()
    errors: list[str] = []
    with MergingBeside(settings, satellite.name) as beside:
        try:
            for outcome in extract(settings, satellite, options, progress):
                ended.append(outcome)
                beside.ended(outcome)
        except (FrappeError, ExtractError, LakeError) as error:
            errors.append(str(error))
    try:
        merging(satellite.name)
        merged = beside.with_last(merge_satellite(settings, satellite.name))
    except (LakeError, MothershipError) as error:
        errors.append(str(error))
    if options.depth != "changes":
        errors.extend(_compact(settings, satellite))
    return SatelliteOutcome(satellite.name, tuple(ended), merged, " ".join(errors), monotonic() - started)


def _compact(settings: Settings, satellite: Satellite) -> list[str]:
    """Return what failed; the mothership has what it needs already."""
    try:
        return [str(failure) for failure in compact_satellite(settings, satellite)]
    except (ExtractError, LakeError) as error:
        return [str(error)]
