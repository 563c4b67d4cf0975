"""Sites in words: what a satellite says of its DocTypes, short enough to stand in a test."""

from __future__ import annotations

from typing import Any

from connectors.frappe import DocField, DocTypeMeta
from federation.contract.asked_field import AskedField
from federation.contract.columns import Column, Contract
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of

TODAY = "2026-11-23T12:00:00+00:00"


def meta(name: str, /, *, is_child: bool = False, tables: dict[str, str] | None = None, **fields: Any) -> DocTypeMeta:
    """A DocType with fields as `fieldname="Fieldtype"` or `fieldname=DocField(…)`, and tables by fieldname."""
    described = [
        field if isinstance(field, DocField) else DocField(fieldname, field) for fieldname, field in fields.items()
    ]
    described += [DocField(fieldname, "Table", options=child) for fieldname, child in (tables or {}).items()]
    return DocTypeMeta(
        name,
        module="Lab",
        is_child=is_child,
        is_single=False,
        is_submittable=False,
        is_virtual=False,
        fields=tuple(described),
    )


def satellite(name: str, *described: DocTypeMeta) -> SatelliteSchema:
    """The schema of a satellite that said all this, one after the other."""
    schema = SatelliteSchema(name)
    for each in described:
        schema = schema.absorb([each], read_at=TODAY, fingerprints={})
    return schema


def keep_all(satellite: str, asked: AskedField) -> bool:
    return True


def hash_none(satellite: str, asked: AskedField) -> bool:
    return False


def contract(doctype: str, *schemas: SatelliteSchema, keeps=keep_all, hashes=hash_none) -> Contract:
    folded = contract_of(doctype, schemas, keeps=keeps, hashes=hashes)
    assert folded is not None
    return folded


def column(doctype: str, name: str, *schemas: SatelliteSchema, **policy: Any) -> Column:
    return contract(doctype, *schemas, **policy).parent.by_name[name]
