"""What the site knows of one DocType: Frappe's own metadata, and the columns and child tables that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE_FIELDTYPES = frozenset({"Table", "Table MultiSelect"})
INTEGER_FIELDTYPES = frozenset({"Int", "Long Int", "Check"})
DECIMAL_FIELDTYPES = frozenset({"Float", "Currency", "Percent", "Rating"})
NUMBER_FIELDTYPES = INTEGER_FIELDTYPES | DECIMAL_FIELDTYPES
"""Fieldtypes whose columns are never null: 0 instead."""
TEXT_FIELDTYPES = frozenset(
    {
        "Attach", "Attach Image", "Autocomplete", "Barcode", "Code", "Color", "Data", "Date", "Datetime",
        "Dynamic Link", "Geolocation", "HTML Editor", "Icon", "JSON", "Link", "Long Text", "Markdown Editor",
        "Password", "Phone", "Read Only", "Select", "Signature", "Small Text", "Text", "Text Editor", "Time",
    }
)  # fmt: skip
COLUMN_FIELDTYPES = INTEGER_FIELDTYPES | DECIMAL_FIELDTYPES | TEXT_FIELDTYPES | {"Duration"}

_STANDARD = {
    "name": "Data", "owner": "Data", "creation": "Datetime", "modified": "Datetime", "modified_by": "Data",
    "docstatus": "Int", "idx": "Int",
}  # fmt: skip
_CHILD = {"parent": "Data", "parentfield": "Data", "parenttype": "Data"}
STANDARD_COLUMNS, PARENT_COLUMNS = tuple(_STANDARD), tuple(_CHILD)
OPTIONAL_COLUMNS = ("_user_tags", "_comments", "_assign", "_liked_by")


def sql_type(fieldtype: str, *, rates_in_stars: bool = False) -> str:
    """SQLite's column type for a Frappe fieldtype; numbers that Frappe never leaves null default to 0."""
    if fieldtype in INTEGER_FIELDTYPES or (fieldtype == "Rating" and rates_in_stars):
        return "INTEGER NOT NULL DEFAULT 0"
    if fieldtype in DECIMAL_FIELDTYPES:
        return "REAL NOT NULL DEFAULT 0"
    return "REAL" if fieldtype == "Duration" else "TEXT"


@dataclass(frozen=True)
class SiteMeta:
    """One DocType. `wire` is its entry in getdoctype's `docs[]`, custom fields and property setters merged."""

    wire: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The DocType's name."""
        return str(self.wire["name"])

    @cached_property
    def is_table(self) -> bool:
        """Whether documents of this DocType are rows of others."""
        return bool(self.wire.get("istable"))

    @cached_property
    def is_single(self) -> bool:
        """Whether there is one document, named like the DocType, and no table."""
        return bool(self.wire.get("issingle"))

    @cached_property
    def is_virtual(self) -> bool:
        """Whether its documents live outside the database."""
        return bool(self.wire.get("is_virtual"))

    @cached_property
    def is_tree(self) -> bool:
        """Whether its documents are nested sets, with lft, rgt and a link to their parent."""
        return bool(self.wire.get("is_tree")) and {"lft", "rgt"} <= self.columns.keys()

    @property
    def has_integer_names(self) -> bool:
        """Whether names are integers counted by the database [e_types/24-29]."""
        return self.wire.get("autoname") == "autoincrement"

    @cached_property
    def fields(self) -> dict[str, Mapping[str, Any]]:
        """All fields, layout ones too, by fieldname, in the order of the form."""
        return {field["fieldname"]: field for field in self.wire.get("fields", ()) if field.get("fieldname")}

    @cached_property
    def columns(self) -> dict[str, str]:
        """Fieldtype by column, in the order of `*` [b_list/02], [c_children/03]: standard columns, then the fields."""
        fields = {
            fieldname: str(field["fieldtype"])
            for fieldname, field in self.fields.items()
            if field["fieldtype"] in COLUMN_FIELDTYPES and not field.get("is_virtual")
        }
        return _STANDARD | (_CHILD if self.is_table else {}) | fields

    @cached_property
    def optional_columns(self) -> tuple[str, ...]:
        """Frappe's underscore columns of the table."""
        if self.is_table:
            return ()
        return (*OPTIONAL_COLUMNS, "_seen") if self.wire.get("track_seen") else OPTIONAL_COLUMNS

    @cached_property
    def tables(self) -> dict[str, str]:
        """Child DocType by table fieldname, also those that the site lacks: see `SiteStore.tables`."""
        return {
            fieldname: str(field["options"])
            for fieldname, field in self.fields.items()
            if field["fieldtype"] in TABLE_FIELDTYPES and field.get("options") and not field.get("is_virtual")
        }

    @cached_property
    def permlevels(self) -> dict[str, int]:
        """Permission level by fieldname, where it is above 0."""
        return {
            fieldname: int(field["permlevel"]) for fieldname, field in self.fields.items() if field.get("permlevel")
        }
