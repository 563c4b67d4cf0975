"""Drift: what `federation_drift` tells of the changes that a satellite made to its DocTypes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from federation.contract.satellite_schema import DocTypeSchema, SatelliteSchema
from federation.drift.kinds import WORDED
from federation.drift.steps import Step
from federation.drift.words import is_told, told
from federation.mothership.interface import FieldPolicy
from federation.mothership.ledger import count_generation
from federation.mothership.sql import Connection, listed, literal, naive_utc
from federation.mothership.system_tables import DRIFT

_WORDED: Final = listed(map(literal, sorted(WORDED)))


def told_up_to(
    connection: Connection, satellite: str, policy: FieldPolicy, cursor: int, schema: SatelliteSchema | None
) -> int:
    """Return the commit up to which drift is told as today's policy lets it be; 0 where all of it is to be told anew.

    That is so where the policy began or ended to hold a field's words back, by its own change or by the field's, and
    where an older version of this program merged the satellite.

    Args:
        connection: the database.
        satellite: whose.
        policy: holds words back.
        cursor: the commit up to which the log is settled.
        schema: what is about to be taken over; None where that is known.
    """
    asked = {"satellite": satellite}
    ((newest,),) = connection.run("SELECT max(seq) FROM federation_drift WHERE satellite = $satellite", asked)
    if newest is None:
        described = connection.run("SELECT doctype FROM federation_schema WHERE satellite = $satellite LIMIT 1", asked)
        return 0 if described else cursor
    return max(int(newest), cursor) if _follows(connection, satellite, policy, schema) else 0


def _follows(connection: Connection, satellite: str, policy: FieldPolicy, schema: SatelliteSchema | None) -> bool:
    rows = connection.run(
        "SELECT DISTINCT doctype, fieldname, was = '' AND became = '' FROM federation_drift "
        "WHERE satellite = $satellite AND kind IN ({worded})",
        {"satellite": satellite},
        worded=_WORDED,
    )
    if not rows:
        return True
    versions = schema.doctypes if schema else _versions(connection, satellite, {doctype for doctype, _, _ in rows})
    return all(
        bool(is_silent) != is_told(satellite, versions.get(doctype), fieldname, policy.keeps)
        for doctype, fieldname, is_silent in rows
    )


def write_drift(
    connection: Connection,
    satellite: str,
    steps: Iterable[Step],
    versions: Mapping[str, DocTypeSchema],
    policy: FieldPolicy,
    *,
    anew: bool,
) -> None:
    """Tell of steps; to be called in the transaction that takes over the schema they lead to.

    Args:
        connection: the database.
        satellite: whose.
        steps: none of which is told yet, unless `anew`.
        versions: DocType → what the satellite says of it now: by it the policy is asked.
        policy: holds words back.
        anew: forget what was told before.
    """
    if anew:
        connection.run("DELETE FROM federation_drift WHERE satellite = $satellite", {"satellite": satellite})
    rows = [
        (
            satellite,
            change.doctype,
            change.fieldname,
            change.kind,
            change.was,
            change.became,
            naive_utc(step.seen_at),
            step.seq,
        )
        for step in steps
        for change in (told(one, satellite, versions.get(one.doctype), policy.keeps) for one in step.changes)
    ]
    if rows:
        connection.insert(DRIFT.name, [column.name for column in DRIFT.columns], rows)
        count_generation(connection)


def _versions(connection: Connection, satellite: str, doctypes: Iterable[str]) -> dict[str, DocTypeSchema]:
    rows = connection.run(
        "SELECT doctype, {schema} FROM federation_schema WHERE satellite = $satellite AND doctype IN ({doctypes})",
        {"satellite": satellite},
        schema="schema",
        doctypes=listed(map(literal, sorted(doctypes))),
    )
    return {doctype: msgspec.json.decode(text, type=DocTypeSchema) for doctype, text in rows}
