"""DocTypes: which of them are assets, and under which keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import dagster as dg

from federation.contract.names import scrub, slug
from federation.contract.satellite_schema import SatelliteSchema
from federation.settings.model import Settings
from federation.settings.selection import Selection

Layer = Literal["satellite", "conformed", "mothership"]


@dataclass(frozen=True, slots=True)
class KnownDocType:
    """A DocType that is an asset in each layer.

    Attributes:
        name: the DocType.
        segment: what stands for it in asset keys.
        satellites: the satellites of the settings that it is wanted from, sorted.
    """

    name: str
    segment: str
    satellites: tuple[str, ...]

    def key(self, layer: Layer) -> dg.AssetKey:
        """Return its asset's key in a layer."""
        return dg.AssetKey([layer, self.segment])


def known_doctypes(settings: Settings, schemas: Mapping[str, SatelliteSchema]) -> tuple[KnownDocType, ...]:
    """Return the DocTypes that become assets, by name.

    Known are the exact names of the settings, and what patterns and modules stood for when a satellite was last read.

    Args:
        schemas: satellite → what it has shown of its DocTypes; those never read are missing.
    """
    satellites: dict[str, list[str]] = {}
    for name, satellite in sorted(settings.satellites.items()):
        for doctype in _wanted(settings.selection(satellite), schemas.get(name)):
            satellites.setdefault(doctype, []).append(name)
    segments = _segments(satellites)
    return tuple(KnownDocType(doctype, segments[doctype], tuple(satellites[doctype])) for doctype in sorted(satellites))


def _wanted(selection: Selection, schema: SatelliteSchema | None) -> set[str]:
    shown = schema.doctypes.values() if schema else ()
    resolved = {
        doctype.doctype
        for doctype in shown
        if not (doctype.is_child or doctype.is_single or doctype.aggregate_of)
        and selection.matches(doctype.doctype, doctype.module)
    }
    return resolved | set(selection.named)


def _segments(doctypes: Iterable[str]) -> Mapping[str, str]:
    """Two DocTypes that differ only in what a key can't hold are told apart by their hash."""
    scrubbed = {doctype: scrub(doctype) for doctype in doctypes}
    count = Counter(scrubbed.values())
    return {doctype: slug(doctype) if count[segment] > 1 else segment for doctype, segment in scrubbed.items()}


def wanted_from(satellite: str, doctypes: Iterable[KnownDocType]) -> Sequence[str]:
    """Return those DocTypes, by name, that the settings want from a satellite."""
    return [doctype.name for doctype in doctypes if satellite in doctype.satellites]
