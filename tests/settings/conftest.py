"""What the tests of the settings share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from federation.settings.errors import SettingsError
from federation.settings.load import load_settings
from federation.settings.model import Settings

SettingsFile = Callable[[str], Settings]
Mistakes = Callable[[str | bytes], SettingsError]


@pytest.fixture
def load(tmp_path: Path) -> SettingsFile:
    def load(text: str) -> Settings:
        file = tmp_path / "federation.yaml"
        file.write_text(text, encoding="utf-8")
        return load_settings(file)

    return load


@pytest.fixture
def refused(tmp_path: Path) -> Mistakes:
    def refused(content: str | bytes) -> SettingsError:
        file = tmp_path / "federation.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(SettingsError) as caught:
            load_settings(file)
        return caught.value

    return refused
