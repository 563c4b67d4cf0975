"""Sync tables: the report of a sync for a reader: what happened as a table, what needs a look below it."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from rich.text import Text

from federation.cli.ages import duration
from federation.cli.screen import answers, complain, nothing, number, plain, remark, table_of_sections
from federation.cli.shortened import shortened
from federation.cli.sync_report import SyncedDocType, SyncedSatellite, SyncReport
from federation.drift.words import signed

_STYLES: Final = {"changed": "green", "unchanged": "dim", "merged": "green", "failed": "red"}
_NAMES_SHOWN: Final = 3
_COUNTS: Final[tuple[str, ...]] = (
    "documents",
    "tombstones",
    "quarantined",
    "patched",
    "pending",
    "inserted",
    "updated",
    "deleted",
    "rows",
    "time",
)


def ended_line(satellite: SyncedSatellite) -> Text:
    """Return one line that says how a satellite ended."""
    failed = sum(doctype.status == "failed" for doctype in satellite.doctypes)
    documents = sum(doctype.documents for doctype in satellite.doctypes)
    parts = (
        "interrupted" if satellite.interrupted else "failed as a whole" if satellite.error else "",
        f"{len(satellite.doctypes):,} DocTypes" if satellite.doctypes else "",
        f"{failed:,} failed" if failed else "",
        f"{documents:,} documents" if satellite.doctypes else "",
        duration(satellite.seconds),
    )
    cut_short = satellite.interrupted and not failed
    sign = Text("✓ ", "green") if satellite.ok else Text("… ", "yellow") if cut_short else Text("✗ ", "red")
    return sign + Text(satellite.satellite, "bold") + Text("  " + " · ".join(filter(None, parts)), "dim")


def show_report(report: SyncReport, *, show_all: bool) -> None:
    """Print the table on stdout, of many satellites those that need a look; on stderr what failed and what is odd."""
    _show_table(report, show_all=show_all)
    for satellite in report.satellites:
        if satellite.error:
            named = satellite.error.startswith(f"{satellite.satellite}: ")
            complain(satellite.error if named else f"{satellite.satellite}: {satellite.error}")
        for doctype in satellite.doctypes:
            if doctype.error:
                complain(f"{satellite.satellite}, {doctype.doctype}: {doctype.error}")
            for oddity in _oddities(satellite.satellite, doctype):
                remark(f"{satellite.satellite}, {doctype.doctype}: {oddity}")
    # Of the database, so the same whichever satellite was merged.
    for oddity in dict.fromkeys(oddity for satellite in report.satellites for oddity in satellite.remarks):
        remark(oddity)
    if report.error:
        complain(report.error)


def _show_table(report: SyncReport, *, show_all: bool) -> None:
    headings = ("satellite", "DocType", "status", *_COUNTS)
    short = shortened(report.satellites, _is_well, show_all=show_all)
    if short.shown:
        answers().print(table_of_sections(headings, map(_section, short.shown), numbers=_COUNTS))
    if rest := short.rest():
        answers().print(plain(f"{rest} ({_sums(report)})"), style="dim")


def _is_well(satellite: SyncedSatellite) -> bool:
    return satellite.ok and not any(doctype.needs_a_look for doctype in satellite.doctypes)


def _sums(report: SyncReport) -> str:
    doctypes = [doctype for satellite in report.satellites for doctype in satellite.doctypes]
    documents = sum(doctype.documents for doctype in doctypes)
    tombstones = sum(doctype.tombstones for doctype in doctypes)
    return f"all together {documents:,} documents and {tombstones:,} tombstones of {len(doctypes):,} DocTypes"


def _section(satellite: SyncedSatellite) -> Iterator[tuple[Text, ...]]:
    """Yield a row a DocType to which something happened, and one for all the others."""
    name = Text(satellite.satellite, "bold")
    told = [doctype for doctype in satellite.doctypes if not doctype.is_quiet]
    for doctype in told:
        yield name, plain(doctype.doctype), *_cells(doctype)
        name = Text()
    quiet = len(satellite.doctypes) - len(told)
    if quiet:
        yield name, Text(f"{quiet:,} {'more' if told else 'DocTypes'}", "dim"), Text("unchanged", "dim")
    elif not told:
        word = "failed" if satellite.error else "unchanged"
        yield name, nothing(), Text(word, _STYLES[word])


def _cells(doctype: SyncedDocType) -> Iterator[Text]:
    merged = doctype.merged
    yield Text(doctype.status, _STYLES[doctype.status])
    yield number(doctype.documents)
    yield number(doctype.tombstones)
    yield number(doctype.quarantined, "yellow")
    yield number(doctype.patched)
    yield number(doctype.pending, "yellow")
    for count in (merged.inserted, merged.updated, merged.deleted, merged.rows) if merged else (0, 0, 0, 0):
        yield number(count)
    yield Text(duration(doctype.seconds), "dim") if doctype.seconds else nothing()


def _oddities(satellite: str, doctype: SyncedDocType) -> Iterator[str]:
    if doctype.quarantined:
        yield f"{doctype.quarantined:,} documents were set aside, see the table federation_quarantine."
    if doctype.held:
        yield "an expectation of severity halt isn't met: nothing is merged until `federation release` lets it in."
    if doctype.hidden:
        yield (
            f"{len(doctype.hidden):,} documents are there but not shown to the API user, and stay as they were: "
            f"{_some(doctype.hidden)}. Give its role the permission to read them."
        )
    if doctype.refused:
        yield f"the site left fields out, their columns keep what they had: {_some(doctype.refused)}."
    if doctype.one_by_one:
        yield f"each document is read on its own: the site lists no rows of {_some(doctype.one_by_one)} for this user."
    if doctype.strays:
        yield f"{doctype.strays:,} child rows of other documents came along and were ignored."
    if doctype.followed:
        yield f"the site changed what it is: {_some(tuple(map(signed, doctype.followed)))}."
    if doctype.held_back:
        yield (
            f"the site changed what it is, which is held back: {_some(tuple(map(signed, doctype.held_back)))}. "
            f"`federation contract accept {satellite} {quote(doctype.doctype)}` lets it in."
        )
    if doctype.withheld:
        yield f"{doctype.withheld:,} groups have fewer documents than its `at_least` and are withheld."
    for unmet in doctype.unmet:
        place = f"{unmet.doctype}.{unmet.fieldname}"
        yield f"{unmet.failing:,} of {unmet.rows:,} rows don't meet an expectation of {place}: {unmet.rule}"


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return f"{shown}, and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else shown
