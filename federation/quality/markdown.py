"""Markdown: a report as a table of the offending documents, for people who look at a check."""

from __future__ import annotations

import re
from typing import Final

from federation.quality.report import ExpectationResult, ValidationReport

_LONGEST_TEXT: Final = 200
_PUNCTUATION: Final = re.compile(r"([!-,.:-@\[-`{-~])")
"""All ASCII punctuation that can mean something in Markdown, HTML or a bare link; `-` and `/` alone can't."""
_HEADER: Final = (
    "| Rule | DocType | Field | Failing rows | Of | Share | Documents |",
    "| --- | --- | --- | ---: | ---: | ---: | --- |",
)


def as_markdown(report: ValidationReport) -> str:
    """Return the expectations that aren't met with the first documents that fail them, or one line if all are.

    Names and labels come from the satellite: they are escaped, so that none of them becomes a link, a tag or a cell.
    """
    if report.passed:
        rows = max((result.rows for result in report.results), default=0)
        return f"Every expectation ({len(report.results)}) is met by {rows:,} rows."
    return "\n".join((*_HEADER, *(_line(result) for result in report.failed)))


def _line(result: ExpectationResult) -> str:
    expectation = result.expectation
    reason = f"{expectation.reason} Not judged: {result.error}" if result.error else expectation.reason
    cells = (
        _text(reason),
        _text(expectation.doctype),
        _text(expectation.fieldname),
        f"{result.failing:,}",
        f"{result.rows:,}",
        _share(result),
        _documents(result),
    )
    return f"| {' | '.join(cells)} |"


def _share(result: ExpectationResult) -> str:
    return "< 0.01 %" if 0 < result.percent < 0.01 else f"{result.percent:.2f} %"  # noqa: PLR2004 (two decimals)


def _documents(result: ExpectationResult) -> str:
    named = ", ".join(_text(name) for name in result.documents)
    return f"{named}, …" if result.failing > len(result.documents) > 0 else named


def _text(text: str) -> str:
    shown = text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)
    return _PUNCTUATION.sub(r"\\\1", printable)
