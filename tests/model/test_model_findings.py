"""Histories that were wrong once, as short as they got."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from model_federation import Victim, open_victim
from model_history import Counts, Happens, Step, Sync, play


@pytest.fixture(scope="module")
def victim() -> Iterator[Victim]:
    with open_victim() as victim:
        yield victim


def test_a_young_order_that_is_renamed_without_a_trace_counts_once_after_the_next_hourly_run(
    victim: Victim, tmp_path: Path
) -> None:
    play(tmp_path, 15, [Sync(), Happens("rename_without_a_trace", (17, 0, 8, 11)), Sync()], victim, Counts())


def test_a_voucher_posted_between_the_changes_and_the_pass_of_a_run_is_never_half_there(
    victim: Victim, tmp_path: Path
) -> None:
    steps: list[Step] = [Sync()]
    for request in (40, 55, 70):
        steps += [Happens("post", (request, 29, 12, 24), request), Sync("full")]
    play(tmp_path, 15, steps, victim, Counts())


@pytest.mark.parametrize("version", [13, 15])
def test_a_voucher_whose_rows_are_changed_while_a_slow_walk_reads_them_is_never_half_there(
    version: int, victim: Victim, tmp_path: Path
) -> None:
    steps: list[Step] = [Sync()]
    for request in (25, 28, 31):
        steps += [
            Happens("let_time_pass", (3,)),
            Happens("post", (request, 29, 12, 24)),
            Happens("let_time_pass", (1,), request),
            Happens("set_value_of_many", (3, request), request),
            Sync(),
        ]
    play(tmp_path, version, steps, victim, Counts())
