"""Soak: random histories for some minutes, with syncs killed at random; the last line says what became of them."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from hypothesis import HealthCheck, given, seed, settings
from model_federation import Victim, open_victim
from model_history import Counts, Step, Wrong, histories, play
from model_judge import Verdict

VERSIONS = (13, 14, 15)
HISTORIES, LONGEST = 3, 50
"""Histories of one seed, and steps of one history."""


def main() -> int:
    """Return 0 where every mothership ended up equal to its site."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, help="repeat this seed alone")
    chosen = parser.parse_args()
    counts, verdict = Counts(), Verdict()
    deadline = monotonic() + 60 * chosen.minutes
    with open_victim() as victim:
        for number in [chosen.seed] if chosen.seed is not None else _seeds(deadline):
            try:
                _play(number, victim, counts)
            except Wrong as wrong:
                verdict = wrong.verdict
                _say(f"\n{wrong}\n\nTo repeat it: make soak SEED={number}")
                break
    _say(
        f"changes {counts.changes:,} · faults {counts.faults:,} · kills {counts.kills:,} · lost {verdict.lost:,} · "
        f"duplicated {verdict.duplicated:,} · differing {verdict.differing:,}"
    )
    return 0 if verdict.good else 1


def _seeds(deadline: float) -> Iterator[int]:
    first = secrets.randbelow(1_000_000) * 1_000
    for number in count(first):
        if monotonic() > deadline:
            return
        yield number


def _play(number: int, victim: Victim, counts: Counts) -> None:
    """Play the histories of one seed on the version that is its turn.

    Raises:
        Wrong: by the shortest history that Hypothesis finds for it.
    """
    version = VERSIONS[number % len(VERSIONS)]
    before = monotonic()

    @seed(number)
    @settings(
        max_examples=HISTORIES, deadline=None, database=None, print_blob=False, suppress_health_check=list(HealthCheck)
    )
    @given(steps=histories(LONGEST))
    def history(steps: list[Step]) -> None:
        with TemporaryDirectory() as folder:
            play(Path(folder), version, steps, victim, counts, by_night=number % 2 == 1)

    history()
    _say(f"seed {number} · version {version} · {monotonic() - before:.0f} s")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
