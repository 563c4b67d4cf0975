"""`federation mothership check`: the mothership against the lake, and what somebody altered by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from federation.cli.ages import duration
from federation.cli.exits import Status, unless_interrupted
from federation.cli.screen import answers, complain, notices, number, plain, print_json, table
from federation.mothership.verify import Finding
from federation.settings.load import load_settings
from federation.verifying import VerifyReport, verify_mothership

_SAID: Final = {
    "table": "altered",
    "column": "column",
    "index": "index",
    "changed": "edited",
    "missing": "deleted",
    "surplus": "added",
}
"""Kind of a finding → what was done by hand."""


def check(settings_file: Path | None, *, as_json: bool) -> Status:
    """Print what differs; FAILED where something does, or could not be compared.

    Raises:
        SettingsError: a mistake in the settings.
        MothershipError: there is no mothership, or it can't be read.
    """
    settings = load_settings(settings_file)
    report = unless_interrupted(lambda: verify_mothership(settings))
    if as_json:
        print_json(report)
    else:
        _show(report)
    return Status.DONE if report.ok else Status.FAILED


def _show(report: VerifyReport) -> None:
    if report.findings:
        grid = table("table", "satellite", "what", "rows", "names", "columns", "", numbers=("rows",))
        for finding in report.findings:
            place = (finding.table, finding.satellite, _SAID[finding.kind])
            which = (_names(finding), ", ".join(finding.columns), finding.reason)
            grid.add_row(*map(plain, place), number(finding.rows), *map(plain, which))
        answers().print(grid)
    for satellite, reason in report.unverified.items():
        complain(f"{satellite} could not be compared: {reason}")
    took = duration(report.seconds)
    if report.findings:
        complain("The mothership is not what the lake makes of it. `federation rebuild` makes it so again.")
    elif report.ok:
        notices().print(
            f"The mothership is what the lake makes of it: {report.satellites:,} satellites compared ({took}).",
            style="green",
        )


def _names(finding: Finding) -> str:
    more = finding.rows - len(finding.names)
    return "; ".join(finding.names) + (f"; and {more:,} more" if finding.names and more > 0 else "")
