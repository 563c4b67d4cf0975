"""`federation status`: how fresh and how whole each DocType of each satellite is for an analyst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from federation.cli.ages import age_in_words, instant
from federation.cli.choosing import chosen_names
from federation.cli.exits import Status
from federation.cli.screen import answers, complain, nothing, number, plain, print_json, remark, table_of_sections
from federation.cli.shortened import shortened
from federation.cli.status_report import DocTypeStatus, SatelliteStatus, StatusReport, most_urgent, report_of, with_held
from federation.merging import open_reader
from federation.mothership.held import held_in
from federation.settings.load import load_settings

__all__ = ["freshness_table", "report_of", "show_report", "status"]

_STYLES: Final = {
    "held": "red",
    "late": "red",
    "never": "red",
    "fresh": "green",
    "switched off": "dim",
    "not in the settings": "dim",
}
_COUNTS: Final = ("rows", "pending", "waiting", "quarantined")
_MOST_ROWS: Final = 150
"""DocTypes of all satellites that are shown with a row each."""
_URGENT_SHOWN: Final = 5
"""DocTypes of a satellite that call for attention, and are shown with a row each in a condensed table."""


def status(settings_file: Path | None, names: Sequence[str], *, as_json: bool, show_all: bool) -> Status:
    """Show how each DocType of each satellite stands; FAILED where one is late or was never brought whole.

    Args:
        settings_file: the settings.
        names: only satellites of these names or patterns; all if empty.
        as_json: print JSON, of all DocTypes.
        show_all: print a row for each DocType, however many there are.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: no satellite has one of the names.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    with open_reader(settings) as mothership:
        freshness = None if mothership is None else mothership.freshness()
        held = held_in(mothership) if mothership else []
    report = with_held(report_of(settings, freshness, datetime.now(UTC)), held)
    known = chosen_names([satellite.satellite for satellite in report.satellites], names)
    report = replace(report, satellites=tuple(one for one in report.satellites if one.satellite in known))
    if as_json:
        print_json(report)
    else:
        show_report(report, show_all=show_all)
        _show_held(report)
        if not report.published:
            advice = f"There is no mothership at {report.mothership} yet: run `federation sync`."
            remark(advice)
    return Status.DONE if report.ok else Status.FAILED


def show_report(report: StatusReport, *, show_all: bool) -> None:
    """Print the report as a table; a long one condensed, of many satellites those that call for attention."""
    condensed = _is_long(report) and not show_all
    short = shortened(report.satellites, lambda satellite: not satellite.is_urgent, show_all=not condensed)
    if short.shown:
        answers().print(freshness_table(replace(report, satellites=short.shown), condensed=condensed))
    if rest := short.rest():
        answers().print(plain(rest), style="dim")


def _show_held(report: StatusReport) -> None:
    for satellite in report.satellites:
        for doctype in satellite.doctypes:
            if doctype.held:
                rows = [f"{each.reason} {each.failing:,} rows don't meet it ({each.rule})." for each in doctype.held]
                since = instant(doctype.held[0].since)
                release = f'federation release {satellite.satellite} "{doctype.doctype}"'
                complain(
                    f"{satellite.satellite}: {doctype.doctype} is held back since {since}. {' '.join(rows)} "
                    f"Look at them on the site; `{release}` lets them in as they are."
                )


def freshness_table(report: StatusReport, *, condensed: bool = False) -> Table:
    """Return the report as a table: a row a DocType of a satellite.

    Args:
        report: what is shown.
        condensed: the first DocTypes of a satellite that call for attention, and one row for all the others.
    """
    numbers = ("as of (UTC)", "age", *_COUNTS, "last change (UTC)", "compared (UTC)")
    sections = (_section(satellite, report.now, condensed=condensed) for satellite in report.satellites)
    return table_of_sections(("satellite", "DocType", "state", *numbers), sections, numbers=numbers)


def _is_long(report: StatusReport) -> bool:
    return sum(max(1, len(satellite.doctypes)) for satellite in report.satellites) > _MOST_ROWS


def _section(satellite: SatelliteStatus, now: datetime, *, condensed: bool) -> Iterator[tuple[Text, ...]]:
    name = Text(satellite.satellite, "bold")
    if satellite.has_nothing:
        note = Text(f"{len(satellite.doctypes):,} DocTypes", "dim") if satellite.doctypes else nothing()
        yield name, note, Text(satellite.state, _STYLES[satellite.state])
        return
    urgent = [doctype for doctype in satellite.doctypes if doctype.is_urgent][:_URGENT_SHOWN]
    shown = urgent if condensed else satellite.doctypes
    for doctype in shown:
        yield name, plain(doctype.doctype), *_cells(doctype, now)
        name = Text()
    others = [doctype for doctype in satellite.doctypes if doctype not in shown]
    if others:
        together = _together(others)
        yield name, Text(f"{len(others):,} {'more' if shown else 'DocTypes'}", "dim"), *_cells(together, now)


def _together(doctypes: Sequence[DocTypeStatus]) -> DocTypeStatus:
    """Return several DocTypes as one: as of the oldest, with the sums of their rows."""
    complete = [doctype.as_of for doctype in doctypes if doctype.as_of]
    compared = [doctype.compared_at for doctype in doctypes if doctype.compared_at]
    changes = [doctype.last_change for doctype in doctypes if doctype.last_change]
    return DocTypeStatus(
        "",
        most_urgent([doctype.state for doctype in doctypes]),
        min(complete) if complete else None,
        sum(doctype.rows for doctype in doctypes),
        sum(doctype.pending for doctype in doctypes),
        sum(doctype.waiting for doctype in doctypes),
        sum(doctype.quarantined for doctype in doctypes),
        max(changes) if changes else None,
        min(compared) if compared else None,
    )


def _cells(doctype: DocTypeStatus, now: datetime) -> Iterator[Text]:
    yield Text(doctype.state, _STYLES[doctype.state])
    yield Text(instant(doctype.as_of)) if doctype.as_of else nothing()
    yield Text(age_in_words(doctype.as_of, now)) if doctype.as_of else nothing()
    yield number(doctype.rows)
    yield number(doctype.pending, "yellow")
    yield number(doctype.waiting, "yellow")
    yield number(doctype.quarantined, "yellow")
    for moment in (doctype.last_change, doctype.compared_at):
        yield Text(instant(moment), "dim") if moment else nothing()
