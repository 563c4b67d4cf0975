"""Reserved words: columns that DuckDB takes for something else when it reads a package."""

from __future__ import annotations

from federation.mothership.duckdb.sql import FILE_COLUMNS
from federation.mothership.engine import DocTypeMerge
from federation.mothership.errors import MergeFailed


def refuse_reserved_words(merge: DocTypeMerge) -> None:
    """Refuse columns that would stand for the place of a row in DuckDB's view of a file.

    Raises:
        MergeFailed: a package has one.
    """
    files = (file for package in merge.packages for file in (*package.tables.values(), *package.patches.values()))
    names = {name for file in files for name in file.schema.names}
    if taken := sorted(names & FILE_COLUMNS):
        raise MergeFailed(
            merge.satellite,
            merge.doctype,
            f"DuckDB takes its field `{taken[0]}` for a word of its own. Withhold the field by a rule of the policy.",
        )
