"""A DocType's effective metadata: its own, with a site's Custom Fields and Property Setters merged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def customised(
    meta: Mapping[str, Any], custom_fields: Iterable[Mapping[str, Any]], property_setters: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Merge rows of `Custom Field` and `Property Setter` into a DocType's metadata.

    A Custom Field stands behind its `insert_after`, or last; a Property Setter overrides a property of the field that
    it names, or of the DocType when it names none.
    """
    fields: list[dict[str, Any]] = [dict(field) for field in meta.get("fields", ())]
    for custom in custom_fields:
        names = [field["fieldname"] for field in fields]
        place = names.index(custom["insert_after"]) + 1 if custom["insert_after"] in names else len(names)
        told = {name: value for name, value in custom.items() if value is not None and name != "dt"}
        fields.insert(place, told | {"is_custom_field": 1})
    merged = dict(meta) | {"fields": [field | {"idx": idx} for idx, field in enumerate(fields, start=1)]}
    by_name = {field["fieldname"]: field for field in merged["fields"]}
    for setter in property_setters:
        target = by_name.get(setter["field_name"]) if setter["field_name"] else merged
        if target is not None:
            value = setter["value"]
            target[setter["property"]] = int(value) if isinstance(value, str) and value.isdigit() else value
    return merged
