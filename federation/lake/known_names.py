"""Known names: the documents that the lake believes to be alive, and those among them that a full walk didn't meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from federation.lake.current import Current, read_current
from federation.lake.history import Committed
from federation.lake.lake_sql import VERSION, heads_sql, is_absent, open_duckdb, stored_heads_sql, union
from federation.lake.log import CommitLog
from federation.lake.storage import LakeFolder


def count_known(folder: LakeFolder, log: CommitLog, doctype: str) -> int:
    """Return how many documents of `doctype` are alive as far as the lake knows, quarantined ones included."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    with open_duckdb(folder) as connection:
        counted = connection.execute(f"SELECT count(*) FROM ({_alive(folder, current, packages)})").fetchall()
    return int(counted[0][0])


def missing_names(folder: LakeFolder, log: CommitLog, doctype: str, *, walk: str, at_once: int) -> Iterator[list[str]]:
    """Yield the names, sorted and `at_once` at a time, that were alive before a full walk and weren't met since.

    Met are documents, tombstones and quarantined documents of every package committed since the walk's first one. All
    that the walk read must be committed before the first name is taken; later commits don't change what is yielded.
    """
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    begin = next((number for number, committed in enumerate(packages) if committed.package.walk == walk), len(packages))
    alive = _alive(folder, current, packages[:begin])
    met = heads_sql(folder, packages[begin:], doctype, "rows", "tombstones", "quarantine")
    with open_duckdb(folder) as connection:
        names = connection.execute(f"SELECT name FROM ({alive}) ANTI JOIN ({met}) AS met USING (name) ORDER BY name")
        while rows := names.fetchmany(at_once):
            yield [name for (name,) in rows]


def _alive(folder: LakeFolder, current: Current, packages: Sequence[Committed]) -> str:
    """Names whose newest version, accepted or quarantined, is not an absence."""
    heads = union(
        [
            stored_heads_sql(current.uris(folder, "heads")),
            stored_heads_sql(current.uris(folder, "quarantine")),
            heads_sql(folder, packages, current.doctype, "rows", "tombstones", "quarantine"),
        ]
    )
    return f"SELECT name FROM ({heads}) GROUP BY name HAVING NOT {is_absent(f'max({VERSION})')}"
