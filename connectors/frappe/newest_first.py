"""Newest first: what changed on a site whose filters use no index, read from the newest row downwards."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from connectors.frappe.keyset import KeysetWalk
from connectors.frappe.lists import ListQuery
from connectors.frappe.lookahead import one_ahead
from connectors.frappe.pages import WirePage, WireTable
from connectors.frappe.reading import CHANGE_ORDER, Pages
from connectors.frappe.table_reader import TableReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    from connectors.frappe.session import FrappeSession

_FIRST_ROWS: Final = 20
_GROWTH: Final = 4


def read_changes_newest_first(
    session: FrappeSession, table: WireTable, *, since: str, until: str, page_rows: int | None = None
) -> Pages:
    """Yield the rows with `since` <= `modified` <= `until`, from the newest to the oldest by (`modified`, `name`).

    For sites with coalesced filters: the order is an index scan from the top that ends with the page, and no filter
    bounds it from below, so an empty delta costs the site a few rows. The first page is small, the next ones grow up
    to `page_rows`. Such a walk can't be resumed in the middle: only its end says that nothing older is missing.

    Every row that doesn't change during the walk comes exactly once; one that changes moves behind `until` and may
    be missed. Empty pages aren't yielded. Rows whose `modified` is NULL never come.

    Args:
        session: the site.
        table: what is asked; `modified` and `name` must be among the fields.
        since: the site's local time, as on the wire; included.
        until: likewise.
        page_rows: rows a page, the session's limit if None.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    most = session.limits.page_rows if page_rows is None else page_rows
    query = ListQuery(
        table.doctype, table.fields, (("modified", "<=", until),), order=CHANGE_ORDER, descending=True, limit=most
    )
    query.require_keys()

    def pages(abandoned: Event) -> Iterator[WirePage]:
        reader = TableReader(session, table, query.order, abandoned)
        walk = KeysetWalk(query)
        rows = min(_FIRST_ROWS, most)
        while (step := walk.next()) is not None:
            page, asked = reader.read(replace(step, limit=rows))
            walk.advance([page.column(key) for key in query.order], asked)
            recent = _not_before(page, since)
            if recent.rows:
                yield recent
            if recent.rows < page.rows:
                return
            rows = min(rows * _GROWTH, most)

    return one_ahead(pages)


def _not_before(page: WirePage, since: str) -> WirePage:
    """Wire datetimes sort as text: fixed width, and a fraction only makes one longer and later."""
    rows = sum(1 for _ in takewhile(lambda stamp: str(stamp) >= since, page.column("modified")))
    if rows == page.rows:
        return page
    return replace(page, columns=tuple(column[:rows] for column in page.columns), rows=rows)
