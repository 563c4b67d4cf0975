"""Permissions: what the API user may do on a site, and what is kept from it without a sign. Nothing is written.

Frappe tells a user about its own rights, whatever its roles: `has_permission`, `get_roles` and `get_user_permissions`
are open to any logged-in user in Frappe 13, 14 and 15. What a list leaves out it doesn't tell; that shows where the
list's own count falls short of `frappe.client.get_count`, which ignores permissions [c_children/29, 31, 32], and where
a row lacks fields that were asked for [e_types/45-46]. What a site refuses to tell is None here, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal

from connectors.frappe.counting import count_request
from connectors.frappe.errors import DocTypeError, Trouble, failure
from connectors.frappe.lists import Filter, ListQuery, fits_request_line
from connectors.frappe.message import UNTOLD, optional_message
from connectors.frappe.names import is_doctype_name, shown
from connectors.frappe.pages import GarbageError, decode_objects
from connectors.frappe.request import method_call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.frappe.pages import WireTable
    from connectors.frappe.session import FrappeSession

Change = Literal["write", "create", "delete"]

CHANGES: Final[tuple[Change, ...]] = ("write", "create", "delete")
"""What a user may do to a DocType beyond reading it."""
SYSTEM_MANAGER: Final = "System Manager"
_told: Final = partial(optional_message, untold=UNTOLD | {HTTPStatus.INTERNAL_SERVER_ERROR})
"""A site that fails at such a question hasn't answered it either."""


@dataclass(frozen=True, slots=True)
class UserRights:
    """What a site says of the API user.

    Attributes:
        roles: its roles, without those that everybody has; None where the site doesn't tell.
        restrictions: its User Permissions: DocType → the only names it may see; None where the site doesn't tell.
    """

    roles: tuple[str, ...] | None
    restrictions: Mapping[str, tuple[str, ...]] | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many documents a DocType has.

    Attributes:
        listed: that lists show to this user.
        there: in all.
    """

    listed: int
    there: int

    @property
    def hidden(self) -> int:
        """How many are kept from this user."""
        return max(0, self.there - self.listed)


def read_user_rights(session: FrappeSession, user: str) -> UserRights:
    """Return what the site says of `user`, whose key the session holds. Two requests.

    Raises:
        TransientError, SatelliteError: by the table of reactions.
    """
    roles = _told(session, method_call("frappe.core.doctype.user.user.get_roles", {"uid": user}))
    restrictions = _told(
        session, method_call("frappe.core.doctype.user_permission.user_permission.get_user_permissions")
    )
    return UserRights(
        tuple(sorted({shown(role) for role in roles} - {"All", "Guest", "Desk User"}))
        if isinstance(roles, list)
        else None,
        _restrictions(restrictions) if isinstance(restrictions, dict) else None,
    )


def read_changes_allowed(session: FrappeSession, doctype: str) -> tuple[Change, ...] | None:
    """Return what the user may change of a DocType, None where the site doesn't tell. Three requests.

    An empty `docname` asks about the DocType as a whole.

    Raises:
        TransientError, SatelliteError: by the table of reactions.
    """
    allowed: list[Change] = []
    theirs = session.names.doctype(doctype)
    for change in CHANGES:
        params = {"doctype": theirs, "docname": "", "perm_type": change}
        told = _told(session, method_call("frappe.client.has_permission", params, doctype=theirs))
        if not isinstance(told, dict) or "has_permission" not in told:
            return None
        if told["has_permission"]:
            allowed.append(change)
    return tuple(allowed)


def compare_counts(session: FrappeSession, doctype: str) -> Count | None:
    """Return how many documents lists show and how many are there, None where the site counts only what it shows.

    Two requests; a third one where they differ, so that documents written in between aren't taken for hidden.

    Raises:
        TransientError, SatelliteError: by the table of reactions.
    """
    theirs = session.names.doctype(doctype)
    listing = method_call("frappe.desk.reportview.get_count", {"doctype": theirs}, doctype=theirs)
    listed = _told(session, listing)
    there = _told(session, count_request(theirs))
    if not isinstance(listed, int) or not isinstance(there, int):
        return None
    if listed < there:
        again = _told(session, listing)
        listed = again if isinstance(again, int) else listed
    return Count(listed, there)


def read_refused_fields(
    session: FrappeSession, table: WireTable, *, parent_doctype: str | None = None
) -> frozenset[str]:
    """Return the fields of `table` that the site keeps from this user, or has no column for. One request as a rule.

    A single row is asked for: without one, fields above the user's permission level can't be told from the others.

    Args:
        session: the site.
        table: what would be asked for.
        parent_doctype: for a child table, the DocType whose permission applies, and one of whose rows is asked for.

    Raises:
        DocTypeError: the list is refused.
        TransientError, SatelliteError: by the table of reactions.
    """
    refused: frozenset[str] = frozenset()
    filters: tuple[Filter, ...] = (("parenttype", "=", parent_doctype),) if parent_doctype else ()
    while True:
        asked = tuple(name for name in table.fields if name not in refused)
        query = ListQuery(
            table.doctype, asked, (*table.filters, *filters), limit=1, parent_doctype=parent_doctype, as_dict=True
        )
        try:
            theirs = query.on_site(session.names)
            rows = decode_objects(session.send(theirs.to_request()).body, theirs.fields)
        except GarbageError as error:
            raise failure(Trouble.GARBAGE, site=session.url, doctype=table.doctype, said=str(error)) from error
        except DocTypeError as error:
            named = session.names.our_field(table.doctype, error.refused_field or "")
            if named not in asked or named == "name":
                raise
            refused |= {named}
            continue
        absent = frozenset(session.names.our_field(table.doctype, fieldname) for fieldname in rows.absent)
        return refused | absent if rows.count else refused


def may_list(session: FrappeSession, doctype: str) -> bool:
    """Return whether the user may list a DocType. One request.

    Raises:
        TransientError, SatelliteError: by the table of reactions.
        DocTypeError: the list fails for another reason than permissions.
    """
    try:
        session.send(ListQuery(doctype, ("name",), limit=1).on_site(session.names).to_request())
    except DocTypeError as error:
        if error.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return False
        raise
    return True


def missing_doctypes(session: FrappeSession, doctypes: Sequence[str]) -> tuple[str, ...] | None:
    """Return those of `doctypes` that the site doesn't have, None where it doesn't tell.

    Real sites hold links to DocTypes that don't exist [d_meta]. One request where all are there; each one that isn't
    takes as many more as halving needs to find it.

    Raises:
        TransientError, SatelliteError: by the table of reactions.
    """
    asked = [session.names.doctype(name) for name in dict.fromkeys(doctypes) if is_doctype_name(name)]
    missing = _uncounted(session, asked)
    return None if missing is None else tuple(map(session.names.our_doctype, missing))


def _uncounted(session: FrappeSession, names: list[str]) -> tuple[str, ...] | None:
    """Return the DocTypes among `names` that the site doesn't count; permissions play no part in it."""
    if not names:
        return ()
    request = count_request("DocType", {"name": ("in", names)})
    if fits_request_line(request):
        count = _told(session, request)
        if not isinstance(count, int):
            return None
        # Names that differ only in case are one to the site, and count once.
        if count == len({name.casefold() for name in names}):
            return ()
        if count == 0:
            return tuple(names)
    middle = (len(names) + 1) // 2
    found: list[str] = []
    for half in (names[:middle], names[middle:]):
        uncounted = _uncounted(session, half)
        if uncounted is None:
            return None
        found.extend(uncounted)
    return tuple(found)


def _restrictions(said: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """The site's answer is DocType → [{"doc": name, "applicable_for": DocType or null}, …]."""
    return {
        shown(doctype): tuple(shown(rule.get("doc")) for rule in rules if isinstance(rule, dict))
        for doctype, rules in said.items()
        if isinstance(rules, list)
    }
