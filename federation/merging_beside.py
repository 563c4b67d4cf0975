"""Merging beside: DocTypes that were read to their end are merged while the others are still being read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from federation.extract.outcome import DocTypeOutcome
from federation.lake.errors import LakeError
from federation.merging import merge_satellite
from federation.mothership.errors import MothershipError
from federation.mothership.interface import MergeReport
from federation.settings.model import Settings

WORTH_A_MERGE: Final = 10_000
"""Documents; for fewer, opening the mothership once more costs as much as what is won."""


class MergingBeside:
    """Merges of one satellite, one at a time, in a thread of their own. A context manager; its end awaits the last.

    What is merged and when it is seen is as ever: each DocType in one transaction, once its walk is complete.
    """

    def __init__(self, settings: Settings, satellite: str) -> None:
        self._settings = settings
        self._satellite = satellite
        self._pool = ThreadPoolExecutor(1, "merge")
        self._under_way: Future[MergeReport] | None = None
        self._documents = 0
        self._merged = MergeReport()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self._collect()

    def ended(self, outcome: DocTypeOutcome) -> None:
        """Begin a merge where enough has ended since the last one and none is under way."""
        self._documents += outcome.documents
        is_free = self._under_way is None or self._under_way.done()
        if is_free and self._documents >= WORTH_A_MERGE:
            self._collect()
            self._documents = 0
            self._under_way = self._pool.submit(merge_satellite, self._settings, self._satellite)

    def with_last(self, report: MergeReport) -> MergeReport:
        """Return what all merges did; `report` is of the last one, after which nothing waits."""
        merged = (*self._merged.merged, *report.merged)
        return replace(report, merged=merged, remarks=tuple(dict.fromkeys((*self._merged.remarks, *report.remarks))))

    def _collect(self) -> None:
        if self._under_way is None:
            return
        # Nothing is lost on an error: the last merge tries the same again, and says what is wrong if it still is.
        with suppress(LakeError, MothershipError):
            self._merged = self.with_last(self._under_way.result())
        self._under_way = None
