"""Merging: from the settings to the mothership: merge what waits on a satellite's lake, publish, and look.

Of the databases that a mothership may be in, the one that the settings name is imported when it is opened.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from federation.erasure.recognition import require_none_back
from federation.erasure.register import read_suppression
from federation.lake.log import CommitLog
from federation.lakes import lake_folder
from federation.mothership.interface import Freshness, MergeReport, Mothership, Readable
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings
from federation.settings.mothership_url import jurisdiction_database

if TYPE_CHECKING:
    from federation.mothership.mariadb.address import MariadbAddress


@dataclass(frozen=True, slots=True)
class PublicationState:
    """How far the published copy may be behind, told without opening either file.

    Attributes:
        written_at: when the writer last wrote (UTC), None where nothing was ever merged, or needs to be published.
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
    if settings.mothership.engine == "duckdb":
        from federation.mothership.duckdb.database import DuckdbLimits
        from federation.mothership.duckdb.mothership import DuckdbMothership

        limits = DuckdbLimits(publish_seconds=settings.publish_seconds)
        return DuckdbMothership(settings.mothership_file, who=who, limits=limits)
    from federation.mothership.mariadb.mothership import MariadbMothership

    return MariadbMothership(
        mariadb_address(settings),
        who=who,
        indexes=settings.mothership.indexes,
        jurisdictions=view_databases(settings),
    )


@contextmanager
def open_reader(settings: Settings) -> Iterator[Readable | None]:
    """Open the mothership as analysts see it; None where nothing was merged, or published, yet.

    Raises:
        SettingsError: the password can't be had.
        MothershipError: it can't be read.
    """
    if settings.mothership.engine == "duckdb":
        if not settings.mothership_file.exists():
            yield None
            return
        from federation.mothership.duckdb.published import PublishedMothership

        with PublishedMothership(settings.mothership_file) as published:
            yield published
        return
    from federation.mothership.mariadb.reader import MariadbReader

    with MariadbReader(mariadb_address(settings)) as mothership:
        yield mothership if _is_made(mothership) else None


def mariadb_address(settings: Settings) -> MariadbAddress:
    """Return where a mothership on MariaDB is, with the account that writes.

    Raises:
        SettingsError: the password can't be had.
    """
    from federation.mothership.mariadb.address import MariadbAddress

    mothership = settings.mothership
    return MariadbAddress(mothership.url, mothership.secret(), mothership.ca)


def view_databases(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the database of each jurisdiction's views on MariaDB → the satellites that it shows."""
    home = str(settings.mothership.url.database)
    return {
        jurisdiction_database(home, jurisdiction): satellites
        for jurisdiction, satellites in settings.jurisdictions().items()
    }


def merge_satellite(settings: Settings, satellite: str) -> MergeReport:
    """Merge what is pending of one satellite, and publish if the last publication is old enough.

    Raises:
        LakeError: the satellite's log can't be read, or isn't the one that was merged so far.
        MothershipError: the mothership can't be written; what was merged before stays.
    """
    log = CommitLog(lake_folder(settings, satellite))
    with open_mothership(settings, f"sync of {satellite}") as mothership:
        report = merge_log(settings, mothership, log)
        mothership.publish()
        return report


def merge_log(settings: Settings, mothership: Mothership, log: CommitLog) -> MergeReport:
    """Merge what is pending of a satellite's log, unless it would bring erased documents back.

    Raises:
        ErasedCameBack: it would.
        SettingsError: documents were erased, and the key can't be had.
        LakeError: the log can't be read.
        MothershipError: the mothership can't be written.
    """
    require_none_back(log, read_suppression(settings, log.folder), mothership.cursor(log.folder.satellite, log.source))
    return mothership.merge(log, FleetPolicy(settings, "mothership"))


def publish(settings: Settings, *, force: bool) -> bool:
    """Show analysts what was merged; return whether there was anything new to show.

    Raises:
        MothershipError: the copy can't be written.
    """
    with open_mothership(settings, "publication") as mothership:
        return mothership.publish(force=force)


def publication_state(settings: Settings) -> PublicationState:
    """Return how far the published copy may be behind; no writer waits for it."""
    if settings.mothership.engine == "mariadb":
        # What is merged is seen when its transaction is committed.
        return PublicationState(None, None)
    file = settings.mothership_file
    return PublicationState(_newest(file.with_name(f"{file.name}.writer")), _newest(file))


def freshness(settings: Settings) -> tuple[Freshness, ...]:
    """Return as of when each satellite and DocType is complete, as analysts are told; () before the first publication.

    Raises:
        MothershipError: the mothership can't be read.
    """
    with open_reader(settings) as mothership:
        return () if mothership is None else tuple(mothership.freshness())


def _is_made(mothership: Readable) -> bool:
    """Return whether there are tables of ours in a database that is there."""
    asked = "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = 'federation_meta'"
    return bool(mothership.query(asked).read_all().num_rows)


def _newest(file: Path) -> datetime | None:
    """When a database was last written, its write-ahead log included."""
    files = [each for each in (file, file.with_name(f"{file.name}.wal")) if each.exists()]
    return max((datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in files), default=None)
