"""Dropped: versions of documents that were set aside and then given up, and how one that comes again is known."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from federation.contract.names import NAME
from federation.lake.current import read_current
from federation.lake.fold_dropped import dropped_sql
from federation.lake.known_names import known_heads_sql
from federation.lake.lake_sql import VERSION, observed_of, open_duckdb
from federation.lake.log import CommitLog
from federation.lake.lookups import set_aside
from federation.lake.storage import LakeFolder


@dataclass(frozen=True, slots=True)
class AsideVersion:
    """The newest version of a document, which was set aside.

    Attributes:
        observed: when it was seen (UTC).
        digest: see `digest_of`.
    """

    observed: datetime
    digest: str


def digest_of(document: str) -> str:
    """Return what tells a document that comes again, whatever it is rejected for, from a changed one."""
    return hashlib.sha256(document.encode()).hexdigest()


def versions_aside(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> dict[str, AsideVersion]:
    """Return those of `names` whose newest version is in quarantine and wasn't given up, by name."""
    digests = {name: digest_of(aside.document) for name, aside in set_aside(folder, log, doctype, names).items()}
    given_up = dropped_digests(folder, log, doctype, list(digests))
    left = [name for name in digests if name not in given_up]
    if not left:
        return {}
    current = read_current(folder, doctype)
    heads = known_heads_sql(folder, current, log.since(current.seq).of(doctype, current.seq))
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(left, pa.string())}))
        found = connection.execute(
            f"SELECT name, {observed_of(f'max({VERSION})')} FROM ({heads}) SEMI JOIN asked USING (name) GROUP BY name"
        ).fetchall()
    return {name: AsideVersion(observed.replace(tzinfo=UTC), digests[name]) for name, observed in found}


def dropped_digests(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> dict[str, str]:
    """Return those of `names` whose newest version was given up → its digest."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    stored = current.uris(folder, "dropped")
    given_up = any(file.kind == "dropped" for each in packages for file in each.package.files)
    if not names or not (stored or given_up):
        return {}
    heads = known_heads_sql(folder, current, packages)
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        found = connection.execute(
            f"WITH dropped AS (SELECT name, arg_max(digest, {VERSION}) AS digest, max({VERSION}) AS {VERSION} "
            f"FROM ({dropped_sql(folder, stored, packages, doctype)}) SEMI JOIN asked USING (name) GROUP BY name), "
            f"heads AS (SELECT name, max({VERSION}) AS {VERSION} FROM ({heads}) SEMI JOIN asked USING (name) "
            f"GROUP BY name) SELECT dropped.name, dropped.digest FROM dropped LEFT JOIN heads USING (name) "
            f"WHERE heads.name IS NULL OR heads.{VERSION} < dropped.{VERSION}"
        ).fetchall()
    return dict(found)
