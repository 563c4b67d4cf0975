"""`federation integrity`: links that lead nowhere, vouchers that don't balance, totals that aren't their sums."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from federation.cli.exits import Status, unless_interrupted
from federation.cli.screen import answers, complain, notices, number, plain, print_json, table
from federation.integrity import Verdicts, document_integrity, judge_integrity
from federation.settings.load import load_settings


def integrity(settings_file: Path | None, doctypes: Sequence[str], *, as_json: bool) -> Status:
    """Print the rules over rows that aren't met; FAILED where there are any.

    Raises:
        SettingsError: a mistake in the settings.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    verdicts = unless_interrupted(lambda: judge_integrity(settings, doctypes))
    unless_interrupted(lambda: document_integrity(settings, verdicts))
    if as_json:
        print_json(verdicts)
    else:
        _show(verdicts)
    passed = all(report.passed for by_satellite in verdicts.values() for report in by_satellite.values())
    return Status.DONE if passed else Status.FAILED


def _show(verdicts: Verdicts) -> None:
    grid = table("satellite", "DocType", "rule", "failing", "of", "documents", numbers=("failing", "of"))
    judged = 0
    for doctype, by_satellite in verdicts.items():
        for satellite, report in by_satellite.items():
            judged += len(report.results)
            for result in report.failed:
                if result.error:
                    complain(f"{doctype}: not judged: {result.expectation.reason} {result.error}")
                    continue
                told = "; ".join(result.documents) + ("; …" if result.failing > len(result.documents) else "")
                counts = (number(result.failing), number(result.rows))
                grid.add_row(plain(satellite), plain(doctype), plain(result.expectation.reason), *counts, plain(told))
    if grid.row_count:
        answers().print(grid)
    elif judged:
        notices().print(f"All {judged:,} rules that could be judged are met.", style="green")
    else:
        notices().print("There is nothing to judge yet: run `federation sync`.")
