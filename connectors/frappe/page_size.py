"""Page size: how many rows of a DocType a site can bear at once, learnt from what it failed at."""

from __future__ import annotations

from threading import Lock
from typing import Final

_HALF: Final = 2
_PATIENCE: Final = 10
"""Good pages before a size that failed is tried again, doubled each time that one fails."""


class PageSize:
    """The rows of one DocType's next page. Any number of threads may share it.

    A failure halves them, a second one in a row quarters them, and so on: each try costs the site its time-out. Every
    good page doubles them up to just below what failed; that is tried again after a while.
    """

    def __init__(self) -> None:
        self._most: int | None = None
        self._failed_at = 0
        self._divisor = _HALF
        self._patience = _PATIENCE
        self._good = 0
        self._lock = Lock()

    def rows(self, wanted: int) -> int:
        """Return how many rows to ask for where another site would be asked for `wanted`; never more."""
        most = self._most
        return wanted if most is None else min(wanted, most)

    def cut(self, failed_at: int) -> int | None:
        """Return how many rows to ask for after `failed_at` were too many, None where it was one."""
        if failed_at <= 1:
            return None
        with self._lock:
            if self._divisor == _HALF:
                self._patience *= 2
            self._most = max(1, failed_at // self._divisor)
            self._failed_at = failed_at
            self._divisor *= 2
            self._good = 0
            return self._most

    def went_well(self, rows: int) -> None:
        """Take note that the site gave a page of up to `rows`."""
        if self._most is None:
            return
        with self._lock:
            self._divisor = _HALF
            if rows < self._most:
                return
            self._good += 1
            if self._most * 2 < self._failed_at:
                self._most *= 2
            elif self._good >= self._patience:
                self._most, self._failed_at = self._failed_at, self._failed_at * 2
                self._good = 0


class PageSizes:
    """The page sizes of one site, a DocType each; child tables are read many times in a walk."""

    def __init__(self) -> None:
        self._of: dict[str, PageSize] = {}

    def of(self, doctype: str) -> PageSize:
        """Return the page size of a DocType."""
        return self._of.setdefault(doctype, PageSize())
