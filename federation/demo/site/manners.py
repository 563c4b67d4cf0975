"""How the versions of Frappe differ for a client: one record of manners a version, as recorded and read in sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NEWEST = 15


@dataclass(frozen=True)
class Manners:
    """What a site of one version does in its own way. All else is the same in 13, 14 and 15.

    Attributes:
        version: the major version.
        releases: installed apps and their versions.
        tells_every_error: `exc_type` stands in every error, not only in those that have a message for the user
            [v13/a_auth/03, v14/a_auth/02]; the messages carry an id.
        names_refused_doctypes: a 403 names the DocType in `exception` and says "Insufficient Permission"
            [v13/a_auth/03-05] instead of naming the user among the messages.
        knows_wrong_secrets: a wrong secret is 401; otherwise the request is Guest's [v13/a_auth/03].
        has_prefixes: /api/v1 and /api/v2 exist [v14/d_meta/03, 04].
        tells_its_version: /api/method/version exists [v13/a_auth/11].
        star_is_the_table: `*` is every column of the table, Custom Fields and underscore columns last [v14/b_list/02].
        keeps_parents: every table has parent, parentfield and parenttype [v13/b_list/02]; child rows show them first.
        orders_lists: lists without an order come by modified, newest first [v13/b_list/01].
        computes: fields may be computed by almost any function; otherwise count, sum and avg of a field only
            [v13/b_list/09, 10].
        joins_by_field: `table_field.column` is a join [v13/c_children/03].
        holds_documents_to_levels: a single document lacks the fields above the user's permission levels.
        lists_custom_tables: rows of a table that is a Custom Field may be listed.
        converts_flags: `as_dict` of a method call is a boolean, whatever its form [v13/b_list/13, v14/b_list/13].
        flattens_json_lists: of a list in a JSON body only the first item arrives [v13/b_list/13].
        coalesces_filters: filters wrap their column, so that no index serves them [v13/b_list/08].
        rates_in_stars: a Rating is a whole number from 1 to 5 [v13/c_children/06].
        indexes_child_stamps: child tables have an index on modified.
        emphasis: the tag around names in messages and Comments [v13/f_deletions/02].
        stamps_ledger_names: the hourly job that names ledger rows moves their modified [f_deletions/37].
        debug_key: where the SQL of `debug=1` stands [v14/b_list/08, b_list/30].
    """

    version: int
    releases: tuple[tuple[str, str], ...]
    tells_every_error: bool = True
    names_refused_doctypes: bool = False
    knows_wrong_secrets: bool = True
    has_prefixes: bool = True
    tells_its_version: bool = False
    star_is_the_table: bool = False
    keeps_parents: bool = False
    orders_lists: bool = False
    computes: bool = True
    joins_by_field: bool = True
    holds_documents_to_levels: bool = True
    lists_custom_tables: bool = True
    converts_flags: bool = True
    flattens_json_lists: bool = False
    coalesces_filters: bool = False
    rates_in_stars: bool = False
    indexes_child_stamps: bool = False
    emphasis: str = "strong"
    stamps_ledger_names: bool = True
    debug_key: str = "_debug_messages"

    def versions(self) -> dict[str, dict[str, Any]]:
        """The message of frappe.utils.change_log.get_versions."""
        return {app: {**_ABOUT[app], "branch": "master", "version": release} for app, release in self.releases}


_ABOUT = {
    "frappe": {
        "title": "Frappe Framework",
        "description": "Full stack web framework with Python, Javascript, MariaDB, Redis, Node",
    },
    "erpnext": {"title": "ERPNext", "description": "ERP made simple"},
}
_OLDER: dict[str, Any] = {
    "tells_every_error": False,
    "has_prefixes": False,
    "star_is_the_table": True,
    "computes": False,
    "holds_documents_to_levels": False,
    "converts_flags": False,
    "indexes_child_stamps": True,
    "stamps_ledger_names": False,
    "debug_key": "exc",
}
MANNERS = {
    13: Manners(
        13,
        (("frappe", "13.58.21"),),
        names_refused_doctypes=True,
        knows_wrong_secrets=False,
        tells_its_version=True,
        keeps_parents=True,
        orders_lists=True,
        joins_by_field=False,
        lists_custom_tables=False,
        flattens_json_lists=True,
        coalesces_filters=True,
        rates_in_stars=True,
        emphasis="b",
        **_OLDER,
    ),
    14: Manners(14, (("frappe", "14.81.4"),), **_OLDER),
    NEWEST: Manners(NEWEST, (("frappe", "15.44.2"), ("erpnext", "15.90.0"))),
}
"""By major version."""
