"""Steps: the changes between the schemas that follow each other in a satellite's log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from federation.contract.satellite_schema import SatelliteSchema
from federation.drift.changes import Change, changes
from federation.lake.errors import DamagedLog, NotOnLake
from federation.lake.history import Described
from federation.lake.schemas import read_schema
from federation.lake.storage import LakeFolder


@dataclass(frozen=True, slots=True)
class Step:
    """What a satellite said otherwise with one commit.

    Attributes:
        seen_at: when the commit was written (UTC).
        changes: at least one.
    """

    seq: int
    seen_at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of a stretch of the log.

    Attributes:
        unread: a sentence for each schema that can't be read any more.
    """

    taken: tuple[Step, ...]
    unread: tuple[str, ...]


def steps(folder: LakeFolder, described: Iterable[Described], after: int) -> Steps:
    """Return each step from one schema to the next that was taken later than the commit `after`.

    Schemas that say the same are no step.

    Args:
        folder: of the satellite on the lake.
        described: the schemas in their order, the one of the commit `after` included, where there was one.
        after: up to which commit nothing is asked.

    Raises:
        LakeUnavailable: the lake can't be read. A schema that is gone or damaged is passed over: no document needs it.
    """
    taken: list[Step] = []
    unread: list[str] = []
    before: SatelliteSchema | None = None
    name = ""
    for one in described:
        if one.schema == name:
            continue
        try:
            version = read_schema(folder, one.schema)
        except (NotOnLake, DamagedLog) as error:
            unread.append(f"{error} What changed with commit {one.seq} is told with the schema that comes next.")
            continue
        if one.seq > after and (told := changes(before, version)):
            taken.append(Step(one.seq, one.written_at, told))
        before, name = version, one.schema
    return Steps(tuple(taken), tuple(unread))


def behind(described: Sequence[Described], after: int) -> tuple[Described, ...]:
    """Return the schemas later than the commit `after`, and before them the one of that commit, if it is among them."""
    first = next((index for index, one in enumerate(described) if one.seq > after), len(described))
    return tuple(described[max(first - 1, 0) :])
