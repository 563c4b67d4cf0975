"""Mistakes in the settings: where each one is, what is wrong and how to fix it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_LONGEST_ECHO: Final = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    Attributes:
        what: what is wrong; holds no secret.
        fix: what to do about it.
        key: the path of the key (`satellites.north.url`), empty for the file as a whole.
        line: the line in the file, counted from 1, where known.
    """

    what: str
    fix: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = ", ".join(part for part in (f"line {self.line}" if self.line else "", self.key) if part)
        return f"{where}: {self.what}\n    -> {self.fix}" if where else f"{self.what}\n    -> {self.fix}"


class SettingsError(Exception):
    """A misconfiguration: nothing was started.

    Attributes:
        problems: every mistake that was found, in the order of the file.
        file: the settings file, where one was read.
    """

    def __init__(self, problems: Sequence[Problem], file: Path | None = None) -> None:
        self.problems = tuple(problems)
        self.file = file
        super().__init__(self._text())

    def _text(self) -> str:
        count = len(self.problems)
        head = f"{count} mistake{'' if count == 1 else 's'} in {self.file or 'the settings'}"
        return "\n".join((head, *(f"  {problem}" for problem in self.problems)))


def echo(text: str) -> str:
    """Return what the user wrote in a form that is safe to print: one line, no control characters, not endless."""
    shown = text if len(text) <= _LONGEST_ECHO else f"{text[:_LONGEST_ECHO]}…"
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in shown)


def did_you_mean(text: str, known: Iterable[str], otherwise: str) -> str:
    """Return a fix: the nearest known spelling, or `otherwise`."""
    by_folded = {name.casefold(): name for name in known}
    nearest = difflib.get_close_matches(text.casefold()[:100], by_folded, n=1, cutoff=0.6)
    return f"did you mean `{by_folded[nearest[0]]}`?" if nearest else otherwise
