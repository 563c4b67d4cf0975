"""Following: the contract that a satellite is read by, when its site describes a DocType otherwise than before.

What isn't frozen follows the site. What is frozen stays as it was last accepted, and the site's own description is kept
beside it (`SatelliteSchema.told`), on the lake with every commit: so what is held back is known to whoever reads
the lake, and is followed without asking the site once it is accepted or the settings freeze it no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from federation.contract.satellite_schema import DocTypeSchema, FieldSchema, SatelliteSchema
from federation.drift.changes import Change, changes_of
from federation.drift.kinds import Kind

Freezes = Callable[[str, Kind], bool]
"""(DocType, kind) → changes of the kind are held back."""


def follow(
    known: SatelliteSchema, described: SatelliteSchema, doctypes: Iterable[str], freezes: Freezes
) -> SatelliteSchema:
    """Return the schema by which DocTypes are read.

    Args:
        known: by which they were read.
        described: `known`, with what the site described anew followed in everything.
        doctypes: those that are about to be read, with their child DocTypes; of others nothing held back is let in,
            for nobody would bring what older rows lack.
        freezes: what is held back.
    """
    read = {name for doctype in doctypes for name in described.owned(doctype)} & described.doctypes.keys()
    contracts, told, as_told = dict(described.doctypes), dict(described.told), described.as_told
    for doctype in read:
        past, site = known.doctypes.get(doctype), as_told[doctype]
        if past is None or site is past:
            continue
        if doctype in known.released:
            past = _followed(past, known.told[doctype], lambda _, __: False)
        contracts[doctype] = _followed(past, site, freezes)
        told.pop(doctype, None)
        if contracts[doctype] != site:
            told[doctype] = site
    released = tuple(doctype for doctype in described.released if doctype not in read)
    return replace(described, doctypes=contracts, told=told, released=released)


def held_back(schema: SatelliteSchema, doctype: str) -> tuple[Change, ...]:
    """Return what a site says of a DocType and its child DocTypes that the contract doesn't follow."""
    waiting = [name for name in schema.owned(doctype) if name in schema.told and name not in schema.released]
    return tuple(change for name in waiting for change in changes_of(schema.doctypes[name], schema.told[name]))


def release(schema: SatelliteSchema, doctype: str) -> SatelliteSchema:
    """Return the schema that lets in what is held back of a DocType and its child DocTypes."""
    waiting = {name for name in schema.owned(doctype) if name in schema.told}
    return replace(schema, released=tuple(sorted({*schema.released, *waiting})))


def _followed(past: DocTypeSchema, site: DocTypeSchema, freezes: Freezes) -> DocTypeSchema:
    def frozen(kind: Kind) -> bool:
        return freezes(past.doctype, kind)

    fields = (_field(past.fields.get(fieldname), field, frozen) for fieldname, field in site.fields.items())
    tables = {
        fieldname: child
        for fieldname, child in site.tables.items()
        if past.tables.get(fieldname) == child or not frozen("table_added")
    }
    table_fields = {
        fieldname: replace(field, label=past.table_fields[fieldname].label)
        if frozen("label") and fieldname in past.table_fields
        else field
        for fieldname, field in site.table_fields.items()
        if fieldname in tables
    }
    children = {*past.past_tables, *past.tables.values()} - set(tables.values())
    return replace(
        site,
        fields={field.fieldname: field for field in fields if field is not None},
        tables=tables,
        table_fields=table_fields,
        past_tables=tuple(sorted(children)),
    )


def _field(past: FieldSchema | None, field: FieldSchema, frozen: Callable[[Kind], bool]) -> FieldSchema | None:
    """Return the field as it is read, None where it isn't and wasn't ever."""
    if past is None:
        is_out = not field.present or (field.is_there and frozen("field_added"))
        return None if is_out else _as_read(field, (field.fieldtype,))
    if not field.present or (field.is_there and not past.is_there and frozen("field_returned")):
        present = past.present and field.present
        return replace(past, present=present, permlevel=field.permlevel, unaccepted=_others(field, past.fieldtypes))
    kept = field
    if past.fieldtype != field.fieldtype and frozen("retyped"):
        # What stands in these means what the fieldtype makes of it.
        kept = replace(
            field, fieldtypes=past.fieldtypes, options=past.options, length=past.length, precision=past.precision
        )
    if frozen("options"):
        kept = replace(kept, options=past.options)
    if frozen("length") and past.length is not None:
        kept = replace(kept, length=past.length)
    if frozen("precision") and past.precision is not None:
        kept = replace(kept, precision=past.precision)
    if frozen("label"):
        kept = replace(kept, label=past.label)
    if frozen("mandatory"):
        kept = replace(kept, mandatory=past.mandatory)
    earlier = tuple(fieldtype for fieldtype in past.fieldtypes if fieldtype != kept.fieldtype)
    return _as_read(kept, (*earlier, kept.fieldtype), told=field)


def _as_read(field: FieldSchema, fieldtypes: tuple[str, ...], told: FieldSchema | None = None) -> FieldSchema:
    return replace(field, fieldtypes=fieldtypes, unaccepted=_others(told or field, fieldtypes))


def _others(told: FieldSchema, fieldtypes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(fieldtype for fieldtype in told.fieldtypes if fieldtype not in fieldtypes)
