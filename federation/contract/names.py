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
LONGEST_IDENTIFIER: Final = 64
"""Characters of an identifier of MariaDB, which has none beyond the Basic Multilingual Plane."""

_NOT_WORD: Final = re.compile(r"[^a-z0-9]+")
_ASTRAL: Final = re.compile(r"[^\0-\uffff]")
_DIGITS: Final = 12
_SHORTENED: Final = LONGEST_IDENTIFIER - len(UTC_SUFFIX)
_OURS: Final = re.compile(
    rf"({SATELLITE}|{OBSERVED}|.*{UTC_SUFFIX}|.{{{_SHORTENED - _DIGITS - 1}}}_[0-9a-f]{{{_DIGITS}}})(_field)*",
    re.DOTALL,
)


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
    spellings, gets `_field` behind it. One that no database of ours can have as a name is shortened: its beginning,
    `_` and twelve hex digits of its SHA-256. The rule looks at nothing but the fieldname, so a field has the same
    column in every contract, package and table, whatever other fields there are.
    """
    name = fieldname.casefold()
    if _OURS.fullmatch(name):
        name = f"{name}_field"
    return _shortened(name) if len(name) > LONGEST_IDENTIFIER or _ASTRAL.search(name) else name


def utc_name(column: str) -> str:
    """Return the column that tells a Datetime column's instant in UTC: `_utc` behind it, shortened where needed."""
    return f"{column if len(column) <= _SHORTENED else _shortened(column)}{UTC_SUFFIX}"


def _shortened(name: str) -> str:
    """Return 60 characters that stand for a name; `column_name` gives them to no other."""
    readable = _ASTRAL.sub("_", name)[: _SHORTENED - _DIGITS - 1].ljust(_SHORTENED - _DIGITS - 1, "_")
    return f"{readable}_{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"
