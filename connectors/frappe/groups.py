"""Groups: how many documents of a DocType there are for each combination of some fields, and sums over them.

The site groups; its documents stay there. All groups come with one answer, because pages of them would be counted at
different instants: a document that moves from one group to another in between would count twice, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from connectors.frappe.errors import DocTypeError, Trouble, failure
from connectors.frappe.lists import Filter, compact, fits_request_line
from connectors.frappe.names import is_doctype_name, is_fieldname, shown
from connectors.frappe.pages import GarbageError, decode_objects
from connectors.frappe.request import Request

if TYPE_CHECKING:
    from datetime import datetime

    from connectors.frappe.session import FrappeSession
    from connectors.frappe.site_names import SiteNames

MOST_GROUPS: Final = 200_000
"""More would be no aggregate any more, and hardly one answer."""
MOST_FIELDS: Final = 6
"""Fields that documents are grouped by."""
MOST_SUMS: Final = 16
"""With these the request fits into one line, however long the fieldnames are, as long as they are ASCII."""

_DOCUMENTS: Final = "documents_in_group"


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """Documents of one DocType in groups.

    Attributes:
        doctype: the DocType.
        by: the fields that documents are grouped by.
        days: those of them that are Datetimes and are grouped by their day, which only Frappe 15 and later can
            [v15/b_list/58, v14/b_list/09].
        sums: the fields that are added up.
        filters: all of them hold for a document that counts.
    """

    doctype: str
    by: tuple[str, ...]
    days: frozenset[str] = frozenset()
    sums: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        if not is_doctype_name(self.doctype):
            raise ValueError(f"not a DocType name: {shown(self.doctype)!r}")
        for fieldname in (*self.by, *self.sums):
            if not is_fieldname(fieldname):
                raise ValueError(f"not a fieldname of {self.doctype}: {shown(fieldname)!r}")
        if not 1 <= len(self.by) <= MOST_FIELDS or len(self.sums) > MOST_SUMS:
            raise ValueError(f"{self.doctype} can be grouped by 1 to {MOST_FIELDS} fields, with {MOST_SUMS} sums")

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which names the cells of a group come: those of `by`, the number of documents, the sums."""
        by = (f"day_{place}" if name in self.days else name for place, name in enumerate(self.by))
        return (*by, _DOCUMENTS, *(f"sum_{place}" for place in range(len(self.sums))))

    def on_site(self, names: SiteNames) -> GroupQuery:
        """Return the query in the site's own names."""

        def field(ours: str) -> str:
            return names.field(self.doctype, ours)

        return GroupQuery(
            names.doctype(self.doctype),
            tuple(map(field, self.by)),
            frozenset(map(field, self.days)),
            tuple(map(field, self.sums)),
            tuple((field(name), operator, value) for name, operator, value in self.filters),
        )

    def to_request(self) -> Request:
        """Return the request for all groups, and one more than may be.

        Rows come as objects: a field that is kept from the user would shift the cells of an array.
        """
        terms = [f"date({name})" if name in self.days else name for name in self.by]
        asked = [*terms, "count(name)", *(f"sum({name})" for name in self.sums)]
        fields = [term if term == key else f"{term} as {key}" for term, key in zip(asked, self.keys, strict=True)]
        params = {
            "fields": compact(fields),
            "filters": compact(self.filters),
            "group_by": ", ".join(terms),
            # Frappe would order by `modified`, which groups don't have.
            "order_by": ", ".join(f"{term} asc" for term in terms),
            "limit_page_length": str(MOST_GROUPS + 1),
        }
        return Request("GET", f"/api/resource/{quote(self.doctype, safe='')}", params, self.doctype)


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a DocType's documents, all as of one instant.

    Attributes:
        by: one column of JSON values for each field that documents are grouped by.
        documents: the number of documents in each group.
        sums: one column for each field that is added up: JSON numbers; None where no document has a value.
        observed: our clock (UTC) just before they were asked for.
    """

    by: tuple[tuple[object, ...], ...]
    documents: tuple[int, ...]
    sums: tuple[tuple[object, ...], ...]
    observed: datetime


def read_groups(session: FrappeSession, query: GroupQuery) -> Groups:
    """Return all groups.

    Raises:
        DocTypeError: the site can't group so, keeps a field from this user, or there are more than `MOST_GROUPS`.
        TransientError, SatelliteError: by the table of reactions.
    """
    theirs = query.on_site(session.names)
    request = theirs.to_request()
    if not fits_request_line(request):
        raise DocTypeError(
            f"DocType {query.doctype}: asking for its groups takes a longer line than a site reads. Take fields off "
            "the aggregate; fieldnames in other scripts than Latin are long there.",
            doctype=query.doctype,
        )
    answer = session.send(request)
    try:
        rows = decode_objects(answer.body, theirs.keys)
    except GarbageError as error:
        raise failure(Trouble.GARBAGE, site=session.url, doctype=query.doctype, said=str(error)) from error
    named = dict(zip(theirs.keys, (*query.by, "name", *query.sums), strict=True))
    if rows.absent:
        kept = ", ".join(sorted({named[key] for key in rows.absent}))
        raise DocTypeError(
            f"DocType {query.doctype}: the site leaves out {kept} when it groups documents. Give the API user's role "
            "the permission level of these fields, or take them off the aggregate.",
            doctype=query.doctype,
        )
    if rows.count > MOST_GROUPS:
        raise DocTypeError(
            f"DocType {query.doctype}: there are more than {MOST_GROUPS:,} groups by {', '.join(query.by)}. Group by "
            "fewer fields.",
            doctype=query.doctype,
        )
    width = len(query.by)
    documents = tuple(cell for cell in rows.columns[width] if isinstance(cell, int) and not isinstance(cell, bool))
    if len(documents) != rows.count:
        raise failure(Trouble.GARBAGE, site=session.url, doctype=query.doctype, said="a group has no count")
    return Groups(rows.columns[:width], documents, rows.columns[width + 1 :], answer.observed)
