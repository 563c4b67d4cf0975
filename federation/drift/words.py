"""Words: how a change is told to a reader, and which of a site's own words may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from federation.contract.asked_field import AskedField
from federation.contract.satellite_schema import DocTypeSchema
from federation.drift.changes import Change
from federation.drift.kinds import WORDED
from federation.settings.errors import echo

Keeps = Callable[[str, AskedField], bool]
"""(satellite, field) → the policy lets the field leave the satellite, as it is, masked or hashed."""


def is_told(satellite: str, version: DocTypeSchema | None, fieldname: str, keeps: Keeps) -> bool:
    """Return whether the policy lets the words of a field be told, by what the field is in this version."""
    if version is None:
        return False
    if fieldname in version.tables:
        return keeps(satellite, version.asked_table(fieldname))
    field = version.fields.get(fieldname)
    return field is not None and keeps(satellite, field.asked(version.doctype))


def told(change: Change, satellite: str, version: DocTypeSchema | None, keeps: Keeps) -> Change:
    """Return the change; without the field's options and labels where the policy holds it back."""
    if change.kind not in WORDED or is_told(satellite, version, change.fieldname, keeps):
        return change
    return replace(change, was="", became="")


def signed(change: Change) -> str:
    """Return a change in one line: `+ campus: Select`, `- fax: Data`, `~ total: Currency → Float`.

    Of options that are a list it tells how many came and went. The site's words are cut short, and hold no control
    characters.
    """
    name = change.fieldname or change.doctype
    was, became = echo(change.was), echo(change.became)
    match change.kind:
        case "doctype_added":
            said = f"+ {name}"
        case "field_added" | "field_returned" | "table_added":
            said = f"+ {name}: {became}"
        case "field_removed" | "table_removed":
            said = f"- {name}: {was}"
        case "retyped":
            said = f"~ {name}: {was} → {became}"
        case _ if is_silent(change):
            said = f"~ {name}: {change.kind}, which the policy holds back"
        case "options" if has_lines(change):
            gone, come = moved_lines(change)
            said = f"~ {name}: options, {len(come):,} added, {len(gone):,} removed"
        case "label":
            said = f"~ {name}: label “{was}” → “{became}”"
        case _:
            said = f"~ {name}: {change.kind} {was or 'none'} → {became or 'none'}"
    return said


def is_silent(change: Change) -> bool:
    """Return whether the policy holds its words back."""
    return change.kind in WORDED and not (change.was or change.became)


def has_lines(change: Change) -> bool:
    """Return whether it is one of options that are a list, of a Select, rather than the name of a DocType."""
    return change.kind == "options" and "\n" in change.was + change.became


def moved_lines(change: Change) -> tuple[list[str], list[str]]:
    """Return the lines that went and those that came, as of the options of a Select."""
    was, became = change.was.splitlines(), change.became.splitlines()
    remaining, before = frozenset(became), frozenset(was)
    return [line for line in was if line not in remaining], [line for line in became if line not in before]
