"""Satellite mapping: all that one satellite calls otherwise: its names for requests, its values for cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from connectors.frappe import SiteNames, WireKind
from federation.settings.mapping import Constant, DocTypeMapping
from federation.settings.model import Satellite

HOLDS_DOCTYPES: Final = "DocType"
"""The options of a Link whose cells are names of DocTypes."""


@dataclass(frozen=True)
class SatelliteMapping:
    """What the settings map of one satellite.

    Attributes:
        satellite: its name, for messages.
        doctypes: what is mapped, in the order of the settings.
    """

    satellite: str
    doctypes: Sequence[DocTypeMapping] = ()

    @cached_property
    def names(self) -> SiteNames:
        """What the site calls the fleet's DocTypes and fields."""
        return SiteNames(
            {each.name: each.doctype for each in self.doctypes if each.name != each.doctype},
            {each.name: {ours: theirs for theirs, ours in each.fields.items()} for each in self.doctypes},
        )

    def of(self, doctype: str) -> DocTypeMapping | None:
        """Return the mapping of one of the fleet's DocTypes."""
        return next((each for each in self.doctypes if each.name == doctype), None)

    def place(self, mapping: DocTypeMapping) -> str:
        """Return where in the settings a mapping stands, counted from 1 as their own mistakes are."""
        return f"satellites.{self.satellite}.mapping[{list(self.doctypes).index(mapping) + 1}]"

    def constant(self, doctype: str, fieldname: str) -> Constant | None:
        """Return what every row holds in a field that the site hasn't got."""
        mapped = self.of(doctype)
        return mapped.constants.get(fieldname) if mapped else None

    def values(self, doctype: str, fieldname: str, kind: WireKind, options: str) -> Mapping[object, object]:
        """Return the site's cell → the fleet's, for a field of one of the fleet's DocTypes.

        Cells that hold the name of a DocType or of a table field follow the names.

        Args:
            doctype, fieldname: as the fleet calls them.
            kind: how the cells travel.
            options: of the field.
        """
        found: dict[object, object] = {}
        if options == HOLDS_DOCTYPES or fieldname == "parenttype":
            found.update({theirs: ours for ours, theirs in self.names.doctypes.items()})
        if fieldname == "parentfield":
            # One name for all parents: a site that calls tables of two DocTypes otherwise calls them so for both.
            found.update({theirs: ours for each in self.doctypes for theirs, ours in each.fields.items()})
        mapped = self.of(doctype)
        written = mapped.values.get(fieldname, {}) if mapped else {}
        found.update({typed(theirs, kind): ours for theirs, ours in written.items()})
        return found

    def digest(self, doctype: str) -> str:
        """Return a short text that is another one when the mapping of a DocType is; "" where nothing is mapped."""
        if not self.doctypes:
            return ""
        mapped = self.of(doctype)
        told = [mapped.model_dump(mode="json") if mapped else None, sorted(self.names.doctypes.items())]
        return _digest(told)

    def digest_of_field(self, doctype: str, fieldname: str, kind: WireKind, options: str) -> str:
        """Return a short text that is another one when a field's cells come from elsewhere, or become others."""
        source = self.names.field(doctype, fieldname)
        constant = self.constant(doctype, fieldname)
        values = sorted(map(repr, self.values(doctype, fieldname, kind, options).items()))
        return _digest([source, constant, values]) if values or constant is not None or source != fieldname else ""


UNMAPPED: Final = SatelliteMapping("")
"""What a satellite has that calls everything as the fleet does."""


def mapping_of(satellite: Satellite) -> SatelliteMapping:
    """Return what the settings map of a satellite."""
    return SatelliteMapping(satellite.name, satellite.mapping)


def typed(value: str, kind: WireKind) -> object:
    """Return a value of the site, written as text in the settings, as it stands in a cell.

    Raises:
        ValueError: no cell of this kind holds it.
    """
    return int(value) if kind == "integer" else float(value) if kind == "number" else value


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
