"""Replacement: what every database adds to a rebuild: a mothership made aside that becomes the live one."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from federation.contract.names import table_name
from federation.mothership.interface import Mothership


class Replacement(Protocol):
    """A mothership that is made aside, to take the place of the live one. A context manager.

    One is made at a time, others queue. On entering it is empty, but for the names of tables that it was given: what an
    earlier one left is removed. On leaving nothing of it stays beside the live one. Killed at any instruction, the live
    one is the old or the new.
    """

    @property
    def mothership(self) -> Mothership:
        """The one that is made; it is nobody's after `swap`."""

    def __enter__(self) -> Self:
        """Wait for another rebuild, and begin anew.

        Raises:
            MothershipBusy: it didn't end in time.
            MothershipUnavailable: there is no room for it, or no privilege.
        """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Remove what is left of it, or of the one whose place it took."""

    def alone(self) -> AbstractContextManager[None]:
        """The live mothership's writers wait while the context lasts.

        Raises:
            MothershipBusy: the one who writes didn't end in time.
        """

    def swap(self) -> tuple[str, ...]:
        """Within `alone`: put it in the place of the live one, at once and whole; tables of others stay.

        Returns:
            What an administrator of the database should know: a sentence each.

        Raises:
            MothershipUnavailable: that can't be done; the live one stays.
        """


def is_given(doctype: str | None, table: str | None) -> bool:
    """Return whether the rule gives a DocType this table, in some order of DocTypes: else its record was altered."""
    if not doctype or not table:
        return False
    plain = table_name(doctype, ())
    return table == plain or re.fullmatch(rf"{re.escape(plain[:56])}_[0-9]+", table) is not None
