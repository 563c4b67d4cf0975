"""Contract text: versions of contracts and their differences for a reader: `+ field`, `- field`, `~ field`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from rich.table import Table
from rich.text import Text

from federation.cli.ages import instant
from federation.cli.screen import number, plain, table_of_sections
from federation.contract_history import Difference, Version
from federation.drift.changes import Change
from federation.drift.words import has_lines, is_silent, moved_lines, signed

_HEADINGS: Final = ("satellite", "commit", "seen (UTC)", "DocType", "changes")
_LINES_SHOWN: Final = 20
_LONGEST_LINE: Final = 120
_STYLES: Final = {"+": "green", "-": "red", "~": "yellow"}


def versions_table(versions: Iterable[Version]) -> Table:
    """Return a table of versions, one section each, the first sight of many DocTypes in one row."""
    return table_of_sections(_HEADINGS, map(_section, versions), numbers=("commit",))


def difference_lines(one: Difference) -> Iterator[Text]:
    """Yield what a satellite says otherwise, under its name, then what of it is held back."""
    seen = f", {instant(one.seen_at)} UTC" if one.seen_at else ""
    yield Text(one.satellite, "bold") + Text(f"  commit {one.since:,} → {one.seq:,}{seen}", "dim")
    yield from change_lines(one.changes)
    if not one.changes:
        yield Text("  nothing changed", "dim")
    if one.held_back:
        yield Text("  held back, until `federation contract accept`:", "yellow")
        for line in change_lines(one.held_back):
            yield Text("  ") + line


def change_lines(changes: Iterable[Change]) -> Iterator[Text]:
    """Yield changes under their DocTypes, options as lines that came and went."""
    for doctype, of_doctype in groupby(changes, key=lambda change: change.doctype):
        found = list(of_doctype)
        if found[0].kind == "doctype_added":
            yield Text("  ") + _short(signed(found[0]))
            continue
        yield Text("  ") + plain(doctype)
        for change in found:
            if has_lines(change) and not is_silent(change):
                yield Text("    ") + _short(f"~ {change.fieldname}: options")
                gone, come = moved_lines(change)
                yield from _moved("-", gone)
                yield from _moved("+", come)
            else:
                yield Text("    ") + _short(signed(change))


def _section(version: Version) -> Iterator[tuple[Text, ...]]:
    heads = (Text(version.satellite, "bold"), number(version.seq), Text(instant(version.seen_at)))
    first = [change.doctype for change in version.changes if change.kind == "doctype_added"]
    if first:
        yield *heads, Text(f"{len(first):,} DocTypes"), _lines([f"seen for the first time: {', '.join(first)}"])
        heads = (Text(), Text(), Text())
    later = (change for change in version.changes if change.kind != "doctype_added")
    for doctype, of_doctype in groupby(later, key=lambda change: change.doctype):
        yield *heads, plain(doctype), _lines([signed(change) for change in of_doctype])
        heads = (Text(), Text(), Text())


def _lines(said: Sequence[str]) -> Text:
    lines = [_short(line) for line in said[:_LINES_SHOWN]]
    if len(said) > _LINES_SHOWN:
        lines.append(Text(f"… and {len(said) - _LINES_SHOWN:,} more", "dim"))
    return Text("\n").join(lines)


def _moved(sign: str, lines: Sequence[str]) -> Iterator[Text]:
    for line in lines[:_LINES_SHOWN]:
        yield Text("        ") + _short(f"{sign} {line}")
    if len(lines) > _LINES_SHOWN:
        yield Text(f"        {sign} … and {len(lines) - _LINES_SHOWN:,} more", "dim")


def _short(line: str) -> Text:
    """Return a line that begins with its sign, in the sign's colour, no longer than a reader takes in."""
    shown = plain(line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…")
    shown.stylize(_STYLES.get(line[:1], ""))
    return shown
