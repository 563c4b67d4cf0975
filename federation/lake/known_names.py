"""Known names: the documents that the lake believes to be alive, and those that a pass over all didn't meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from federation.contract.names import NAME
from federation.lake.current import Current, read_current
from federation.lake.history import Committed
from federation.lake.lake_sql import (
    VERSION,
    WITHOUT_SEEN,
    heads_sql,
    is_absent,
    literal,
    observed_of,
    open_duckdb,
    parquet,
    scan_of,
    stored_heads_sql,
    union,
)
from federation.lake.log import CommitLog
from federation.lake.storage import LakeFolder


def count_known(folder: LakeFolder, log: CommitLog, doctype: str) -> int:
    """Return how many documents of `doctype` are alive as far as the lake knows, quarantined ones included."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    with open_duckdb(folder) as connection:
        counted = connection.execute(f"SELECT count(*) FROM ({_alive(folder, current, packages)})").fetchall()
    return int(counted[0][0])


def alive_names(folder: LakeFolder, log: CommitLog, doctype: str) -> list[str]:
    """Return all documents of `doctype` that are alive as far as the lake knows, quarantined ones included."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    with open_duckdb(folder) as connection:
        return [name for (name,) in connection.execute(_alive(folder, current, packages)).fetchall()]


def alive_among(folder: LakeFolder, current: Current, packages: Sequence[Committed], names: Sequence[str]) -> set[str]:
    """Return those of `names` that are alive by `current` and `packages`, quarantined ones included."""
    if not names or not (current.files or packages):
        return set()
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        found = connection.execute(_alive(folder, current, packages, "SEMI JOIN asked USING (name)")).fetchall()
    return {name for (name,) in found}


def alive_since(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> dict[str, datetime]:
    """Return those of `names` that are alive, quarantined ones included → when they were last read (naive, UTC)."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    if not names or not (current.files or packages):
        return {}
    newest = f"max({VERSION})"
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        found = connection.execute(
            f"SELECT name, {observed_of(newest)} FROM ({known_heads_sql(folder, current, packages)}) "
            f"SEMI JOIN asked USING (name) GROUP BY name HAVING NOT {is_absent(newest)}"
        ).fetchall()
    return dict(found)


def missing_names(
    folder: LakeFolder, log: CommitLog, doctype: str, *, begun: datetime, at_once: int
) -> Iterator[list[str]]:
    """Yield the names, sorted and `at_once` at a time, that are alive and weren't met since `begun`.

    Met are documents that were read, set aside, or found as known, by whatever walk. All that was met must be committed
    before the first name is taken; later commits don't change what is yielded.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose names.
        begun: when the pass over all names began (UTC).
        at_once: how many names are yielded together.
    """
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    facts = union(
        [f"SELECT name, {VERSION}, NULL::TIMESTAMP AS seen FROM ({known_heads_sql(folder, current, packages)})"]
    )
    if stored := [*current.uris(folder, "heads"), *current.uris(folder, "quarantine")]:
        noted = parquet(stored, optional=WITHOUT_SEEN)
        facts = union([facts, f"SELECT name, NULL, seen FROM {noted} WHERE seen IS NOT NULL"])
    if seen := scan_of(folder, packages, "seen", doctype):
        facts = union([facts, f"SELECT name, NULL, observed FROM {parquet(seen.uris)}"])
    newest = f"max({VERSION})"
    instant = literal(begun.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" "))
    with open_duckdb(folder) as connection:
        names = connection.execute(
            f"SELECT name FROM ({facts}) GROUP BY name HAVING {newest} IS NOT NULL AND NOT {is_absent(newest)} "
            f"AND greatest({observed_of(newest)}, max(seen)) < TIMESTAMP {instant} ORDER BY name"
        )
        while rows := names.fetchmany(at_once):
            yield [name for (name,) in rows]


def _alive(folder: LakeFolder, current: Current, packages: Sequence[Committed], chosen: str = "") -> str:
    """Names whose newest version, accepted or quarantined, is not an absence; `chosen` narrows them by a join."""
    heads = known_heads_sql(folder, current, packages)
    return f"SELECT name FROM ({heads}) {chosen} GROUP BY name HAVING NOT {is_absent(f'max({VERSION})')}"


def known_heads_sql(folder: LakeFolder, current: Current, packages: Sequence[Committed]) -> str:
    """Return a SELECT of the name and `VERSION` of all that was ever known, set aside or found absent."""
    return union(
        [
            stored_heads_sql(current.uris(folder, "heads")),
            stored_heads_sql(current.uris(folder, "quarantine")),
            heads_sql(folder, packages, current.doctype, "rows", "tombstones", "quarantine"),
        ]
    )
