"""Suppression: which documents of one satellite are erased, known by pseudonyms alone, and kept out of every page."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final

from connectors.frappe import WirePage

PSEUDONYM: Final = "erased-"
"""What every pseudonym begins with, for those who meet one in a Link."""
_DIGITS: Final = 40

HISTORIES: Final[Mapping[str, tuple[str, str]]] = {
    "Version": ("ref_doctype", "docname"),
    "Comment": ("reference_doctype", "reference_name"),
    "Deleted Document": ("deleted_doctype", "deleted_name"),
}
"""DocTypes of Frappe whose documents tell values of another one → the fields that say of which."""


@dataclass(frozen=True)
class Suppression:
    """The documents of one satellite that are erased.

    Attributes:
        satellite: whose documents.
        key: what names are hashed with.
        pseudonyms: DocType → the pseudonyms of its erased documents.
    """

    satellite: str
    key: bytes
    pseudonyms: Mapping[str, frozenset[str]]

    def __repr__(self) -> str:
        return f"Suppression({self.satellite!r}, {sum(map(len, self.pseudonyms.values()))} documents)"

    def pseudonym(self, doctype: str, name: str) -> str:
        """Return what stands for the name of a document: the same wherever it stands, and told by nobody without a key.

        Names may carry half of a surrogate pair, as JSON may.
        """
        text = f"{self.satellite}\0{doctype}\0{name}".encode(errors="surrogatepass")
        return PSEUDONYM + hmac.digest(self.key, text, "sha256").hex()[:_DIGITS]

    def holds(self, doctype: str, name: object) -> bool:
        """Return whether a document is erased."""
        held = self.pseudonyms.get(doctype)
        return bool(held) and name is not None and self.pseudonym(doctype, str(name)) in (held or ())

    def others(self, doctype: str, names: Iterable[str]) -> list[str]:
        """Return the names among some of a DocType that aren't erased, in their order."""
        return [name for name in names if not self.holds(doctype, name)]

    def spared(self, pages: Iterable[WirePage], owner: str = "name", of: str = "") -> Generator[WirePage, None, None]:
        """Yield pages without the rows of erased documents; none for a page of which nothing is left.

        Args:
            pages: as they come from the site.
            owner: the field that names the document that a row belongs to.
            of: that document's DocType, "" where it is the page's own.
        """
        for page in pages:
            left = self._spared(page, owner, of or page.doctype)
            if left.rows:
                yield left

    def pseudonymised(self, page: WirePage, links: Sequence[LinkField]) -> WirePage:
        """Return a page whose links to erased documents lead to their pseudonyms."""
        columns = list(page.columns)
        for link in links:
            if link.fieldname in page.fields:
                position = page.fields.index(link.fieldname)
                columns[position] = self._linked(page, link, columns[position])
        return replace(page, columns=tuple(columns))

    def _spared(self, page: WirePage, owner: str, of: str) -> WirePage:
        if of in self.pseudonyms:
            # A loop per row: a keyed hash has no columnar form, and only DocTypes with erased documents come here.
            page = _rows_of(page, [not self.holds(of, name) for name in page.column(owner)])
        if page.doctype in HISTORIES and {*HISTORIES[page.doctype]} <= {*page.fields}:
            pairs = zip(*map(page.column, HISTORIES[page.doctype]), strict=True)
            page = _rows_of(page, [not self.holds(str(doctype), name) for doctype, name in pairs])
        return page

    def _linked(self, page: WirePage, link: LinkField, cells: Sequence[object]) -> tuple[object, ...]:
        if link.by:
            leads = page.column(link.by) if link.by in page.fields else (None,) * page.rows
        else:
            leads = (link.doctype,) * page.rows
        pairs = list(zip(leads, cells, strict=True))
        # A cell of another JSON type than text may not be hashable, and holds no name.
        texts = [(of, name) if isinstance(of, str) and isinstance(name, str) else ("", "") for of, name in pairs]
        told = {pair: self.pseudonym(*pair) for pair in {*texts} if self.holds(*pair)}
        if not told:
            return tuple(cells)
        return tuple(told.get(text, cell) for text, cell in zip(texts, cells, strict=True))


@dataclass(frozen=True, slots=True)
class LinkField:
    """A field that may hold the name of a document.

    Attributes:
        fieldname: the field.
        doctype: the DocType that it leads to; "" for a Dynamic Link.
        by: for a Dynamic Link, the field that says to what it leads; "" for a Link.
    """

    fieldname: str
    doctype: str
    by: str = ""


def nothing_suppressed(satellite: str) -> Suppression:
    """Return the suppression of a satellite of which nothing was erased."""
    return Suppression(satellite, b"", {})


def _rows_of(page: WirePage, kept: Collection[bool]) -> WirePage:
    if all(kept):
        return page
    columns = tuple(tuple(compress(cells, kept)) for cells in page.columns)
    return replace(page, columns=columns, rows=sum(kept))
