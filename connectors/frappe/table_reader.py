"""Table reader: one page of one table, whatever of it the site refuses and however many rows it can bear."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connectors.frappe.errors import DocTypeError, FrappeError, Trouble, failure
from connectors.frappe.pages import GarbageError, Rows, ShiftedRows, WirePage, WireTable, decode_objects, decode_rows

if TYPE_CHECKING:
    from threading import Event

    from connectors.frappe.lists import ListQuery
    from connectors.frappe.request import Request
    from connectors.frappe.session import Answer, FrappeSession


class TableReader:
    """Reads pages of one table and remembers which fields the site refuses: they cost a column, not the table."""

    def __init__(self, session: FrappeSession, table: WireTable, keys: tuple[str, ...], abandoned: Event) -> None:
        self._session = session
        self._table = table
        self._keys = keys
        self._abandoned = abandoned
        self._refused: frozenset[str] = frozenset()
        self._size = session.page_sizes.of(table.doctype)

    def read(self, query: ListQuery) -> tuple[WirePage, int]:
        """Return a page and how many rows were asked for: the query's limit, or less where the site can't bear it.

        Raises:
            TransientError, SatelliteError, DocTypeError: by the table of reactions.
        """
        while True:
            asked = tuple(fieldname for fieldname in self._table.fields if fieldname not in self._refused)
            try:
                filters = (*self._table.filters, *query.filters)
                answer, rows, limit = self._ask(replace(query, fields=asked, filters=filters))
            except DocTypeError as error:
                refused = self._session.names.our_field(self._table.doctype, error.refused_field or "")
                if refused not in asked or refused in self._keys:
                    raise
                self._refused |= {refused}
                continue
            self._refuse(rows.absent)
            return self._page(answer, rows, asked), limit

    def _ask(self, query: ListQuery) -> tuple[Answer, Rows, int]:
        names = self._session.names
        kind_of = dict(zip(self._table.fields, self._table.kinds, strict=True))
        theirs = query.on_site(names)
        answer, limit = self._send(theirs)
        try:
            try:
                rows = decode_rows(answer.body, theirs.fields, tuple(kind_of[name] for name in query.fields))
            except ShiftedRows:
                answer, limit = self._send(replace(theirs, as_dict=True))
                rows = decode_objects(answer.body, theirs.fields)
        except GarbageError as error:
            raise self._garbage(str(error)) from error
        absent = frozenset(names.our_field(self._table.doctype, fieldname) for fieldname in rows.absent)
        return answer, replace(rows, absent=absent), limit

    def _send(self, query: ListQuery) -> tuple[Answer, int]:
        limit = self._size.rows(query.limit)

        def fewer_rows() -> Request | None:
            nonlocal limit
            if (less := self._size.cut(limit)) is None:
                return None
            limit = less
            return replace(query, limit=limit).to_request()

        request = replace(query, limit=limit).to_request()
        answer = self._session.send(request, abandoned=self._abandoned, smaller=fewer_rows)
        self._size.went_well(limit)
        return answer, limit

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

    def _garbage(self, why: str) -> FrappeError:
        return failure(Trouble.GARBAGE, site=self._session.url, doctype=self._table.doctype, said=why)
