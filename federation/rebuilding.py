"""Rebuilding: the mothership is made again from the lakes alone, aside, and takes the place of the live one."""

# ruff: noqa: PLC0415 - of the databases that a mothership may be in, one is imported

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol

from federation.erasure.errors import ErasedMeanwhile
from federation.erasure.register import erasures
from federation.lake.errors import LakeError
from federation.lake.log import CommitLog
from federation.lake.place import LakePlace
from federation.lakes import FoundOnLakes, find_on_lakes
from federation.merging import mariadb_address, merge_log, open_reader, publish, view_databases
from federation.mothership.errors import MothershipError
from federation.mothership.interface import Freshness, MergeReport, Readable
from federation.mothership.replacement import Replacement, is_given
from federation.mothership.sql import listed, literal
from federation.mothership.system_tables import SYSTEM_TABLES
from federation.settings.model import Settings
from federation.settings.mothership_url import rebuild_database

_WHO = "rebuild"
_LEDGER = "SELECT satellite, doctype, package FROM federation_ledger"
_BARE = (
    "nothing lies on its lake {place}, and no mothership says whether anything should. Mount the lake, if that is what "
    "is missing; if it was never synced, go on with --accept-losses."
)
_NAMES = "SELECT doctype, table_name FROM federation_table"


@dataclass(frozen=True, slots=True)
class RebuiltDocType:
    """What a rebuild made of one DocType of one satellite.

    Attributes:
        rows: documents.
        waiting: documents on the lake whose walk is not complete, or that an expectation holds back: they aren't
            merged yet, here or anywhere.
        quarantined: documents set aside.
        as_of: the instant (UTC) as of which the documents are complete; None while the first load lasts.
        error: why nothing more of it was merged; "" where all was.
    """

    doctype: str
    rows: int
    waiting: int
    quarantined: int
    as_of: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class RebuiltSatellite:
    """What a rebuild made of one satellite.

    Attributes:
        in_settings: the settings name it; what is on the lake is taken over in any case.
        error: why nothing more of it was merged; "" where its lake could be read.
        seconds: how long it took.
    """

    satellite: str
    in_settings: bool
    doctypes: tuple[RebuiltDocType, ...]
    error: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Everything that its lake holds was merged."""
        return not self.error and not any(doctype.error for doctype in self.doctypes)


@dataclass(frozen=True, slots=True)
class Loss:
    """Packages that the live mothership has merged and the lake has no more."""

    satellite: str
    doctype: str
    packages: int


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What a rebuild did.

    Attributes:
        swapped: it took the place of the live mothership.
        lost: what the live one had, and the lake hasn't.
        remarks: what else the user should know: a sentence each.
        seconds: how long it took.
    """

    satellites: tuple[RebuiltSatellite, ...]
    swapped: bool
    lost: tuple[Loss, ...]
    remarks: tuple[str, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """All that the live mothership had, or the lake has, is there."""
        return self.swapped and not self.lost and all(satellite.ok for satellite in self.satellites)


class RebuildProgress(Protocol):
    """What is told while a rebuild goes on; what it raises ends the rebuild, and the live mothership stays."""

    def merging(self, satellite: str) -> None:
        """Its packages begin to be merged."""

    def merged(self, satellite: RebuiltSatellite) -> None:
        """They are; what is committed until the swap follows then."""

    def swapping(self) -> None:
        """Other writers wait from now on, for a moment."""


def rebuild(settings: Settings, progress: RebuildProgress, *, accept_losses: bool = False) -> RebuildReport:
    """Make the mothership again from what is on the lake, and put it in the place of the live one.

    Syncs go on meanwhile. Every satellite that has a log on a lake is taken over, in the settings or not. A rebuild
    that was killed leaves the live mothership as it was, or as the new one; the next begins anew.

    Args:
        settings: they name the lakes and the mothership.
        progress: is told what goes on.
        accept_losses: swap although something of the lakes could not be read or merged, or the live mothership has
            merged what the lakes have no more; by default it stays then.

    Raises:
        LakeError: no lake can be listed.
        ErasedMeanwhile: documents were erased after they were merged; the live mothership stays.
        MothershipError: the database refused; the live mothership stays.
    """
    began = monotonic()
    names, remarks = _names_given(settings)
    with open_replacement(settings, names) as replacement:
        work = _Work(settings, replacement)
        found = find_on_lakes(settings)
        for satellite in found.satellites:
            progress.merging(satellite)
            progress.merged(work.merge(satellite, found))
        progress.swapping()
        with replacement.alone():
            found = find_on_lakes(settings)
            _require_any(found)
            rebuilt = tuple(work.merge(satellite, found) for satellite in found.satellites)
            work.require_unerased(found)
            lost = work.lost(rebuilt)
            rebuilt += work.unproven(found)
            work.remarks.update(dict.fromkeys(map(_unlisted, found.unlisted)))
            swapped = accept_losses or not (lost or found.unlisted or any(not satellite.ok for satellite in rebuilt))
            if swapped:
                work.remarks.update(dict.fromkeys(replacement.swap()))
    if swapped:
        publish(settings, force=True)
    return RebuildReport(rebuilt, swapped, lost, (*remarks, *work.remarks), round(monotonic() - began, 3))


class _Work:
    """A rebuild under way.

    Attributes:
        remarks: sentences, in the order in which they came up.
    """

    def __init__(self, settings: Settings, replacement: Replacement) -> None:
        self.remarks: dict[str, None] = {}
        self._settings = settings
        self._mothership = replacement.mothership
        self._live_is_known = True
        self._logs: dict[str, CommitLog] = {}
        self._seconds: dict[str, float] = {}
        self._erasures: dict[str, int] = {}

    def merge(self, satellite: str, found: FoundOnLakes) -> RebuiltSatellite:
        """Merge what is not merged yet of a satellite."""
        began = monotonic()
        report, error = MergeReport(), ""
        if satellite in found.folders and satellite not in self._erasures:
            self._erasures[satellite] = erasures(found.folders[satellite])
        try:
            if (trouble := found.troubles.get(satellite)) is not None:
                raise trouble
            log = self._logs.setdefault(satellite, CommitLog(found.folders[satellite]))
            report = merge_log(self._settings, self._mothership, log)
        except LakeError as refused:
            error = str(refused)
        self.remarks.update(dict.fromkeys(report.remarks))
        self._seconds[satellite] = self._seconds.get(satellite, 0.0) + monotonic() - began
        fresh = {row.doctype: row for row in self._mothership.freshness() if row.satellite == satellite}
        failed = {doctype: str(reason) for doctype, reason in report.failed.items()}
        return RebuiltSatellite(
            satellite,
            satellite in self._settings.satellites,
            tuple(_rebuilt(name, fresh.get(name), failed.get(name, "")) for name in sorted({*fresh, *failed})),
            error,
            round(self._seconds[satellite], 3),
        )

    def require_unerased(self, found: FoundOnLakes) -> None:
        """Stop where documents were erased since their satellite began to be merged; writers must wait meanwhile.

        Raises:
            ErasedMeanwhile: that is so.
        """
        for satellite, before in self._erasures.items():
            if satellite in found.folders and erasures(found.folders[satellite]) != before:
                raise ErasedMeanwhile(satellite)

    def lost(self, rebuilt: Iterable[RebuiltSatellite]) -> tuple[Loss, ...]:
        """Return which packages the live mothership has merged that the lake hasn't, but for those that failed."""
        try:
            with _live(self._settings) as live:
                self._live_is_known = live is not None
                had = _packages(live) if live else frozenset()
        except MothershipError as error:
            self._live_is_known = False
            self.remarks[
                f"What the live mothership had merged can't be told, so nothing was held against it: {error}"
            ] = None
            return ()
        named = {
            (satellite.satellite, doctype.doctype)
            for satellite in rebuilt
            for doctype in satellite.doctypes
            if doctype.error
        }
        unread = {satellite.satellite for satellite in rebuilt if satellite.error}
        gone = Counter(
            (satellite, doctype)
            for satellite, doctype, _ in had - _packages(self._mothership)
            if satellite not in unread and (satellite, doctype) not in named
        )
        return tuple(Loss(*which, packages) for which, packages in sorted(gone.items()))

    def unproven(self, found: FoundOnLakes) -> tuple[RebuiltSatellite, ...]:
        """Return the satellites of empty lakes where no live mothership says what lay there; `lost` was called."""
        if self._live_is_known:
            return ()
        bare = {place for place in self._settings.lakes() if place not in {*found.unlisted, *found.occupied}}
        return tuple(
            RebuiltSatellite(name, True, (), _BARE.format(place=self._settings.lake_of(name)), 0.0)
            for name in self._settings.satellites
            if self._settings.lake_of(name) in bare and name not in found.satellites
        )


def _require_any(found: FoundOnLakes) -> None:
    """Stop where nothing is left to make a mothership of: an empty one would take the place of the live one."""
    if not found.folders and found.unlisted:
        raise next(iter(found.unlisted.values()))


def _unlisted(place: LakePlace) -> str:
    return f"The lake {place} can't be listed, so it is not known which satellites outside the settings lie there."


def _rebuilt(doctype: str, fresh: Freshness | None, error: str) -> RebuiltDocType:
    if fresh is None:
        return RebuiltDocType(doctype, 0, 0, 0, None, error)
    return RebuiltDocType(doctype, fresh.rows, fresh.waiting, fresh.quarantined, fresh.as_of, error)


def _packages(mothership: Readable) -> frozenset[tuple[str, str, str]]:
    """Return (satellite, DocType, package) of the ledger: one entry a package, however many rows it has."""
    columns = mothership.query(_LEDGER).read_all().columns
    return frozenset(zip(*(column.to_pylist() for column in columns), strict=True))


def _names_given(settings: Settings) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return DocType → table as analysts know it, and what stands in the way of knowing it."""
    try:
        with _live(settings) as live:
            rows = live.query(_NAMES).read_all().to_pylist() if live else []
    except MothershipError as error:
        return {}, (f"The names of the live mothership's tables can't be told, so they were given anew: {error}",)
    names = {row["doctype"]: row["table_name"] for row in rows if is_given(row["doctype"], row["table_name"])}
    changed = sorted(str(row["table_name"]) for row in rows if row["table_name"] not in names.values())
    return names, tuple(f"federation_table was altered by hand: {table} was given anew." for table in changed)


@contextmanager
def _live(settings: Settings) -> Iterator[Readable | None]:
    """Open what analysts see, whole or not; None where there is nothing of ours."""
    if settings.mothership.engine == "duckdb":
        with open_reader(settings) as published:
            yield published
        return
    from federation.mothership.mariadb.reader import MariadbReader

    with MariadbReader(mariadb_address(settings)) as live:
        names = listed(literal(table.name) for table in SYSTEM_TABLES)
        asked = "SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name IN"
        yield live if live.query(f"{asked} ({names})").read_all().num_rows else None


def open_replacement(settings: Settings, names: Mapping[str, str]) -> Replacement:
    """Return a mothership that is made aside; enter it to begin.

    Args:
        settings: they name the mothership whose place it is to take.
        names: DocType → table, as they were given.
    """
    if settings.mothership.engine == "duckdb":
        from federation.mothership.duckdb.database import DuckdbLimits
        from federation.mothership.duckdb.replacement import DuckdbReplacement

        limits = DuckdbLimits(publish_seconds=settings.publish_seconds)
        return DuckdbReplacement(settings.mothership_file, who=_WHO, names=names, limits=limits)
    from federation.mothership.mariadb.address import MariadbLimits
    from federation.mothership.mariadb.replacement import MariadbReplacement

    return MariadbReplacement(
        mariadb_address(settings),
        rebuild_database(str(settings.mothership.url.database)),
        who=_WHO,
        names=names,
        limits=MariadbLimits(),
        indexes=settings.mothership.indexes,
        shown=view_databases(settings),
    )
