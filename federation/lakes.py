"""Lakes: on which of the settings' lakes a satellite's log lies, so that none ever has two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fsspec.core import url_to_fs

from federation.lake.errors import LakeError, LakeUnavailable, LogElsewhere, TwoLogs
from federation.lake.log import CommitLog
from federation.lake.place import LakePlace
from federation.lake.storage import LakeFolder, open_lake
from federation.settings.model import Settings
from federation.settings.values import SATELLITE_NAME


def lake_folder(settings: Settings, satellite: str) -> LakeFolder:
    """Return a satellite's folder on its lake.

    Other lakes are looked at only where its own has no log of it yet: another one began elsewhere would be a second.

    Raises:
        LogElsewhere: its log lies on another lake.
        LakeUnavailable: a lake that had to be looked at can't be listed.
        SettingsError: the settings don't say which lake is its own.
    """
    own = settings.lake_of(satellite)
    folder = open_lake(own, satellite)
    others = [place for place in settings.lakes() if place != own]
    if others and not CommitLog(folder).length():
        for place in others:
            if CommitLog(open_lake(place, satellite)).length():
                raise LogElsewhere(satellite, own, place)
    return folder


def satellites_on(place: LakePlace) -> list[str]:
    """Return the satellites that have a log on a lake, by name.

    Raises:
        LakeUnavailable: it can't be listed.
    """
    filesystem, root = url_to_fs(place.url)
    try:
        filesystem.invalidate_cache(root)
        entries = filesystem.ls(root, detail=False)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LakeUnavailable("list", place.url, error.strerror or type(error).__name__) from error
    names = (str(entry).rstrip("/").rpartition("/")[2] for entry in entries)
    return sorted(name for name in names if re.fullmatch(SATELLITE_NAME, name) and open_lake(place, name).names("log"))


@dataclass(frozen=True)
class FoundOnLakes:
    """The satellites that lie on any of the lakes, in the settings or not.

    Attributes:
        folders: satellite → its folder.
        occupied: the lakes on which any satellite lies.
        troubles: satellite → why it isn't known where its rows are.
        unlisted: lake → why it can't be listed; who else lies there is not known.
    """

    folders: Mapping[str, LakeFolder]
    occupied: frozenset[LakePlace]
    troubles: Mapping[str, LakeError]
    unlisted: Mapping[LakePlace, LakeError]

    @property
    def satellites(self) -> list[str]:
        """All that were found, those with a trouble included, by name."""
        return sorted({*self.folders, *self.troubles})


def find_on_lakes(settings: Settings) -> FoundOnLakes:
    """List every lake.

    A satellite that the settings keep on a lake that can't be listed, or that lies on two, is a trouble.
    """
    places: dict[str, list[LakePlace]] = {}
    unlisted: dict[LakePlace, LakeError] = {}
    for place in settings.lakes():
        try:
            for satellite in satellites_on(place):
                places.setdefault(satellite, []).append(place)
        except LakeUnavailable as error:
            unlisted[place] = error
    troubles: dict[str, LakeError] = {
        satellite: TwoLogs(satellite, found) for satellite, found in places.items() if len(found) > 1
    }
    for satellite in settings.satellites:
        if (place := settings.lake_of(satellite)) in unlisted:
            troubles[satellite] = unlisted[place]
    folders = {
        satellite: open_lake(place, satellite) for satellite, (place, *_) in places.items() if satellite not in troubles
    }
    occupied = frozenset(place for found in places.values() for place in found)
    return FoundOnLakes(dict(sorted(folders.items())), occupied, troubles, unlisted)
