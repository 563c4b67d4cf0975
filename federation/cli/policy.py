"""`federation policy report`: what leaves each satellite, for whoever answers for it, as a table, JSON or a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.table import Table
from rich.text import Text

from federation.cli.choosing import chosen_names
from federation.cli.exits import Status
from federation.cli.policy_page import page_of
from federation.cli.policy_report import ACTIONS, DocTypeFates, FieldFate, PolicyReport, SatelliteFates, report_of
from federation.cli.screen import answers, complain, nothing, number, plain, print_json, remark, table_of_sections
from federation.settings.load import load_settings

_HEADINGS: Final = (
    "satellite",
    "DocType",
    *ACTIONS,
    "field",
    "fieldtype",
    "level",
    "to the lake",
    "to the mothership",
    "by which rule",
)
_CATCHING_UP: Final = "older rows are being read again for it, and are empty in the mothership until then"
_NUMBERS: Final = (*ACTIONS, "level")
_STYLES: Final = {"keep": "dim", "mask": "yellow", "hash": "yellow", "drop": "green"}


def report(
    settings_file: Path | None, names: Sequence[str], html: Path | None, *, as_json: bool, show_all: bool
) -> Status:
    """Show what leaves the satellites; FAILED where a lake can't be read.

    Args:
        settings_file: the settings.
        names: only satellites of these names or patterns; all if empty.
        html: a file that the report is written to as well, as a page on its own.
        as_json: print JSON, of all fields.
        show_all: also list the fields that are taken as they are, under the same name.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: no satellite has one of the names.
        OSError: the page can't be written.
    """
    settings = load_settings(settings_file)
    made = report_of(settings, chosen_names(list(settings.satellites), names), datetime.now(UTC))
    if html is not None:
        html.write_text(page_of(made), encoding="utf-8")
    if as_json:
        print_json(made)
    else:
        answers().print(_table(made, show_all=show_all))
        _remark(made)
    for satellite in made.satellites:
        if satellite.error:
            complain(f"{satellite.satellite}: {satellite.error}")
    return Status.DONE if made.ok else Status.FAILED


def _remark(report: PolicyReport) -> None:
    for satellite in report.satellites:
        if not satellite.error and satellite.as_of is None:
            remark(f"{satellite.satellite}: it was never read, so its fields aren't known. Run `federation sync`.")
        for sentence in satellite.remarks:
            remark(f"{satellite.satellite}: {sentence}")
        for doctype in satellite.doctypes:
            for field in doctype.fields:
                if field.catching_up:
                    remark(f"{satellite.satellite}, {doctype.doctype}.{field.fieldname}: {_CATCHING_UP}")
                if field.older:
                    remark(f"{satellite.satellite}, {doctype.doctype}.{field.fieldname}: {older_in_words(field)}")


def older_in_words(field: FieldFate) -> str:
    """Return what a reader must know of values that were read under a looser policy."""
    held = {"clear": "older values in clear", "masked": "older masked values", "hashed": "older hashes"}
    what = held.get(field.older, "older values, read when policies weren't remembered yet,")
    return f"{what} may still lie in the {' and the '.join(field.older_in)}"


def _table(report: PolicyReport, *, show_all: bool) -> Table:
    sections = (_section(satellite, show_all=show_all) for satellite in report.satellites if satellite.as_of)
    return table_of_sections(_HEADINGS, sections, numbers=_NUMBERS)


def _section(satellite: SatelliteFates, *, show_all: bool) -> Iterator[tuple[Text, ...]]:
    name = Text(satellite.satellite, "bold")
    for doctype in satellite.doctypes:
        yield name, plain(_with_source(doctype.doctype, doctype.at_site)), *_counts(doctype)
        name = Text()
        for field in doctype.fields:
            if show_all or field.at_mothership != "keep" or field.at_site:
                yield name, Text(), *(nothing() for _ in ACTIONS), *_cells(field)


def _with_source(ours: str, at_site: str) -> str:
    return f"{ours} ← {at_site}" if at_site else ours


def _counts(doctype: DocTypeFates) -> Iterator[Text]:
    for action in ACTIONS:
        yield number(doctype.counts[action])
    yield from (Text() for _ in range(2))
    yield nothing()
    yield from (Text() for _ in range(2))
    yield plain(doctype.rule)


def _cells(field: FieldFate) -> Iterator[Text]:
    yield plain(_with_source(field.fieldname, field.at_site))
    yield plain(field.fieldtype)
    yield number(field.permlevel)
    yield Text(f"{field.action}: {field.shows}" if field.shows else field.action, _STYLES[field.action])
    yield Text(field.at_mothership, _STYLES[field.at_mothership])
    yield plain(f"{field.rule}; {field.rule_at_mothership}" if field.rule_at_mothership else field.rule)
