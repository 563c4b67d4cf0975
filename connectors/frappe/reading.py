"""Reading: pages of one DocType: what changed, what is named, what belongs to given parents."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from connectors.frappe.keyset import KeysetWalk, Position
from connectors.frappe.lists import Filter, ListQuery
from connectors.frappe.lookahead import one_ahead
from connectors.frappe.pages import WirePage, WireTable, text_table
from connectors.frappe.table_reader import TableReader

if TYPE_CHECKING:
    from threading import Event

    from connectors.frappe.session import FrappeSession

Pages = Generator[WirePage, None, None]
"""Pages, the next one already under way; `close()` gives it up."""

_NAMES_AT_ONCE: Final = 500
_PARENTS_AT_ONCE: Final = 2000
"""8,700 full child rows of 2,000 parents take a site 0.9 s."""
CHANGE_ORDER: Final = ("modified", "name")
_BY_PARENT: Final = ("parent", "name")
"""The order of the index on `parent`, the only one that child tables have in every version."""


def read_changes(
    session: FrappeSession,
    table: WireTable,
    *,
    after: Position | None = None,
    until: str | None = None,
    page_rows: int | None = None,
) -> Pages:
    """Yield the rows with `modified` behind `after` and not later than `until`, in the order of (`modified`, `name`).

    Every row that doesn't change during the walk comes exactly once; one that changes moves behind `until` or comes
    again. Empty pages aren't yielded. Rows whose `modified` is NULL never come.

    Args:
        session: the site.
        table: what is asked; `modified` and `name` must be among the fields.
        after: the last row read; a `name` of "" stands before all rows of its instant, None before everything.
        until: the site's local time, as on the wire; None sets no bound.
        page_rows: rows a page, the session's limit if None.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions; pages already yielded stay valid.
    """
    return read_filtered_changes(session, table, (), after=after, until=until, page_rows=page_rows)


def read_filtered_changes(
    session: FrappeSession,
    table: WireTable,
    filters: tuple[Filter, ...],
    *,
    after: Position | None = None,
    until: str | None = None,
    page_rows: int | None = None,
) -> Pages:
    """Yield what `read_changes` yields, but only the rows that the filters let pass."""
    bound: tuple[Filter, ...] = () if until is None else (("modified", "<=", until),)
    query = ListQuery(
        table.doctype, table.fields, (*filters, *bound), order=CHANGE_ORDER, limit=_limit(session, page_rows)
    )
    return _read(session, table, query, None if after is None else (after.modified, after.name))


def read_names(session: FrappeSession, doctype: str, *, page_rows: int | None = None) -> Pages:
    """Yield pages of one column, the names of all documents that the user may see."""
    return read_listed(session, text_table(doctype, "name"), page_rows=page_rows)


def read_listed(
    session: FrappeSession,
    table: WireTable,
    *,
    filters: tuple[Filter, ...] = (),
    after: str | int | None = None,
    parent_doctype: str | None = None,
    page_rows: int | None = None,
) -> Pages:
    """Yield all rows that the filters let pass, in the order of their names, which must be among the fields.

    Args:
        session: the site.
        table: what is asked.
        filters: all of them hold.
        after: the name of the last row read, as on the wire; None begins at the start.
        parent_doctype: for a child DocType, the DocType whose read permission applies.
        page_rows: rows a page, the session's limit if None.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions; pages already yielded stay valid.
    """
    query = ListQuery(
        table.doctype, table.fields, filters, limit=_limit(session, page_rows), parent_doctype=parent_doctype
    )
    return _read(session, table, query, None if after is None else (after,))


def read_named(session: FrappeSession, table: WireTable, names: Sequence[str]) -> Pages:
    """Yield the documents among `names` that are there.

    Compare the returned names exactly: the site takes names that differ only in case or accents for the same
    [e_types/20-22]. A document that is there under exactly that name comes; one that doesn't come is absent, or
    hidden from this user.
    """
    for chunk in _chunks(names, _NAMES_AT_ONCE):
        query = ListQuery(table.doctype, table.fields, (("name", "in", chunk),), limit=len(chunk) + 1)
        yield from _read(session, table, query)


def read_heads(session: FrappeSession, doctype: str, names: Sequence[str]) -> dict[str, str]:
    """Return name → `modified`, as on the wire, of the documents among `names` that are there now."""
    return {
        str(name): str(modified)
        for page in read_named(session, text_table(doctype, "name", "modified"), names)
        for name, modified in zip(*page.columns, strict=True)
    }


def read_children(
    session: FrappeSession,
    table: WireTable,
    parent_doctype: str,
    parents: Sequence[str],
    *,
    page_rows: int | None = None,
) -> Pages:
    """Yield the rows of a child table that belong to `parents`, the names of documents of `parent_doctype`.

    A parent's rows may be spread over two pages. `parent` and `name` must be among the fields. The site checks the
    permission on `parent_doctype` but gives the rows of every DocType that shares the child table [c_children/19-20],
    so the rows are filtered by `parenttype` as well. Row-level permissions don't apply to child rows [c_children/30].
    """
    for chunk in _chunks(parents, _PARENTS_AT_ONCE):
        filters: tuple[Filter, ...] = (("parenttype", "=", parent_doctype), ("parent", "in", chunk))
        query = ListQuery(
            table.doctype,
            table.fields,
            filters,
            order=_BY_PARENT,
            limit=_limit(session, page_rows),
            parent_doctype=parent_doctype,
        )
        yield from _read(session, table, query)


def _read(
    session: FrappeSession, table: WireTable, query: ListQuery, after: tuple[str | int, ...] | None = None
) -> Pages:
    query.require_keys()

    def pages(abandoned: Event) -> Iterator[WirePage]:
        reader = TableReader(session, table, query.order, abandoned)
        walk = KeysetWalk(query, after)
        while (step := walk.next()) is not None:
            page, asked = reader.read(step)
            walk.advance([page.column(key) for key in query.order], asked)
            if page.rows:
                yield page

    return one_ahead(pages)


def _chunks(names: Sequence[str], size: int) -> Iterator[list[str]]:
    """Distinct names, a few at a time; an empty one would match rows without a value."""
    distinct = [name for name in dict.fromkeys(names) if name]
    return (distinct[start : start + size] for start in range(0, len(distinct), size))


def _limit(session: FrappeSession, page_rows: int | None) -> int:
    return session.limits.page_rows if page_rows is None else page_rows
