"""Groups: what a site answers of an aggregate becomes rows of the contract, policy applied and small groups withheld.

The site groups by the documents' own values. A policy that hashes or masks a field, and a date that is cut to its
month, make several of its groups one: they are added up here.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from connectors.frappe import Groups
from federation.conform.cells import conform_cells
from federation.conform.reading import ReadField, TableReading
from federation.contract.fieldtypes import INTEGER, TEXT, WIDE_NUMBER
from federation.contract.names import NAME, OBSERVED, SATELLITE
from federation.extract.documents import Fault, RejectedDocument
from federation.settings.aggregates import DOCUMENTS, Aggregate

_EXCERPT: Final = 200
_DIGITS: Final = 32
_ARRIVED, _PLACE = "arrived as", "place in order"
"""Columns for a while; those of fields have no spaces."""
_EXACT: Final = 2**53
"""The site sends sums as floats: from here on not even whole numbers are told apart."""
_CUT_AT: Final = {"day": 10, "month": 7, "year": 4}
_FIRST: Final = "0001-01-01"
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?")
_TOTAL: Final = pc.ScalarAggregateOptions(skip_nulls=True, min_count=1)


@dataclass(frozen=True, slots=True)
class GroupRows:
    """Groups that may leave the satellite.

    Attributes:
        table: one row a group, in the reading's schema.
        rejected: groups with a cell that doesn't fit.
        withheld: how many groups are too small to be told.
    """

    table: pa.Table
    rejected: tuple[RejectedDocument, ...]
    withheld: int


@dataclass(frozen=True, slots=True)
class _Column:
    """A field's cells, one a group of the site's.

    Attributes:
        cells: as they arrived, after the policy.
        values: conformed; null where a cell doesn't fit.
        misfits: which don't.
    """

    read: ReadField
    cells: Sequence[object]
    values: pa.Array
    misfits: tuple[int, ...]


def group_rows(groups: Groups, reading: TableReading, aggregate: Aggregate) -> GroupRows:
    """Return the groups as rows; `groups.documents` are whole numbers.

    A group is known by what makes it: `name` is a digest of that. As in the site's database, texts that differ in case
    or in spaces at their end alone make one group; it shows the first spelling of them, by code points. A null and an
    empty text are two.
    """
    fields = {field.fieldname: field for field in reading.fields}
    came = {one.field: cells for one, cells in zip(aggregate.by, groups.by, strict=True)}
    dimensions = [
        _dimension(fields[one.field], came[one.field], one.cut, _types(fields, one.field, came)) for one in aggregate.by
    ]
    sums = [_sum(fields[name], cells) for name, cells in zip(aggregate.sum, groups.sums, strict=True)]
    columns = [*dimensions, *sums]
    names = _names(aggregate, dimensions)
    arrived = pa.table(
        {
            NAME: pa.array(names, TEXT),
            DOCUMENTS: pa.array(groups.documents, INTEGER),
            **{column.read.column.name: column.values for column in columns},
        }
    ).append_column(_ARRIVED, pa.array(range(len(names)), INTEGER))
    totals = [(column.read.column.name, "sum", _TOTAL) for column in sums]
    spelled = arrived.sort_by([(column.read.column.name, "ascending") for column in dimensions])
    spelled = spelled.append_column(_PLACE, pa.array(range(len(names)), INTEGER))
    grouped = spelled.group_by(NAME).aggregate([(DOCUMENTS, "sum"), (_PLACE, "min"), *totals])
    told = grouped.filter(pc.greater_equal(grouped.column(f"{DOCUMENTS}_sum"), aggregate.at_least))
    first = spelled.take(told.column(f"{_PLACE}_min"))
    rows = {
        SATELLITE: pa.repeat(pa.scalar(reading.satellite, TEXT), told.num_rows),
        OBSERVED: pa.repeat(pa.scalar(groups.observed.replace(tzinfo=None), pa.timestamp("us")), told.num_rows),
        NAME: told.column(NAME),
        DOCUMENTS: told.column(f"{DOCUMENTS}_sum"),
        **{column.read.column.name: first.column(column.read.column.name) for column in dimensions},
        **{
            column.read.column.name: _typed(told.column(f"{column.read.column.name}_sum"), column.read)
            for column in sums
        },
    }
    table = pa.table({name: rows[name] for name in reading.schema.names}).cast(reading.schema)
    faults = _faults(columns, names)
    rejected = tuple(
        RejectedDocument(name, tuple(faults[name]), _as_json(name, documents, row, columns))
        for name, documents, row in zip(
            told.column(NAME).to_pylist(),
            told.column(f"{DOCUMENTS}_sum").to_pylist(),
            first.column(_ARRIVED).to_pylist(),
            strict=True,
        )
        if name in faults
    )
    fit = pc.invert(pc.is_in(table.column(NAME), pa.array([each.name for each in rejected], TEXT)))
    return GroupRows(table.filter(fit), rejected, grouped.num_rows - told.num_rows)


def _types(fields: Mapping[str, ReadField], fieldname: str, came: Mapping[str, Sequence[object]]) -> Sequence[object]:
    """Return of which DocType the names in a field are, where the policy hashes them by that."""
    by = fields[fieldname].type_field
    return fields[by].told(came[by]) if by in came else ()


def _dimension(field: ReadField, cells: Sequence[object], cut: str, types: Sequence[object]) -> _Column:
    altered = field.alter(cells, types)
    kept = _cut(altered, cut) if cut else altered
    conformed = conform_cells(kept, field.own.wire, field.own.arrow, field.column.type)
    return _Column(field, kept, conformed.values, conformed.misfits)


def _cut(cells: Sequence[object], cut: str) -> list[object]:
    """Return dates cut to their first day; what is no date stays, and doesn't fit its column afterwards either."""
    end = _CUT_AT[cut]
    return [cell[:end] + _FIRST[end:] if isinstance(cell, str) and _DATE.fullmatch(cell) else cell for cell in cells]


def _sum(field: ReadField, cells: Sequence[object]) -> _Column:
    """The shortest text that names a float is what the site wrote, so sums are exact to fifteen digits."""
    # A loop per group: only Python tells a text among numbers from a number.
    exact = [
        round(Decimal(repr(cell)), 9)
        if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell) and abs(cell) < _EXACT
        else None
        for cell in cells
    ]
    misfits = tuple(row for row, cell in enumerate(cells) if cell is not None and exact[row] is None)
    return _Column(field, cells, pa.array(exact, WIDE_NUMBER), misfits)


def _typed(totals: pa.ChunkedArray, field: ReadField) -> pa.ChunkedArray:
    wanted = field.column.type
    if wanted != TEXT:
        return totals.cast(wanted)
    # A column that once was a text of the same aggregate.
    return pa.chunked_array([[None if one is None else f"{one.normalize():f}" for one in totals.to_pylist()]], TEXT)


def _names(aggregate: Aggregate, dimensions: Sequence[_Column]) -> list[str]:
    keys = [_key(column) for column in dimensions]
    heads = [(one.field, one.cut) for one in aggregate.by]
    # A loop per group: a digest takes bytes.
    return [
        hashlib.sha256(json.dumps([*zip(heads, values, strict=True)]).encode()).hexdigest()[:_DIGITS]
        for values in zip(*keys, strict=True)
    ]


def _key(column: _Column) -> list[object]:
    """Return what tells groups apart; a cell that doesn't fit stands for itself, not for the null that it became."""
    texts = column.values.cast(TEXT)
    if column.values.type == TEXT:
        texts = pc.utf8_lower(pc.utf8_rtrim(texts, characters=" "))
    keys: list[object] = texts.to_pylist()
    for row in column.misfits:
        keys[row] = [str(column.cells[row])]
    return keys


def _faults(columns: Sequence[_Column], names: Sequence[str]) -> Mapping[str, list[Fault]]:
    found: dict[str, list[Fault]] = {}
    for column in columns:
        reason = f"is not a {column.read.column.fieldtype} ({column.read.own.arrow})"
        for row in column.misfits:
            fault = Fault("", column.read.fieldname, str(column.cells[row])[:_EXCERPT], reason)
            found.setdefault(names[row], []).append(fault)
    return found


def _as_json(name: str, documents: int, row: int, columns: Sequence[_Column]) -> str:
    cells = {column.read.fieldname: column.cells[row] for column in columns}
    return json.dumps({NAME: name, DOCUMENTS: documents, **cells}, sort_keys=True)
