"""Extent: how many documents a satellite has after a merge and when the newest changed, without reading them all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from federation.mothership.duckdb.sql import parquet
from federation.mothership.freshness import Extent, measure
from federation.mothership.mariadb.keys import Target
from federation.mothership.mariadb.stage import MODIFIED_UTC, Staged
from federation.mothership.package_files import ReadyPackage


class RunningExtent:
    """What a table holds of a satellite, brought forward from group to group.

    A table of InnoDB can't be counted but by reading an index of it from one end to the other, and after an hour's ten
    documents that would be most of the work.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known = self._recorded()

    def follow(self, group: Sequence[ReadyPackage], staged: Staged, deleted: int) -> None:
        """Take account of a group, when its rows are in the table."""
        if self._known is None:
            return
        arrived = self._newest_arrived(group) if staged.documents else None
        newest = max(filter(None, (self._known.last_change, arrived)), default=None)
        rows = self._known.rows + staged.documents - staged.updated - deleted
        # The newest one is gone, or was changed and is older now: which is the newest of the others?
        is_lost = staged.newest is not None and staged.newest == newest and arrived != newest
        self._known = None if is_lost else Extent(rows, newest)

    def forget(self) -> None:
        """Take account of changes that nobody has counted."""
        self._known = None

    def measured(self) -> Extent:
        """Return what the table holds now."""
        return self._known or measure(self._target.connection, self._target.satellite, self._target.parent)

    def _recorded(self) -> Extent | None:
        target = self._target
        recorded = target.connection.run(
            "SELECT {rows}, last_change FROM federation_freshness "
            "WHERE satellite = {satellite} AND doctype = {doctype}",
            **target.parts,
            rows="rows",
        )
        if recorded:
            return Extent(*recorded[0])
        return None if target.holds(target.parent.name) else Extent(0, None)

    def _newest_arrived(self, group: Sequence[ReadyPackage]) -> datetime | None:
        files = [package.tables[self._target.doctype] for package in group if package.tables]
        if MODIFIED_UTC not in self._target.parent.columns or MODIFIED_UTC not in files[0].schema.names:
            return None
        chosen = "ANTI JOIN _losers AS here ON here.package = arrived.file_index AND here.row = arrived.file_row_number"
        rows = self._target.bench.run(
            f"SELECT max(arrived.{MODIFIED_UTC}) FROM {{files}} AS arrived {chosen}",
            files=parquet(file.path for file in files),
        )
        newest: datetime | None = rows[0][0]
        return newest
