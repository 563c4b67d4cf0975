"""The simulated site answers as the recorded Frappe 15 sites did: where they differ, it is wrong."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from recorded import TOPICS, recordings
from replay import ALONE, METADATA, NOT_REPLAYED, SHAPE_ONLY, Replay, differences

from federation.demo.site.server import RunningSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OF_THE_TOPICS = [name for name in recordings() if name.partition("/")[0] in TOPICS]
REPLAYED = [name for name in OF_THE_TOPICS if name not in NOT_REPLAYED]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    path = tmp_path_factory.mktemp("site") / "site.db"
    with RunningSite(path, hosts=frozenset({"north.test", "south.test"})) as running:
        yield running


@pytest.mark.parametrize("name", REPLAYED)
def test_the_site_answers_as_the_recorded_one(name: str, site: RunningSite, tmp_path: Path) -> None:
    recording = recordings()[name]
    replay = Replay(recording, site, tmp_path, with_others=name not in ALONE)
    try:
        answer = replay.send()
    finally:
        replay.close()
    assert differences(recording, answer) == []


def test_every_recording_of_the_topics_is_accounted_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(NOT_REPLAYED) | set(SHAPE_ONLY) | set(METADATA) | set(ALONE) <= set(OF_THE_TOPICS)
    assert not set(NOT_REPLAYED) & (set(SHAPE_ONLY) | set(METADATA) | set(ALONE))
    tally = Counter(_how(name) for name in OF_THE_TOPICS)
    with capsys.disabled():
        sys.stdout.write("\nrecordings of Frappe 15: ")
        sys.stdout.write(", ".join(f"{count} {how}" for how, count in tally.most_common()) + "\n")
        sys.stdout.writelines(f"  {name} is not replayed: {reason}\n" for name, reason in NOT_REPLAYED.items())


def _how(name: str) -> str:
    kinds = {"not replayed": NOT_REPLAYED, "compared by type": SHAPE_ONLY, "compared as metadata": METADATA}
    return next((how for how, names in kinds.items() if name in names), "compared by value")
