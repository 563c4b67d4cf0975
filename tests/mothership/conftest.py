"""What the tests of the mothership share."""

from __future__ import annotations

from pathlib import Path

import pytest
from mothership_sites import Site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "var" / "mothership.duckdb"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "lake")
