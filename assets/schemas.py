"""Schemas: what the satellites have shown of their DocTypes, as far as this machine can tell at once."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from federation.contract.columns import TableContract
from federation.contract.satellite_schema import SatelliteSchema
from federation.contract.union import contract_of
from federation.lake.errors import LakeError
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.lake.storage import open_lake
from federation.policy.fleet import FleetPolicy
from federation.settings.model import Settings

_log = logging.getLogger(__name__)


def local_schemas(settings: Settings) -> Mapping[str, SatelliteSchema]:
    """Return satellite → schema, for those whose schema lies on a local lake.

    Definitions are loaded often and must load always: a lake elsewhere is not asked, and a satellite whose log can't be
    read is left out with a warning. Its runs say what is wrong.
    """
    schemas = {}
    for name in settings.satellites:
        place = settings.lake_of(name)
        if not place.is_local:
            continue
        try:
            folder = open_lake(place, name)
            newest = CommitLog(folder).newest()
            if newest is not None and newest.schema:
                schemas[name] = read_schema(folder, newest.schema)
        except LakeError as error:
            _log.warning("%s: its DocTypes are not shown, as far as patterns and modules name them. %s", name, error)
    return schemas


def described_tables(settings: Settings, schemas: Mapping[str, SatelliteSchema]) -> Mapping[str, TableContract]:
    """Return DocType → the contract of its own table over all satellites, for those that a satellite has shown."""
    policy = FleetPolicy(settings)
    shown = {doctype for schema in schemas.values() for doctype in schema.doctypes}
    contracts = (
        contract_of(doctype, schemas.values(), keeps=policy.keeps, hashes=policy.hashes) for doctype in sorted(shown)
    )
    return {contract.doctype: contract.parent for contract in contracts if contract is not None}
