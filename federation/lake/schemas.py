"""Schemas: what a satellite said of its DocTypes, kept immutable under the name of its content."""

from __future__ import annotations

import hashlib

import msgspec

from federation.contract.satellite_schema import SatelliteSchema
from federation.lake.errors import DamagedLog
from federation.lake.storage import LakeFolder


def write_schema(folder: LakeFolder, schema: SatelliteSchema) -> str:
    """Put the satellite's schema at `schema/<sha256>.json` and return that SHA-256, for a manifest to name."""
    content = msgspec.json.encode(schema)
    sha256 = hashlib.sha256(content).hexdigest()
    folder.write(_path(sha256), content)
    return sha256


def read_schema(folder: LakeFolder, sha256: str) -> SatelliteSchema:
    """Return the schema that a manifest names.

    Raises:
        NotOnLake: it is not there.
        DamagedLog: its content is not what its name says.
    """
    path = _path(sha256)
    content = folder.read(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DamagedLog(folder.satellite, path, "was changed after it was written")
    try:
        return msgspec.json.decode(content, type=SatelliteSchema)
    except msgspec.DecodeError as error:
        raise DamagedLog(folder.satellite, path, f"is not a schema ({error})") from error


def _path(sha256: str) -> str:
    return f"schema/{sha256}.json"
