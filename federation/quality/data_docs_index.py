"""Data Docs' index: what was judged of a satellite, by the names of its pages alone, so that a listing is enough."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from federation.contract.names import slug
from federation.quality.report import ValidationReport

Kind = Literal["rows", "ties"]
"""What is judged: rows as they are read; or, in the mothership, what they owe each other."""

WHAT: Final[Mapping[str, str]] = {"rows": "rows as they were read", "ties": "rows held against each other"}
"""Kind → what it is for a reader."""
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_PAGE: Final = re.compile(r"(\d{8}T\d{6}Z)-(rows|ties)-(\d+)-(\d+)\.html", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """One page, as its name tells.

    Attributes:
        path: relative to the index, with forward slashes.
        at: when its rows were judged (UTC).
        judged: how many expectations were judged.
        unmet: how many of them weren't met.
    """

    path: str
    kind: str
    at: datetime
    judged: int
    unmet: int

    @property
    def folder(self) -> str:
        """What stands for the DocType."""
        return PurePosixPath(self.path).parts[0]


@dataclass(frozen=True, slots=True)
class DocTypePages:
    """The pages of one DocType and kind, the newest first."""

    name: str
    pages: tuple[Page, ...]


def page_path(doctype: str, kind: Kind, at: datetime, report: ValidationReport) -> str:
    """Return where a page stands, relative to the index."""
    counts = f"{len(report.results)}-{len(report.failed)}"
    return f"{slug(doctype)}/{at.astimezone(UTC).strftime(_STAMP)}-{kind}-{counts}.html"


def pages_among(paths: Iterable[str]) -> list[Page]:
    """Return the pages among files, the newest first."""
    pages = []
    for path in paths:
        parts = PurePosixPath(path).parts
        if len(parts) > 1 and (named := _PAGE.fullmatch(parts[-1])):
            at = datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC)
            pages.append(Page(path, named[2], at, int(named[3]), int(named[4])))
    return sorted(pages, key=lambda page: page.path.rpartition("/")[2], reverse=True)


def index_of(satellite: str, pages: Iterable[Page], names: Iterable[str], written_at: datetime) -> str:
    """Return the index as HTML, that loads nothing from anywhere and runs no script.

    Args:
        satellite: whose pages they are.
        pages: the newest first.
        names: DocTypes, as far as they are known; a page of another stands under the name of its folder.
        written_at: now (UTC).
    """
    known = {slug(name): name for name in names}
    found: dict[str, dict[str, list[Page]]] = {kind: defaultdict(list) for kind in WHAT}
    for page in pages:
        found[page.kind][known.get(page.folder, page.folder)].append(page)
    kinds = [
        (
            WHAT[kind].capitalize(),
            [DocTypePages(name, tuple(by_name[name])) for name in sorted(by_name, key=str.casefold)],
        )
        for kind, by_name in found.items()
        if by_name
    ]
    return (
        _templates()
        .get_template("data_docs_index.html")
        .render(satellite=satellite, kinds=kinds, written_at=written_at)
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
