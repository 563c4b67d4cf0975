"""`federation check`: satellites as a run would meet them, the places that it writes to, the policy's reach."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from federation.cli.asking import ask, ask_each
from federation.cli.check_tables import show_remarks, show_satellites, show_troubles
from federation.cli.described import described_schema
from federation.cli.exits import Status
from federation.cli.inspection import Findings, inspect
from federation.cli.reach import rules_without_fields
from federation.cli.screen import answers, complain, plain, print_json, remark
from federation.lake.errors import LakeError
from federation.lake.place import LakePlace
from federation.lakes import lake_folder
from federation.merging import open_reader
from federation.mothership.errors import MothershipError
from federation.settings.errors import SettingsError
from federation.settings.expectations import load_expectations, stem_of
from federation.settings.model import Satellite, Settings

if TYPE_CHECKING:
    from federation.mothership.mariadb.server import ServerState


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a sync writes to.

    Attributes:
        place: the folder, file or URL.
        error: why it can't be used; "" where it can.
    """

    place: str
    error: str

    @property
    def ok(self) -> bool:
        """A sync could use it."""
        return not self.error


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found; the JSON of `federation check --json`.

    Attributes:
        lakes: those of the satellites that were looked at.
        server: what a sync would find on the mothership's server; null where it is a file, or isn't reached.
        rules_without_fields: policy rules that match no field of the satellites that answered; a remark, no failure.
        idle_expectations: files of expectations that are for none of their DocTypes; likewise.
    """

    satellites: tuple[Findings, ...]
    lakes: tuple[Place, ...]
    mothership: Place
    server: ServerState | None
    rules_without_fields: tuple[str, ...]
    idle_expectations: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """A sync would bring everything that the settings ask for."""
        return all(place.ok for place in (*self.lakes, self.mothership)) and all(one.ok for one in self.satellites)


def check(settings_file: Path | None, names: Sequence[str], *, as_json: bool, show_all: bool) -> Status:
    """Look at the satellites named, or at all that are enabled, and at what surrounds them.

    Raises:
        SettingsError: a mistake in the settings.
        typer.BadParameter: a satellite that the settings don't have.
    """
    report = ask(settings_file, names, _report)
    if as_json:
        print_json(report)
    else:
        _show(report, show_all=show_all)
    return Status.DONE if report.ok else Status.FAILED


def _report(settings: Settings, satellites: Sequence[Satellite]) -> CheckReport:
    inspected = ask_each(satellites, lambda satellite: inspect(settings, satellite))
    described = {schema.satellite: schema for _, schema in inspected if schema is not None}
    mothership, server = _mothership(settings)
    return CheckReport(
        tuple(findings for findings, _ in inspected),
        _lakes(settings, satellites),
        mothership,
        server,
        rules_without_fields(settings, described),
        _idle_expectations(settings, [findings for findings, _ in inspected]),
    )


def _idle_expectations(settings: Settings, inspected: Sequence[Findings]) -> tuple[str, ...]:
    """Return files that nothing looks into; none where a satellite didn't answer that may have their DocType."""
    if {one.satellite for one in inspected if not one.error} < {one.name for one in settings.enabled_satellites()}:
        return ()
    known = {stem_of(doctype) for one in inspected for doctype in (*one.doctypes, *one.unreadable)}
    folder = settings.expectations.name
    return tuple(f"{folder}/{stem}.yaml" for stem in load_expectations(settings).by_stem if stem not in known)


def _lakes(settings: Settings, satellites: Sequence[Satellite]) -> tuple[Place, ...]:
    """Return the lakes that syncs of these satellites write to."""
    by_place: dict[LakePlace, list[Satellite]] = {}
    for satellite in satellites:
        by_place.setdefault(settings.lake_of(satellite.name), []).append(satellite)
    return tuple(Place(str(place), _trouble_of_lake(settings, kept)) for place, kept in by_place.items())


def _trouble_of_lake(settings: Settings, satellites: Iterable[Satellite]) -> str:
    """Return why a lake can't be used; a remote one is read, and only a run shows whether it may be written."""
    try:
        for satellite in satellites:
            folder = lake_folder(settings, satellite.name)
            if folder.is_local and (trouble := _trouble_of_folder(Path(folder.uri("log")))):
                return trouble
            described_schema(settings, satellite)
    except LakeError as error:
        return str(error)
    return ""


def _mothership(settings: Settings) -> tuple[Place, ServerState | None]:
    """Return why the mothership can't be used, and how its server stands, if it has one."""
    place, server = settings.mothership.place, None
    try:
        if settings.mothership.engine == "mariadb":
            from federation.provisioning import state  # noqa: PLC0415 - a file needs no driver of a server

            server = state(settings)
        with open_reader(settings) as mothership:
            if mothership is not None:
                mothership.freshness()
    except MothershipError as error:
        return Place(place, str(error)), server
    except SettingsError as error:
        return Place(place, "; ".join(f"{problem.what}: {problem.fix}" for problem in error.problems)), server
    trouble = _trouble_of_folder(settings.mothership_file.parent) if server is None else " ".join(server.troubles)
    return Place(place, trouble), server


def _trouble_of_folder(folder: Path) -> str:
    """Return why nothing can be written below `folder`, which a sync makes where it isn't there."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir():
        return f"{nearest} is no folder: move it away, or name another place in the settings."
    if not os.access(nearest, os.W_OK | os.X_OK):
        return f"this user may not write in {nearest}: allow it, or name another place in the settings."
    return ""


def _show(report: CheckReport, *, show_all: bool) -> None:
    out = answers()
    show_satellites(report.satellites, show_all=show_all)
    for label, place in (*(("lake", lake) for lake in report.lakes), ("mothership", report.mothership)):
        sign = "[green]✓[/]" if place.ok else "[red]✗[/]"
        out.print(f" {sign} [dim]{label:<10}[/]", plain(place.place))
    if report.server:
        out.print("  ", " " * 10, plain(_described(report.server)), style="dim")
    show_troubles(report.satellites, show_all=show_all)
    for place in (*report.lakes, report.mothership):
        if place.error:
            complain(place.error)
    show_remarks(report.satellites)
    for sentence in report.server.remarks if report.server else ():
        remark(sentence)
    for rule in report.rules_without_fields:
        remark(f"{rule} matches no field of the satellites that answered: look for a slip of the pen.")
    for file in report.idle_expectations:
        remark(f"{file} is called like no DocType that is brought: nothing is held against it.")


def _described(server: ServerState) -> str:
    local_infile = f"local_infile {'on' if server.local_infile else 'off'}"
    return " · ".join((server.version, f"TLS {server.tls}" if server.tls else "no TLS", local_infile))
