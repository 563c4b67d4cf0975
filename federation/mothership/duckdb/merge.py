"""Merge: the pending packages of one DocType of one satellite become rows, in one transaction with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from federation.mothership.duckdb.aside import (
    record_aliases,
    record_dropped,
    record_quarantine,
    record_tombstones,
)
from federation.mothership.duckdb.patch import apply_patches
from federation.mothership.duckdb.reserved_words import refuse_reserved_words
from federation.mothership.duckdb.rows import replace_children, replace_parents
from federation.mothership.duckdb.stage import Target, stage
from federation.mothership.engine import Counts, DocTypeMerge
from federation.mothership.freshness import measure, write_freshness
from federation.mothership.ledger import count_generation, write_ledger
from federation.mothership.package_files import ReadyPackage
from federation.mothership.plan import groups
from federation.mothership.superseded import mark_superseded
from federation.mothership.table_change import TableColumns, columns_of, table_change


def merge_doctype(target: Target, merge: DocTypeMerge) -> Counts:
    """Merge packages into their tables; on an error nothing of them is merged.

    Raises:
        MergeFailed: a package can't be read by DuckDB.
    """
    refuse_reserved_words(merge)
    counts = Counts()
    columns = columns_of(merge.contract, merge.schema)
    connection = target.connection
    with connection.transaction():
        for group in groups(merge.packages):
            _merge_group(target, group, columns, counts)
        now = datetime.now(UTC)
        write_ledger(connection, target.satellite, merge.source, merge.plan.packages, now)
        mark_superseded(connection, target.satellite, target.doctype, target.parent.sql)
        extent = measure(connection, target.satellite, target.parent)
        write_freshness(connection, target.satellite, merge.plan, extent, now)
        count_generation(connection)
    counts.rows = extent.rows
    return counts


def _merge_group(
    target: Target, group: Sequence[ReadyPackage], columns: Mapping[str, TableColumns], counts: Counts
) -> None:
    if patches := group[0].patches:
        apply_patches(target, patches, columns)
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
    record_dropped(target, group)
    counts.deleted += deleted
    counts.updated += updated
    counts.inserted += staged.documents - updated
    counts.ignored += staged.overtaken + staged.stale_graves
