"""Context: what all walks of one run of one satellite share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

from connectors.frappe import FrappeSession, Manners
from federation.erasure.suppression import Suppression, nothing_suppressed
from federation.extract.clock import ObservedClock
from federation.extract.documents import ReadTables
from federation.extract.errors import RunStopped
from federation.extract.outcome import Progress
from federation.extract.site_time import CLOCK_ERROR, SiteClock, Window, window, wire_time
from federation.extract.suites import Expected
from federation.lake.run import LakeRun


@dataclass(frozen=True)
class Limits:
    """What bounds a walk.

    Attributes:
        page_rows: documents asked for in one request.
        batch_rows: rows, child rows included, of one commit.
        commit_seconds: the longest time between two commits of a walk, so that little is lost to a kill.
        delete_share: the share of a DocType's known documents that one run may find absent.
        delete_free: so many may vanish whatever their share.
        compare_rows, reread_rows: documents that one nightly run compares by name, and reads again, a DocType.
        overlap: the longest time from the stamp of a row to its commit on the site.
    """

    page_rows: int
    batch_rows: int
    delete_share: float
    compare_rows: int
    reread_rows: int
    overlap: timedelta
    commit_seconds: float = 60
    delete_free: int = 50


@dataclass(frozen=True)
class RunContext:
    """What all walks of one run share.

    Attributes:
        began: when the run began (UTC); what was changed later waits for the next run.
        site_clock: the site's clock as the run met it.
        manners: how the site's lists behave.
        in_parallel: reads a document's child tables side by side.
        expected: what rows have to meet before they are packaged; None: they aren't judged.
        allow_mass_delete: believe the site although more documents than allowed are gone.
        suppression: which documents are erased, and are kept away.
    """

    session: FrappeSession
    run: LakeRun
    clock: ObservedClock
    limits: Limits
    began: datetime
    site_clock: SiteClock
    manners: Manners
    in_parallel: ReadTables
    progress: Progress
    expected: Expected | None = None
    allow_mass_delete: bool = False
    suppression: Suppression = field(default_factory=lambda: nothing_suppressed(""))
    stop: Event = field(default_factory=Event)
    _batches: Counter[str] = field(default_factory=Counter)

    def next_batch(self, doctype: str) -> int:
        """Return a number that no package of the DocType has in this run. The walks of a DocType follow one another."""
        self._batches[doctype] += 1
        return self._batches[doctype]

    def window(self, begun: datetime | None, bound: str) -> Window:
        """Return what a walk of this run must read after one that began at `begun` with `bound`."""
        return window(self.site_clock, self.began, begun=begun, bound=bound, overlap=self.limits.overlap)

    def site_now(self) -> str:
        """Return the site's local time now, as on the wire."""
        return wire_time(self.site_clock.local(self.clock()) + CLOCK_ERROR)

    def stop_if_asked(self, doctype: str) -> None:
        """End a walk whose run is ending.

        Raises:
            RunStopped: the run was interrupted, or the satellite failed as a whole.
        """
        if self.stop.is_set():
            raise RunStopped(doctype)
