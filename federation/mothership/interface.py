"""Interface: what every mothership does, whatever database is under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TypeVar

import pyarrow as pa

from federation.contract.asked_field import AskedField
from federation.lake.log import CommitLog
from federation.mothership.errors import MergeFailed
from federation.mothership.sql import Connection

Changed = TypeVar("Changed")
TableColumns = Mapping[str, frozenset[str]]
"""Table → its columns."""


class FieldPolicy(Protocol):
    """What the merge must know of the policy; `FleetPolicy` with the destination `mothership` is one."""

    def keeps(self, satellite: str, asked: AskedField, /) -> bool:
        """Return whether the field gets to the mothership, as it is, masked or hashed."""

    def hashes(self, satellite: str, asked: AskedField, /) -> bool:
        """Return whether the field leaves the satellite as a hash."""

    def masks(self, satellite: str, asked: AskedField, /) -> bool:
        """Return whether only a part of the field's values leaves the satellite."""

    def treatment(self, satellite: str, asked: AskedField, /) -> str | None:
        """Return what is made of the field: "", `mask …`, `hash` or `drop`; None for a satellite that nobody names."""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What one transaction did: all pending packages of one DocType of one satellite.

    Attributes:
        table: the DocType's table.
        packages: how many were merged.
        inserted: documents that weren't there.
        updated: documents that were there in an earlier state.
        deleted: documents that were there and were found absent on the site.
        ignored: states of documents, or absences, that a later observation had overtaken.
        quarantined: documents set aside by these packages.
        rows: documents of the satellite in the table now.
        as_of: the instant (UTC) as of which the satellite's documents are complete; None while the first load lasts.
        seconds: how long it took, the reading of the packages included.
    """

    satellite: str
    doctype: str
    table: str
    packages: int
    inserted: int
    updated: int
    deleted: int
    ignored: int
    quarantined: int
    rows: int
    as_of: datetime | None
    seconds: float


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What one call of `merge` did.

    Attributes:
        merged: one result a DocType that had packages to merge.
        failed: DocType → why nothing of it was merged.
        cursor: the commit up to which nothing of the log is needed any more.
        remarks: what an administrator of the database should know: a sentence each.
        anew: DocTypes that were merged anew from the lake, because the policy treats them otherwise now.
    """

    merged: tuple[MergeResult, ...] = ()
    failed: Mapping[str, MergeFailed] = field(default_factory=dict)
    cursor: int = 0
    remarks: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh and how whole one DocType of one satellite is, as of the last merge.

    Attributes:
        as_of: the instant (UTC) as of which the documents are complete; None while the first load lasts.
        rows: documents.
        pending: documents that the site is known to have in a later state; the next run reads them again.
        waiting: documents on the lake that are merged once their walk has reached its end.
        quarantined: documents set aside because they don't fit; an older state of them may stand in the table.
        last_change: the newest `modified` of the documents, in UTC.
        merged_at: when packages were last merged (UTC); None before the first.
        compared_at: when the last complete pass over all documents of the site began (UTC): what polling can't see is
            known as of then. None before the first.
    """

    satellite: str
    doctype: str
    as_of: datetime | None
    rows: int
    pending: int
    waiting: int
    quarantined: int
    last_change: datetime | None
    merged_at: datetime | None
    compared_at: datetime | None = None


class Readable(Protocol):
    """Tables that can be asked."""

    def query(self, sql: str) -> pa.RecordBatchReader:
        """Run one SELECT and return its result as a stream; end it before the next query.

        Raises:
            QueryFailed: the statement was refused; the message says why.
        """

    def freshness(self) -> list[Freshness]:
        """Return the freshness of every satellite and DocType, in this order."""

    def tables(self) -> dict[str, str]:
        """Return DocType → table, child DocTypes included."""


class Mothership(Readable, Protocol):
    """The writer of the mothership: one at a time, others queue. A context manager.

    What it merges is seen by analysts after `publish`, never before and never in part.
    """

    def __enter__(self) -> Self:
        """Wait for the other writers and open the database.

        Raises:
            MothershipBusy: they didn't end in time.
            MothershipUnavailable: the database can't be opened.
            MothershipNewer: it was made by a later version.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close the database and let the next writer in."""

    def cursor(self, satellite: str, source: str) -> int:
        """Return the commit up to which a log is settled: a reader of the log may begin behind it."""

    def merge(self, log: CommitLog, policy: FieldPolicy) -> MergeReport:
        """Merge what is pending in a satellite's log: one transaction a DocType.

        A package is pending when its walk is complete and the ledger doesn't have it. Replaying a log changes nothing.

        Raises:
            LakeError: the log can't be read.
            MothershipUnavailable: the database refused; DocTypes merged before stay merged.
        """

    def change(self, work: Callable[[Connection, TableColumns], Changed]) -> Changed:
        """Do `work` on the tables in one transaction; where the server was in the way, all of it again.

        Raises:
            MothershipUnavailable: the database refused; nothing was changed.
        """

    def forget(self) -> None:
        """Take removed rows out of the files of the database that are ours: no byte of them stays there.

        What a server keeps beside its tables (logs, backups) isn't touched.

        Raises:
            MothershipUnavailable: there is no room; the files stay as they were.
        """

    def publish(self, *, force: bool = False) -> bool:
        """Show analysts what was merged; return whether there was anything new to show.

        Without `force` a publication is left to a later call when the last one is younger than the set interval.

        Raises:
            MothershipUnavailable: the copy can't be written; the last publication stays.
        """
