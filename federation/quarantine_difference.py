"""Quarantine difference: how a document in quarantine differs from the accepted version that stands in its table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from federation.contract.names import column_name
from federation.mothership.interface import Readable
from federation.mothership.sql import identifier, literal

_EXCERPT: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """A value in which the two versions differ.

    Attributes:
        place: "" for the document's own fields, else the child DocType and the row's name.
        fieldname: "" where the whole row is in one version alone.
        stands: the accepted value, cut; None where there is none.
        rejected: the value in quarantine, cut; None where there is none.
    """

    place: str
    fieldname: str
    stands: str | None
    rejected: str | None


def differences(mothership: Readable, satellite: str, doctype: str, document: str) -> tuple[Difference, ...] | None:
    """Return in what the document's accepted version differs; None where none stands.

    Args:
        mothership: where it stands.
        satellite: whose document it is.
        doctype: its DocType.
        document: as JSON, child rows under their DocType.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    rejected: dict[str, Any] = json.loads(document)
    tables = mothership.tables()
    if doctype not in tables:
        return None
    ours = f"satellite = {literal(satellite)}"
    name = literal(str(rejected["name"]))
    standing = _rows(mothership, tables[doctype], f"{ours} AND name = {name}")
    if not standing:
        return None
    children = {key: rows for key, rows in rejected.items() if isinstance(rows, list) and key in tables}
    own = {key: cell for key, cell in rejected.items() if key not in children}
    found = list(_fields("", own, standing[0]))
    for child, rows in children.items():
        where = f"{ours} AND parenttype = {literal(doctype)} AND parent = {name}"
        there = {str(row["name"]): row for row in _rows(mothership, tables[child], where)}
        found.extend(_children(child, rows, there))
    return tuple(found)


def _children(
    child: str, rejected: Sequence[Mapping[str, object]], there: Mapping[str, Mapping[str, object]]
) -> Iterator[Difference]:
    here = {str(row.get("name")): row for row in rejected}
    for name, row in here.items():
        if name in there:
            yield from _fields(f"{child} {name}", row, there[name])
        else:
            yield Difference(f"{child} {name}", "", None, _excerpt(json.dumps(row, ensure_ascii=False)))
    for name in sorted(there.keys() - here.keys()):
        yield Difference(f"{child} {name}", "", "a row that is gone", None)


def _fields(place: str, rejected: Mapping[str, object], stands: Mapping[str, object]) -> Iterator[Difference]:
    for fieldname, cell in rejected.items():
        column = column_name(fieldname)
        if column in stands and not _same(cell, stands[column]):
            yield Difference(place, fieldname, _shown(stands[column]), _shown(cell))


def _same(sent: object, stored: object) -> bool:
    """Return whether a cell of JSON says what a cell of the tables holds."""
    if sent is None or stored is None:
        return sent is stored
    with suppress(ValueError, InvalidOperation):
        if isinstance(stored, Decimal | int | float):
            return Decimal(str(int(sent) if isinstance(sent, bool) else sent)) == Decimal(str(stored))
        if isinstance(stored, date | time):
            text = str(sent)
            return type(stored).fromisoformat(f"{text:0>8}" if isinstance(stored, time) else text) == stored
    return (sent if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False)) == str(stored)


def _shown(cell: object) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, Decimal):
        return f"{cell:f}".rstrip("0").rstrip(".") if "." in f"{cell:f}" else f"{cell:f}"
    text = json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else str(cell)
    return _excerpt(text)


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"


def _rows(mothership: Readable, table: str, where: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = (
        mothership.query(f"SELECT * FROM {identifier(table)} WHERE {where}").read_all().to_pylist()
    )
    return rows
