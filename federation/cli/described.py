"""Described: what the satellites have said of their DocTypes so far, as the lake remembers it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from federation.contract.satellite_schema import SatelliteSchema
from federation.lake.errors import LakeError
from federation.lake.log import CommitLog
from federation.lake.schemas import read_schema
from federation.lake.storage import open_lake
from federation.settings.model import Satellite, Settings


def described_schema(settings: Settings, satellite: Satellite) -> SatelliteSchema:
    """Return the satellite's newest schema on the lake; one without DocTypes before its first run.

    Raises:
        LakeError: the lake can't be read.
    """
    folder = open_lake(settings.lake_of(satellite.name), satellite.name)
    newest = CommitLog(folder).newest()
    return read_schema(folder, newest.schema) if newest and newest.schema else SatelliteSchema(satellite.name)


def described_modules(settings: Settings, satellites: Iterable[Satellite]) -> dict[str, dict[str, str]]:
    """Return satellite → DocType → module; a satellite whose lake can't be read is left out, its sync will say why."""
    modules = {}
    for satellite in satellites:
        with suppress(LakeError):
            doctypes = described_schema(settings, satellite).doctypes
            modules[satellite.name] = {name: schema.module for name, schema in doctypes.items()}
    return modules
