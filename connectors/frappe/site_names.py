"""Site names: what one site calls DocTypes and fields that its callers call otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class SiteNames:
    """The names of one site; what isn't named here is called alike on both sides.

    Attributes:
        doctypes: our name of a DocType → the site's.
        fields: our name of a DocType → our fieldname → the site's.
    """

    doctypes: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def doctype(self, name: str) -> str:
        """Return what the site calls a DocType of ours."""
        return self.doctypes.get(name, name)

    def field(self, doctype: str, fieldname: str) -> str:
        """Return what the site calls a field of a DocType, both named by us."""
        return self.fields.get(doctype, {}).get(fieldname, fieldname)

    def our_doctype(self, name: str) -> str:
        """Return what we call a DocType of the site."""
        return self._our_doctypes.get(name, name)

    def our_field(self, doctype: str, fieldname: str) -> str:
        """Return what we call a field of the site; the DocType is named by us."""
        return self._our_fields.get(doctype, {}).get(fieldname, fieldname)

    @cached_property
    def _our_doctypes(self) -> Mapping[str, str]:
        return {theirs: ours for ours, theirs in self.doctypes.items()}

    @cached_property
    def _our_fields(self) -> Mapping[str, Mapping[str, str]]:
        return {
            doctype: {theirs: ours for ours, theirs in by_field.items()} for doctype, by_field in self.fields.items()
        }
