"""Reading: which fields one satellite is asked for, and the contract column that each becomes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from connectors.frappe import WireTable
from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import INTEGER, ColumnType, column_type
from federation.contract.satellite_schema import DocTypeSchema
from federation.policy.rules import Drop, Hash, SatellitePolicy


@dataclass(frozen=True, slots=True)
class ReadField:
    """A requested field: its name on the wire, how it travels there, and where it goes."""

    fieldname: str
    own: ColumnType
    column: Column
    hash_key: bytes | None = None

    def __repr__(self) -> str:
        return f"ReadField({self.fieldname!r}, column={self.column.name!r}, hashed={self.hash_key is not None})"


@dataclass(frozen=True)
class TableReading:
    """One table of one satellite: what to request and how its rows are conformed.

    Attributes:
        satellite: the satellite's name, the first half of every key.
        zone: the site's IANA time zone.
        table: the contract's table.
        fields: the requested fields, in the order they are requested in.
    """

    satellite: str
    zone: str
    table: TableContract
    fields: tuple[ReadField, ...]

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
        action = policy.action(table.doctype, field.fieldname, field.fieldtype)
        if isinstance(action, Drop):
            continue
        if field.fieldname == "idx":
            own = ColumnType("integer", INTEGER)
        key = action.key() if isinstance(action, Hash) else None
        fields.append(ReadField(field.fieldname, own, column, key))
    return TableReading(satellite, zone, table, tuple(fields))
