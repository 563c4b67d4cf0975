"""Reading: which fields one satellite is asked for, and the contract column that each becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from connectors.frappe import Filter, WirePage, WireTable
from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import INTEGER, ColumnType, column_type
from federation.contract.satellite_schema import DocTypeSchema
from federation.mapping.satellite_mapping import UNMAPPED, SatelliteMapping
from federation.policy.apply import hash_cells, mask_cells
from federation.policy.rules import Drop, Hash, HashLinked, Mask, SatellitePolicy
from federation.policy.treatment import NAME


@dataclass(frozen=True, slots=True)
class ReadField:
    """A requested field: its name on the wire, how it travels there, what the policy makes of it, and where it goes.

    Attributes:
        hash_key: what its values are hashed with.
        show: what a mask lets be seen of its values.
        values: the site's cell → the fleet's, before the policy; cells that aren't named stay.
        constant: what every row holds, where the site hasn't got the field: it isn't requested.
        type_field: the field that says of which DocType the name is that it holds.
        name_keys: DocType → what its names are hashed with, where `type_field` says that DocType.
        comes_altered: its values are hashed already as they come: names, by which the site must be asked.
    """

    fieldname: str
    own: ColumnType
    column: Column
    hash_key: bytes | None = None
    show: str = ""
    values: Mapping[object, object] | None = None
    constant: object = None
    type_field: str = ""
    name_keys: Mapping[str, bytes] = field(default_factory=dict)
    comes_altered: bool = False

    @property
    def is_altered(self) -> bool:
        """Its values are not the site's: they are hashed, or a mask shows a part of them."""
        return self.hash_key is not None or bool(self.show) or bool(self.name_keys) or self.comes_altered

    def told(self, cells: Sequence[object]) -> Sequence[object]:
        """Return cells of the site in the fleet's values."""
        if not self.values:
            return cells
        # A cell that isn't of its kind may be a list or an object, which no mapping names.
        return [self.values.get(cell, cell) if isinstance(cell, str | int | float) else cell for cell in cells]

    def alter(self, cells: Sequence[object], types: Sequence[object] = ()) -> Sequence[object]:
        """Return cells in the fleet's values, as the policy lets them leave the satellite.

        Args:
            cells: as they were decoded.
            types: the fleet's values of `type_field`, where there is one; a cell whose type isn't told is null.
        """
        cells = self.told(cells)
        if self.name_keys:
            return self._alter_names(cells, types)
        if self.hash_key is not None:
            return hash_cells(cells, self.hash_key)
        return mask_cells(cells, self.show, self.own.arrow) if self.show else cells

    def _alter_names(self, cells: Sequence[object], types: Sequence[object]) -> Sequence[object]:
        """Hash the cells of each DocType at once."""
        altered = list(cells)
        spelled = [str(kind or "").strip().casefold() for kind in types] or [""] * len(altered)
        for doctype, key in self.name_keys.items():
            rows = [row for row, kind in enumerate(spelled) if kind == doctype.casefold()]
            for row, cell in zip(rows, hash_cells([cells[row] for row in rows], key), strict=True):
                altered[row] = cell
        return [cell if kind else None for cell, kind in zip(altered, spelled, strict=True)]

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
        filters: hold for every row that is requested.
        prepared: what every page goes through before anything else looks at it; None: nothing.
    """

    satellite: str
    zone: str
    table: TableContract
    fields: tuple[ReadField, ...]
    filters: tuple[Filter, ...] = ()
    prepared: Callable[[WirePage], WirePage] | None = None

    @cached_property
    def wire(self) -> WireTable:
        """What the connector is told to ask for."""
        return WireTable(
            self.table.doctype,
            tuple(field.fieldname for field in self.fields if field.constant is None),
            tuple(field.own.wire for field in self.fields if field.constant is None),
            self.filters,
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
    satellite: str,
    zone: str,
    schema: DocTypeSchema,
    table: TableContract,
    policy: SatellitePolicy,
    *,
    mapping: SatelliteMapping = UNMAPPED,
) -> TableReading:
    """Return how `satellite` is read for `table`: every present field that the policy doesn't hold back.

    Raises:
        SettingsError: the key of a hash can't be had.
    """
    fields = []
    for described in schema.fields.values():
        own = column_type(described.fieldtype)
        column = table.by_fieldname.get(described.fieldname.casefold())
        if own is None or column is None or not described.present or described.hidden_reason:
            continue
        asked = described.asked(table.doctype)
        action = policy.action(asked)
        if isinstance(action, Drop):
            continue
        if described.fieldname == "idx":
            own = ColumnType("integer", INTEGER)
        comes_altered = described.fieldname == NAME and isinstance(action, Hash)
        key = action.key() if isinstance(action, Hash) and not comes_altered else None
        show = action.show if isinstance(action, Mask) else ""
        linked = (action.type_field, action.keys()) if isinstance(action, HashLinked) else ("", {})
        values = mapping.values(asked.doctype, asked.fieldname, own.wire, described.options)
        constant = mapping.constant(table.doctype, described.fieldname)
        read = ReadField(described.fieldname, own, column, key, show, values, constant, *linked, comes_altered)
        fields.append(read)
    return TableReading(satellite, zone, table, tuple(fields))
