"""Lakes: one place for the packages of all satellites, or a place for each jurisdiction, so that they stay in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from federation.lake.place import LakePlace
from federation.settings.errors import echo
from federation.settings.mistakes import Mistake, mistake, mistakes
from federation.settings.places import PlaceError, lake_place
from federation.settings.values import as_text, folder_of

DEFAULT: Final = "default"
"""The key of the place for all satellites whose jurisdiction has none of its own."""


@dataclass(frozen=True, slots=True)
class Lakes:
    """Where packages are kept.

    Attributes:
        by_jurisdiction: jurisdiction → its own place.
        default: the place of all others; None where every jurisdiction has its own.
    """

    by_jurisdiction: Mapping[str, LakePlace]
    default: LakePlace | None

    def of(self, jurisdiction: str | None) -> LakePlace | None:
        """Return the place for satellites of a jurisdiction, or for those that state none; None where there is none."""
        return self.by_jurisdiction.get(jurisdiction, self.default) if jurisdiction else self.default

    def places(self) -> tuple[LakePlace, ...]:
        """Return all places, that of all others first."""
        return (*([self.default] if self.default else []), *self.by_jurisdiction.values())


def _lakes(value: object, info: ValidationInfo) -> Lakes:
    if isinstance(value, Lakes):
        return value
    if not isinstance(value, Mapping):
        return Lakes({}, _place(value, folder_of(info)))
    if not value:
        raise mistake(
            "must not be empty", "write a folder or a URL, or one for each jurisdiction, as `EU: var/lake-eu`"
        )
    places: dict[str, LakePlace] = {}
    found: list[Mistake] = []
    for key, entry in value.items():
        if not isinstance(entry, str | Path):
            found.append(((key,), "must be text", "write a folder (`var/lake-eu`) or a URL (`s3://bucket/lake`)"))
            continue
        try:
            places[key] = lake_place(str(entry), folder_of(info))
        except PlaceError as error:
            found.append(((key,), error.what, error.fix))
    if found := found or list(_one_in_another(places)):
        raise mistakes(found)
    return Lakes({key: place for key, place in places.items() if key != DEFAULT}, places.get(DEFAULT))


def _place(value: object, folder: Path) -> LakePlace:
    try:
        return lake_place(as_text(value), folder)
    except PlaceError as error:
        raise mistake(error.what, error.fix) from None


def _one_in_another(places: Mapping[str, LakePlace]) -> Iterator[Mistake]:
    keys = list(places)
    for position, key in enumerate(keys):
        for before in keys[:position]:
            this, that = places[key], places[before]
            if not (this.holds(that) or that.holds(this)):
                continue
            if that.holds(this):
                what = "is the same place as" if this.holds(that) else "lies in the place of"
            else:
                what = "holds the place of"
            fix = "give each jurisdiction a place apart; leave out those that share the one of `default`"
            yield (key,), f"{what} `{echo(before)}`: what is kept for one would be read as the other's", fix
            break


def _written(lakes: Lakes) -> str | dict[str, str]:
    """Return the lakes as the settings have them."""
    if not lakes.by_jurisdiction:
        return str(lakes.default)
    default = {DEFAULT: str(lakes.default)} if lakes.default else {}
    return {**default, **{key: str(place) for key, place in lakes.by_jurisdiction.items()}}


LakeSetting = Annotated[
    Lakes,
    PlainValidator(_lakes),
    PlainSerializer(_written),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
            ]
        }
    ),
]
