"""`federation docs`: where Great Expectations' pages about each satellite stand, and what the newest of them say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from federation.cli.choosing import chosen_satellites
from federation.cli.exits import Status
from federation.cli.screen import answers, complain, notices, number, plain, print_json, table
from federation.data_docs import index_and_pages
from federation.lake.errors import LakeError
from federation.quality.data_docs_index import Page
from federation.settings.load import load_settings
from federation.settings.model import Settings


@dataclass(frozen=True, slots=True)
class SatelliteDocs:
    """The Data Docs of one satellite.

    Attributes:
        index: the path or URL of its index; "" where nothing was written yet.
        as_of: when something was judged last (UTC).
        pages: how many pages there are.
        unmet: expectations that weren't met when they were last judged.
        error: why nothing can be told of it, "" where it can.
    """

    satellite: str
    index: str = ""
    as_of: datetime | None = None
    pages: int = 0
    unmet: int = 0
    error: str = ""


def docs(settings_file: Path | None, satellites: Sequence[str], *, as_json: bool) -> Status:
    """Print where the Data Docs of each satellite stand; FAILED where that can't be told of one.

    Raises:
        SettingsError: a mistake in the settings.
    """
    settings = load_settings(settings_file)
    found = [_found(settings, satellite.name) for satellite in chosen_satellites(settings, satellites)]
    if as_json:
        print_json(found)
    else:
        _show(found)
    return Status.FAILED if any(each.error for each in found) else Status.DONE


def _found(settings: Settings, satellite: str) -> SatelliteDocs:
    try:
        index, pages = index_and_pages(settings, satellite)
    except LakeError as error:
        return SatelliteDocs(satellite, error=str(error))
    if not pages:
        return SatelliteDocs(satellite)
    newest: dict[tuple[str, str], Page] = {}
    for page in pages:
        newest.setdefault((page.folder, page.kind), page)
    return SatelliteDocs(satellite, index, pages[0].at, len(pages), sum(page.unmet for page in newest.values()))


def _show(found: Sequence[SatelliteDocs]) -> None:
    grid = table("satellite", "last judged (UTC)", "not met", "Data Docs", numbers=("not met",))
    for each in found:
        if each.error:
            complain(f"{each.satellite}: {each.error}")
        elif each.as_of:
            grid.add_row(
                plain(each.satellite), f"{each.as_of:%Y-%m-%d %H:%M}", number(each.unmet, "red"), plain(each.index)
            )
    if grid.row_count:
        answers().print(grid)
    elif not any(each.error for each in found):
        notices().print("Nothing was judged yet: run `federation sync`.")
