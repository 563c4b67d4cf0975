"""Merge: the pending packages of one DocType of one satellite become rows, in one transaction with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from federation.mothership.duckdb.reserved_words import refuse_reserved_words
from federation.mothership.engine import Counts, DocTypeMerge
from federation.mothership.freshness import write_freshness
from federation.mothership.ledger import count_generation, merged_packages, write_ledger
from federation.mothership.mariadb.aside import (
    record_aliases,
    record_dropped,
    record_quarantine,
    record_tombstones,
)
from federation.mothership.mariadb.extent import RunningExtent
from federation.mothership.mariadb.keys import Target
from federation.mothership.mariadb.patch import apply_patches
from federation.mothership.mariadb.rows import replace_children, replace_parents
from federation.mothership.mariadb.stage import MODIFIED_UTC, stage
from federation.mothership.package_files import ReadyPackage
from federation.mothership.plan import groups
from federation.mothership.superseded import mark_superseded
from federation.mothership.table_change import TableColumns, columns_of, table_change


def merge_doctype(target: Target, merge: DocTypeMerge) -> Counts:
    """Merge packages into their tables, within the transaction that the caller has begun and ends.

    Raises:
        MergeFailed: a package can't be read by DuckDB.
    """
    refuse_reserved_words(merge)
    counts = Counts()
    columns = columns_of(merge.contract, merge.schema)
    extent = RunningExtent(target)
    for group in groups(merge.packages):
        _merge_group(target, group, columns, counts, extent)
    now = datetime.now(UTC)
    write_ledger(target.connection, target.satellite, merge.source, merge.plan.packages, now)
    mark_superseded(target.connection, target.satellite, target.doctype, target.parent.sql)
    after = extent.measured()
    write_freshness(target.connection, target.satellite, merge.plan, after, now)
    count_generation(target.connection)
    counts.rows = after.rows
    return counts


def still_due(target: Target, merge: DocTypeMerge) -> DocTypeMerge | None:
    """Return what of a merge isn't in the ledger, None where all of it is.

    Something may be: a COMMIT whose answer got lost, or another writer that had the lock while a connection was lost.
    """
    after = min(one.seq for one in merge.plan.packages) - 1
    merged = merged_packages(target.connection, merge.satellite, merge.source, after)
    due = [one for one in merge.plan.packages if one.package.id not in merged]
    if not due:
        return None
    packages = [one for one in merge.packages if one.package.id not in merged]
    return replace(merge, plan=replace(merge.plan, packages=tuple(due)), packages=packages)


def _merge_group(
    target: Target,
    group: Sequence[ReadyPackage],
    columns: Mapping[str, TableColumns],
    counts: Counts,
    extent: RunningExtent,
) -> None:
    if patches := group[0].patches:
        apply_patches(target, patches, columns)
        if any(MODIFIED_UTC in patch.schema.names for patch in patches.values()):
            extent.forget()
        return
    staged = stage(target, group)
    deleted = replace_parents(target, table_change(target.parent, group, columns), staged)
    for table in target.children:
        replace_children(target, table, table_change(table, group, columns), staged)
    record_tombstones(target)
    record_aliases(target, group)
    counts.quarantined += record_quarantine(target, group)
    record_dropped(target, group)
    extent.follow(group, staged, deleted)
    counts.deleted += deleted
    counts.updated += staged.updated
    counts.inserted += staged.documents - staged.updated
    counts.ignored += staged.overtaken + staged.stale_graves
