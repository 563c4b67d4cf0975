"""Names: which DocType and field names are accepted, and what they become as paths, tables and columns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

SATELLITE: Final = "satellite"
NAME: Final = "name"
OBSERVED: Final = "observed"
UTC_SUFFIX: Final = "_utc"
RESERVED_COLUMNS: Final = frozenset({SATELLITE, OBSERVED})
RESERVED_TABLE_PREFIXES: Final = ("dim_", "fact_", "agg_", "federation_")

_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")


def scrub(name: str) -> str:
    """Return the snake_case spelling of a DocType name, as Frappe's own `scrub` does, in ASCII only."""
    return _NOT_WORD.sub("_", name.casefold()).strip("_") or "doctype"


def slug(doctype: str) -> str:
    """Return a path segment for a DocType: readable, safe on every file system and free of collisions."""
    return f"{scrub(doctype)[:40]}-{hashlib.sha256(doctype.encode()).hexdigest()[:8]}"


def table_name(doctype: str, taken: Iterable[str]) -> str:
    """Return the mothership table of a DocType that has none yet.

    The rule, applied once for each DocType and recorded in `federation_table`: the scrubbed name; a name that starts
    like a mart or a system table gets `doctype_` in front; one that is taken gets `_2`, `_3`, …; 60 characters at most.
    """
    stem = scrub(doctype)[:60].rstrip("_")
    if stem.startswith(RESERVED_TABLE_PREFIXES):
        stem = f"doctype_{stem}"[:60]
    used = set(taken)
    name, number = stem, 1
    while name in used:
        number += 1
        name = f"{stem[:56]}_{number}"
    return name


def column_names(fieldnames: Iterable[str]) -> Mapping[str, str]:
    """Return fieldname → column name.

    Frappe's fieldnames are kept. One that would collide with a column of ours (`satellite`, `observed`, anything
    ending in `_utc`) gets `_field` behind it, again and again until it is free.
    """
    ordered = sorted(fieldnames)
    taken = {fieldname.casefold() for fieldname in ordered if not _is_reserved(fieldname)}
    names: dict[str, str] = {}
    for fieldname in ordered:
        column = fieldname
        if _is_reserved(fieldname):
            while _is_reserved(column) or column.casefold() in taken:
                column += "_field"
            taken.add(column.casefold())
        names[fieldname] = column
    return names


def _is_reserved(fieldname: str) -> bool:
    folded = fieldname.casefold()
    return folded in RESERVED_COLUMNS or folded.endswith(UTC_SUFFIX)
