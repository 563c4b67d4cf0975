"""Column types: the MariaDB type of each column, within what InnoDB holds in a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa

from federation.contract.columns import TableContract
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER
from federation.contract.names import NAME, SATELLITE
from federation.mothership.mariadb.refusal import TableRefused
from federation.mothership.system_tables import LONGEST_NAME

COLLATION: Final = "utf8mb4_nopad_bin"
"""Of all text: told apart by every character, trailing spaces included, as on DuckDB."""

LONGTEXT: Final = "longtext"
_TYPES: Final[Mapping[pa.DataType, str]] = {
    INTEGER: "bigint(20)",
    FLAG: "tinyint(4)",
    DATE: "date",
    TIME: "time(6)",
    DATETIME: "datetime(6)",
    MONEY: "decimal(21,9)",
    WIDE_NUMBER: "decimal(38,9)",
}
_ARROW_TYPES: Final = {name: arrow for arrow, name in _TYPES.items()}
_VARCHAR: Final = re.compile(r"varchar\((\d+)\)")

_LENGTHS: Final = (140, 300, LONGEST_NAME)
"""Of VARCHARs. Between them MariaDB widens without touching a row. Shorter than 64 characters a VARCHAR would count
with its whole length against InnoDB's page, however little is in it."""

_TEXT_BYTES: Final = 40_000
"""For VARCHARs that are no keys, of the 65,535 that the columns of a row may have (4 a character and 2). What is left
holds the keys and every other column that InnoDB allows, so that a column can always be added."""

_MOST_COLUMNS: Final = 1_017
"""InnoDB's limit. How many of them a row can fill depends on the values: see `TableRefused.row_too_wide`."""

_SHORT: Final = (
    frozenset({"parenttype", "parentfield"}),
    frozenset({"Link", "Dynamic Link"}),
    frozenset({"Select"}),
    frozenset({"Data", "Autocomplete", "Read Only", "Phone", "Color", "Icon"}),
)
"""Columns or fieldtypes that are VARCHAR as long as there is room, in this order: what analysts join and group by."""

_LONG: Final = frozenset(
    {
        "Small Text", "Text", "Long Text", "Text Editor", "HTML Editor", "Markdown Editor", "Code", "JSON",
        "Geolocation", "Attach", "Attach Image", "Signature", "Barcode", "Password",
    }
)  # fmt: skip
"""Fieldtypes that are LONGTEXT at once. What else is kept as text, hashes among it, comes after the short ones."""


def sql_types(
    contract: TableContract, arrow: Mapping[str, pa.DataType], longest: Mapping[str, int], stored: Mapping[str, str]
) -> dict[str, str]:
    """Return column → MariaDB type, in the order of `arrow`. A stored type stays where it holds every value.

    Args:
        contract: the table over all satellites.
        arrow: column → the Arrow type that it must hold: what `evolve` wants, and what the table has beyond.
        longest: text column → characters of the longest value to come; a column that isn't in it brings none.
        stored: column → type as the table has it (`varchar(140)`); {} for a table that isn't there.

    Raises:
        TableRefused: a name is longer than a key of InnoDB can be, or there are too many columns.
    """
    if len(arrow) > _MOST_COLUMNS:
        raise TableRefused(
            contract.doctype,
            f"would have {len(arrow):,} columns over all sites and InnoDB takes {_MOST_COLUMNS:,}. Withhold fields "
            "that nobody needs by a rule of the policy.",
        )
    types = {name: _TYPES.get(kind, "") for name, kind in arrow.items()}
    for key in (SATELLITE, NAME, "parent") if contract.is_child else (SATELLITE, NAME):
        if arrow.get(key) == TEXT:
            types[key] = _key_type(contract.doctype, key, longest.get(key, 0), stored.get(key, ""))
    texts = {name: stored.get(name, "") for name, kind in arrow.items() if not types[name]}
    left = _TEXT_BYTES - sum(_bytes(length(kind) or 0) for kind in texts.values())
    for name in _in_order(contract, texts):
        held = length(texts[name])
        needed = _fitting(longest.get(name, 0))
        cost = _bytes(needed or 0) - _bytes(held or 0)
        is_long = texts[name] == LONGTEXT or (held is None and _is_long(contract, name))
        if held is not None and longest.get(name, 0) <= held:
            types[name] = texts[name]
        elif is_long or needed is None or cost > left:
            types[name] = LONGTEXT
        else:
            types[name] = f"varchar({needed})"
            left -= cost
    return types


def arrow_type(sql_type: str) -> pa.DataType | None:
    """Return the Arrow type of a stored MariaDB type, or None of one that isn't ours."""
    return TEXT if sql_type == LONGTEXT or length(sql_type) is not None else _ARROW_TYPES.get(sql_type)


def length(sql_type: str) -> int | None:
    """Return the characters of a VARCHAR, None of another type."""
    found = _VARCHAR.fullmatch(sql_type)
    return int(found[1]) if found else None


def _key_type(doctype: str, key: str, longest: int, stored: str) -> str:
    held = length(stored)
    if held is not None and longest <= held:
        return stored
    if key == SATELLITE:
        return "varchar(64)"
    needed = _fitting(longest)
    if needed is None:
        raise TableRefused(
            doctype,
            f"would get a `{key}` of {longest:,} characters and a key of InnoDB holds {LONGEST_NAME}. Rename the "
            "document on its site; Frappe itself gives names of 140 at most.",
        )
    return f"varchar({needed})"


def _fitting(characters: int) -> int | None:
    return next((fitting for fitting in _LENGTHS if characters <= fitting), None)


def _bytes(characters: int) -> int:
    return 4 * characters + 2 if characters else 0


def _in_order(contract: TableContract, names: Mapping[str, str]) -> Iterator[str]:
    """Columns that the table has come first: they can't do without what they take."""
    yield from (name for name, stored in names.items() if stored)
    new = [name for name, stored in names.items() if not stored]
    yield from sorted(new, key=lambda name: _rank(contract, name))


def _rank(contract: TableContract, name: str) -> int:
    column = contract.by_name.get(name)
    kinds = {name, column.fieldtype} if column else {name}
    return next((rank for rank, short in enumerate(_SHORT) if kinds & short), len(_SHORT))


def _is_long(contract: TableContract, name: str) -> bool:
    column = contract.by_name.get(name)
    return column is not None and column.fieldtype in _LONG
