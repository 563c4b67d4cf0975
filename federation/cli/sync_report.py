"""Sync report: what a sync did for each DocType of each satellite; its shape is the JSON of `sync --json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from federation.drift.changes import Change
from federation.extract.outcome import DocTypeOutcome
from federation.mothership.interface import MergeResult
from federation.sync import SatelliteOutcome


@dataclass(frozen=True, slots=True)
class Merged:
    """What the mothership took over of a DocType, packages of earlier runs included.

    Attributes:
        inserted, updated, deleted: documents.
        rows: documents that the mothership has of the satellite now.
    """

    inserted: int
    updated: int
    deleted: int
    rows: int


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation that some rows don't meet.

    Attributes:
        doctype, fieldname: what is judged; of a child table, the child's.
        rule: what is expected, and why.
        failing, rows: rows that don't meet it, and rows judged, in this run.
    """

    doctype: str
    fieldname: str
    rule: str
    failing: int
    rows: int


@dataclass(frozen=True, slots=True)
class SyncedDocType:
    """What a sync did for one DocType of one satellite; the JSON of `doctypes`.

    Attributes:
        status: changed, unchanged or failed; merged, where only packages of earlier runs were taken over.
        documents, tombstones, quarantined, patched: how many were committed to the lake; `patched` counts rows in
            which only some columns were set.
        read, unchanged: documents that the site sent, and those among them that the lake had already.
        pending: documents that moved while they were read; the next run reads them again.
        strays: child rows of documents that nobody asked for.
        hidden: names that the site counts and doesn't return.
        refused: fields that the site left out without a word.
        one_by_one: child tables that the site lists for nobody, so that each document is read on its own.
        held: packages that aren't merged until `federation release` lets them in.
        unmet: expectations that some of its rows don't meet.
        followed, held_back: what the site changed about the DocType and is read by now, and what the settings freeze.
        through: as of when the DocType is complete (UTC), null where this run didn't complete it.
        seconds: of the walk.
        merged: null where nothing waited to be merged, or nothing was.
        error: why it was not read, or not merged; "" unless failed.
        withheld: groups of an aggregate that have too few documents to be told.
    """

    doctype: str
    status: Literal["changed", "unchanged", "failed", "merged"]
    documents: int
    tombstones: int
    quarantined: int
    patched: int
    read: int
    unchanged: int
    pending: int
    strays: int
    hidden: tuple[str, ...]
    refused: tuple[str, ...]
    one_by_one: tuple[str, ...]
    held: int
    unmet: tuple[Unmet, ...]
    followed: tuple[Change, ...]
    held_back: tuple[Change, ...]
    through: datetime | None
    seconds: float
    merged: Merged | None
    error: str
    withheld: int

    @property
    def needs_a_look(self) -> bool:
        """Something of it could not be brought."""
        return bool(self.error or self.quarantined or self.held or self.hidden or self.refused or self.held_back)

    @property
    def is_quiet(self) -> bool:
        """Nothing happened that a reader would look for."""
        odd = self.pending or self.hidden or self.refused or self.followed or self.held_back
        return self.status == "unchanged" and not (odd or self.merged)


@dataclass(frozen=True, slots=True)
class SyncedSatellite:
    """What a sync did for one satellite; the JSON of `satellites`.

    Attributes:
        ok: nothing failed, and nobody interrupted it.
        interrupted: the user stopped it; the next run goes on from its last commit.
        error: why it failed as a whole; "" where it didn't.
        remarks: what the mothership's administrator should know, of the merge.
    """

    satellite: str
    ok: bool
    interrupted: bool
    error: str
    remarks: tuple[str, ...]
    seconds: float
    doctypes: tuple[SyncedDocType, ...]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did; the JSON of `federation sync --json`.

    Attributes:
        published: analysts see a newer mothership than before.
        error: why what was merged could not be published; "" where it could.
        interrupted: the user stopped it; the next run goes on from there.
    """

    satellites: tuple[SyncedSatellite, ...]
    published: bool
    error: str
    interrupted: bool
    seconds: float

    @property
    def ok(self) -> bool:
        """Nothing failed."""
        return not self.error and all(satellite.ok for satellite in self.satellites)


def synced_satellite(
    outcome: SatelliteOutcome, seconds: Mapping[str, float], *, interrupted: bool = False
) -> SyncedSatellite:
    """Return the report of one satellite, its DocTypes by name.

    Args:
        outcome: what extraction and merge made of it.
        seconds: DocType → duration of its walk.
        interrupted: the user stopped it.
    """
    read = {one.doctype: one for one in outcome.doctypes}
    merged = {one.doctype: one for one in outcome.merged.merged}
    failed = outcome.merged.failed
    return SyncedSatellite(
        outcome.satellite,
        outcome.ok and not interrupted,
        interrupted,
        outcome.error,
        outcome.merged.remarks,
        round(outcome.seconds, 3),
        tuple(
            _synced_doctype(
                read.get(name) or DocTypeOutcome(name, "unchanged"),
                merged.get(name),
                str(failed.get(name, "")),
                seconds.get(name, 0.0),
            )
            for name in sorted(read.keys() | merged.keys() | failed.keys())
        ),
    )


def _synced_doctype(
    read: DocTypeOutcome, merged: MergeResult | None, merge_error: str, seconds: float
) -> SyncedDocType:
    error = " ".join(filter(None, (read.error, merge_error)))
    return SyncedDocType(
        read.doctype,
        "failed" if error else "merged" if merged and read.status == "unchanged" else read.status,
        read.documents,
        read.tombstones,
        read.quarantined,
        read.patched,
        read.read,
        read.unchanged,
        read.pending,
        read.strays,
        read.hidden,
        read.refused,
        read.one_by_one,
        read.held,
        tuple(
            Unmet(rule.doctype, rule.fieldname, rule.reason, result.failing, result.rows)
            for report in read.reports.values()
            for result in report.failed
            for rule in (result.expectation,)
        ),
        read.drift.followed,
        read.drift.held_back,
        read.through,
        round(seconds, 3),
        Merged(merged.inserted, merged.updated, merged.deleted, merged.rows) if merged else None,
        error,
        read.withheld,
    )
