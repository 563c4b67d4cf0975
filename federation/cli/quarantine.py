"""`federation quarantine list` and `show`: what was set aside, why, and what stands in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from federation.cli.ages import instant
from federation.cli.choosing import chosen_names
from federation.cli.exits import Status
from federation.cli.screen import answers, complain, nothing, notices, number, plain, print_json, table
from federation.merging import open_reader
from federation.mothership.interface import Readable
from federation.quarantine import Choice, Count, HeldFault, counts, document_of, faults
from federation.quarantine_difference import Difference, differences
from federation.settings.load import load_settings
from federation.settings.model import Settings

HELD_BACK: Final = (
    "an expectation holds back what came before it of this DocType, so it waits on the lake until somebody releases "
    "that: see `federation release`."
)
_LONGEST_CELL: Final = 60
_SUPERSEDED: Final = Text("superseded", "yellow")


@dataclass(frozen=True, slots=True)
class HeldList:
    """The JSON of `federation quarantine list`.

    Attributes:
        counts: all that was chosen, by satellite, DocType and rule.
        faults: the first of them.
    """

    counts: tuple[Count, ...]
    faults: tuple[HeldFault, ...]


@dataclass(frozen=True, slots=True)
class HeldWhole:
    """The JSON of `federation quarantine show`.

    Attributes:
        document: as it was read, child rows under their DocType.
        differences: from the accepted version; null where none stands.
    """

    faults: tuple[HeldFault, ...]
    document: Any
    differences: tuple[Difference, ...] | None


def list_held(settings_file: Path | None, wish: Choice, limit: int, *, as_json: bool) -> Status:
    """Print the quarantine, or the part of it that is chosen.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: no satellite has one of the names.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    with open_quarantine(settings) as mothership:
        if mothership is None:
            return Status.FAILED
        choice = chosen(settings, mothership, wish)
        held = HeldList(counts(mothership, choice), faults(mothership, choice, limit))
    if as_json:
        print_json(held)
    else:
        _show_list(held, limit)
    return Status.DONE


def show_held(settings_file: Path | None, satellite: str, doctype: str, name: str, *, as_json: bool) -> Status:
    """Print one document; FAILED where it isn't in quarantine.

    Raises:
        SettingsError: a mistake in the settings.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    choice = Choice([satellite], [doctype], names=[name])
    with open_quarantine(settings) as mothership:
        if mothership is None:
            return Status.FAILED
        document = document_of(mothership, choice)
        if document is None:
            complain(
                f"{satellite}: {doctype} {name} is not in quarantine. `federation quarantine list` names what is; "
                "letters, spaces and case count."
            )
            return Status.FAILED
        found = differences(mothership, satellite, doctype, document)
        held = HeldWhole(faults(mothership, choice), json.loads(document), found)
    if as_json:
        print_json(_writable(held))
    else:
        _show_whole(held)
    return Status.DONE


@contextmanager
def open_quarantine(settings: Settings) -> Iterator[Readable | None]:
    """Open the mothership as analysts see it; complain and give None where there is none yet."""
    with open_reader(settings) as mothership:
        if mothership is None:
            complain(f"There is no mothership at {settings.mothership.place} yet: run `federation sync`.")
        yield mothership


def chosen(settings: Settings, mothership: Readable, wish: Choice) -> Choice:
    """Return what the user wishes, patterns of satellites resolved; those that left the settings may be named too.

    Raises:
        typer.BadParameter: no satellite has one of the names.
    """
    if not wish.satellites:
        return wish
    known = {*settings.satellites, *(count.satellite for count in counts(mothership, Choice()))}
    return replace(wish, satellites=chosen_names(sorted(known), list(wish.satellites)))


def _show_list(held: HeldList, limit: int) -> None:
    if not held.counts:
        notices().print("Nothing of this is in quarantine.", style="green")
        return
    numbers = ("documents", "superseded versions")
    sums = table("satellite", "DocType", "rule", *numbers, numbers=numbers)
    for count in held.counts:
        counted = (number(count.documents), number(count.superseding, "yellow"))
        sums.add_row(plain(count.satellite), plain(count.doctype), plain(count.rule), *counted)
    answers().print(sums)
    if not held.faults:
        return
    grid = table(
        "satellite", "DocType", "document", "rule", "field", "value", "reason", "since (UTC)", "before", "package"
    )
    for fault in held.faults:
        grid.add_row(
            *(plain(cell) for cell in (fault.satellite, fault.doctype, fault.name, fault.rule, fault.fieldname)),
            _short(fault.value),
            plain(fault.reason),
            Text(instant(fault.since)),
            _SUPERSEDED if fault.supersedes else nothing(),
            plain(fault.package),
        )
    answers().print(grid)
    if len(held.faults) == limit:
        notices().print(f"[dim]the first {limit:,} faults; choose with --satellite, --doctype, --rule, or --limit[/]")


def _show_whole(held: HeldWhole) -> None:
    out = answers()
    first = held.faults[0]
    out.print(plain(f"{first.satellite}: {first.doctype} {first.name}"), style="bold")
    out.print(plain(f"seen {instant(first.since)} (UTC), package {first.package}"), style="dim")
    wrong = table("rule", "field", "value", "reason")
    for fault in held.faults:
        wrong.add_row(plain(fault.rule), plain(fault.fieldname), _short(fault.value), plain(fault.reason))
    out.print(wrong)
    out.print(plain(json.dumps(held.document, indent=2, ensure_ascii=False), lines=True), soft_wrap=True)
    if held.differences is None:
        out.print("\nNo earlier version of it stands in its table.", style="dim")
    elif not held.differences:
        out.print("\nThe earlier version in its table is the same in every field that is kept.", style="dim")
    else:
        out.print("\nAn earlier version stands in its table, superseded by this one:", style="yellow")
        grid = table("row", "field", "stands", "in quarantine")
        for each in held.differences:
            sides = (nothing() if side is None else _short(side) for side in (each.stands, each.rejected))
            grid.add_row(plain(each.place), plain(each.fieldname), *sides)
        out.print(grid)


def _short(text: str) -> Text:
    return plain(text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…")


def _writable(value: Any) -> Any:  # noqa: ANN401 - whatever a site sent
    """JSON of a site may hold half of a surrogate pair, which UTF-8 can't: it is shown."""
    if isinstance(value, HeldWhole):
        return HeldWhole(value.faults, _writable(value.document), _writable(value.differences))
    if isinstance(value, Difference):
        return Difference(*(_writable(part) for part in (value.place, value.fieldname, value.stands, value.rejected)))
    if isinstance(value, dict):
        return {_writable(key): _writable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_writable, value))
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
