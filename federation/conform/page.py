"""Page: a wire page becomes an Arrow table of the contract; rows with a cell that doesn't fit are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from connectors.frappe import WirePage
from federation.conform.cells import Cells, conform_cells
from federation.conform.reading import ReadField, TableReading
from federation.conform.zones import to_utc
from federation.contract.fieldtypes import DATETIME, TEXT
from federation.contract.names import OBSERVED, SATELLITE

_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Misfit:
    """A cell that doesn't fit its column.

    Attributes:
        row: the row's number in the page.
        fieldname: the field.
        value: the cell as it stands after the policy, cut to 200 characters.
        reason: why it doesn't fit, for a reader.
    """

    row: int
    fieldname: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConformedPage:
    """A page in the contract's terms.

    Attributes:
        table: the rows, all of them, in the order of the page; a cell that doesn't fit is null.
        misfits: the cells that don't fit; their documents must leave `table` before it is packaged.
        wire: fieldname → cells as they arrived, after the policy: what quarantine keeps.
    """

    table: pa.Table
    misfits: tuple[Misfit, ...]
    wire: Mapping[str, Sequence[object]]


def conform_page(page: WirePage, reading: TableReading) -> ConformedPage:
    """Return `page` conformed; fields that the site refused are left out of the table.

    The policy comes first: a hashed or masked field exists in clear only in the decoded page. A Datetime that is cut to
    its year is no instant any more: in UTC it is the same, not the year before.
    """
    if reading.prepared is not None:
        page = reading.prepared(page)
    wire: dict[str, Sequence[object]] = {}
    columns: dict[str, pa.Array] = {
        SATELLITE: pa.repeat(pa.scalar(reading.satellite, TEXT), page.rows),
        OBSERVED: pa.repeat(pa.scalar(_naive_utc(page.observed), DATETIME), page.rows),
    }
    misfits: list[Misfit] = []
    came = dict(zip(page.fields, page.columns, strict=True))
    for field in reading.fields:
        cells = came[field.fieldname] if field.constant is None else (field.constant,) * page.rows
        if field.fieldname in page.refused:
            continue
        kept = field.alter(cells, _types(page, reading, field))
        wire[field.fieldname] = kept
        conformed = conform_cells(kept, field.own.wire, field.own.arrow, field.column.type)
        misfits.extend(_misfits(field, kept, conformed))
        columns[field.column.name] = conformed.values
    altered = {field.column.name for field in reading.fields if field.is_altered}
    for column in reading.table.columns:
        if column.utc_of in columns:
            local = columns[column.utc_of]
            columns[column.name] = local if column.utc_of in altered else to_utc(local, reading.zone)
    schema = pa.schema([field for field in reading.schema if field.name in columns])
    return ConformedPage(
        pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema), tuple(misfits), wire
    )


def _types(page: WirePage, reading: TableReading, field: ReadField) -> Sequence[object]:
    """Return of which DocTypes the names are that a field holds, () where the site doesn't tell."""
    if field.type_field not in page.fields or field.type_field in page.refused:
        return ()
    [said] = (each for each in reading.fields if each.fieldname == field.type_field)
    return said.told(page.column(field.type_field))


def _misfits(field: ReadField, cells: Sequence[object], conformed: Cells) -> list[Misfit]:
    reason = f"is not a {field.column.fieldtype} ({field.own.arrow})"
    return [Misfit(row, field.fieldname, str(cells[row])[:_EXCERPT], reason) for row in conformed.misfits]


def _naive_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)
