"""Aggregates: DocTypes of which counts and sums arrive and no document, and what must agree about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from connectors.frappe import MOST_FIELDS, MOST_SUMS, is_doctype_name, is_fieldname
from federation.contract.names import column_name, scrub
from federation.settings.errors import did_you_mean, echo
from federation.settings.mistakes import Mistake, mistake, mistakes
from federation.settings.selection import is_pattern
from federation.settings.values import Name, Section, Switch

if TYPE_CHECKING:
    from federation.settings.model import Satellite

DOCUMENTS: Final = "documents"
"""The column that tells how many documents a group has."""

_NO_DIMENSIONS: Final = frozenset({"name", "idx", "parent", "parentfield", "parenttype", DOCUMENTS})
_CUTS: Final = ("day", "month", "year")


class Dimension(Section):
    """A field that documents are grouped by."""

    field: Name
    """Fieldname."""
    cut: Literal["", "day", "month", "year"] = ""
    """To what a date is cut: its day, the first of its month, the first of January."""


def _dimension(value: object) -> object:
    """Spell out the short forms: `company`, and `posting_date: month`."""
    if isinstance(value, str):
        return {"field": value}
    if isinstance(value, Mapping) and len(value) == 1:
        [(fieldname, cut)] = value.items()
        if fieldname != "field":
            if cut not in _CUTS:
                raise mistake("is cut to nothing that dates can be cut to", "write day, month or year")
            return {"field": fieldname, "cut": cut}
    return value


_SHORT_FORMS: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string"},
        {"type": "object", "additionalProperties": {"enum": [*_CUTS]}, "minProperties": 1, "maxProperties": 1},
    ]
}


class Aggregate(Section):
    """Counts and sums of a DocType's documents by stated fields. The documents themselves stay at the sites."""

    name: Name = Field(examples=["Salary by department"])
    """What it is called here, as a DocType is: its table in the mothership is salary_by_department."""
    doctype: Name = Field(examples=["Salary Slip"])
    """The DocType whose documents are counted, and read no other way at these satellites, whatever `doctypes` says."""
    jurisdictions: tuple[Name, ...] = Field(default=(), examples=[["EU"]])
    """Jurisdictions of the satellites; without these and `satellites` it goes for all."""
    satellites: tuple[Name, ...] = Field(default=(), examples=[["south"]])
    """Names of the satellites."""
    by: Annotated[
        tuple[Annotated[Dimension, BeforeValidator(_dimension, json_schema_input_type=Any)], ...],
        Field(min_length=1, max_length=MOST_FIELDS),
    ] = Field(
        examples=[["company", {"posting_date": "month"}]],
        json_schema_extra={"items": _SHORT_FORMS},
    )
    """Fields that documents are grouped by; dates as `posting_date: month`, or day, or year."""
    sum: Annotated[tuple[Name, ...], Field(max_length=MOST_SUMS)] = Field(default=(), examples=[["net_pay"]])
    """Fields that are added up."""
    at_least: Annotated[StrictInt, Field(ge=1)] = Field(examples=[5])
    """Groups of fewer documents are withheld, so that nobody is seen through a group; 1 withholds none."""
    only_submitted: Switch = False
    """Count submitted documents alone, neither drafts nor cancelled ones. Or name `docstatus` under `by`."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        found: list[Mistake] = []
        if not is_doctype_name(self.name):
            fix = "start with a letter, go on with letters, digits, `_`, `-` and spaces"
            found.append((("name",), f"`{echo(self.name)}` can't be the name of a DocType", fix))
        if is_pattern(self.doctype) or not is_doctype_name(self.doctype):
            what = f"`{echo(self.doctype)}` is not the name of a DocType"
            found.append((("doctype",), what, "name one, without * or ?; another aggregate may name another"))
        if scrub(self.name) == scrub(self.doctype):
            fix = "call it otherwise, for example after what it is grouped by"
            found.append((("name",), f"is the name of the DocType that it is made of, `{echo(self.doctype)}`", fix))
        if self.jurisdictions and self.satellites:
            what = "stands beside `jurisdictions`, and only one of them can choose"
            found.append((("satellites",), what, "remove one of them"))
        found.extend(_misplaced(self))
        if found:
            raise mistakes(found)
        return self

    def applies_to(self, satellite: Satellite) -> bool:
        """Return whether documents of the DocType leave this satellite as groups alone."""
        if self.satellites:
            return any(fnmatchcase(satellite.name, pattern) for pattern in self.satellites)
        wanted = self.jurisdictions
        return not wanted or any(fnmatchcase(satellite.jurisdiction or "", pattern) for pattern in wanted)

    def applied_as(self, number: int) -> str:
        """Return it as a reader finds it in the settings: `aggregates[1] {doctype: Salary Slip, by: company, …}`."""
        by = " × ".join(f"{one.field} by {one.cut}" if one.cut else one.field for one in self.by)
        said = [f"doctype: {self.doctype}", f"by: {by}"]
        said += [f"sum: {', '.join(self.sum)}"] if self.sum else []
        said += ["only submitted"] if self.only_submitted else []
        return f"aggregates[{number}] {{{'; '.join([*said, f'at_least: {self.at_least}'])}}}"

    @property
    def fieldnames(self) -> tuple[str, ...]:
        """Every field of the DocType that it is made of, those of `by` first."""
        return (*(dimension.field for dimension in self.by), *self.sum)


def _misplaced(aggregate: Aggregate) -> Iterator[Mistake]:
    """Yield fields that can't stand where they stand."""
    seen: set[str] = set()
    places: list[tuple[str, int, str]] = [("by", place, one.field) for place, one in enumerate(aggregate.by)]
    places.extend(("sum", place, name) for place, name in enumerate(aggregate.sum))
    for key, place, fieldname in places:
        column = column_name(fieldname)
        if not is_fieldname(fieldname):
            yield (key, place), f"`{echo(fieldname)}` is not a fieldname", "write Frappe's fieldname, such as company"
        elif fieldname in _NO_DIMENSIONS:
            yield (key, place), f"`{fieldname}` tells one document from another, or is a column of ours", "remove it"
        elif column in seen:
            yield (key, place), f"`{fieldname}` is here twice", "name each field once, under `by` or under `sum`"
        seen.add(column)


def disagreements_of_aggregates(
    aggregates: tuple[Aggregate, ...], satellites: Mapping[str, Satellite], doctypes: Iterable[str]
) -> Iterator[Mistake]:
    """Yield aggregates whose name is taken, or that reach no satellite.

    Args:
        aggregates: all of them.
        satellites: by name.
        doctypes: names of DocTypes that the settings select anywhere.
    """
    taken = {scrub(name): f"the DocType `{echo(name)}`" for name in doctypes}
    taken |= {scrub(one.doctype): f"the DocType `{echo(one.doctype)}`" for one in aggregates}
    jurisdictions = {satellite.jurisdiction for satellite in satellites.values() if satellite.jurisdiction}
    for position, aggregate in enumerate(aggregates):
        owner = taken.setdefault(scrub(aggregate.name), f"aggregates[{position + 1}]")
        if owner != f"aggregates[{position + 1}]" and scrub(aggregate.name) != scrub(aggregate.doctype):
            yield (position, "name"), f"`{echo(aggregate.name)}` is the name of {owner} too", "call it otherwise"
        for key, chosen, known in (
            ("satellites", aggregate.satellites, satellites.keys()),
            ("jurisdictions", aggregate.jurisdictions, jurisdictions),
        ):
            for place, selector in enumerate(chosen):
                if not any(fnmatchcase(name, selector) for name in known):
                    noun = "name" if key == "satellites" else "jurisdiction"
                    fix = did_you_mean(selector, known, f"known is: {', '.join(map(echo, sorted(known))) or 'none'}")
                    yield (position, key, place), f"no satellite has the {noun} `{echo(selector)}`", fix
    by_jurisdiction = [position for position, one in enumerate(aggregates) if one.jurisdictions]
    without = [name for name, satellite in satellites.items() if satellite.jurisdiction is None]
    if by_jurisdiction and without:
        what = f"asks for a jurisdiction, but these satellites state none: {', '.join(without)}"
        yield (by_jurisdiction[0], "jurisdictions"), what, "add `jurisdiction:` to each of them"
