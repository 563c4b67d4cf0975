"""Words: which of a site's own words may be told of a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from federation.contract.asked_field import AskedField
from federation.contract.satellite_schema import DocTypeSchema
from federation.drift.changes import WORDED, Change

Keeps = Callable[[str, AskedField], bool]
"""(satellite, field) → the policy lets the field leave the satellite, as it is, masked or hashed."""


def is_told(satellite: str, version: DocTypeSchema | None, fieldname: str, keeps: Keeps) -> bool:
    """Return whether the policy lets the words of a field be told, by what the field is in this version."""
    field = version.fields.get(fieldname) if version else None
    return version is not None and field is not None and keeps(satellite, field.asked(version.doctype))


def told(change: Change, satellite: str, version: DocTypeSchema | None, keeps: Keeps) -> Change:
    """Return the change; without the field's options and labels where the policy holds it back."""
    if change.kind not in WORDED or is_told(satellite, version, change.fieldname, keeps):
        return change
    return replace(change, was="", became="")
