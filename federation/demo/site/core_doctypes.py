"""The DocTypes that every Frappe site has and the simulated one needs for itself, in getdoctype's shape."""

from __future__ import annotations

from typing import Any

CORE_MODIFIED = "2025-01-06 10:00:00.123456"
SYSTEM_MANAGER = "System Manager"

_EVERYBODY = [{"role": "All", "permlevel": 0, "read": 1, "write": 1, "create": 1, "delete": 1, "if_owner": 1}]
_SYSTEM_MANAGER_ONLY = [{"role": SYSTEM_MANAGER, "permlevel": 0, "read": 1, "write": 1, "create": 1, "delete": 1}]

# One field a line: fieldname: Fieldtype | options
_DOCFIELD_PROPERTIES = """
fieldname: Data
label: Data
fieldtype: Select
options: Small Text
default: Small Text
description: Small Text
reqd: Check
hidden: Check
read_only: Check
unique: Check
search_index: Check
in_list_view: Check
translatable: Check
is_virtual: Check
permlevel: Int
length: Int
precision: Data
"""
_CORE = {
    "DocType": """
        module: Link | Module Def
        autoname: Data
        naming_rule: Data
        issingle: Check
        istable: Check
        is_submittable: Check
        is_tree: Check
        is_virtual: Check
        custom: Check
        title_field: Data
        sort_field: Data
        sort_order: Data
        description: Small Text
        migration_hash: Data
        fields: Table | DocField
    """,
    "DocField": _DOCFIELD_PROPERTIES,
    "Custom Field": "dt: Link | DocType\nmodule: Link | Module Def\nis_system_generated: Check\ninsert_after: Data"
    + _DOCFIELD_PROPERTIES,
    "Property Setter": """
        is_system_generated: Check
        doctype_or_field: Select | DocField\\nDocType
        doc_type: Link | DocType
        field_name: Data
        property: Data
        property_type: Data
        value: Small Text
        module: Link | Module Def
    """,
    "Deleted Document": """
        deleted_name: Data
        deleted_doctype: Data
        restored: Check
        new_name: Data
        data: Code | JSON
    """,
    "Comment": """
        comment_type: Select | Comment\\nEdit
        comment_email: Data
        subject: Text
        comment_by: Data
        published: Check
        seen: Check
        reference_doctype: Link | DocType
        reference_name: Dynamic Link | reference_doctype
        reference_owner: Data
        content: HTML Editor
        ip_address: Data
    """,
    "ToDo": """
        status: Select | Open\\nClosed\\nCancelled
        priority: Select | High\\nMedium\\nLow
        date: Date
        allocated_to: Link | User
        description: Text Editor
    """,
    "System Settings": """
        app_name: Data
        country: Link | Country
        language: Link | Language
        time_zone: Select
        setup_complete: Check
        date_format: Select
        time_format: Select
        number_format: Select
        currency_precision: Select
        float_precision: Select
    """,
}
_CHILD_DOCTYPES = {"DocField"}
_SINGLE_DOCTYPES = {"System Settings"}
_NAMING = {
    "Deleted Document": "hash",
    "Comment": "hash",
    "ToDo": "hash",
    "DocField": "hash",
    "DocType": "Prompt",
    "Custom Field": "format:{dt}-{fieldname}",
    "Property Setter": "format:{doc_type}-{field_name}-{property}",
}


def core_doctypes() -> list[dict[str, Any]]:
    """Metadata of the core DocTypes; DocType and DocField come first, since the others are listed in them."""
    return [_meta(name, lines) for name, lines in _CORE.items()]


def _meta(name: str, lines: str) -> dict[str, Any]:
    return {
        "doctype": "DocType",
        "name": name,
        "module": "Core",
        "creation": CORE_MODIFIED,
        "modified": CORE_MODIFIED,
        "modified_by": "Administrator",
        "owner": "Administrator",
        "docstatus": 0,
        "idx": 0,
        "autoname": _NAMING.get(name, ""),
        "issingle": int(name in _SINGLE_DOCTYPES),
        "istable": int(name in _CHILD_DOCTYPES),
        "is_submittable": 0,
        "is_tree": 0,
        "is_virtual": 0,
        "custom": 0,
        "permissions": _permissions(name),
        "fields": [_field(name, idx, line) for idx, line in enumerate(lines.split("\n")) if line.strip()],
    }


def _permissions(doctype: str) -> list[dict[str, Any]]:
    if doctype in _CHILD_DOCTYPES:
        return []
    return [*_EVERYBODY, *_SYSTEM_MANAGER_ONLY] if doctype == "ToDo" else _SYSTEM_MANAGER_ONLY


def _field(doctype: str, idx: int, line: str) -> dict[str, Any]:
    fieldname, _, rest = line.strip().partition(": ")
    fieldtype, _, options = rest.partition(" | ")
    return {
        "name": f"{doctype}-{fieldname}".lower().replace(" ", "-"),
        "parent": doctype,
        "parenttype": "DocType",
        "parentfield": "fields",
        "idx": idx,
        "fieldname": fieldname,
        "label": fieldname.replace("_", " ").title(),
        "fieldtype": fieldtype,
        "options": options.replace("\\n", "\n") or None,
        "permlevel": 0,
    }
