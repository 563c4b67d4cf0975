"""Screen: how output looks and where it goes: answers to stdout, all else to stderr, words of a site disarmed."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDE: Final = 200
"""Columns where no terminal says how wide it is: a file or a pipe wraps by itself."""
_NOTHING: Final = "·"
_ABOVE_ASCII_CONTROLS: Final = re.compile("[\x7f-\x9f]")


def answers() -> Console:
    """Return the console of what was asked for: stdout."""
    return _console(to_stderr=False)


def notices() -> Console:
    """Return the console of progress, remarks and complaints: stderr."""
    return _console(to_stderr=True)


def _console(*, to_stderr: bool) -> Console:
    console = Console(stderr=to_stderr, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console


def plain(text: object, *, lines: bool = False) -> Text:
    """Return `text` as it is: no markup, and no character that could steer the terminal.

    Args:
        text: may hold words of a satellite.
        lines: keep line breaks.
    """
    kept = "\n" if lines else ""
    shown = (char if char.isprintable() or char in kept else "\N{REPLACEMENT CHARACTER}" for char in str(text))
    return Text("".join(shown))


def table(*headings: str, numbers: tuple[str, ...] = ()) -> Table:
    """Return an empty table in the house's look; the columns in `numbers` stand to the right."""
    grid = Table(box=box.SIMPLE_HEAD, header_style="dim", border_style="dim", pad_edge=False)
    for heading in headings:
        is_number = heading in numbers
        grid.add_column(heading, justify="right" if is_number else "left", overflow="fold", no_wrap=is_number)
    return grid


def table_of_sections(
    headings: Sequence[str], sections: Iterable[Iterable[Sequence[Text]]], *, numbers: tuple[str, ...]
) -> Table:
    """Return a table of rows in sections; a column of numbers that has none is left out.

    Args:
        headings: of all columns.
        sections: rows, each with a cell a heading, or fewer.
        numbers: the headings of the columns that stand to the right.
    """
    rows = [list(section) for section in sections]
    told = {
        heading
        for section in rows
        for row in section
        for heading, cell in zip(headings, row, strict=False)
        if heading not in numbers or cell.plain != _NOTHING
    }
    grid = table(*(heading for heading in headings if heading in told), numbers=numbers)
    for section in rows:
        for row in section:
            grid.add_row(*(cell for heading, cell in zip(headings, row, strict=False) if heading in told))
        grid.add_section()
    return grid


def number(count: int, style: str = "") -> Text:
    """Return a count with its thousands apart; zero steps back."""
    return Text(f"{count:,}", style=style) if count else nothing()


def nothing() -> Text:
    """Return a cell that says: nothing."""
    return Text(_NOTHING, style="dim")


def complain(message: str) -> None:
    """Say on stderr what failed; `message` may hold words of a satellite."""
    _point_out(Text("✗", "red"), message)


def remark(message: str) -> None:
    """Say on stderr what is odd but stops nothing; `message` may hold words of a satellite."""
    _point_out(Text("!", "yellow"), message)


def _point_out(sign: Text, message: str) -> None:
    console = notices()
    text = plain(message, lines=True)
    # A file keeps lines as they are; a terminal gets them wrapped, under each other.
    lines = text.wrap(console, console.width - 2) if console.is_terminal else text.split()
    for position, line in enumerate(lines):
        line.rstrip()
        console.print(Text(" ") if position else sign, line, soft_wrap=True)


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever msgspec can write
    """Print `value` on stdout as indented JSON."""
    import msgspec  # noqa: PLC0415 - only where JSON is asked for

    sys.stdout.write(harmless(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()) + "\n")


def harmless(json: str) -> str:
    """Return JSON whose control characters are all escaped; JSON itself allows those above ASCII."""
    return _ABOVE_ASCII_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json)
