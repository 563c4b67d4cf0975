"""Merging: from the settings to the mothership: merge what waits on a satellite's lake, publish, and look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from federation.lake.log import CommitLog
from federation.lake.storage import open_lake
from federation.mothership.duckdb.database import DuckdbLimits
from federation.mothership.duckdb.mothership import DuckdbMothership
from federation.mothership.duckdb.published import PublishedMothership
from federation.mothership.interface import Freshness, MergeReport, Mothership
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings


@dataclass(frozen=True, slots=True)
class PublicationState:
    """How far the published copy may be behind, told without opening either file.

    Attributes:
        written_at: when the writer last wrote (UTC), None where nothing was ever merged.
        published_at: when analysts were last shown something new (UTC), None where they never were.
    """

    written_at: datetime | None
    published_at: datetime | None


def open_mothership(settings: Settings, who: str) -> Mothership:
    """Return the writer of the mothership that the settings name; enter it to write.

    Args:
        settings: they name the mothership.
        who: who writes, for those who wait meanwhile: "sync of north".
    """
    limits = DuckdbLimits(publish_seconds=settings.publish_seconds)
    return DuckdbMothership(settings.mothership_file, who=who, limits=limits)


def merge_satellite(settings: Settings, satellite: str) -> MergeReport:
    """Merge what is pending of one satellite, and publish if the last publication is old enough.

    Raises:
        LakeError: the satellite's log can't be read.
        MothershipError: the mothership can't be written; what was merged before stays.
    """
    log = CommitLog(open_lake(settings.lake, satellite))
    with open_mothership(settings, f"sync of {satellite}") as mothership:
        report = mothership.merge(log, FleetPolicy(settings))
        mothership.publish()
        return report


def publish(settings: Settings, *, force: bool) -> bool:
    """Show analysts what was merged; return whether there was anything new to show.

    Raises:
        MothershipError: the copy can't be written.
    """
    with open_mothership(settings, "publication") as mothership:
        return mothership.publish(force=force)


def publication_state(settings: Settings) -> PublicationState:
    """Return how far the published copy may be behind; no writer waits for it."""
    file = settings.mothership_file
    return PublicationState(_newest(file.with_name(f"{file.name}.writer")), _newest(file))


def freshness(settings: Settings) -> tuple[Freshness, ...]:
    """Return as of when each satellite and DocType is complete, as analysts are told; () before the first publication.

    Raises:
        MothershipError: the mothership can't be read.
    """
    if not settings.mothership_file.is_file():
        return ()
    with PublishedMothership(settings.mothership_file) as mothership:
        return tuple(mothership.freshness())


def _newest(file: Path) -> datetime | None:
    """When a database was last written, its write-ahead log included."""
    files = [each for each in (file, file.with_name(f"{file.name}.wal")) if each.exists()]
    return max((datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in files), default=None)
