"""Merge: the pending packages of one DocType of one satellite become rows, in one transaction with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from federation.mothership.duckdb.sql import FILE_COLUMNS
from federation.mothership.engine import Counts, DocTypeMerge
from federation.mothership.errors import MergeFailed
from federation.mothership.freshness import write_freshness
from federation.mothership.ledger import count_generation, merged_packages, write_ledger
from federation.mothership.mariadb.aside import record_aliases, record_quarantine, record_tombstones
from federation.mothership.mariadb.extent import RunningExtent
from federation.mothership.mariadb.keys import Target
from federation.mothership.mariadb.patch import apply_patches
from federation.mothership.mariadb.rows import replace_children, replace_parents
from federation.mothership.mariadb.stage import MODIFIED_UTC, stage
from federation.mothership.package_files import ReadyPackage
from federation.mothership.plan import groups
from federation.mothership.table_change import TableColumns, columns_of, table_change


def merge_doctype(target: Target, merge: DocTypeMerge) -> Counts:
    """Merge packages into their tables, within the transaction that the caller has begun and ends.

    Raises:
        MergeFailed: a package can't be read by DuckDB.
    """
    _refuse_reserved_words(target, merge.packages)
    counts = Counts()
    columns = columns_of(merge.contract, merge.schema)
    extent = RunningExtent(target)
    for group in groups(merge.packages):
        _merge_group(target, group, columns, counts, extent)
    now = datetime.now(UTC)
    write_ledger(target.connection, target.satellite, merge.source, merge.plan.packages, now)
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
    target: Target,
    group: Sequence[ReadyPackage],
    columns: Mapping[str, TableColumns],
    counts: Counts,
    extent: RunningExtent,
) -> None:
    if patches := group[0].patches:
        apply_patches(target, patches, {doctype: known.contracted for doctype, known in columns.items()})
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
    extent.follow(group, staged, deleted)
    counts.deleted += deleted
    counts.updated += staged.updated
    counts.inserted += staged.documents - staged.updated
    counts.ignored += staged.overtaken + staged.stale_graves
