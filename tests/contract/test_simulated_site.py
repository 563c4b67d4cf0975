"""The simulated site answers as the recorded sites of Frappe 13, 14 and 15 did: where they differ, it is wrong."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from recorded import recordings
from replay import ALONE, METADATA, NOT_REPLAYED, SHAPE_ONLY, TIME_ZONES, Replay, differences, is_metadata

from federation.demo.site.server import RunningSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDED = 512
REPLAYED = [name for name in recordings() if name not in NOT_REPLAYED]
LEAST_SHARE = 0.8


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    path = tmp_path_factory.mktemp("site") / "site.db"
    with RunningSite(path, hosts=frozenset({*TIME_ZONES, "v13.test"})) as running:
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


def test_every_recording_is_replayed_or_listed_with_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(recordings()) == RECORDED
    assert set(NOT_REPLAYED) | set(SHAPE_ONLY) | set(METADATA) | set(ALONE) <= set(recordings())
    assert not set(NOT_REPLAYED) & (set(SHAPE_ONLY) | set(METADATA) | set(ALONE))
    assert len(REPLAYED) / RECORDED >= LEAST_SHARE
    tally = Counter(_how(name) for name in recordings())
    with capsys.disabled():
        sys.stdout.write(f"\n{len(REPLAYED)} of {RECORDED} recordings are replayed ({len(REPLAYED) / RECORDED:.1%}): ")
        sys.stdout.write(", ".join(f"{count} {how}" for how, count in tally.most_common()) + "\n")
        sys.stdout.writelines(f"  {name} is not replayed: {reason}\n" for name, reason in NOT_REPLAYED.items())


def _how(name: str) -> str:
    if name in NOT_REPLAYED:
        return "not replayed"
    if name in SHAPE_ONLY:
        return "compared by type"
    return "compared as metadata" if is_metadata(name) else "compared by value"
