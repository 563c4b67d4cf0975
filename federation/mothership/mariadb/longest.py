"""Longest: how many characters the texts of packages have, so that columns are wide enough before the rows come."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from federation.contract.fieldtypes import TEXT
from federation.mothership.duckdb.sql import DuckdbConnection, parquet
from federation.mothership.package_files import ReadyFile
from federation.mothership.sql import Fragment, identifier, listed

_SHORT = 140
"""Bytes: what no column is too narrow for. Bytes are counted in half the time that characters are."""


def longest_texts(bench: DuckdbConnection, files: Iterable[ReadyFile]) -> dict[str, int]:
    """Return text column → characters of its longest value, or, of short ones, a few more."""
    alike: dict[tuple[str, ...], list[ReadyFile]] = {}
    for file in files:
        alike.setdefault(_texts(file.schema), []).append(file)
    longest: dict[str, int] = {}
    for names, group in alike.items():
        found = _measured(bench, group, names, "strlen")
        long = [name for name, size in found.items() if size > _SHORT]
        for name, size in {**found, **_measured(bench, group, long, "length")}.items():
            longest[name] = max(size, longest.get(name, 0))
    return longest


def _texts(schema: pa.Schema) -> tuple[str, ...]:
    return tuple(field.name for field in schema if field.type == TEXT)


def _measured(bench: DuckdbConnection, files: Iterable[ReadyFile], names: Iterable[str], how: str) -> dict[str, int]:
    asked = {name: Fragment(f"max({how}({identifier(name)}))") for name in names}
    if not asked:
        return {}
    row = bench.run(
        "SELECT {sizes} FROM {files}", sizes=listed(asked.values()), files=parquet(file.path for file in files)
    )[0]
    return {name: size or 0 for name, size in zip(asked, row, strict=True)}
