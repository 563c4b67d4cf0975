"""Metadata: what a site says of its DocTypes, told in the fleet's names and held against the mapping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from connectors.frappe import CatalogueEntry, DocField, DocTypeMeta
from federation.contract.fieldtypes import TABLE_FIELDTYPES, column_type
from federation.mapping.satellite_mapping import SatelliteMapping, typed
from federation.settings.errors import did_you_mean
from federation.settings.mapping import Constant, DocTypeMapping


class MappingMistaken(Exception):
    """A mapping doesn't fit what the site says of the DocType; every mistake in it, each with its place."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        super().__init__(" ".join(mistakes))


def mapped_catalogue(
    catalogue: Mapping[str, CatalogueEntry], mapping: SatelliteMapping
) -> tuple[dict[str, CatalogueEntry], dict[str, str]]:
    """Return the site's DocTypes by the fleet's names, and those that can't be told apart → why."""
    found: dict[str, CatalogueEntry] = {}
    clashing: dict[str, str] = {}
    for entry in catalogue.values():
        name = mapping.names.our_doctype(entry.name)
        if name == entry.name and name in mapping.names.doctypes:
            theirs = mapping.names.doctype(name)
            clashing[name] = (
                f"the site has a {name} of its own beside {theirs}, which the settings call so: let {name} become "
                f"something else under satellites.{mapping.satellite}.mapping."
            )
            continue
        found[name] = replace(entry, name=name)
    return found, clashing


def missing_doctypes(catalogue: Mapping[str, CatalogueEntry], mapping: SatelliteMapping) -> dict[str, str]:
    """Return the fleet's DocTypes that are mapped from one that the site hasn't got → what is mistaken.

    Args:
        catalogue: the site's DocTypes by its own names.
        mapping: the satellite's.
    """
    return {
        mapped.name: f"{mapping.place(mapped)}.doctype: the site has no DocType {mapped.doctype}. "
        f"{_meant(mapped.doctype, catalogue)}"
        for mapped in mapping.doctypes
        if mapped.doctype not in catalogue
    }


def mapped_metas(metas: Iterable[DocTypeMeta], mapping: SatelliteMapping) -> tuple[DocTypeMeta, ...]:
    """Return a DocType and its child DocTypes in the fleet's names and values.

    Raises:
        MappingMistaken: the mapping names what the site hasn't got, or what can't be.
    """
    mapped = [_mapped(meta, mapping) for meta in metas]
    if mistakes := [mistake for _, found in mapped for mistake in found]:
        raise MappingMistaken(mistakes)
    return tuple(meta for meta, _ in mapped)


def _mapped(meta: DocTypeMeta, mapping: SatelliteMapping) -> tuple[DocTypeMeta, list[str]]:
    names = mapping.names
    name = names.our_doctype(meta.name)
    fields = [
        replace(
            field,
            fieldname=names.our_field(name, field.fieldname),
            options=_options(field, name, mapping),
        )
        for field in meta.fields
    ]
    mapped = mapping.of(name)
    if mapped is None:
        return replace(meta, name=name, fields=tuple(fields)), []
    mistakes = [f"{mapping.place(mapped)}.{each}" for each in _mistakes(meta, mapped, fields)]
    constants = [
        DocField(fieldname, fieldtype_of(value), label=fieldname.replace("_", " ").title())
        for fieldname, value in mapped.constants.items()
    ]
    return replace(meta, name=name, fields=(*fields, *constants)), mistakes


def _options(field: DocField, doctype: str, mapping: SatelliteMapping) -> str:
    names = mapping.names
    if field.fieldtype == "Link" or field.fieldtype in TABLE_FIELDTYPES:
        return names.our_doctype(field.options)
    if field.fieldtype == "Dynamic Link":
        return names.our_field(doctype, field.options)
    mapped = mapping.of(doctype)
    values = mapped.values.get(names.our_field(doctype, field.fieldname), {}) if mapped else {}
    if field.fieldtype == "Select" and values:
        stripped = (option.strip() for option in field.options.split("\n"))
        return "\n".join(dict.fromkeys(str(values.get(option, option)) for option in stripped))
    return field.options


def _mistakes(meta: DocTypeMeta, mapped: DocTypeMapping, fields: Iterable[DocField]) -> Iterator[str]:
    theirs = {field.fieldname for field in meta.fields}
    ours = {field.fieldname: field for field in fields}
    for source, target in mapped.fields.items():
        if source not in theirs:
            yield f"fields.{source}: {meta.name} has no such field on the site. {_meant(source, theirs)}"
        elif target in theirs and target not in mapped.fields:
            yield f"fields.{source}: {meta.name} has a field `{target}` of its own. Map that to another name too."
    for fieldname, values in mapped.values.items():
        if fieldname not in ours:
            yield f"values.{fieldname}: {mapped.name} has no such field. {_meant(fieldname, ours)}"
        else:
            yield from _unfit(ours[fieldname], values)
    for fieldname in mapped.constants:
        if fieldname in ours:
            yield f"constants.{fieldname}: the site has this field. Take the constant away, or map the field."


def _unfit(field: DocField, values: Mapping[str, object]) -> Iterator[str]:
    place = f"values.{field.fieldname}"
    own = column_type(field.fieldtype)
    if own is None:
        yield f"{place}: a {field.fieldtype} holds no values. Take it away."
        return
    for theirs, value in values.items():
        try:
            typed(theirs, own.wire)
        except ValueError:
            yield f"{place}: {theirs!r} is no value of a {field.fieldtype}. Correct it."
        if isinstance(value, str) != (own.wire == "text"):
            yield f"{place}: {value!r} is no value of a {field.fieldtype}. Correct it."


def _meant(name: str, known: Iterable[str]) -> str:
    meant = did_you_mean(name, known, "correct it, or take it away")
    return f"{meant[:1].upper()}{meant[1:].rstrip('?')}{'?' if meant.endswith('?') else '.'}"


def fieldtype_of(constant: Constant) -> str:
    """Return the Frappe fieldtype of a constant."""
    if isinstance(constant, bool):
        return "Check"
    if isinstance(constant, int):
        return "Int"
    return "Float" if isinstance(constant, float) else "Data"
