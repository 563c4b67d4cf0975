"""Asking: the site is asked, and answers, as if its documents bore their hashed names, where the policy hashes them.

A site can only be asked by its own names. So names turn into hashes as pages come in, and hashes into names as requests
go out; nothing else in a run ever sees a name in clear. Which name a hash stands for is remembered of the last pages in
memory alone, and found for others by listing the site's names. Where no name is hashed, these are the connector's own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from threading import Lock
from types import MappingProxyType
from typing import Final

from connectors.frappe import (
    AbsenceProof,
    DocTypeError,
    Filter,
    FrappeSession,
    Pages,
    Position,
    Rename,
    WirePage,
    WireTable,
    count_request,
    read_count,
    read_names,
    text_table,
)
from connectors.frappe import prove_absent as prove_absent_in_clear
from connectors.frappe import read_changes as read_changes_in_clear
from connectors.frappe import read_changes_newest_first as read_newest_first_in_clear
from connectors.frappe import read_children as read_children_in_clear
from connectors.frappe import read_document as read_document_in_clear
from connectors.frappe import read_last_name as read_last_name_in_clear
from connectors.frappe import read_listed as read_listed_in_clear
from connectors.frappe import read_named as read_named_in_clear
from federation.policy.apply import hash_cells

_REMEMBERED: Final = 100_000
"""Names of the last pages, some 25 MB: more than the largest page, whose child rows and heads are asked for by them."""


@dataclass
class NameBook:
    """The names of one DocType and the hashes that stand for them. Only ever in memory.

    Attributes:
        doctype: whose names.
        key: of the hashes.
    """

    doctype: str
    key: bytes = field(repr=False)
    _met: OrderedDict[str, str] = field(default_factory=OrderedDict, repr=False)
    _meeting: Lock = field(default_factory=Lock, repr=False)

    def hashed(self, names: Sequence[object]) -> tuple[str | None, ...]:
        """Return what stands for names, and remember it for a while."""
        hashes = hash_cells(names, self.key)
        with self._meeting:
            # A loop per row: what was met last is forgotten last.
            for hashed, name in zip(hashes, names, strict=True):
                if hashed:
                    self._met[hashed] = str(name)
                    self._met.move_to_end(hashed)
            while len(self._met) > _REMEMBERED:
                self._met.popitem(last=False)
        return tuple(hashes)

    def known(self, hashes: Sequence[str]) -> dict[str, str]:
        """Return hash → name, of those that are remembered."""
        with self._meeting:
            return {hashed: self._met[hashed] for hashed in hashes if hashed in self._met}

    def found(self, session: FrappeSession, hashes: Sequence[str]) -> dict[str, str]:
        """Return hash → name, of those that are remembered or that the site lists now."""
        known = self.known(hashes)
        wanted = {*hashes} - known.keys()
        return known | (self.listed(session, wanted)[0] if wanted else {})

    def listed(self, session: FrappeSession, wanted: set[str]) -> tuple[dict[str, str], int]:
        """Return hash → name of those that the site lists, and how many it lists in all."""
        found: dict[str, str] = {}
        count = 0
        for page in read_names(session, self.doctype):
            names = page.column("name")
            count += len(names)
            pairs = zip(hash_cells(names, self.key), names, strict=True)
            found.update((hashed, str(name)) for hashed, name in pairs if hashed in wanted)
        return found, count


class SiteSession(FrappeSession):
    """A session that knows whose names are hashed.

    Attributes:
        books: DocType → its names.
    """

    books: Mapping[str, NameBook] = MappingProxyType({})

    def hide(self, keys: Mapping[str, bytes]) -> None:
        """Show documents of these DocTypes under hashes from now on, and don't quote the site, which may name them."""
        self.books = {doctype: NameBook(doctype, key) for doctype, key in keys.items()}
        self.is_discreet = bool(keys)


def is_hidden(session: FrappeSession, doctype: str) -> bool:
    """Return whether documents of a DocType are shown under hashes."""
    return _book(session, doctype) is not None


def hashed_name(session: FrappeSession, doctype: str, name: str) -> str:
    """Return what stands for a document that the site told of; its name, where names of the DocType aren't hashed."""
    book = _book(session, doctype)
    return name if book is None else str(book.hashed([name])[0])


def hashed_rename(session: FrappeSession, rename: Rename) -> Rename:
    """Return a rename that the site told of, with what stands for both names."""
    old, new = (hashed_name(session, rename.doctype, name) for name in (rename.old, rename.new))
    return Rename(rename.doctype, old, new)


def read_changes(
    session: FrappeSession,
    table: WireTable,
    *,
    after: Position | None = None,
    until: str | None = None,
    page_rows: int | None = None,
) -> Pages:
    """Yield pages as the connector's `read_changes` does; where the last name is gone, from all of its instant."""
    book = _book(session, table.doctype)
    if book is not None and after is not None and after.name:
        found = book.found(session, [str(after.name)])
        after = replace(after, name=found.get(str(after.name), ""))
    return _shown(read_changes_in_clear(session, table, after=after, until=until, page_rows=page_rows), book)


def read_changes_newest_first(
    session: FrappeSession, table: WireTable, *, since: str, until: str, page_rows: int | None = None
) -> Pages:
    """Yield pages as the connector's `read_changes_newest_first` does."""
    pages = read_newest_first_in_clear(session, table, since=since, until=until, page_rows=page_rows)
    return _shown(pages, _book(session, table.doctype))


def read_listed(
    session: FrappeSession,
    table: WireTable,
    *,
    filters: tuple[Filter, ...] = (),
    after: str | int | None = None,
    parent_doctype: str | None = None,
    page_rows: int | None = None,
) -> Pages:
    """Yield pages as the connector's `read_listed` does.

    The order is that of the site's own names. Where the one that it goes on from is gone, it begins anew; where one
    that bounds it is gone, it goes to the end.
    """
    book, owners = _book(session, table.doctype), _book(session, parent_doctype)
    if book is not None:
        bounds = [str(value) for fieldname, _, value in filters if fieldname == "name"]
        found = book.found(session, [*bounds, *([str(after)] if after is not None else [])])
        after = None if after is None else found.get(str(after))
        filters = tuple(
            (fieldname, operator, found[str(value)] if fieldname == "name" else value)
            for fieldname, operator, value in filters
            if fieldname != "name" or str(value) in found
        )
    pages = read_listed_in_clear(
        session, table, filters=filters, after=after, parent_doctype=parent_doctype, page_rows=page_rows
    )
    return _shown(pages, book, owners)


def read_named(session: FrappeSession, table: WireTable, names: Sequence[str]) -> Pages:
    """Yield pages as the connector's `read_named` does."""
    book = _book(session, table.doctype)
    if book is None:
        return read_named_in_clear(session, table, names)
    return _shown(read_named_in_clear(session, table, list(book.found(session, names).values())), book)


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
    """Yield pages as the connector's `read_children` does."""
    owners = _book(session, parent_doctype)
    if owners is not None:
        parents = list(owners.found(session, parents).values())
    pages = read_children_in_clear(session, table, parent_doctype, parents, page_rows=page_rows)
    return _shown(pages, None, owners)


def read_document(
    session: FrappeSession, parent: WireTable, children: Mapping[str, WireTable], name: str
) -> Mapping[str, WirePage] | None:
    """Return a document as the connector's `read_document` does."""
    book = _book(session, parent.doctype)
    if book is None:
        return read_document_in_clear(session, parent, children, name)
    found = book.found(session, [name])
    pages = read_document_in_clear(session, parent, children, found[name]) if found else None
    if pages is None:
        return None
    return {
        doctype: _translated(page, {"name": book} if doctype == parent.doctype else {"parent": book})
        for doctype, page in pages.items()
    }


def read_last_name(session: FrappeSession, doctype: str, before: str | int | None = None) -> str | int:
    """Return the last name in the site's own order, of those before another one; "" where there is no document."""
    book = _book(session, doctype)
    if book is None:
        return read_last_name_in_clear(session, doctype, before=before)
    if before is not None:
        before = book.found(session, [str(before)])[str(before)]
    last = read_last_name_in_clear(session, doctype, before=before)
    return last if last == "" else hashed_name(session, doctype, str(last))


def prove_absent(session: FrappeSession, doctype: str, names: Sequence[str]) -> AbsenceProof:
    """Return which of `names` are gone for certain, as the connector's `prove_absent` does.

    A hash that stands for no name that is remembered or listed is gone where the site counts no more documents than it
    lists; else it may stand for one of those that are hidden.
    """
    book = _book(session, doctype)
    if book is None:
        return prove_absent_in_clear(session, doctype, names)
    observed = session.now()
    known = book.known(names)
    hashes = {name: hashed for hashed, name in known.items()}
    proof = prove_absent_in_clear(session, doctype, list(hashes))
    absent = [hashes[name] for name in proof.absent]
    hidden = [hashes[name] for name in proof.hidden]
    if unknown := [name for name in names if name not in known]:
        listed, count = book.listed(session, {*unknown})
        gone = [name for name in unknown if name not in listed]
        (absent if _counts_no_more(session, doctype, count) else hidden).extend(gone)
    return AbsenceProof(tuple(absent), tuple(hidden), observed)


def _counts_no_more(session: FrappeSession, doctype: str, listed: int) -> bool:
    try:
        return read_count(session, count_request(session.names.doctype(doctype))) <= listed
    except DocTypeError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return False


def _book(session: FrappeSession, doctype: str | None) -> NameBook | None:
    return session.books.get(doctype or "") if isinstance(session, SiteSession) else None


def _shown(pages: Pages, book: NameBook | None, owners: NameBook | None = None) -> Pages:
    books = {fieldname: each for fieldname, each in (("name", book), ("parent", owners)) if each is not None}
    return _each_translated(pages, books) if books else pages


def _each_translated(pages: Pages, books: Mapping[str, NameBook]) -> Generator[WirePage, None, None]:
    with closing(pages):
        for page in pages:
            yield _translated(page, books)


def _translated(page: WirePage, books: Mapping[str, NameBook]) -> WirePage:
    columns = [
        books[fieldname].hashed(cells) if fieldname in books else cells
        for fieldname, cells in zip(page.fields, page.columns, strict=True)
    ]
    return replace(page, columns=tuple(columns))
