"""Suppression: which documents of one satellite are erased, known by pseudonyms alone, and kept out of every page."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Final, Protocol

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


class HashedNames(Protocol):
    """The names of a DocType whose documents are shown under hashes."""

    def hashed(self, names: Sequence[object]) -> tuple[str | None, ...]:
        """Return what stands for names."""
        ...

    def known(self, hashes: Sequence[str]) -> dict[str, str]:
        """Return hash → name, of those that were met."""
        ...


@dataclass(frozen=True)
class Suppression:
    """The documents of one satellite that are erased.

    Attributes:
        satellite: whose documents.
        key: what names are hashed with.
        pseudonyms: DocType → the pseudonyms of its erased documents.
        hashed: DocType → its names, where the policy hashes them: documents are erased in clear and under their hashes.
        doctypes: a DocType as the site calls it → ours, where they differ: so it stands in cells of a page.
    """

    satellite: str
    key: bytes
    pseudonyms: Mapping[str, frozenset[str]]
    hashed: Mapping[str, HashedNames] = field(default_factory=dict, repr=False)
    doctypes: Mapping[str, str] = field(default_factory=dict)

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
        return name is not None and self._stand_in(doctype, str(name)) is not None

    def forms(self, doctype: str, name: str) -> tuple[str, ...]:
        """Return a name, and its other form where names of the DocType are hashed; the one in clear first, if known."""
        names = self.hashed.get(doctype)
        if names is None:
            return (name,)
        if clear := names.known([name]).get(name):
            return clear, name
        return name, str(names.hashed([name])[0])

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
            page = _rows_of(page, [not self.holds(self._ours(doctype), name) for doctype, name in pairs])
        return page

    def _ours(self, cell: object) -> str:
        return self.doctypes.get(str(cell), str(cell))

    def _stand_in(self, doctype: str, name: str) -> str | None:
        """Return the pseudonym of an erased document; None for any other."""
        held = self.pseudonyms.get(doctype)
        if not held:
            return None
        told = (self.pseudonym(doctype, form) for form in self.forms(doctype, name))
        return next((pseudonym for pseudonym in told if pseudonym in held), None)

    def _linked(self, page: WirePage, link: LinkField, cells: Sequence[object]) -> tuple[object, ...]:
        if link.by:
            leads = tuple(map(self._ours, page.column(link.by))) if link.by in page.fields else ("",) * page.rows
        else:
            leads = (link.doctype,) * page.rows
        # A cell of another JSON type than text may not be hashable, and holds no name.
        texts = [(of, name) if isinstance(name, str) else ("", "") for of, name in zip(leads, cells, strict=True)]
        told = {pair: stand_in for pair in {*texts} if (stand_in := self._stand_in(*pair))}
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
