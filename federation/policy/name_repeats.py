"""Name repeats: what says again in clear what hashed names of documents say; a rule of the user's own is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from federation.contract.satellite_schema import DocTypeSchema
from federation.policy.rules import Drop, Hash, HashLinked, SatellitePolicy

_FIELD: Final = re.compile(r"field:([^,]+)")
_BRACED: Final = re.compile(r"\{([^{}]+)\}")


def name_repeats(doctypes: Mapping[str, DocTypeSchema], policy: SatellitePolicy) -> Iterator[str]:
    """Yield a sentence for each field, and each other DocType's names, that names of hashed documents stand in.

    Args:
        doctypes: what a satellite says of its DocTypes.
        policy: the satellite's.
    """
    hidden = policy.name_keys
    for doctype, shape in sorted(doctypes.items()) if hidden else ():
        named_by = _fields_in(shape.autoname)
        if doctype in hidden:
            for fieldname in dict.fromkeys((*named_by, shape.title_field)):
                if _stands_in_clear(shape, fieldname, policy):
                    yield (
                        f"names of {doctype} are hashed, and {doctype}.{fieldname} repeats them: drop or hash it too "
                        f"({{doctype: {doctype}, field: {fieldname}, action: drop}})."
                    )
            continue
        for fieldname in named_by:
            led_to = shape.fields[fieldname].options if fieldname in shape.fields else ""
            if led_to in hidden and shape.fields[fieldname].fieldtype == "Link":
                yield (
                    f"names of {led_to} are hashed, and those of {doctype} are made of them ({shape.autoname}): hash "
                    f"these too ({{doctype: {doctype}, field: name, action: hash, key: …}})."
                )


def _fields_in(autoname: str) -> tuple[str, ...]:
    """Return the fields that a naming rule takes names from: `field:x`, `format:A-{x}-{####}`."""
    found = _FIELD.fullmatch(autoname)
    return (found[1].strip(),) if found else tuple(map(str.strip, _BRACED.findall(autoname)))


def _stands_in_clear(shape: DocTypeSchema, fieldname: str, policy: SatellitePolicy) -> bool:
    field = shape.fields.get(fieldname)
    if field is None or not field.present or fieldname == "name":
        return False
    return not isinstance(policy.action(field.asked(shape.doctype)), Drop | Hash | HashLinked)
