"""What the tests of erasure share: a running shop with a key for what is erased, and the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from erasure_world import KEY, Erasures, open_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Erasures]:
    monkeypatch.setenv("FEDERATION_ERASURE_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "200")
    with open_world(tmp_path) as world:
        yield world
