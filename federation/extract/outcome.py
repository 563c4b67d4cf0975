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
        documents, tombstones, quarantined: how many of each were committed.
        pending: names that moved while they were read; the next run reads them again.
        strays: child rows that came for documents nobody asked for; ignored.
        hidden: names that lists don't return although the site counts them: no tombstone without proof.
        refused: fields that the site left out of its answers without a word.
        packages: what was committed.
        through: as of when the DocType is complete (UTC); None where this run didn't complete it.
        error: what happened, to what, and what to do; "" unless failed.
        reports: DocType (own and child) → what its expectations said of this run's rows.
    """

    doctype: str
    status: Status
    documents: int = 0
    tombstones: int = 0
    quarantined: int = 0
    pending: int = 0
    strays: int = 0
    hidden: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    through: datetime | None = None
    error: str = ""
    reports: Mapping[str, ValidationReport] = field(default_factory=dict)


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
