"""Catalogue: which DocTypes a site has, and a fingerprint of each that tells when its metadata must be read again."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from connectors.frappe.errors import DocTypeError
from connectors.frappe.names import is_doctype_name
from connectors.frappe.pages import WireTable, text_table
from connectors.frappe.reading import read_listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from connectors.frappe.session import FrappeSession

_DOCTYPES: Final = WireTable(
    "DocType",
    ("name", "modified", "module", "istable", "issingle", "is_virtual"),
    ("text", "text", "text", "integer", "integer", "integer"),
)
_DOCFIELDS: Final = text_table("DocField", "name", "parent", "options")
_CUSTOM_FIELDS: Final = text_table("Custom Field", "name", "modified", "dt", "fieldtype", "options")
_PROPERTY_SETTERS: Final = text_table("Property Setter", "name", "modified", "doc_type")
_TABLES: Final = ("Table", "Table MultiSelect")


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A DocType that a site has.

    Attributes:
        name: valid by Frappe's own rule.
        module: the module it belongs to.
        is_child, is_single, is_virtual: it has no list of documents.
        fingerprint: changes whenever its fields or those of its child tables can have changed.
    """

    name: str
    module: str
    is_child: bool
    is_single: bool
    is_virtual: bool
    fingerprint: str


def read_catalogue(session: FrappeSession) -> Mapping[str, CatalogueEntry] | None:
    """Return all DocTypes with a valid name, None where the site forbids the lists: they take a System Manager.

    Adding a Custom Field changes neither the DocType's `modified` nor any document's, so the fingerprint covers
    Custom Fields and Property Setters as well as the DocType itself.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    try:
        doctypes = {str(row[0]): row for row in _rows(session, _DOCTYPES) if is_doctype_name(row[0])}
        children = _child_tables(session)
        said: defaultdict[object, list[str]] = defaultdict(list)
        for name, modified, *_ in doctypes.values():
            said[name].append(json.dumps(["DocType", name, modified]))
        for name, modified, doctype, fieldtype, options in _rows(session, _CUSTOM_FIELDS):
            said[doctype].append(json.dumps(["Custom Field", name, modified]))
            if fieldtype in _TABLES:
                children[doctype].add(options)
        for name, modified, doctype in _rows(session, _PROPERTY_SETTERS):
            said[doctype].append(json.dumps(["Property Setter", name, modified]))
    except DocTypeError as error:
        if error.status == HTTPStatus.FORBIDDEN:
            return None
        raise
    return {
        name: CatalogueEntry(
            name,
            module=str(module or ""),
            is_child=bool(is_child),
            is_single=bool(is_single),
            is_virtual=bool(is_virtual),
            fingerprint=_digest(line for doctype in {name, *children[name]} for line in said[doctype]),
        )
        for name, (_, _, module, is_child, is_single, is_virtual) in doctypes.items()
    }


def _child_tables(session: FrappeSession) -> defaultdict[object, set[object]]:
    children: defaultdict[object, set[object]] = defaultdict(set)
    filters = (("parenttype", "=", "DocType"), ("fieldtype", "in", _TABLES))
    for page in read_listed(session, _DOCFIELDS, filters=filters, parent_doctype="DocType"):
        for _, parent, options in zip(*page.columns, strict=True):
            children[parent].add(options)
    return children


def _rows(session: FrappeSession, table: WireTable) -> Iterator[tuple[object, ...]]:
    """Row by row: a site has some thousands of them, once a run."""
    for page in read_listed(session, table):
        yield from zip(*page.columns, strict=True)


def _digest(lines: Iterator[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]
