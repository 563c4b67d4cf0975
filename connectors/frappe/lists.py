"""Lists: a query for rows of one DocType becomes a request, by GET while the request line allows it, else by POST."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from connectors.frappe.names import is_doctype_name, is_fieldname, shown
from connectors.frappe.request import GET_LIST, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connectors.frappe.site_names import SiteNames

LONGEST_REQUEST_LINE: Final = 4000
"""Bytes. gunicorn refuses request lines over 4,094 with 400 and HTML."""

Filter = tuple[str, str, object]
"""(fieldname, operator, JSON value)."""
_HOLDS_A_DOCTYPE: Final = "parenttype"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Rows of one DocType.

    Attributes:
        doctype: the DocType.
        fields: what each row holds, in this order; never `*`, whose order differs by version.
        filters: all of them hold.
        or_filters: at least one of them holds, if there are any.
        order: fieldnames; without an order Frappe 14 and 15 give rows in any [b_list/30].
        limit: rows at most; Frappe reads 0 as "all", so it is refused here [b_list/11].
        parent_doctype: for a child DocType, the DocType whose read permission applies [c_children/01].
        as_dict: rows as objects instead of arrays: larger and slower, but a refused field shifts nothing.
        descending: the whole order is from the last to the first.
        debug: the site shows its SQL beside the rows.
    """

    doctype: str
    fields: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    or_filters: tuple[Filter, ...] = ()
    order: tuple[str, ...] = ("name",)
    limit: int = 20
    parent_doctype: str | None = None
    as_dict: bool = False
    descending: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        named = [*self.fields, *self.order, *(name for name, _, _ in (*self.filters, *self.or_filters))]
        for doctype in (self.doctype, self.parent_doctype):
            if doctype is not None and not is_doctype_name(doctype):
                raise ValueError(f"not a DocType name: {shown(doctype)!r}")
        for fieldname in named:
            if not is_fieldname(fieldname):
                raise ValueError(f"not a fieldname of {self.doctype}: {shown(fieldname)!r}")
        if not self.fields or self.limit < 1:
            raise ValueError(f"a list of {self.doctype} needs fields and a limit of at least 1")

    def require_keys(self) -> None:
        """Return if every row will hold what it is ordered by.

        Raises:
            ValueError: it won't, so the list can't be walked.
        """
        if missing := sorted(set(self.order) - set(self.fields)):
            raise ValueError(f"{self.doctype} is walked by fields that aren't asked for: {', '.join(missing)}")

    def on_site(self, names: SiteNames) -> ListQuery:
        """Return the query in the site's own names."""

        def filters(ours: tuple[Filter, ...]) -> tuple[Filter, ...]:
            return tuple(
                (
                    names.field(self.doctype, fieldname),
                    operator,
                    names.doctype(value) if fieldname == _HOLDS_A_DOCTYPE and isinstance(value, str) else value,
                )
                for fieldname, operator, value in ours
            )

        return replace(
            self,
            doctype=names.doctype(self.doctype),
            fields=tuple(names.field(self.doctype, fieldname) for fieldname in self.fields),
            filters=filters(self.filters),
            or_filters=filters(self.or_filters),
            order=tuple(names.field(self.doctype, fieldname) for fieldname in self.order),
            parent_doctype=None if self.parent_doctype is None else names.doctype(self.parent_doctype),
        )

    def to_request(self) -> Request:
        """Return the request for these rows.

        All values are JSON strings, which every version takes; Frappe 13 fails on a JSON list in a POST
        [v13/b_list/13]. Rows come as arrays by `as_dict=False` in a GET and by the integer 0 in a JSON body.
        """
        params = self._params()
        arrays = {} if self.as_dict else {"as_dict": "False"}
        get = Request("GET", f"/api/resource/{quote(self.doctype, safe='')}", {**params, **arrays}, self.doctype)
        if fits_request_line(get):
            return get
        posted: dict[str, str | int] = {"doctype": self.doctype, **params}
        if not self.as_dict:
            posted["as_dict"] = 0
        return Request("POST", GET_LIST, posted, self.doctype)

    def _params(self) -> dict[str, str]:
        direction = "desc" if self.descending else "asc"
        params = {
            "fields": compact(self.fields),
            "filters": compact(self.filters),
            "or_filters": compact(self.or_filters),
            "order_by": ", ".join(f"{fieldname} {direction}" for fieldname in self.order),
            "limit_page_length": str(self.limit),
            "parent": self.parent_doctype or "",
            "debug": "1" if self.debug else "",
        }
        return {key: value for key, value in params.items() if value not in ("", "[]")}


def fits_request_line(request: Request) -> bool:
    """Return whether a GET can be sent."""
    return len(f"GET {request.target} HTTP/1.1\r\n") <= LONGEST_REQUEST_LINE


def compact(values: Sequence[object]) -> str:
    """Return JSON in ASCII: it carries whatever text a site sent, lone surrogates included."""
    return json.dumps(values, separators=(",", ":"))
