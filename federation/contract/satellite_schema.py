"""Satellite schema: every DocType and field that one satellite ever had, kept on the lake and never narrowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from connectors.frappe import DocTypeMeta
from federation.contract.asked_field import AskedField
from federation.contract.fieldtypes import TABLE_FIELDTYPES, column_type

DOCUMENT_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("name", "Data", "ID"),
    ("owner", "Link", "Created By"),
    ("creation", "Datetime", "Created On"),
    ("modified", "Datetime", "Last Updated On"),
    ("modified_by", "Link", "Last Updated By"),
    ("docstatus", "Check", "Document Status"),
    ("idx", "Int", "Index"),
)
"""Fields that every document and child row has without a DocField: (fieldname, fieldtype, label)."""

CHILD_FIELDS: tuple[tuple[str, str, str], ...] = (
    ("parent", "Data", "Parent"),
    ("parentfield", "Data", "Parent Field"),
    ("parenttype", "Link", "Parent Type"),
)
"""What ties a child row to its document."""


class FieldSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field as the satellite last described it, with every fieldtype that it ever had.

    Attributes:
        fieldtypes: all fieldtypes seen, oldest first; the last one is today's.
        present: the satellite has the field today.
        hidden_reason: why it is not read although it is there: "virtual", or "" where it is read.
        length: characters that a text may have, 0 for the fieldtype's own; None where it was described before this was
            kept, which lasts until the DocType's metadata is read again.
        precision: digits behind the point as Frappe keeps them, "" for the site's own; None as above.
        unaccepted: fieldtypes that the site has told and that the contract didn't follow; a policy counts them.
        made_from: of a field of an aggregate the field of its documents, which a policy is asked about in its place.
    """

    fieldname: str
    fieldtypes: tuple[str, ...]
    label: str = ""
    description: str = ""
    options: str = ""
    mandatory: bool = False
    non_negative: bool = False
    permlevel: int = 0
    present: bool = True
    hidden_reason: str = ""
    length: int | None = None
    precision: str | None = None
    unaccepted: tuple[str, ...] = ()
    made_from: AskedField | None = None

    @property
    def is_there(self) -> bool:
        """The satellite has the field today, and keeps its values."""
        return self.present and not self.hidden_reason

    @property
    def fieldtype(self) -> str:
        """Today's fieldtype."""
        return self.fieldtypes[-1]

    def asked(self, doctype: str) -> AskedField:
        """Return the field, of that DocType, as a policy is asked about it."""
        past = (*self.fieldtypes[:-1], *self.unaccepted)
        options = self.options if self.fieldtype in ("Link", "Dynamic Link") else ""
        return self.made_from or AskedField(doctype, self.fieldname, self.fieldtype, self.permlevel, past, options)


class DocTypeSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A DocType as one satellite has had it.

    Attributes:
        fields: fieldname → field, for every field that keeps a column.
        tables: fieldname → child DocType, for Table and Table MultiSelect fields that are there today.
        table_fields: those fields themselves; absent where an earlier version of ours read the metadata.
        past_tables: child DocTypes that an earlier version had.
        read_at: when its metadata was last read, ISO 8601 in UTC.
        fingerprint: what the three metadata lists said then; "" where the satellite forbids them.
        mapping: tells one mapping of the settings from another; "" where the satellite has none.
        aggregate_of: of an aggregate the DocType whose documents it counts; "" of what the satellite itself has.
        autoname: how names are given, in Frappe's words; "" where they are typed in, or it was never told.
        title_field: the field that stands for a document beside its name; "" where there is none, or it was never told.
    """

    doctype: str
    module: str = ""
    is_child: bool = False
    is_single: bool = False
    is_submittable: bool = False
    is_virtual: bool = False
    fields: dict[str, FieldSchema] = {}
    tables: dict[str, str] = {}
    table_fields: dict[str, FieldSchema] = {}
    past_tables: tuple[str, ...] = ()
    read_at: str = ""
    fingerprint: str = ""
    mapping: str = ""
    aggregate_of: str = ""
    autoname: str = ""
    title_field: str = ""

    def asked_fields(self) -> Iterator[AskedField]:
        """Yield every field that it has or had, those that hold child rows too, as a policy is asked about it."""
        for field in self.fields.values():
            yield field.asked(self.doctype)
        for fieldname in self.tables:
            yield self.asked_table(fieldname)

    def is_there(self, fieldname: str) -> bool:
        """Return whether the satellite has the field today, for reading or to hold child rows."""
        field = self.fields.get(fieldname)
        return fieldname in self.tables if field is None else field.present and not field.hidden_reason

    def asked_table(self, fieldname: str) -> AskedField:
        """Return a field that holds child rows as a policy is asked about it."""
        return self.table_fields.get(fieldname, FieldSchema(fieldname, ("Table",))).asked(self.doctype)


class SatelliteSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All DocTypes that one satellite has shown, by name.

    Attributes:
        doctypes: as they are read: the contract.
        told: as the site describes them, where the contract doesn't follow it in everything.
        released: those of `told` whose description was accepted; the next run that reads them follows it.
        untold: those that changed in a run which ended before it said so → the schema that was told last, by name.
    """

    satellite: str
    doctypes: dict[str, DocTypeSchema] = {}
    told: dict[str, DocTypeSchema] = {}
    released: tuple[str, ...] = ()
    untold: dict[str, str] = {}

    @property
    def as_told(self) -> dict[str, DocTypeSchema]:
        """All DocTypes as the site describes them."""
        return {**self.doctypes, **self.told}

    def absorb(
        self,
        metas: Iterable[DocTypeMeta],
        *,
        read_at: str,
        fingerprints: Mapping[str, str],
        mappings: Mapping[str, str] | None = None,
    ) -> SatelliteSchema:
        """Return the schema after the satellite described some of its DocTypes anew, followed in everything."""
        doctypes, told = dict(self.doctypes), dict(self.told)
        for meta in metas:
            past = told.pop(meta.name, None) or doctypes.get(meta.name)
            read = _absorb(past, meta, read_at, fingerprints.get(meta.name, ""))
            doctypes[meta.name] = msgspec.structs.replace(read, mapping=(mappings or {}).get(meta.name, ""))
        return msgspec.structs.replace(self, doctypes=doctypes, told=told)

    def owned(self, doctype: str) -> tuple[str, ...]:
        """Return a DocType and its child DocTypes, by the contract or by what the site says."""
        shapes = [shapes[doctype] for shapes in (self.doctypes, self.told) if doctype in shapes]
        return tuple(dict.fromkeys((doctype, *(child for shape in shapes for child in shape.tables.values()))))


def _absorb(known: DocTypeSchema | None, meta: DocTypeMeta, read_at: str, fingerprint: str) -> DocTypeSchema:
    past = known or DocTypeSchema(meta.name)
    standard = DOCUMENT_FIELDS + (CHILD_FIELDS if meta.is_child else ())
    taken = {fieldname for fieldname, _, _ in standard}
    described = {
        field.fieldname: FieldSchema(
            field.fieldname,
            _history(past.fields.get(field.fieldname), field.fieldtype),
            label=field.label,
            description=field.description,
            options=field.options,
            mandatory=field.mandatory,
            non_negative=field.non_negative,
            permlevel=field.permlevel,
            hidden_reason="virtual" if field.is_virtual else "",
            length=field.length,
            precision=field.precision,
        )
        for field in meta.fields
        if column_type(field.fieldtype) is not None and field.fieldname.casefold() not in taken
    }
    for fieldname, fieldtype, label in standard:
        described[fieldname] = FieldSchema(fieldname, (fieldtype,), label=label)
    gone = {
        fieldname: msgspec.structs.replace(field, present=False)
        for fieldname, field in past.fields.items()
        if fieldname not in described
    }
    holding = [
        field for field in meta.fields if field.fieldtype in TABLE_FIELDTYPES and not field.is_virtual and field.options
    ]
    tables = {field.fieldname: field.options for field in holding}
    return DocTypeSchema(
        meta.name,
        module=meta.module,
        is_child=meta.is_child,
        is_single=meta.is_single,
        is_submittable=meta.is_submittable,
        is_virtual=meta.is_virtual,
        fields={**described, **gone},
        tables=tables,
        table_fields={
            field.fieldname: FieldSchema(
                field.fieldname, (field.fieldtype,), label=field.label, options=field.options, permlevel=field.permlevel
            )
            for field in holding
        },
        past_tables=tuple(sorted(({*past.past_tables, *past.tables.values()}) - set(tables.values()))),
        read_at=read_at,
        fingerprint=fingerprint,
        autoname=meta.autoname,
        title_field=meta.title_field,
    )


def _history(known: FieldSchema | None, fieldtype: str) -> tuple[str, ...]:
    if known is None:
        return (fieldtype,)
    return (*(earlier for earlier in known.fieldtypes if earlier != fieldtype), fieldtype)
