"""Trading site: a simulated satellite with DocTypes of different sizes, a ledger the largest: 35 % of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.ledger_site import KEY, SECRET
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.store import SiteStore
from federation.demo.world.doctypes import doctypes


@dataclass(frozen=True)
class _Part:
    """A DocType's documents, each with rows of child tables: fieldname → (child DocType, rows a document)."""

    documents: int
    rows: Mapping[str, tuple[str, int]]


_PARTS: Mapping[str, _Part] = {
    "GL Entry": _Part(52_500, {}),
    "Stock Ledger Entry": _Part(25_500, {}),
    "Sales Invoice": _Part(6_000, {"items": ("Sales Invoice Item", 4)}),
    "Payment Entry": _Part(9_000, {"references": ("Payment Entry Reference", 1)}),
    "Journal Entry": _Part(3_000, {"accounts": ("Journal Entry Account", 3)}),
    "Customer": _Part(4_500, {}),
    "Item": _Part(4_500, {}),
    "Address": _Part(3_000, {}),
}
DOCTYPES = tuple(_PARTS)
DOCUMENTS = sum(part.documents for part in _PARTS.values())
ROWS = DOCUMENTS + sum(part.documents * each for part in _PARTS.values() for _, each in part.rows.values())

_FIRST = datetime(2024, 1, 1)  # noqa: DTZ001 - the site's local time
_EMPTY: Mapping[str, object] = {"Check": 0, "Int": 0, "Long Int": 0}
_NUMBERS = frozenset({"Currency", "Float", "Percent"})
_SHORT = frozenset({"Data", "Link", "Dynamic Link", "Select"})


def add_trade(path: Path) -> None:
    """Make the site at `path`: half of its numbers are zero, its Links name a thousand documents."""
    store = SiteStore(path)
    try:
        store.set_single("System Settings", {"time_zone": "Asia/Kolkata"})
        add_user(store, SiteUser("benchmark@example.com", reads=("*",)), api_key=KEY, api_secret=SECRET)
        known = doctypes()
        for doctype in DOCTYPES:
            tables = [field["options"] for field in known[doctype]["fields"] if field["fieldtype"] == "Table"]
            for table in (*tables, doctype):
                if table not in store.doctypes():
                    store.create_doctype(known[table])
        for doctype, part in _PARTS.items():
            _add(store, doctype, _documents(doctype, part.documents))
            for fieldname, (child, each) in part.rows.items():
                _add(store, child, _children(doctype, part.documents, fieldname, each))
    finally:
        store.close()


def _add(store: SiteStore, doctype: str, given: Iterator[dict[str, object]]) -> None:
    columns = store.meta(doctype).columns
    rows = (_row(columns, number, each) for number, each in enumerate(given))
    store.insert_rows(doctype, list(columns), rows)


def _documents(doctype: str, documents: int) -> Iterator[dict[str, object]]:
    for number in range(documents):
        yield {"name": f"{doctype} {number:07d}", **_stamped(number)}


def _children(doctype: str, documents: int, fieldname: str, each: int) -> Iterator[dict[str, object]]:
    for number in range(documents * each):
        parent = number // each
        place = {"parent": f"{doctype} {parent:07d}", "parenttype": doctype, "parentfield": fieldname}
        yield {"name": f"{number * 2_654_435_761 % 2**40:010x}", **_stamped(parent), **place, "idx": number % each + 1}


def _stamped(number: int) -> dict[str, object]:
    stamp = (_FIRST + timedelta(milliseconds=25 * number)).isoformat(sep=" ", timespec="microseconds")
    user = "clerk@example.com"
    return {"owner": user, "creation": stamp, "modified": stamp, "modified_by": user, "docstatus": 1, "idx": 0}


def _row(columns: Mapping[str, str], number: int, given: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(
        given[column] if column in given else _cell(column, fieldtype, number) for column, fieldtype in columns.items()
    )


def _cell(column: str, fieldtype: str, number: int) -> object:
    if fieldtype in _NUMBERS:
        return float(number % 99_991) + (number % 100) / 100 if len(column) % 2 else 0.0
    if fieldtype in _SHORT:
        return f"{column} {number % 1_000:04d}"
    if fieldtype == "Date":
        return f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    if fieldtype == "Time":
        return f"{number % 24:02d}:{number % 60:02d}:00"
    if fieldtype == "Small Text":
        return f"{column} {number}, as agreed by telephone"
    return _EMPTY.get(fieldtype)
