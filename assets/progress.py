"""Progress: what a run reports while it reads, as lines of Dagster's log."""

from __future__ import annotations

import threading
from typing import Final

import dagster as dg

from federation.extract.outcome import DocTypeOutcome

_ROWS_A_LINE: Final = 250_000
"""A line is an event in Dagster's storage: one now and then tells enough."""


class LoggedProgress:
    """Logs a line for each DocType that starts, that grows large, or that ends with something to tell."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log
        self._rows: dict[str, int] = {}
        self._counting = threading.Lock()

    def started(self, doctype: str) -> None:
        """Say nothing: most DocTypes have not changed, and end at once."""

    def read(self, doctype: str, rows: int) -> None:
        """Tell each time that so many more rows were read."""
        with self._counting:
            before = self._rows.get(doctype, 0)
            after = self._rows[doctype] = before + rows
        if after // _ROWS_A_LINE > before // _ROWS_A_LINE:
            self._log.info("%s: %s rows so far", doctype, f"{after:,}")

    def ended(self, outcome: DocTypeOutcome) -> None:
        """Tell what went wrong; what went well stands in the asset's own event."""
        if outcome.status == "failed":
            self._log.error(outcome.error)
