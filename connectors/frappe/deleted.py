"""Deleted documents: the site's own notices, names only. A notice is a signal to look, never a fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.frappe.keyset import Position
from connectors.frappe.lists import Filter
from connectors.frappe.names import is_doctype_name
from connectors.frappe.pages import text_table
from connectors.frappe.reading import read_filtered_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Generator
    from datetime import datetime

    from connectors.frappe.session import FrappeSession

_TABLE: Final = text_table("Deleted Document", "name", "modified", "deleted_doctype", "deleted_name")
"""`data` holds the whole document and is never asked for: it would pass by what the policy holds back."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """Somebody deleted a document of this name; another may bear the name by now [f_deletions/33-34]."""

    doctype: str
    name: str


@dataclass(frozen=True, slots=True)
class DeletedPage:
    """Some notices.

    Attributes:
        deletions: what was deleted, in the order of the notices; those without a valid DocType are left out.
        last: the last notice, to go on from.
        observed: our clock (UTC) just before they were asked for.
    """

    deletions: tuple[Deletion, ...]
    last: Position
    observed: datetime


def read_deleted(
    session: FrappeSession,
    *,
    after: Position | None = None,
    until: str | None = None,
    page_rows: int | None = None,
    but: Collection[str] = (),
) -> Generator[DeletedPage, None, None]:
    """Yield the notices behind `after` and not later than `until`, the site's local time, but for some DocTypes.

    Removed child rows, renames and deletes by raw SQL leave no notice.

    Raises:
        DocTypeError: with status 403 for a user who isn't a System Manager [f_deletions/04].
        TransientError, SatelliteError: by the table of reactions.
    """
    filters: tuple[Filter, ...] = (("deleted_doctype", "not in", sorted(but)),) if but else ()
    for page in read_filtered_changes(session, _TABLE, filters, after=after, until=until, page_rows=page_rows):
        names, modified, doctypes, deleted = page.columns
        yield DeletedPage(
            tuple(
                Deletion(doctype, name)
                for doctype, name in zip(doctypes, deleted, strict=True)
                if isinstance(doctype, str) and is_doctype_name(doctype) and isinstance(name, str)
            ),
            Position(str(modified[-1]), str(names[-1])),
            page.observed,
        )
