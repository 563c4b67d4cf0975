"""Deletions: the site's list of Deleted Documents, as signals to read those names again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from connectors.frappe import DocTypeError, FrappeSession, read_deleted
from connectors.frappe import Position as WirePosition
from federation.lake.manifest import Position

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deletions:
    """What the site says it deleted since the last run.

    Attributes:
        reached: how far the list was read.
        by_doctype: DocType → names, each once.
    """

    reached: Position
    by_doctype: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def names(self, doctype: str) -> Sequence[str]:
        """Return the names of `doctype` to read again."""
        return self.by_doctype.get(doctype, ())


def read_deletions(session: FrappeSession, after: Position, *, until: str, page_rows: int) -> Deletions:
    """Return the deletions that the site recorded after a position, none where it doesn't show its list to us.

    Names are signals only: they may be in use again, so a document goes only after a read by name that doesn't
    return it. Without the list, which takes a System Manager, full walks alone find deletions.

    Raises:
        SatelliteError, TransientError: the site failed as a whole.
    """
    by_doctype: dict[str, dict[str, None]] = {}
    reached = after
    start = WirePosition(after.modified, after.name)
    try:
        for page in read_deleted(session, after=start, until=until, page_rows=page_rows):
            for deletion in page.deletions:
                by_doctype.setdefault(deletion.doctype, {})[deletion.name] = None
            reached = Position(page.last.modified, page.last.name)
    except DocTypeError as error:
        _LOG.info("Deletions are found by full walks alone: %s", error)
        return Deletions(after)
    return Deletions(reached, {doctype: tuple(names) for doctype, names in by_doctype.items()})
