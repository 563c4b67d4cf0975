"""Check tables: what a check found for a reader: satellites as a table, below it what is missing and what is odd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table
from rich.text import Text

from federation.cli.holes import some
from federation.cli.inspection import Findings
from federation.cli.screen import answers, complain, plain, remark, table
from federation.cli.shortened import Shortened, shortened


def show_satellites(satellites: tuple[Findings, ...], *, show_all: bool) -> None:
    """Print the satellites as a table on stdout; of many, those that need a look."""
    out = answers()
    short = _short(satellites, show_all=show_all)
    if short.shown:
        out.print(_table(short.shown))
    if rest := short.rest():
        out.print(plain(f" {rest}"), style="dim")


def show_troubles(satellites: tuple[Findings, ...], *, show_all: bool) -> None:
    """Print on stderr what a sync would not bring, satellite by satellite."""
    for findings in _short(satellites, show_all=show_all).shown:
        for trouble in _troubles(findings):
            complain(f"{findings.satellite}{trouble}")


def show_remarks(satellites: tuple[Findings, ...]) -> None:
    """Print on stderr what is mapped, and what is odd but stops nothing; once what is said of several satellites."""
    told: dict[str, list[str]] = {}
    for findings in satellites:
        for sentence in (*findings.mapped, *findings.remarks):
            told.setdefault(sentence, []).append(findings.satellite)
    for sentence, names in told.items():
        remark(f"{some(names)}: {sentence}")


def _short(satellites: tuple[Findings, ...], *, show_all: bool) -> Shortened[Findings]:
    return shortened(satellites, lambda findings: findings.ok, show_all=show_all)


def _troubles(findings: Findings) -> Iterator[str]:
    if findings.error:
        yield f": {findings.error}"
    for doctype, why in findings.unreadable.items():
        yield f", {doctype}: {why}"
    for hole in findings.holes:
        yield f", {hole.doctype}: {hole.what}"


def _table(satellites: Iterable[Findings]) -> Table:
    headings = ("", "satellite", "user", "access", "apps", "time zone", "clock", "jurisdiction", "DocTypes")
    grid = table(*headings, numbers=("clock",))
    for findings in satellites:
        grid.add_row(
            Text("✓", "green") if findings.ok else Text("✗", "red"),
            Text(findings.satellite, "bold"),
            plain(findings.user or "-"),
            _access(findings),
            plain(", ".join(f"{app} {version}" for app, version in findings.versions.items()) or "-"),
            plain(findings.time_zone or "-"),
            Text("-" if findings.clock_skew_seconds is None else f"{findings.clock_skew_seconds:+.0f} s"),
            plain(findings.jurisdiction or "-"),
            _doctypes(findings),
        )
    return grid


def _access(findings: Findings) -> Text:
    if findings.read_only is None:
        return Text("-")
    return Text("read-only", "green") if findings.read_only else Text("may write", "yellow")


def _doctypes(findings: Findings) -> Text:
    if findings.error:
        return Text("-")
    counts = Text(f"{len(findings.doctypes):,} readable")
    if findings.unreadable:
        counts += Text(f", {len(findings.unreadable):,} not", "red")
    if findings.holes:
        counts += Text(f", {len({hole.doctype for hole in findings.holes}):,} with holes", "red")
    return counts
