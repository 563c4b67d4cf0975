"""Columns: the contract of a DocType as tables of typed columns, parent and child tables alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the mothership.

    Attributes:
        name: the column's name in the mothership.
        type: its Arrow type over all satellites.
        fieldname: the Frappe field it carries; "" for `satellite` and `observed`, which are ours.
        fieldtype: Frappe's fieldtype (of the first satellite by name where they differ).
        label: what a user of the site reads beside the field.
        description: the field's help text.
        options: Select options, the linked DocType, the currency field; as Frappe keeps it.
        mandatory: every satellite that has the field requires it.
        non_negative: every satellite that has the field refuses values below zero.
        satellites: who has the field now, sorted; () where nobody has it any more.
        utc_of: the local Datetime column whose instant this column tells in UTC, else "".
    """

    name: str
    type: pa.DataType
    fieldname: str = ""
    fieldtype: str = ""
    label: str = ""
    description: str = ""
    options: str = ""
    mandatory: bool = False
    non_negative: bool = False
    satellites: tuple[str, ...] = ()
    utc_of: str = ""


@dataclass(frozen=True)
class TableContract:
    """The conformed table of one DocType, or of one child DocType; key `(satellite, name)`.

    Attributes:
        doctype: the DocType whose rows it holds.
        columns: in the order of the mothership's table.
        is_child: rows belong to a document of another DocType, named by parent, parenttype and parentfield.
    """

    doctype: str
    columns: tuple[Column, ...]
    is_child: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Column name → column."""
        return {column.name: column for column in self.columns}

    @cached_property
    def by_fieldname(self) -> Mapping[str, Column]:
        """Casefolded fieldname → the column that carries the field itself."""
        fields = (column for column in self.columns if column.fieldname and not column.utc_of)
        return {column.fieldname.casefold(): column for column in fields}

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table."""
        return pa.schema([pa.field(column.name, column.type) for column in self.columns])


@dataclass(frozen=True)
class Contract:
    """The conformed schema of a DocType over all satellites.

    Attributes:
        doctype: the DocType of the documents.
        parent: their own table.
        children: child DocType → its table, for every Table and Table MultiSelect field of any satellite.
    """

    doctype: str
    parent: TableContract
    children: Mapping[str, TableContract] = field(default_factory=dict)

    @property
    def tables(self) -> tuple[TableContract, ...]:
        """The parent's table, then the child tables by DocType."""
        return (self.parent, *(self.children[doctype] for doctype in sorted(self.children)))

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that change whenever a table, column or type does."""
        shape = [(table.doctype, column.name, str(column.type)) for table in self.tables for column in table.columns]
        return hashlib.sha256(repr(shape).encode()).hexdigest()[:12]
