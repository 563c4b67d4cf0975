"""Rejection: documents that fail an expectation leave their page, whole, in the form in which quarantine keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from federation.conform.reading import TableReading
from federation.extract.documents import DocumentReading, Fault, RejectedDocument


def rejected_documents(
    reading: DocumentReading, tables: Mapping[str, pa.Table], faults: Mapping[str, tuple[Fault, ...]]
) -> list[RejectedDocument]:
    """Return documents of a page with what is wrong with them.

    Their JSON has the form of those that don't fit the contract: Frappe's fieldnames, cells as the site writes them.

    Args:
        reading: how they were read.
        tables: DocType → the page's rows, conformed.
        faults: the name of each document to reject → its faults.
    """
    names = pa.array(faults, pa.string())
    children: dict[str, dict[str, list[dict[str, object]]]] = {}
    for child in reading.children:
        by_parent = children[child.table.doctype] = {}
        for row in _rows(child, tables[child.table.doctype], "parent", names):
            by_parent.setdefault(str(row["parent"]), []).append(row)
    rejected = []
    for row in _rows(reading.parent, tables[reading.doctype], "name", names):
        name = str(row["name"])
        below = {doctype: sorted(rows.get(name, ()), key=_place) for doctype, rows in children.items()}
        document = json.dumps({**row, **below}, sort_keys=True, default=_as_sent)
        rejected.append(RejectedDocument(name, faults[name], document))
    return rejected


def _rows(reading: TableReading, table: pa.Table, owner: str, names: pa.Array) -> list[dict[str, object]]:
    """Only rejected documents come here, so cells in Python cost nothing where all are well."""
    chosen = table.filter(pc.is_in(table.column(owner), value_set=names))
    fields = [field for field in reading.fields if field.column.name in table.column_names]
    cells = [chosen.column(field.column.name).to_pylist() for field in fields]
    names_of_fields = [field.fieldname for field in fields]
    return [dict(zip(names_of_fields, row, strict=True)) for row in zip(*cells, strict=True)]


def _place(row: Mapping[str, object]) -> tuple[int, str]:
    """The order of child rows on the site; by name where that isn't told, so that it is always the same."""
    idx = row.get("idx")
    return (idx if isinstance(idx, int) else 0, str(row.get("name")))


def _as_sent(cell: object) -> object:
    """A number of the wire is a float, of which a decimal has the shortest digits: there and back loses nothing."""
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, datetime | date | time):
        return str(cell)
    raise TypeError(type(cell).__name__)
