"""Whatever happens on a site, the mothership ends up equal to it, and never shows a half or a double in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from model_federation import Victim, open_victim
from model_history import Counts, Step, histories, play


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with open_victim() as victim:
        yield victim


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("version", [13, 14, 15])
def test_any_history_ends_in_a_mothership_that_equals_the_site(version: int, victim: Victim) -> None:
    @settings(max_examples=2, deadline=None, derandomize=True, database=None, print_blob=True)
    @given(steps=histories(20))
    def history(steps: list[Step]) -> None:
        with TemporaryDirectory() as folder:
            play(Path(folder), version, steps, victim, Counts())

    history()
