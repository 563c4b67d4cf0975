"""Suites: what the rows of a DocType of one satellite have to meet, and fingerprints that tell when that changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from federation.extract.documents import DocumentReading
from federation.extract.errors import UnfitExpectations
from federation.quality import Expectation, UnfitExpectation, bound_to, expectations_of
from federation.settings.errors import did_you_mean
from federation.settings.expectations import WrittenExpectation, WrittenExpectations
from federation.settings.model import MetadataRule

Suites = Mapping[str, Sequence[Expectation]]
"""DocType, own and child → what its rows have to meet."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the settings expect of documents, besides what the sites' metadata tells.

    Attributes:
        written: the user's own.
        reject_by_metadata: kinds of rules that follow from metadata and set documents aside instead of warning.
        frappe_major: the site's major version of Frappe, None where it doesn't tell.
    """

    written: WrittenExpectations
    reject_by_metadata: Collection[MetadataRule] = ()
    frappe_major: int | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What documents are judged by, as two fingerprints. Wording has no part in them.

    Attributes:
        accepting: of the expectations that reject, with the types of the columns that they look at. Where it changes,
            documents that were accepted may be rejected now.
        reading: of these, and of all columns with what the policy makes of them. Where it changes, documents that were
            set aside may be accepted now, or look otherwise.
    """

    accepting: str
    reading: str


def suites_of(reading: DocumentReading, expected: Expected) -> dict[str, list[Expectation]]:
    """Return what rows have to meet: by the site's metadata, and by the user.

    Raises:
        UnfitExpectations: the user's own ask for what the satellite doesn't have.
    """
    suites: dict[str, list[Expectation]] = {}
    for table in (reading.parent, *reading.children):
        altered = [field.column.name for field in table.fields if field.is_altered]
        suites[table.table.doctype] = expectations_of(
            table.table, altered=altered, frappe_major=expected.frappe_major, reject=expected.reject_by_metadata
        )
    mistakes = []
    for written in expected.written.of(reading.parent.satellite, reading.doctype):
        try:
            bound = _bound(reading, written)
        except UnfitExpectation as error:
            mistakes.append(str(error))
        else:
            suites[bound.doctype].append(bound)
    if mistakes:
        raise UnfitExpectations(reading.parent.satellite, reading.doctype, mistakes)
    return suites


def rules_of(reading: DocumentReading, suites: Suites) -> Rules:
    """Return the fingerprints of what a DocType's documents are judged by."""
    tables = {table.table.doctype: table for table in (reading.parent, *reading.children)}
    types = {
        doctype: {column.name: str(column.type) for column in table.table.columns} for doctype, table in tables.items()
    }
    rejecting = sorted(
        json.dumps(
            [doctype, each.type, [[name, types[doctype].get(name)] for name in each.columns], each.arguments],
            sort_keys=True,
            default=str,
        )
        for doctype, suite in suites.items()
        for each in suite
        if each.rejects
    )
    read = {doctype: {field.column.name: str(field.column.type) for field in t.fields} for doctype, t in tables.items()}
    return Rules(_fingerprint(rejecting), _fingerprint([rejecting, read, dict(reading.treatments)]))


def _fingerprint(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _bound(reading: DocumentReading, written: WrittenExpectation) -> Expectation:
    tables = {table.table.doctype: table for table in (reading.parent, *reading.children)}
    table = tables.get(written.table or reading.doctype)
    if table is None:
        fix = did_you_mean(written.table, tables, "remove `table:` for the document's own fields")
        raise UnfitExpectation(
            written, f"{reading.doctype} has no child table {written.table!r} that is read here", fix
        )
    place = "" if table is reading.parent else f"{table.table.doctype}."
    return bound_to(
        table.table,
        written,
        read=[field.column.name for field in table.fields],
        withheld=[name.removeprefix(place) for name, told in reading.treatments.items() if told == "drop"],
        altered=[field.column.name for field in table.fields if field.is_altered],
        hashed=[field.column.name for field in table.fields if field.hash_key is not None],
    )
