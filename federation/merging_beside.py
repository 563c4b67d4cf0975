"""Merging beside: DocTypes that were read to their end are merged while the others are still being read."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Final, Self

from federation.extract.outcome import DocTypeOutcome
from federation.lake.errors import LakeError
from federation.lake.log import CommitLog
from federation.lakes import lake_folder
from federation.merging import merge_log, open_mothership
from federation.mothership.errors import MothershipError
from federation.mothership.interface import MergeReport
from federation.settings.model import Settings

WORTH_A_MERGE: Final = 10_000
"""Rows, those of child tables included; for fewer, a merge of their own costs as much as what is won."""


class MergingBeside:
    """Merges of one satellite, one at a time, in a thread of their own. A context manager; its end awaits the last.

    What is merged and when it is seen is as ever: each DocType in one transaction, once its walk is complete.
    """

    def __init__(self, settings: Settings, satellite: str) -> None:
        self._settings = settings
        self._satellite = satellite
        self._pool = ThreadPoolExecutor(1, "merge")
        self._round: Future[None] | None = None
        self._merged = MergeReport()
        self._lock = Lock()
        self._is_merging = False
        self._waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        if self._round is not None:
            self._round.result()

    def ended(self, outcome: DocTypeOutcome) -> None:
        """Begin to merge where enough has ended since the last merge; one that is under way goes on with it."""
        with self._lock:
            self._waiting += sum(file.rows for package in outcome.packages for file in package.files)
            if self._is_merging or self._waiting < WORTH_A_MERGE:
                return
            self._is_merging = True
        self._round = self._pool.submit(self._merge_round)

    def with_last(self, report: MergeReport) -> MergeReport:
        """Return what all merges did; `report` is of the last one, after which nothing waits."""
        merged = (*self._merged.merged, *report.merged)
        return replace(report, merged=merged, remarks=tuple(dict.fromkeys((*self._merged.remarks, *report.remarks))))

    def _merge_round(self) -> None:
        """Merge until too little waits, the mothership open all the while."""
        # Nothing is lost on an error: the last merge tries the same again, and says what is wrong if it still is.
        with suppress(LakeError, MothershipError):
            log = CommitLog(lake_folder(self._settings, self._satellite))
            with open_mothership(self._settings, f"sync of {self._satellite}") as mothership:
                while self._goes_on():
                    self._merged = self.with_last(merge_log(self._settings, mothership, log))
                    mothership.publish()
                return
        with self._lock:
            self._is_merging = False

    def _goes_on(self) -> bool:
        with self._lock:
            self._is_merging = self._waiting >= WORTH_A_MERGE
            if self._is_merging:
                self._waiting = 0
            return self._is_merging
