"""Names: which DocType and field names are accepted, and what they become as paths, tables and columns."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

SATELLITE: Final = "satellite"
NAME: Final = "name"
OBSERVED: Final = "observed"
UTC_SUFFIX: Final = "_utc"
RESERVED_TABLE_PREFIXES: Final = ("dim_", "fact_", "agg_", "federation_")

_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")
_OURS: Final = re.compile(rf"({SATELLITE}|{OBSERVED}|.*{UTC_SUFFIX})(_field)*")


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


def column_name(fieldname: str) -> str:
    """Return the column of a field: its fieldname, in lower case because databases take names without regard to case.

    One that is a column of ours (`satellite`, `observed`, anything ending in `_utc`), or would become one of these
    spellings, gets `_field` behind it. The rule looks at nothing but the fieldname, so a field has the same column in
    every contract, package and table, whatever other fields there are.
    """
    name = fieldname.casefold()
    return f"{name}_field" if _OURS.fullmatch(name) else name
