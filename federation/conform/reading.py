"""Reading: which fields one satellite is asked for, and the contract column that each becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from connectors.frappe import WirePage, WireTable
from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import INTEGER, ColumnType, column_type
from federation.contract.satellite_schema import DocTypeSchema
from federation.policy.apply import hash_cells, mask_cells
from federation.policy.rules import Drop, Hash, Mask, SatellitePolicy


@dataclass(frozen=True, slots=True)
class ReadField:
    """A requested field: its name on the wire, how it travels there, what the policy makes of it, and where it goes.

    Attributes:
        hash_key: what its values are hashed with.
        show: what a mask lets be seen of its values.
    """

    fieldname: str
    own: ColumnType
    column: Column
    hash_key: bytes | None = None
    show: str = ""

    @property
    def is_altered(self) -> bool:
        """Its values are not the site's: they are hashed, or a mask shows a part of them."""
        return self.hash_key is not None or bool(self.show)

    def alter(self, cells: Sequence[object]) -> Sequence[object]:
        """Return cells as the policy lets them leave the satellite."""
        if self.hash_key is not None:
            return hash_cells(cells, self.hash_key)
        return mask_cells(cells, self.show, self.own.arrow) if self.show else cells

    def __repr__(self) -> str:
        return f"ReadField({self.fieldname!r}, column={self.column.name!r}, altered={self.is_altered})"


@dataclass(frozen=True)
class TableReading:
    """One table of one satellite: what to request and how its rows are conformed.

    Attributes:
        satellite: the satellite's name, the first half of every key.
        zone: the site's IANA time zone.
        table: the contract's table.
        fields: the requested fields, in the order they are requested in.
        prepared: what every page goes through before anything else looks at it; None: nothing.
    """

    satellite: str
    zone: str
    table: TableContract
    fields: tuple[ReadField, ...]
    prepared: Callable[[WirePage], WirePage] | None = None

    @cached_property
    def wire(self) -> WireTable:
        """What the connector is told to ask for."""
        return WireTable(
            self.table.doctype,
            tuple(field.fieldname for field in self.fields),
            tuple(field.own.wire for field in self.fields),
        )

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the conformed rows: the contract's columns that this satellite has, in its order."""
        carried = {field.column.name for field in self.fields}
        return pa.schema(
            [
                pa.field(column.name, column.type)
                for column in self.table.columns
                if not column.fieldname or column.name in carried or column.utc_of in carried
            ]
        )


def table_reading(
    satellite: str, zone: str, schema: DocTypeSchema, table: TableContract, policy: SatellitePolicy
) -> TableReading:
    """Return how `satellite` is read for `table`: every present field that the policy doesn't hold back.

    Raises:
        SettingsError: the key of a hash can't be had.
    """
    fields = []
    for field in schema.fields.values():
        own = column_type(field.fieldtype)
        column = table.by_fieldname.get(field.fieldname.casefold())
        if own is None or column is None or not field.present or field.hidden_reason:
            continue
        action = policy.action(field.asked(table.doctype))
        if isinstance(action, Drop):
            continue
        if field.fieldname == "idx":
            own = ColumnType("integer", INTEGER)
        key = action.key() if isinstance(action, Hash) else None
        show = action.show if isinstance(action, Mask) else ""
        fields.append(ReadField(field.fieldname, own, column, key, show))
    return TableReading(satellite, zone, table, tuple(fields))
