"""`federation quarantine replay`: documents that were set aside are read anew from their sites, now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from federation.cli.described import described_modules
from federation.cli.exits import Status
from federation.cli.quarantine import HELD_BACK, chosen, open_quarantine
from federation.cli.readiness import demand_secrets
from federation.cli.screen import answers, complain, notices, number, plain, print_json, table
from federation.cli.sync import publish_now, sync_side_by_side
from federation.cli.sync_report import SyncedSatellite
from federation.extract.satellite import RunOptions
from federation.quarantine import Choice, HeldDocument, absent, documents, is_held_back
from federation.settings.load import load_settings
from federation.settings.model import Settings


@dataclass(frozen=True, slots=True)
class ReplayedDocType:
    """What became of the documents of a satellite's DocType; the JSON of `doctypes`.

    Attributes:
        asked: documents that were to be read anew.
        accepted: they left the quarantine, for their table.
        gone: they left it because the site has them no more.
        rejected: they were read, and are still in quarantine.
        unread: nobody knows, because of `error`.
    """

    satellite: str
    doctype: str
    asked: int
    accepted: int = 0
    gone: int = 0
    rejected: int = 0
    unread: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """The JSON of `federation quarantine replay`.

    Attributes:
        unknown: names that weren't in quarantine.
        error: why what was merged could not be published; "" where it could.
        interrupted: the user stopped it.
    """

    doctypes: tuple[ReplayedDocType, ...]
    unknown: tuple[str, ...]
    error: str
    interrupted: bool

    @property
    def ok(self) -> bool:
        """Everything that was asked for was read."""
        return not (self.unknown or self.error) and not any(one.error for one in self.doctypes)


_HIDDEN: Final = (
    "{:,} of them are on the site and aren't shown to the API user. Look at its roles and user permissions."
)

Held = Mapping[tuple[str, str], tuple[str, ...]]
"""(satellite, DocType) → names."""


def replay(settings_file: Path | None, wish: Choice, *, as_json: bool) -> Status:
    """Read the documents chosen anew, merge them, and say what became of them; FAILED where some can't be read.

    Raises:
        SettingsError: a mistake in the settings, or a secret that can't be had; nothing was started.
        typer.BadParameter: no satellite has one of the names.
        MothershipError: the mothership can't be read.
    """
    settings = load_settings(settings_file)
    with open_quarantine(settings) as mothership:
        if mothership is None:
            return Status.FAILED
        held = _grouped(documents(mothership, chosen(settings, mothership, wish)))
    refused = _refused(settings, held)
    due = [one for one in settings.enabled_satellites() if any(one.name == key[0] for key in held.keys() - refused)]
    demand_secrets(settings, due)
    options = {one.name: _options(one.name, held, refused) for one in due}
    synced, interrupted = sync_side_by_side(settings, due, options) if due else ([], False)
    trouble = "" if interrupted or not due else publish_now(settings)[1]
    found = {name for names in held.values() for name in names}
    unknown = tuple(name for name in dict.fromkeys(wish.names) if name not in found)
    report = ReplayReport(_outcomes(settings, held, refused, synced), unknown, trouble, interrupted)
    if as_json:
        print_json(report)
    else:
        _show(report)
    if interrupted:
        notices().print("Interrupted. What was committed stands; run it again for the rest.", style="yellow")
        return Status.INTERRUPTED
    return Status.DONE if report.ok else Status.FAILED


def _grouped(found: Iterable[HeldDocument]) -> Held:
    return {
        key: tuple(document.name for document in group)
        for key, group in groupby(found, lambda document: (document.satellite, document.doctype))
    }


def _refused(settings: Settings, held: Held) -> dict[tuple[str, str], str]:
    """Return what no site is asked for any more, and why."""
    modules = described_modules(settings, settings.enabled_satellites())
    refused = {}
    for name, doctype in held:
        satellite = settings.satellites.get(name)
        if satellite is None or not satellite.enabled:
            why = "switched off in" if satellite else "not in"
            refused[name, doctype] = f"the satellite is {why} the settings."
        elif not settings.selection(satellite).matches(doctype, modules.get(name, {}).get(doctype, "")):
            refused[name, doctype] = "the settings don't select the DocType there any more."
    return refused


def _options(satellite: str, held: Held, refused: Collection[tuple[str, str]]) -> RunOptions:
    names = {key[1]: names for key, names in held.items() if key[0] == satellite and key not in refused}
    return RunOptions(doctypes=tuple(names), replay=names)


def _outcomes(
    settings: Settings, held: Held, refused: Mapping[tuple[str, str], str], synced: Sequence[SyncedSatellite]
) -> tuple[ReplayedDocType, ...]:
    runs = {one.satellite: one for one in synced}
    found = []
    with open_quarantine(settings) as mothership:
        for (satellite, doctype), names in held.items():
            run = runs.get(satellite)
            error = refused.get((satellite, doctype)) or _error(run, doctype)
            choice = Choice([satellite], [doctype], names=names)
            if not error and mothership is not None and is_held_back(mothership, satellite, doctype):
                error = HELD_BACK
            if mothership is None or (satellite, doctype) in refused:
                left, gone = set(names), set[str]()
            else:
                left = {document.name for document in documents(mothership, choice)}
                gone = absent(mothership, choice) - left
            unread = left if error else left & _hidden(run, doctype)
            found.append(
                ReplayedDocType(
                    satellite,
                    doctype,
                    asked=len(names),
                    accepted=len(names) - len(left) - len(gone),
                    gone=len(gone),
                    rejected=len(left) - len(unread),
                    unread=len(unread),
                    error=error or (_HIDDEN.format(len(unread)) if unread else ""),
                )
            )
    return tuple(found)


def _error(run: SyncedSatellite | None, doctype: str) -> str:
    if run is None or run.interrupted:
        return "it was not read: somebody stopped it."
    errors = (run.error, *(one.error for one in run.doctypes if one.doctype == doctype))
    return " ".join(filter(None, errors))


def _hidden(run: SyncedSatellite | None, doctype: str) -> set[str]:
    return {name for one in (run.doctypes if run else ()) if one.doctype == doctype for name in one.hidden}


def _show(report: ReplayReport) -> None:
    if not (report.doctypes or report.unknown):
        notices().print("Nothing of this is in quarantine.", style="green")
    numbers = ("read anew", "accepted", "gone", "rejected again", "not read")
    grid = table("satellite", "DocType", *numbers, numbers=numbers)
    for one in report.doctypes:
        counted = (one.asked - one.unread, one.accepted, one.gone, one.rejected, one.unread)
        grid.add_row(plain(one.satellite), plain(one.doctype), *map(number, counted))
    if grid.row_count:
        answers().print(grid)
    for name in report.unknown:
        complain(f"{name} is not in quarantine.")
    for one in report.doctypes:
        if one.error:
            complain(f"{one.satellite}, {one.doctype}: {one.error}")
    if report.error:
        complain(report.error)
