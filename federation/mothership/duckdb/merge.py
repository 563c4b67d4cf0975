"""Merge: the pending packages of one DocType of one satellite become rows, in one transaction with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from federation.mothership.duckdb.aside import record_aliases, record_quarantine, record_tombstones
from federation.mothership.duckdb.patch import apply_patches
from federation.mothership.duckdb.rows import replace_children, replace_parents
from federation.mothership.duckdb.sql import FILE_COLUMNS
from federation.mothership.duckdb.stage import Target, stage
from federation.mothership.engine import Counts, DocTypeMerge
from federation.mothership.errors import MergeFailed
from federation.mothership.freshness import measure, write_freshness
from federation.mothership.ledger import count_generation, write_ledger
from federation.mothership.package_files import ReadyPackage
from federation.mothership.plan import groups
from federation.mothership.table_change import TableColumns, columns_of, table_change


def merge_doctype(target: Target, merge: DocTypeMerge) -> Counts:
    """Merge packages into their tables; on an error nothing of them is merged.

    Raises:
        MergeFailed: a package can't be read by DuckDB.
    """
    _refuse_reserved_words(target, merge.packages)
    counts = Counts()
    columns = columns_of(merge.contract, merge.schema)
    connection = target.connection
    with connection.transaction():
        for group in groups(merge.packages):
            _merge_group(target, group, columns, counts)
        now = datetime.now(UTC)
        write_ledger(connection, target.satellite, merge.source, merge.plan.packages, now)
        extent = measure(connection, target.satellite, target.parent)
        write_freshness(connection, target.satellite, merge.plan, extent, now)
        count_generation(connection)
    counts.rows = extent.rows
    return counts


def _refuse_reserved_words(target: Target, packages: Sequence[ReadyPackage]) -> None:
    """Refuse columns that would stand for the place of a row in DuckDB's view of a file."""
    files = (file for package in packages for file in (*package.tables.values(), *package.patches.values()))
    names = {name for file in files for name in file.schema.names}
    if taken := sorted(names & FILE_COLUMNS):
        raise MergeFailed(
            target.satellite,
            target.doctype,
            f"DuckDB takes its field `{taken[0]}` for a word of its own. Withhold the field by a rule of the policy.",
        )


def _merge_group(
    target: Target, group: Sequence[ReadyPackage], columns: Mapping[str, TableColumns], counts: Counts
) -> None:
    if patches := group[0].patches:
        apply_patches(target, patches, {doctype: known.contracted for doctype, known in columns.items()})
        return
    staged = stage(target, group)
    deleted, updated = replace_parents(
        target, table_change(target.parent, group, columns), overtaken=staged.overtaken > 0
    )
    for table in target.children:
        replace_children(target, table, table_change(table, group, columns))
    record_tombstones(target)
    record_aliases(target, group)
    counts.quarantined += record_quarantine(target, group)
    counts.deleted += deleted
    counts.updated += updated
    counts.inserted += staged.documents - updated
    counts.ignored += staged.overtaken + staged.stale_graves
