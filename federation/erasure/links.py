"""Links: the fields of each table that may hold the name of an erased document, and what stands there in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from federation.conform.reading import TableReading
from federation.contract.names import column_name
from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.erasure.suppression import LinkField, Suppression
from federation.extract.documents import DocumentReading
from federation.policy.apply import hash_cells
from federation.policy.rules import Action, Hash, HashLinked, SatellitePolicy


@dataclass(frozen=True, slots=True)
class LinkColumn:
    """A column that may hold names of erased documents of one DocType.

    Attributes:
        field: the field of the site.
        doctype: the DocType that it leads to, where `by` says so.
        column: the field's column.
        by: for a Dynamic Link, the column that says to what it leads; "" for a Link.
        forms: what may stand in it of an erased document → what stands there in its place.
    """

    field: LinkField
    doctype: str
    column: str
    by: str
    forms: Mapping[str, str]


def link_fields(described: DocTypeSchema) -> Iterator[LinkField]:
    """Yield the Links and Dynamic Links that a DocType has, or had."""
    for each in described.fields.values():
        if "Link" in each.fieldtypes and each.fieldtype != "Dynamic Link" and each.options:
            yield LinkField(each.fieldname, each.options)
        elif each.fieldtype == "Dynamic Link" and each.options:
            yield LinkField(each.fieldname, "", each.options)


def keeping_away(reading: DocumentReading, schema: SatelliteSchema, suppression: Suppression) -> DocumentReading:
    """Return how documents are read so that links to erased ones lead to their pseudonyms."""
    if not suppression.pseudonyms:
        return reading
    children = tuple(_keeping_away(child, schema, suppression) for child in reading.children)
    return replace(reading, parent=_keeping_away(reading.parent, schema, suppression), children=children)


def link_columns(
    described: DocTypeSchema, names: Mapping[str, Mapping[str, str]], policy: SatellitePolicy | None
) -> tuple[LinkColumn, ...]:
    """Return the columns of a DocType's table that may hold names of erased documents.

    Where the policy hashes a link, packages from before it did may hold it in clear. What a mask leaves of a name tells
    no document, and stays.

    Args:
        described: the DocType, a child DocType too.
        names: DocType → name → pseudonym.
        policy: the satellite's; None where the settings don't name it any more.

    Raises:
        SettingsError: the key of a hash can't be had.
    """
    found = []
    for link in link_fields(described):
        action = policy.action(described.fields[link.fieldname].asked(described.doctype)) if policy else None
        for doctype, pseudonyms in names.items():
            if link.doctype in ("", doctype):
                by = column_name(link.by.casefold()) if link.by else ""
                forms = dict(_forms(pseudonyms, _key(action, doctype)))
                found.append(LinkColumn(link, doctype, column_name(link.fieldname.casefold()), by, forms))
    return tuple(found)


def _keeping_away(table: TableReading, schema: SatelliteSchema, suppression: Suppression) -> TableReading:
    read = {field.fieldname for field in table.fields}
    links = [
        link
        for link in link_fields(schema.doctypes[table.table.doctype])
        if link.fieldname in read and (link.by or link.doctype in suppression.pseudonyms)
    ]
    return replace(table, prepared=partial(suppression.pseudonymised, links=links)) if links else table


def _key(action: Action | None, doctype: str) -> bytes | None:
    """Return what names of a DocType are hashed with in a field."""
    if isinstance(action, HashLinked):
        return action.keys().get(doctype)
    return action.key() if isinstance(action, Hash) else None


def _forms(pseudonyms: Mapping[str, str], key: bytes | None) -> Iterable[tuple[str, str]]:
    if key is None:
        return pseudonyms.items()
    hashed = {
        name: str(cell) for name, cell in zip(pseudonyms, hash_cells(list(pseudonyms.values()), key), strict=True)
    }
    wire = zip(map(str, hash_cells(list(pseudonyms), key)), hashed.values(), strict=True)
    return [*hashed.items(), *wire]
