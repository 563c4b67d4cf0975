"""Words: how a change is told to a reader, and which of a site's own words may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from federation.contract.asked_field import AskedField
from federation.contract.satellite_schema import DocTypeSchema
from federation.drift.changes import Change
from federation.drift.kinds import WORDED

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


def signed(change: Change) -> str:
    """Return a change in one line: `+ campus: Select`, `- fax`, `~ total: Currency → Float`.

    Of options how many came and went; the words are those of the site and may hold anything.
    """
    match change.kind:
        case "doctype_added":
            return f"+ {change.doctype}"
        case "field_added" | "table_added" | "field_returned":
            again = " (again)" if change.kind == "field_returned" else ""
            return f"+ {change.fieldname}: {change.became}{again}"
        case "field_removed" | "table_removed":
            return f"- {change.fieldname}: {change.was}"
        case "retyped":
            return f"~ {change.fieldname}: {change.was} → {change.became}"
        case _ if change.kind in WORDED and not (change.was or change.became):
            return f"~ {change.fieldname}: {change.kind}, which the policy holds back"
        case "options":
            gone, come = moved_lines(change)
            counts = f"{len(come):,} added, {len(gone):,} removed" if come or gone else "in another order"
            return f"~ {change.fieldname}: options, {counts}"
        case _:
            return f"~ {change.fieldname}: {change.kind} {change.was or 'none'} → {change.became or 'none'}"


def moved_lines(change: Change) -> tuple[list[str], list[str]]:
    """Return the lines that went and those that came, as of the options of a Select."""
    was, became = change.was.splitlines(), change.became.splitlines()
    remaining, before = frozenset(became), frozenset(was)
    return [line for line in was if line not in remaining], [line for line in became if line not in before]
