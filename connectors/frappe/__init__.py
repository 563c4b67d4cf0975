"""Frappe's REST API: whole pages of rows out of many sites, without harm to any of them.

    session = FrappeSession("https://north.example.com", Credentials(key, secret))
    for page in read_changes(session, WireTable("ToDo", ("name", "modified"), ("text", "text")), until=instant):
        ...

Everything a site says is data: names are validated, sizes are capped, and every failure is one of three reactions.
"""

from __future__ import annotations

from connectors.frappe.absence import AbsenceProof, prove_absent
from connectors.frappe.access import Credentials, Limits
from connectors.frappe.body import AbandonedError
from connectors.frappe.catalogue import CatalogueEntry, read_catalogue
from connectors.frappe.counting import count_request, read_count
from connectors.frappe.deleted import DeletedPage, Deletion, read_deleted
from connectors.frappe.document import read_document
from connectors.frappe.edges import read_last_name
from connectors.frappe.errors import DocTypeError, FrappeError, SatelliteError, TransientError
from connectors.frappe.groups import MOST_FIELDS, MOST_SUMS, GroupQuery, Groups, read_groups
from connectors.frappe.keyset import Position
from connectors.frappe.lists import Filter
from connectors.frappe.manners import Manners, detect_manners
from connectors.frappe.metadata import DocField, DocTypeMeta, read_metas
from connectors.frappe.names import is_doctype_name, is_fieldname
from connectors.frappe.newest_first import read_changes_newest_first
from connectors.frappe.pages import WireKind, WirePage, WireTable, text_table
from connectors.frappe.probe import SiteFacts, ping, probe
from connectors.frappe.reading import (
    Pages,
    read_changes,
    read_children,
    read_heads,
    read_listed,
    read_named,
    read_names,
)
from connectors.frappe.renames import Rename, RenamePage, read_renames
from connectors.frappe.session import FrappeSession
from connectors.frappe.site_names import SiteNames

__all__ = [
    "MOST_FIELDS",
    "MOST_SUMS",
    "AbandonedError",
    "AbsenceProof",
    "CatalogueEntry",
    "Credentials",
    "DeletedPage",
    "Deletion",
    "DocField",
    "DocTypeError",
    "DocTypeMeta",
    "Filter",
    "FrappeError",
    "FrappeSession",
    "GroupQuery",
    "Groups",
    "Limits",
    "Manners",
    "Pages",
    "Position",
    "Rename",
    "RenamePage",
    "SatelliteError",
    "SiteFacts",
    "SiteNames",
    "TransientError",
    "WireKind",
    "WirePage",
    "WireTable",
    "count_request",
    "detect_manners",
    "is_doctype_name",
    "is_fieldname",
    "ping",
    "probe",
    "prove_absent",
    "read_catalogue",
    "read_changes",
    "read_changes_newest_first",
    "read_children",
    "read_count",
    "read_deleted",
    "read_document",
    "read_groups",
    "read_heads",
    "read_last_name",
    "read_listed",
    "read_metas",
    "read_named",
    "read_names",
    "read_renames",
    "text_table",
]
