"""Words: a mapping for a reader."""

from __future__ import annotations

from collections.abc import Iterator

from federation.mapping.satellite_mapping import SatelliteMapping
from federation.settings.mapping import DocTypeMapping

CONSTANT = "a constant of the settings"
"""Stands where the site's name of a field would, if it had the field."""


def mapping_in_words(mapping: SatelliteMapping) -> tuple[str, ...]:
    """Return a sentence for each DocType that is mapped."""
    return tuple(map(_sentence, mapping.doctypes))


def sources_of(mapping: SatelliteMapping, doctype: str) -> dict[str, str]:
    """Return the fleet's fieldname → what the site calls it, of the fields of a DocType that it calls otherwise."""
    mapped = mapping.of(doctype)
    if mapped is None:
        return {}
    return {ours: theirs for theirs, ours in mapped.fields.items()} | dict.fromkeys(mapped.constants, CONSTANT)


def _sentence(mapped: DocTypeMapping) -> str:
    head = f"its {mapped.doctype}"
    if mapped.name != mapped.doctype:
        head += f" is {mapped.name}"
    told = "; ".join(_parts(mapped))
    return f"{head}: {told}." if told else f"{head}."


def _parts(mapped: DocTypeMapping) -> Iterator[str]:
    if mapped.fields:
        yield ", ".join(f"{theirs} is {ours}" for theirs, ours in mapped.fields.items())
    for fieldname, values in mapped.values.items():
        yield f"{len(values)} {'value' if len(values) == 1 else 'values'} of {fieldname} become the fleet's"
    for fieldname, value in mapped.constants.items():
        yield f"{fieldname} is always {value}"
