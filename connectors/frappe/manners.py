"""Manners: what a site does differently from others, found by looking and never taken from a version number."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.frappe.errors import DocTypeError
from connectors.frappe.lists import ListQuery

if TYPE_CHECKING:
    from connectors.frappe.session import FrappeSession

_LOOKED_AT: Final = ListQuery(
    "ToDo", ("name",), (("modified", ">=", "2000-01-01 00:00:00"),), order=("modified", "name"), limit=1, debug=True
)
"""Every version has ToDo, and every user may list their own."""
_SQL_IS_UNDER: Final = ("_debug_messages", "exc")
"""[v15/b_list/30] and [v13/b_list/08, v14/b_list/08]."""
_COALESCED: Final = re.compile(r"(?:coalesce|ifnull)\(\s*`tabToDo`\.`modified`", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Manners:
    """How a site goes about its lists.

    Attributes:
        coalesced_filters: it wraps filtered columns in `coalesce`, so that no filter on `modified` uses an index: an
            empty delta of 270,000 rows takes 630 ms instead of 1 ms. `read_changes_newest_first` is for such sites.
    """

    coalesced_filters: bool


def detect_manners(session: FrappeSession) -> Manners:
    """Return the site's manners, read from the SQL that it shows for a list asked for with `debug=1`. One request.

    A site that shows no SQL, or forbids the list, is taken for one like most.

    Raises:
        TransientError, SatelliteError: by the table of reactions.
    """
    try:
        body = session.send(_LOOKED_AT.to_request()).body
    except DocTypeError:
        return Manners(coalesced_filters=False)
    return Manners(coalesced_filters=_COALESCED.search(_shown_sql(body)) is not None)


def _shown_sql(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return "\n".join(str(answer[key]) for key in _SQL_IS_UNDER if key in answer)
