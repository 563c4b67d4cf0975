"""Indexes: which secondary indexes a DocType's table has, for the merge and for analysts."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, TEXT
from federation.contract.names import LONGEST_IDENTIFIER, NAME, SATELLITE
from federation.mothership.mariadb.column_types import LONGTEXT, length
from federation.mothership.mariadb.refusal import TableRefused
from federation.mothership.sql import Fragment, identifier

PREFIX: Final = "federation_"
"""Of the names of our indexes: those with other names are somebody else's."""

PARENT: Final = (SATELLITE, "parent")
"""What the child rows of a document are found by."""

_DATES: Final = ("posting_date", "transaction_date", "date")
"""The day that a voucher counts for, in ERPNext's words; the first that a DocType has."""

_NAMED_BY_TYPE: Final = ("party", "voucher_no")
"""Dynamic Links that ledgers are asked by."""

_SUBJECTS: Final = ("Item", "Customer", "Supplier", "Account", "Employee", "Student", "Patient")
"""DocTypes that vouchers and ledgers are about, in the order in which analysts ask by them."""

_CIRCUMSTANCES: Final = frozenset(
    {"Company", "Currency", "Price List", "UOM", "DocType", "Country", "Letter Head", "Fiscal Year", "Language"}
)
"""DocTypes of which a table names few: a Link to them finds too much to be an index."""

_MOST_LINKS: Final = 3
_MOST_LINKS_OF_CHILD: Final = 2
"""Each index costs a load 0.3 of what it costs without any."""

_PREFIX_CHARACTERS: Final = 140
"""Of longer texts only so much is in an index."""

_LONGEST_KEY: Final = 3_072
_BYTES: Final[Mapping[str, int]] = {
    "bigint(20)": 8,
    "tinyint(4)": 1,
    "date": 3,
    "time(6)": 6,
    "datetime(6)": 8,
    "decimal(21,9)": 10,
    "decimal(38,9)": 17,
}


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index: its name, which begins with `federation_`, and its columns."""

    name: str
    columns: tuple[str, ...]


def wanted_indexes(contract: TableContract, chosen: Sequence[Sequence[str]] | None) -> tuple[Index, ...]:
    """Return the indexes of a table; none of them is the beginning of another, or of the primary key.

    For the merge, child rows are found by (satellite, parent). For analysts, by this rule: a voucher or ledger by
    (company, date) and by (docstatus, date), where the date is the posting date, or else the first that is mandatory;
    then by up to three Links, of a child table two: parties and vouchers with their types, what vouchers are about
    (one Link of each kind, a mandatory one first), other mandatory Links of vouchers.

    Args:
        contract: the table over all satellites.
        chosen: what the settings say for this DocType, in the place of those for analysts; None where they say nothing.

    Raises:
        TableRefused: a chosen column isn't there.
    """
    lists: list[tuple[str, ...]] = [PARENT] if contract.is_child else []
    lists += _for_analysts(contract) if chosen is None else [_checked(contract, columns) for columns in chosen]
    lists = list(dict.fromkeys(lists))
    kept = [
        columns
        for columns in lists
        if not any(_begins(columns, other) for other in ((SATELLITE, NAME), *lists) if other is not columns)
    ]
    names: set[str] = set()
    indexes = []
    for columns in kept:
        name = _name(columns, names)
        names.add(name)
        indexes.append(Index(name, columns))
    return tuple(indexes)


def key_parts(doctype: str, index: Index, types: Mapping[str, str]) -> tuple[Fragment, ...]:
    """Return the columns of an index as ADD KEY names them, long texts cut.

    Args:
        doctype: whose table it is.
        index: one of its indexes.
        types: column → MariaDB type, as the table stands.

    Raises:
        TableRefused: together they are longer than a key can be.
    """
    size = sum(_BYTES.get(types[column], 4 * _characters(types[column]) + 2) + 1 for column in index.columns)
    if size > _LONGEST_KEY:
        raise TableRefused(
            doctype,
            f"can't have an index on {', '.join(index.columns)}: it would take {size:,} bytes a row and InnoDB takes "
            f"{_LONGEST_KEY:,}. Choose fewer columns under `indexes` in the settings.",
        )
    return tuple(
        Fragment(f"{identifier(column)}({_PREFIX_CHARACTERS})") if _is_cut(types[column]) else identifier(column)
        for column in index.columns
    )


def _is_cut(sql_type: str) -> bool:
    return sql_type == LONGTEXT or (length(sql_type) or 0) > _PREFIX_CHARACTERS


def _characters(sql_type: str) -> int:
    return min(length(sql_type) or _PREFIX_CHARACTERS, _PREFIX_CHARACTERS)


def _begins(columns: Sequence[str], other: Sequence[str]) -> bool:
    return tuple(columns) == tuple(other[: len(columns)])


def _name(columns: Sequence[str], taken: set[str]) -> str:
    name = PREFIX + "_".join(columns)
    if len(name) <= LONGEST_IDENTIFIER and name not in taken:
        return name
    return f"{name[: LONGEST_IDENTIFIER - 9]}_{hashlib.sha256(repr(columns).encode()).hexdigest()[:8]}"


def _checked(contract: TableContract, columns: Sequence[str]) -> tuple[str, ...]:
    for column in columns:
        if column not in contract.by_name:
            near = difflib.get_close_matches(column, contract.by_name, n=1)
            raise TableRefused(
                contract.doctype,
                f"has no column {column!r} for the index on {', '.join(columns)}. "
                + (f"Did you mean {near[0]!r}? " if near else "")
                + "Correct `indexes` in the settings.",
            )
    return tuple(dict.fromkeys(columns))


def _for_analysts(contract: TableContract) -> list[tuple[str, ...]]:
    date = _date(contract)
    found: list[tuple[str, ...]] = []
    if date and not contract.is_child:
        found += [(column, date) for column in ("company", "docstatus") if column in contract.by_name]
    links = list(dict.fromkeys(_links(contract, is_voucher=date is not None)))
    return found + links[: _MOST_LINKS_OF_CHILD if contract.is_child else _MOST_LINKS]


def _date(contract: TableContract) -> str | None:
    days = [column for column in contract.columns if column.type in (DATE, DATETIME) and column.fieldtype == "Date"]
    names = {column.name for column in days}
    known = (name for name in _DATES if name in names)
    return next(known, None) or next((column.name for column in days if column.mandatory), None)


def _links(contract: TableContract, *, is_voucher: bool) -> Iterator[tuple[str, ...]]:
    texts = [column for column in contract.columns if column.type == TEXT]
    dynamic = [column for column in texts if column.fieldtype == "Dynamic Link"]
    links = [column for column in texts if column.fieldtype == "Link" and column.name not in _OURS_OF_FRAPPE]
    for name in _NAMED_BY_TYPE:
        yield from (_with_type(contract, column) for column in dynamic if column.name == name)
    for subject in _SUBJECTS:
        about = [column for column in links if column.options == subject]
        about.sort(key=lambda column: not column.mandatory)
        yield from ((column.name,) for column in about[:1])
    if is_voucher:
        mandatory = [column for column in links if column.mandatory and column.options not in _CIRCUMSTANCES]
        yield from ((column.name,) for column in mandatory)
    yield from (_with_type(contract, column) for column in dynamic if column.mandatory)


def _with_type(contract: TableContract, column: Column) -> tuple[str, ...]:
    """The document first: there are many of them and few types."""
    kind = contract.by_fieldname.get(column.options.casefold())
    return (column.name, kind.name) if kind and kind.type == TEXT else (column.name,)


_OURS_OF_FRAPPE: Final = frozenset({"owner", "modified_by", "parenttype"})
"""Links that every document has."""
