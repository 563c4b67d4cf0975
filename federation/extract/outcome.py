"""Outcome: what a run did for each DocType, for the command, Dagster and the log to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from federation.lake.manifest import Package
from federation.quality import ValidationReport

Status = Literal["changed", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class DocTypeOutcome:
    """What one run did for one DocType of one satellite.

    Attributes:
        status: changed (packages were committed), unchanged, or failed (nothing moved; the next run tries again).
        documents, tombstones, quarantined, patched: how many of each were committed; `patched` counts rows in which
            a few columns were set.
        read: documents that the site sent.
        unchanged: documents that the site sent and the lake had already, so that no package holds them.
        pending: names that moved while they were read; the next run reads them again.
        strays: rows that came twice, and child rows of documents that nobody asked for; ignored.
        hidden: names that lists don't return although the site counts them: no tombstone without proof.
        refused: fields that the site left out of its answers without a word.
        one_by_one: child tables that the site lists for nobody, so that each document is read on its own.
        packages: what was committed.
        through: as of when the DocType is complete (UTC); None where this run didn't complete it.
        error: what happened, to what, and what to do; "" unless failed.
        reports: DocType (own and child) → what its expectations said of this run's rows.
        data_docs: where Great Expectations' page about them stands, "" where there is none.
        data_docs_failure: why there is none although rows were judged.
    """

    doctype: str
    status: Status
    documents: int = 0
    tombstones: int = 0
    quarantined: int = 0
    patched: int = 0
    read: int = 0
    unchanged: int = 0
    pending: int = 0
    strays: int = 0
    hidden: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    one_by_one: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    through: datetime | None = None
    error: str = ""
    reports: Mapping[str, ValidationReport] = field(default_factory=dict)
    data_docs: str = ""
    data_docs_failure: str = ""

    @property
    def report(self) -> ValidationReport:
        """The reports of the DocType and of its child DocTypes as one."""
        return ValidationReport(tuple(result for report in self.reports.values() for result in report.results))

    @property
    def held(self) -> int:
        """Packages that aren't merged until somebody releases them."""
        return sum(package.hold is not None for package in self.packages)

    def and_then(self, later: DocTypeOutcome) -> DocTypeOutcome:
        """Return what this walk and a later one of the same run did together; what is, is as the later one says."""
        reports = dict(self.reports)
        for doctype, report in later.reports.items():
            reports[doctype] = reports[doctype].merge(report) if doctype in reports else report
        return DocTypeOutcome(
            self.doctype,
            "changed" if "changed" in (self.status, later.status) else later.status,
            documents=self.documents + later.documents,
            tombstones=self.tombstones + later.tombstones,
            quarantined=self.quarantined + later.quarantined,
            patched=self.patched + later.patched,
            read=self.read + later.read,
            unchanged=self.unchanged + later.unchanged,
            pending=later.pending,
            strays=self.strays + later.strays,
            hidden=tuple(dict.fromkeys((*self.hidden, *later.hidden))),
            refused=tuple(sorted({*self.refused, *later.refused})),
            one_by_one=tuple(sorted({*self.one_by_one, *later.one_by_one})),
            packages=(*self.packages, *later.packages),
            through=later.through or self.through,
            reports=reports,
        )


class Progress(Protocol):
    """Who watches a run: the command's progress bars, Dagster's log, or nobody."""

    def started(self, doctype: str) -> None:
        """A DocType's walk begins."""

    def read(self, doctype: str, rows: int) -> None:
        """`rows` more rows, child rows included, were read and conformed."""

    def ended(self, outcome: DocTypeOutcome) -> None:
        """A DocType's walk ended, well or not."""


class Unwatched:
    """Nobody watches."""

    def started(self, doctype: str) -> None:
        """Say nothing."""

    def read(self, doctype: str, rows: int) -> None:
        """Say nothing."""

    def ended(self, outcome: DocTypeOutcome) -> None:
        """Say nothing."""
