"""What the tests of the mothership share."""

from __future__ import annotations

from pathlib import Path

import pytest
from mothership_sites import Site
from places import DuckdbPlace, MariadbPlace, Place


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "mothership.duckdb"


@pytest.fixture(params=["duckdb", "mariadb"])
def place(request: pytest.FixtureRequest) -> Place:
    """An empty place for a mothership, on each of the databases in turn."""
    if request.param == "duckdb":
        return DuckdbPlace(request.getfixturevalue("file"))
    return MariadbPlace(request.getfixturevalue("mariadb_url"))


@pytest.fixture
def mariadb_place(mariadb_url: str) -> MariadbPlace:
    return MariadbPlace(mariadb_url)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "lake")
