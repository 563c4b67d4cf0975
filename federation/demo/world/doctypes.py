"""The DocTypes of the demo's sites, from their short form (`doctypes*.yaml`) to the metadata that Frappe serves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_APPS = ("selling", "stock", "staff", "education")
_ROLE_GRANTS = ("read", "report", "export")


@cache
def doctypes() -> dict[str, dict[str, Any]]:
    """Metadata of every DocType by name, each in the shape of an entry of getdoctype's `docs[]` [d_meta/01]."""
    return doctypes_of(_APPS)


def doctypes_of(apps: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Metadata of the DocTypes that a site with these apps has; some of them every site has."""
    sources = ("doctypes.yaml", *(f"doctypes_{app}.yaml" for app in apps))
    return {name: meta for source in sources for name, meta in _read(source).items()}


@cache
def _read(source: str) -> dict[str, dict[str, Any]]:
    definitions = yaml.safe_load(files(__package__).joinpath(source).read_text(encoding="utf-8"))
    return {name: _doctype(name, **definition) for name, definition in definitions.items()}


def docfield(fieldname: str, line: str) -> dict[str, Any]:
    """Read one field from `Fieldtype | Label | options | flags | description`; trailing parts may be missing.

    A flag is a word (`reqd`, meaning 1) or `key=value`, where a number stays a number.
    """
    fieldtype, label, options, flags, description = (part.strip() for part in f"{line}||||".split("|")[:5])
    field: dict[str, Any] = {"fieldname": fieldname, "fieldtype": fieldtype, "permlevel": 0}
    if label:
        field["label"] = label
    if options:
        field["options"] = "\n".join(option.strip() for option in options.split(";"))
    for flag in filter(None, map(str.strip, flags.split(","))):
        key, _, value = flag.partition("=")
        field[key] = (int(value) if value.isdecimal() and key != "default" else value) if value else 1
    if description:
        field["description"] = description
    return field


def _doctype(
    name: str, *, fields: dict[str, str], readers: tuple[str, ...] = (), **properties: str | int
) -> dict[str, Any]:
    return {
        "doctype": "DocType",
        "name": name,
        "issingle": 0,
        "istable": 0,
        "is_submittable": 0,
        "is_tree": 0,
        "is_virtual": 0,
        "custom": 0,
        "track_changes": 0,
        "allow_rename": 0,
        "engine": "InnoDB",
        **properties,
        "permissions": [
            {"doctype": "DocPerm", "name": _row_name(name, role), "parent": name, "parentfield": "permissions"}
            | {"parenttype": "DocType", "idx": idx, "permlevel": 0, "role": role, **dict.fromkeys(_ROLE_GRANTS, 1)}
            for idx, role in enumerate(readers, start=1)
        ],
        "fields": [
            {"name": _row_name(name, fieldname), "parent": name, "parenttype": "DocType", "idx": idx}
            | docfield(fieldname, line)
            for idx, (fieldname, line) in enumerate(fields.items(), start=1)
        ],
    }


def _row_name(doctype: str, row: str) -> str:
    return hashlib.sha256(f"{doctype}\0{row}".encode()).hexdigest()[:10]
