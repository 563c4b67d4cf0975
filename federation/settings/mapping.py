"""Mapping: a satellite's DocTypes and fields under other names, its values under other values, and constants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from connectors.frappe import is_doctype_name, is_fieldname
from federation.settings.errors import echo
from federation.settings.mistakes import Mistake, mistake, mistakes
from federation.settings.values import Section

KEPT_FIELDS: Final = frozenset(
    {
        *("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"),
        *("parent", "parentfield", "parenttype", "to_rename"),
    }
)
"""Fields by which documents are found, ordered and followed: they are called alike on every site."""
KEPT_DOCTYPES: Final = frozenset(
    {"DocType", "DocField", "Custom Field", "Property Setter", "Deleted Document", "Comment"}
)
"""DocTypes in which Frappe keeps what it knows of the others: they are called alike on every site."""

Constant = StrictStr | StrictBool | StrictInt | StrictFloat


def _doctype(value: str) -> str:
    if not is_doctype_name(value):
        raise mistake(f"{echo(value)} can't be a DocType", "write it as the site does, for example Sales Invoice")
    return value


def _fieldname(value: str) -> str:
    if not is_fieldname(value):
        raise mistake(f"{echo(value)} can't be a fieldname", "write it as the site does, for example customer_name")
    return value


MappedDocType = Annotated[StrictStr, AfterValidator(_doctype)]
MappedField = Annotated[StrictStr, AfterValidator(_fieldname)]


class DocTypeMapping(Section):
    """A DocType of one satellite, its own or a child table's, in the fleet's names and values."""

    doctype: MappedDocType = Field(examples=["Client"])
    """What the site calls the DocType."""
    becomes: MappedDocType | None = Field(default=None, examples=["Customer"])
    """What the fleet calls it, in `doctypes`, `policy`, expectations and the mothership; absent: the same."""
    fields: dict[MappedField, MappedField] = Field(default={}, examples=[{"client_name": "customer_name"}])
    """The site's fieldname → the fleet's."""
    values: dict[MappedField, dict[StrictStr, StrictStr | StrictInt | StrictFloat]] = Field(
        default={}, examples=[{"status": {"Aktiv": "Active"}}]
    )
    """The fleet's fieldname → the site's value → the fleet's; values that aren't named stay."""
    constants: dict[MappedField, Constant] = Field(default={}, examples=[{"territory": "Germany"}])
    """The fleet's fieldname → what every row holds there, for fields that the site hasn't got."""

    @property
    def name(self) -> str:
        """What the fleet calls the DocType."""
        return self.becomes or self.doctype

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if found := list(self._mistakes()):
            raise mistakes(found)
        return self

    def _mistakes(self) -> Iterator[Mistake]:
        for key in ("doctype", "becomes"):
            named = getattr(self, key)
            if named in KEPT_DOCTYPES:
                yield (key,), f"{named} is called alike on every site", "remove it"
        named_fields = [*self.fields, *self.fields.values(), *self.values, *self.constants]
        for fieldname in dict.fromkeys(each for each in named_fields if each in KEPT_FIELDS):
            yield (), f"`{fieldname}` is what documents are found by, on every site alike", "map other fields"
        taken: dict[str, str] = {}
        for theirs, ours in self.fields.items():
            first = taken.setdefault(ours.casefold(), theirs)
            if first != theirs:
                yield ("fields", theirs), f"becomes `{ours}`, as `{first}` does", "give each field a name of its own"
        for fieldname in self.constants:
            if fieldname.casefold() in taken or fieldname in self.values:
                yield ("constants", fieldname), "is mapped above", "keep one of the two"
        if not (self.becomes or self.fields or self.values or self.constants):
            yield (), "maps nothing", "add `becomes`, `fields`, `values` or `constants`, or remove it"


def disagreements_of_mapping(mapping: tuple[DocTypeMapping, ...]) -> Iterator[Mistake]:
    """Yield DocTypes of a satellite that are mapped twice, or that become one."""
    theirs: dict[str, int] = {}
    ours: Mapping[str, int] = {each.name: position for position, each in reversed([*enumerate(mapping)])}
    for position, each in enumerate(mapping):
        if theirs.setdefault(each.doctype, position) != position:
            yield (position, "doctype"), f"{each.doctype} is mapped above", "put both into one"
        elif ours[each.name] != position:
            yield (position,), f"becomes {each.name}, as another DocType does", "give each DocType a name of its own"
