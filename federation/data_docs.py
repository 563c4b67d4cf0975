"""Data Docs on disk: a page a satellite, DocType and run, kept with the satellite's packages, in its region."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from federation.lake.errors import LakeError
from federation.lake.storage import LakeFolder, open_lake
from federation.quality import ValidationReport
from federation.quality.data_docs import Judged, page_of
from federation.quality.data_docs_index import WHAT, Kind, Page, index_of, page_path, pages_among
from federation.settings.model import Settings

KEPT: Final = 10
"""Pages of a DocType and kind that stay: the newest. Dagster keeps the counts of all runs."""

_FOLDER: Final = "docs"
_INDEX: Final = f"{_FOLDER}/index.html"
_LOG = logging.getLogger(__name__)


class DataDocs:
    """The Data Docs of one satellite; what they need of a disk never costs a document.

    Attributes:
        failure: why nothing is written any more, "" while all goes well.
    """

    def __init__(self, settings: Settings, satellite: str) -> None:
        """Nothing is touched before there is something to write."""
        self.failure = ""
        self._satellite = satellite
        self._place = settings.data_docs_of(satellite)
        self._has_written = False

    def write(self, doctype: str, kind: Kind, report: ValidationReport) -> str:
        """Write the page of a report, and remove those that are older than the newest few.

        Imports Great Expectations where there is something to write.

        Returns:
            The page's path, or its URL where the place is no folder of this machine; "" where there is none.
        """
        if self.failure or not any(result.rows or result.error for result in report.results):
            return ""
        at = datetime.now(UTC)
        path = f"{_FOLDER}/{page_path(doctype, kind, at, report)}"
        page = page_of(Judged(self._satellite, doctype, WHAT[kind], at, report))
        try:
            folder = self._folder()
            folder.write(path, page.encode())
            self._has_written = True
            _remove_older(folder, path.rpartition("/")[0], kind)
            return folder.uri(path)
        except LakeError as error:
            self._give_up(error)
            return ""

    def close(self, doctypes: Iterable[str]) -> None:
        """Write the index anew, if any page was written.

        Args:
            doctypes: the names of DocTypes, as far as they are known.
        """
        if not self._has_written or self.failure:
            return
        try:
            folder = self._folder()
            index = index_of(self._satellite, _pages(folder), doctypes, datetime.now(UTC))
            folder.write(_INDEX, index.encode())
        except LakeError as error:
            self._give_up(error)

    def _folder(self) -> LakeFolder:
        return open_lake(self._place, self._satellite)

    def _give_up(self, error: LakeError) -> None:
        """Once a run is enough: what can't be written for one DocType can't be for the others."""
        self.failure = (
            f"{self._satellite}: its Data Docs were not written: {error} Nothing else is missing. Let this user write "
            f"into {self._place}, or name another place for them with `data_docs` in the settings."
        )
        _LOG.warning("%s", self.failure)


def index_and_pages(settings: Settings, satellite: str) -> tuple[str, tuple[Page, ...]]:
    """Return where the index of a satellite's Data Docs stands, and its pages, the newest first; none: no index yet.

    Raises:
        LakeError: their place can't be read.
    """
    folder = open_lake(settings.data_docs_of(satellite), satellite)
    return folder.uri(_INDEX), tuple(_pages(folder))


def last_pages(settings: Settings, satellite: str) -> Mapping[str, tuple[Page, str]]:
    """Return the slug of a DocType → the newest page about its rows, and its path or URL; a warning where none is seen.

    One listing, and no page is opened: it tells how the rows stood that nothing has changed since.
    """
    try:
        folder = open_lake(settings.data_docs_of(satellite), satellite)
        pages = _pages(folder)
    except LakeError as error:
        _LOG.warning("%s: how its rows met their expectations before can't be told: %s", satellite, error)
        return {}
    newest: dict[str, tuple[Page, str]] = {}
    for page in pages:
        if page.kind == "rows" and page.folder not in newest:
            newest[page.folder] = (page, folder.uri(f"{_FOLDER}/{page.path}"))
    return newest


def _pages(folder: LakeFolder) -> list[Page]:
    return pages_among(path.removeprefix(f"{_FOLDER}/") for path in folder.files(_FOLDER))


def _remove_older(folder: LakeFolder, of_doctype: str, kind: str) -> None:
    pages = pages_among(f"{of_doctype}/{name}" for name in folder.names(of_doctype))
    for page in [page for page in pages if page.kind == kind][KEPT:]:
        folder.delete(page.path)
