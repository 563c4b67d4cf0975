"""Metadata: what a site says a DocType is, validated before anything is built from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connectors.frappe.errors import Trouble, failure
from connectors.frappe.names import is_doctype_name, is_fieldname, shown
from connectors.frappe.request import method_call

if TYPE_CHECKING:
    from connectors.frappe.session import FrappeSession

_TABLES: Final = ("Table", "Table MultiSelect")
_LARGEST: Final = 2**31 - 1
"""What a column of Frappe's own tables holds; a site that says more can't be believed."""


@dataclass(frozen=True, slots=True)
class DocField:
    """A field as it takes effect: custom fields and property setters merged. Texts are the site's own words.

    Attributes:
        fieldname: valid by Frappe's own rule.
        fieldtype: as the site names it; newer versions know more of them.
        label: what users read, "" if none.
        description: help text, "" if none.
        options: a DocType of a Link, lines of a Select, …; the child DocType of a Table, valid then.
        mandatory: users must fill it.
        non_negative: users may not enter a negative number.
        permlevel: above 0, reading it needs a permission of its own.
        is_virtual: computed on the site, absent from lists.
        length: characters that a text may have, 0 for the fieldtype's own.
        precision: digits behind the point, a text as Frappe keeps it, "" for the site's own.
    """

    fieldname: str
    fieldtype: str
    label: str = ""
    description: str = ""
    options: str = ""
    mandatory: bool = False
    non_negative: bool = False
    permlevel: int = 0
    is_virtual: bool = False
    length: int = 0
    precision: str = ""


@dataclass(frozen=True, slots=True)
class DocTypeMeta:
    """A DocType as it takes effect on one site.

    Attributes:
        name: valid by Frappe's own rule.
        module: the module it belongs to.
        is_child: its rows belong to other documents.
        is_single: it has one document and no list; not read.
        is_submittable: its documents are drafts, submitted or cancelled.
        is_virtual: it has no table.
        fields: in the order of the form, layout fields included; no fieldname twice.
        refused_fields: what was left out because its fieldname, fieldtype or child DocType isn't valid, fit to show.
        autoname: how names are given: `field:customer_name`, `naming_series:`, …
        title_field: the field that stands for a document beside its name; "" where there is none.
    """

    name: str
    module: str
    is_child: bool
    is_single: bool
    is_submittable: bool
    is_virtual: bool
    fields: tuple[DocField, ...]
    refused_fields: tuple[str, ...] = ()
    autoname: str = ""
    title_field: str = ""


def read_metas(session: FrappeSession, doctype: str) -> tuple[DocTypeMeta, ...]:
    """Return a DocType and, behind it, its child DocTypes. Any logged-in user may ask [d_meta/06-08].

    Raises:
        DocTypeError: it is missing, or the site's description can't be trusted: a name that Frappe wouldn't accept.
        TransientError, SatelliteError: by the table of reactions.
        ValueError: `doctype` isn't a DocType name.
    """
    if not is_doctype_name(doctype):
        raise ValueError(f"not a DocType name: {shown(doctype)!r}")
    request = method_call("frappe.desk.form.load.getdoctype", {"doctype": doctype, "with_parent": "0"}, doctype=doctype)
    try:
        return decode_metas(session.send(request).body, doctype)
    except ValueError as error:
        raise failure(Trouble.GARBAGE, site=session.url, doctype=doctype, said=str(error)) from error


def decode_metas(body: bytes, doctype: str) -> tuple[DocTypeMeta, ...]:
    """Return `doctype` and its child DocTypes from an answer of `getdoctype`.

    Raises:
        ValueError: it isn't such an answer, or a DocType has a name that Frappe wouldn't accept.
    """
    try:
        answer = json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    docs = _list(answer.get("docs"))
    metas = [_meta(doc) for doc in docs if isinstance(doc, dict) and doc.get("doctype", "DocType") == "DocType"]
    if not metas or metas[0].name != doctype:
        raise ValueError(f"it describes {shown(metas[0].name) if metas else 'nothing'}")
    return tuple({meta.name: meta for meta in metas}.values())


def _meta(doc: dict[str, object]) -> DocTypeMeta:
    name = doc.get("name")
    if not isinstance(name, str) or not is_doctype_name(name):
        raise ValueError(f"a DocType is called {shown(name)!r}")
    fields: dict[str, DocField] = {}
    refused: list[str] = []
    for described in _list(doc.get("fields")):
        docfield = _field(described)
        if docfield is None or docfield.fieldname in fields:
            refused.append(shown(described.get("fieldname") if isinstance(described, dict) else described))
        else:
            fields[docfield.fieldname] = docfield
    return DocTypeMeta(
        name,
        module=_text(doc.get("module")),
        is_child=_flag(doc.get("istable")),
        is_single=_flag(doc.get("issingle")),
        is_submittable=_flag(doc.get("is_submittable")),
        is_virtual=_flag(doc.get("is_virtual")),
        fields=tuple(fields.values()),
        refused_fields=tuple(refused),
        autoname=_text(doc.get("autoname")),
        title_field=_text(doc.get("title_field")),
    )


def _field(described: object) -> DocField | None:
    if not isinstance(described, dict):
        return None
    fieldname, fieldtype, options = (described.get(key) for key in ("fieldname", "fieldtype", "options"))
    if not isinstance(fieldname, str) or not is_fieldname(fieldname) or not isinstance(fieldtype, str):
        return None
    if fieldtype in _TABLES and not is_doctype_name(options):
        return None
    return DocField(
        fieldname,
        fieldtype,
        label=_text(described.get("label")),
        description=_text(described.get("description")),
        options=_text(options),
        mandatory=_flag(described.get("reqd")),
        non_negative=_flag(described.get("non_negative")),
        permlevel=_whole(described.get("permlevel")),
        is_virtual=_flag(described.get("is_virtual")),
        length=_whole(described.get("length")),
        precision=_digits(described.get("precision")),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int:
    return int(value) if isinstance(value, int) and abs(value) <= _LARGEST else 0


def _digits(value: object) -> str:
    """A Select of texts; a Property Setter may make a number of it."""
    return str(_whole(value)) if isinstance(value, int) else _text(value)


def _flag(value: object) -> bool:
    """A Check is 0 or 1; a Single's numbers come as text [b_list/68]."""
    return value in (1, "1")
