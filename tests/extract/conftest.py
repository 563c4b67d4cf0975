"""What the tests of extraction share: a running shop, and a site that is given up sooner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from extract_world import Shop, open_shop

from connectors.frappe import retries


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as shop:
        yield shop


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr(retries, "_pause", lambda _: 0)
