"""Reading: pages of one DocType: what changed, what is named, what belongs to given parents."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from connectors.frappe.errors import DocTypeError, Trouble, failure
from connectors.frappe.keyset import KeysetWalk, Position
from connectors.frappe.lists import Filter, ListQuery
from connectors.frappe.lookahead import one_ahead
from connectors.frappe.pages import (
    GarbageError,
    Rows,
    ShiftedRows,
    WirePage,
    WireTable,
    decode_arrays,
    decode_objects,
    text_table,
)

if TYPE_CHECKING:
    from threading import Event

    from connectors.frappe.session import Answer, FrappeSession

Pages = Generator[WirePage, None, None]
"""Pages, the next one already under way; `close()` gives it up."""

_NAMES_AT_ONCE: Final = 500
_PARENTS_AT_ONCE: Final = 2000
"""8,700 full child rows of 2,000 parents take a site 0.9 s."""
_CHANGES: Final = ("modified", "name")
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
    filters: tuple[Filter, ...] = () if until is None else (("modified", "<=", until),)
    query = ListQuery(table.doctype, table.fields, filters, order=_CHANGES, limit=_limit(session, page_rows))
    return _read(session, table, query, None if after is None else (after.modified, after.name))


def read_names(session: FrappeSession, doctype: str, *, page_rows: int | None = None) -> Pages:
    """Yield pages of one column, the names of all documents that the user may see."""
    return read_listed(session, text_table(doctype, "name"), page_rows=page_rows)


def read_listed(
    session: FrappeSession,
    table: WireTable,
    *,
    filters: tuple[Filter, ...] = (),
    parent_doctype: str | None = None,
    page_rows: int | None = None,
) -> Pages:
    """Yield all rows that the filters let pass, in the order of their names, which must be among the fields."""
    query = ListQuery(
        table.doctype, table.fields, filters, limit=_limit(session, page_rows), parent_doctype=parent_doctype
    )
    return _read(session, table, query)


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
    if missing := sorted(set(query.order) - set(table.fields)):
        raise ValueError(f"{table.doctype} is walked by fields that aren't asked for: {', '.join(missing)}")

    def pages(abandoned: Event) -> Iterator[WirePage]:
        reader = _TableReader(session, table, query.order, abandoned)
        walk = KeysetWalk(query, after)
        while (step := walk.next()) is not None:
            page = reader.read(step)
            walk.advance([page.column(key) for key in query.order])
            if page.rows:
                yield page

    return one_ahead(pages)


class _TableReader:
    """Reads pages of one table and remembers which fields the site refuses: they cost a column, not the table."""

    def __init__(self, session: FrappeSession, table: WireTable, keys: tuple[str, ...], abandoned: Event) -> None:
        self._session = session
        self._table = table
        self._keys = keys
        self._abandoned = abandoned
        self._refused: frozenset[str] = frozenset()

    def read(self, query: ListQuery) -> WirePage:
        while True:
            asked = tuple(fieldname for fieldname in self._table.fields if fieldname not in self._refused)
            try:
                answer, rows = self._ask(replace(query, fields=asked))
            except DocTypeError as error:
                if error.refused_field not in asked or error.refused_field in self._keys:
                    raise
                self._refused |= {error.refused_field}
                continue
            self._refuse(rows.absent)
            return self._page(answer, rows, asked)

    def _ask(self, query: ListQuery) -> tuple[Answer, Rows]:
        kind_of = dict(zip(self._table.fields, self._table.kinds, strict=True))
        answer = self._session.send(query.to_request(), abandoned=self._abandoned)
        try:
            try:
                return answer, decode_arrays(answer.body, tuple(kind_of[fieldname] for fieldname in query.fields))
            except ShiftedRows:
                answer = self._session.send(replace(query, as_dict=True).to_request(), abandoned=self._abandoned)
                return answer, decode_objects(answer.body, query.fields)
        except GarbageError as error:
            raise self._garbage(str(error)) from error

    def _refuse(self, absent: frozenset[str]) -> None:
        if needed := absent.intersection(self._keys):
            raise self._garbage(f"rows come without {', '.join(sorted(needed))}")
        self._refused |= absent

    def _page(self, answer: Answer, rows: Rows, asked: tuple[str, ...]) -> WirePage:
        cells = dict(zip(asked, rows.columns, strict=True))
        nothing = (None,) * rows.count
        return WirePage(
            self._table.doctype,
            self._table.fields,
            tuple(cells.get(fieldname, nothing) for fieldname in self._table.fields),
            rows.count,
            answer.observed,
            len(answer.body),
            self._refused,
        )

    def _garbage(self, why: str) -> Exception:
        return failure(Trouble.GARBAGE, site=self._session.url, doctype=self._table.doctype, said=why)


def _chunks(names: Sequence[str], size: int) -> Iterator[list[str]]:
    """Distinct names, a few at a time; an empty one would match rows without a value."""
    distinct = [name for name in dict.fromkeys(names) if name]
    return (distinct[start : start + size] for start in range(0, len(distinct), size))


def _limit(session: FrappeSession, page_rows: int | None) -> int:
    return session.limits.page_rows if page_rows is None else page_rows
