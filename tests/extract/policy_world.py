"""A shop whose documents go all the way: synchronised, merged, compacted, rebuilt, and read as analysts read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pymysql
import sqlalchemy as sa
from extract_world import Shop

from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.merging import open_reader, publish
from federation.mothership.sql import identifier
from federation.mothership.system_tables import SYSTEM_TABLES
from federation.rebuilding import RebuildReport, RebuiltSatellite, rebuild
from federation.sync import SatelliteOutcome, sync_satellite
from federation.verifying import verify_mothership


class Quiet:
    """Nobody watches a rebuild."""

    def merging(self, satellite: str) -> None: ...

    def merged(self, satellite: RebuiltSatellite) -> None: ...

    def swapping(self) -> None: ...


def mothership_of(engine: str, folder: Path, url: str) -> object:
    """What the settings say of a mothership, a file or a database of the running server."""
    if engine == "duckdb":
        return f"duckdb:///{folder}/mothership/mothership.duckdb"
    told = sa.make_url(url)
    own = {"host": told.host or "", "port": told.port or 0, "user": told.username, "password": told.password or ""}
    with pymysql.connect(**own) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{told.database}_rebuild`")
    (folder / "password").write_text(told.password or "")
    return {
        "url": f"mariadb://{told.username}@{told.host}:{told.port}/{told.database}",
        "password": f"file:{folder}/password",
    }


def synced(shop: Shop, depth: Any = "changes") -> SatelliteOutcome:
    """Bring the mothership up to date, and show it."""
    outcome = sync_satellite(shop.settings, shop.satellite, RunOptions(depth=depth), Unwatched())
    publish(shop.settings, force=True)
    assert outcome.ok, outcome
    return outcome


def rebuilt(shop: Shop) -> RebuildReport:
    report = rebuild(shop.settings, Quiet())
    assert report.ok, report
    return report


def rows(shop: Shop, table: str) -> list[dict[str, Any]]:
    """A table as analysts see it, in the order of the names."""
    with open_reader(shop.settings) as mothership:
        assert mothership is not None
        found: list[dict[str, Any]] = (
            mothership.query(f"SELECT * FROM {identifier(table)} ORDER BY name").read_all().to_pylist()
        )
        return found


def values(shop: Shop, table: str, column: str) -> list[Any]:
    return [row.get(column) for row in rows(shop, table)]


def everything_told(shop: Shop) -> str:
    """Every cell of every table of the mothership."""
    with open_reader(shop.settings) as mothership:
        assert mothership is not None
        tables = (*mothership.tables().values(), *(table.name for table in SYSTEM_TABLES))
        return str([mothership.query(f"SELECT * FROM {identifier(table)}").read_all().to_pylist() for table in tables])


def assert_as_the_lake_says(shop: Shop) -> None:
    report = verify_mothership(shop.settings)
    assert not report.unverified, report
    # Indexes are made with the first rows of a table.
    assert not [finding for finding in report.findings if finding.kind != "index"], report


def content(shop: Shop, *tables: str) -> Mapping[str, list[dict[str, Any]]]:
    return {table: rows(shop, table) for table in tables}


def everything_written(folder: Path) -> Iterator[tuple[str, str]]:
    """All files below a folder, as they are and, of Parquet, as what they hold."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield str(path), str(duckdb.sql(f"FROM read_parquet('{path}')").fetchall())
