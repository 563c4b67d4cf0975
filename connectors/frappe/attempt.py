"""Attempt: what is asked in the next try, which may be less than in the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.frappe.errors import FrappeError
    from connectors.frappe.request import Request


class Attempt:
    """A request through all of its tries."""

    def __init__(self, request: Request, smaller: Callable[[], Request | None] | None) -> None:
        """Begin with `request`; `smaller` makes one for less of the same, None when it can't be less."""
        self.request = request
        self._smaller = smaller
        self._suspected = False

    def go_on(self, error: FrappeError) -> bool:
        """Return whether another try can help, and make it ask for less if that may be what helps."""
        if self._smaller is None or error.too_large == "never":
            return error.retry
        if error.too_large == "maybe" and not self._suspected:
            self._suspected = True
            return error.retry
        less = self._smaller()
        if less is None:
            return error.retry
        self.request = less
        return True
