"""Renames: a site's own notes of them, found among its Comments. A note is a signal to look, never a fact."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.frappe.keyset import Position
from connectors.frappe.lists import Filter
from connectors.frappe.names import is_doctype_name
from connectors.frappe.pages import WirePage, text_table
from connectors.frappe.reading import read_filtered_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from datetime import datetime

    from connectors.frappe.session import FrappeSession

_TABLE: Final = text_table("Comment", "name", "modified", "reference_doctype", "reference_name", "content")
_NOTES: Final[tuple[Filter, ...]] = (("comment_type", "=", "Edit"), ("content", "like", "%</%</%"))
"""Two names in bold, whatever the language: `<strong>` [v15/f_deletions/21, v14/f_deletions/02], `<b>` in Frappe 13
[v13/f_deletions/02]."""
_OLD_NAME: Final = re.compile(r"<(strong|b)>(.+)</\1>", re.DOTALL)
_BOLD: Final = ("strong", "b")


@dataclass(frozen=True, slots=True)
class Rename:
    """Somebody gave the document `old` the name `new`, or merged it into the document of that name."""

    doctype: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class RenamePage:
    """Some notes.

    Attributes:
        renames: in the order of the notes; a Comment that is no such note is left out.
        last: the last Comment, to go on from.
        observed: our clock (UTC) just before they were asked for.
    """

    renames: tuple[Rename, ...]
    last: Position
    observed: datetime


def read_renames(
    session: FrappeSession,
    *,
    after: Position | None = None,
    until: str | None = None,
    page_rows: int | None = None,
    but: Collection[str] = (),
) -> Generator[RenamePage, None, None]:
    """Yield the notes behind `after` and not later than `until`, the site's local time, but for some DocTypes.

    A rename by SQL, as of ledger entries, leaves no note.

    Raises:
        DocTypeError: with status 403 for a user who may not read Comments.
        TransientError, SatelliteError: by the table of reactions.
    """
    told: tuple[Filter, ...] = (("reference_doctype", "not in", sorted(but)),) if but else ()
    pages = read_filtered_changes(session, _TABLE, (*_NOTES, *told), after=after, until=until, page_rows=page_rows)
    for page in pages:
        last = Position(str(page.column("modified")[-1]), str(page.column("name")[-1]))
        yield RenamePage(_renames(page), last, page.observed)


def _renames(page: WirePage) -> tuple[Rename, ...]:
    """Read from the newest note to the oldest.

    A second rename rewrites `reference_name` of the first one's note, so a note may also speak of a name that a later
    note of the same document calls its old one.
    """
    found: list[Rename] = []
    earlier: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    rows = list(zip(*(page.column(name) for name in ("reference_doctype", "reference_name", "content")), strict=True))
    for doctype, name, content in reversed(rows):
        if not (is_doctype_name(doctype) and isinstance(name, str) and name and isinstance(content, str)):
            continue
        borne = earlier[str(doctype), name]
        for new in (name, *borne):
            if old := _old_name(content, new):
                found.append(Rename(str(doctype), old, new))
                borne.append(old)
                break
    return tuple(reversed(found))


def _old_name(content: str, new: str) -> str:
    """Return the first name in bold if the last one is `new`, else "".

    Names may hold anything, tags included, and stand in the HTML as they are or escaped.
    """
    for written, read in ((html.escape(new, quote=False), html.unescape), (new, str)):
        for tag in _BOLD:
            head, found, _ = content.rpartition(f"<{tag}>{written}</{tag}>")
            if found and (first := _OLD_NAME.search(head)) is not None:
                return read(first[2])
    return ""
