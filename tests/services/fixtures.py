"""Fixtures: the real servers, as tests ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services import mariadb
from tests.services.service import for_test


@pytest.fixture(scope="session")
def mariadb_server() -> mariadb.Server:
    """The shared MariaDB; where it can't be had the test is skipped, or fails if services are required."""
    return for_test(mariadb.running)


@pytest.fixture
def mariadb_url(mariadb_server: mariadb.Server) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of this test's own, as an administrator."""
    database = mariadb.fresh_database(mariadb_server)
    yield database.url
    database.drop()
