"""Fold dropped: what is known of versions that were set aside and then given up, as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from federation.lake.history import Committed
from federation.lake.lake_sql import VERSION, scan_of, stored_rows_sql, union
from federation.lake.storage import LakeFolder

_COLUMNS = ("name", "digest")
_NOTHING = f"SELECT ''::VARCHAR AS name, ''::VARCHAR AS digest, 0::HUGEINT AS {VERSION} WHERE false"


def dropped_sql(folder: LakeFolder, stored: Sequence[str], packages: Sequence[Committed], doctype: str) -> str:
    """Return a SELECT of the name, digest and `VERSION` of all that was given up.

    The version has the `observed` of the one that was set aside, and the commit that gave it up: it lies behind it.
    """
    scan = scan_of(folder, packages, "dropped", doctype)
    told = [stored_rows_sql(stored, _COLUMNS)] if stored else []
    return union([_NOTHING, *told, *([scan.sql(_COLUMNS)] if scan else [])])


def not_overtaken(versions: str, others: str) -> str:
    """Return a join that leaves out versions behind which there is a later one of the same document in `others`."""
    return f"ANTI JOIN ({others}) AS later ON later.name = {versions}.name AND later.{VERSION} > {versions}.{VERSION}"
