"""What the tests of erasure share: a running shop with a key for what is erased, and the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from erasure_world import KEY, Erasures, open_world
from sqlalchemy import make_url

from tests.mothership.places import MariadbPlace


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Erasures]:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "200")
    with open_world(tmp_path) as world:
        yield world


@pytest.fixture
def mariadb_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mariadb_url: str) -> Iterator[Erasures]:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    url = make_url(mariadb_url)
    (tmp_path / "password").write_text(url.password or "")
    mothership = {"url": f"mariadb://{url.username}@{url.host}:{url.port}/{url.database}", "password": "file:password"}
    place = MariadbPlace(mariadb_url)
    place.alter(f'CREATE DATABASE "{url.database}_rebuild"')
    with open_world(tmp_path, mothership=mothership) as world:
        yield world
    place.alter(f'DROP DATABASE "{url.database}_rebuild"')
