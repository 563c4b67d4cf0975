"""Keyset: the pure state of a walk through a list, from one row's keys to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from connectors.frappe.errors import DocTypeError
from connectors.frappe.names import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.frappe.lists import Filter, ListQuery


@dataclass(frozen=True, slots=True)
class Position:
    """The last row that a walk by `modified, name` has read.

    Attributes:
        modified: as on the wire: the site's local time, the fraction absent when it is 0.
        name: as on the wire: an integer where the DocType counts its names.
    """

    modified: str
    name: str | int


class KeysetWalk:
    """A walk through all rows that `query` selects, in the order of its one or two keys, the last of which is unique.

    With keys (a, b), the rows after (x, y) are those with a >= x and (a > x or b > y): correct inside a tie of any
    size, and an index range on a; downwards with < for >. Names are compared by the site alone, whose collation isn't
    Python's.
    """

    def __init__(self, query: ListQuery, after: tuple[str | int, ...] | None = None) -> None:
        """Begin behind the row whose keys are `after`, or at the start. `query.order` are the keys."""
        self._query = query
        self._last = after
        self._done = False

    def next(self) -> ListQuery | None:
        """Return the query for the next page, None when the walk is over."""
        if self._done:
            return None
        if self._last is None:
            return self._query
        filters, or_filters = _behind(self._query.order, self._last, "<" if self._query.descending else ">")
        return replace(self._query, filters=(*self._query.filters, *filters), or_filters=or_filters)

    def advance(self, keys: Sequence[Sequence[object]], asked: int | None = None) -> None:
        """Take note of a page.

        Args:
            keys: its key columns, in the order of the keys.
            asked: the rows that were asked for, if not as many as `next` said; fewer rows than that end the walk.

        Raises:
            DocTypeError: the page doesn't move the walk, or isn't in the order that was asked for: going on would
                read the same rows for ever or miss some.
        """
        rows = len(keys[0])
        self._done = rows < (self._query.limit if asked is None else asked)
        if not rows:
            return
        last = tuple(_key(column[-1], self._query.doctype) for column in keys)
        if last == self._last:
            raise _refused(self._query.doctype, "a page ends with the row that it should start behind")
        if self._query.order[0] == "modified":
            self._check_order(keys[0])
        self._last = last

    def _check_order(self, modified: Sequence[object]) -> None:
        """Wire datetimes sort as text: fixed width, and a fraction only makes one longer and later."""
        stamps = [_key(stamp, self._query.doctype) for stamp in modified]
        walked = stamps if self._last is None else [self._last[0], *stamps]
        if sorted(walked, key=str, reverse=self._query.descending) != walked:
            raise _refused(self._query.doctype, "rows aren't in the order of `modified`")


def _behind(
    keys: tuple[str, ...], last: tuple[str | int, ...], beyond: str
) -> tuple[tuple[Filter, ...], tuple[Filter, ...]]:
    """Numbers travel as text: proved for counted names [v15/e_types/29]."""
    if len(keys) == 1:
        return ((keys[0], beyond, str(last[0])),), ()
    lead, unique = keys
    return ((lead, f"{beyond}=", str(last[0])),), ((lead, beyond, str(last[0])), (unique, beyond, str(last[1])))


def _key(cell: object, doctype: str) -> str | int:
    if isinstance(cell, str) or (isinstance(cell, int) and not isinstance(cell, bool)):
        return cell
    raise _refused(doctype, f"a row has {shown(repr(cell))} for a key")


def _refused(doctype: str, why: str) -> DocTypeError:
    return DocTypeError(f"DocType {shown(doctype)}: the list can't be walked: {why}.", doctype=doctype)
