"""Look-ups: which documents on the lake have a certain name, value, `creation` or link, one question each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa

from federation.contract.names import NAME
from federation.lake.current import read_current
from federation.lake.known_names import alive_among, known_heads_sql
from federation.lake.lake_sql import (
    VERSION,
    WITHOUT_RULE,
    identifier,
    literal,
    open_duckdb,
    scan_of,
    stored_rows_sql,
    union,
)
from federation.lake.log import CommitLog
from federation.lake.newest import NewestVersions
from federation.lake.packages import MODIFIED, RULE
from federation.lake.storage import LakeFolder

_SAMPLED: Final = 10
"""Rows drawn for each document that `spread` returns: some are overtaken versions."""

CREATIONS_SCHEMA: Final = pa.schema(
    [(NAME, pa.string()), ("creation", pa.timestamp("us")), (MODIFIED, pa.timestamp("us"))]
)


def known_where(folder: LakeFolder, log: CommitLog, doctype: str, *, column: str, value: int, walk: str) -> pa.Table:
    """Return the documents whose newest version has `value` in `column`; none where no file has the column.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose documents.
        column: a column of whole numbers.
        value: the value.
        walk: the walk that asks; what it committed itself counts too.

    Returns:
        `CREATIONS_SCHEMA`, sorted by name.
    """
    condition = f"WHERE TRY_CAST(row.{identifier(column)} AS BIGINT) = {value}"
    with versions(folder, log, doctype, walk) as newest:
        _judge_where(newest, condition, needs={column})
        return _creations(newest, condition, needs={column})


def creations(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str], *, walk: str) -> pa.Table:
    """Return those of `names` that are alive: `CREATIONS_SCHEMA`, sorted by name; `walk` as in `known_where`."""
    with versions(folder, log, doctype, walk) as newest:
        newest.connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        newest.judge("asked")
        return _creations(newest)


def alive_before(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> set[str]:
    """Return those of `names` that complete walks know as alive, whatever a walk under way says of them."""
    current = read_current(folder, doctype)
    history = log.since(current.seq)
    packages = [each for each in history.of(doctype, current.seq) if history.counts(each.package)]
    return alive_among(folder, current, packages, names)


def born_at(folder: LakeFolder, log: CommitLog, doctype: str, instants: Sequence[datetime], *, walk: str) -> pa.Table:
    """Return the documents created at one of `instants` (naive, site time): `CREATIONS_SCHEMA`, sorted by name."""
    with versions(folder, log, doctype, walk) as newest:
        newest.connection.register("born", pa.table({"instant": pa.array(instants, pa.timestamp("us"))}))
        condition = "SEMI JOIN born ON born.instant = row.creation"
        _judge_where(newest, condition, needs={"creation"})
        return _creations(newest, condition, needs={"creation"})


@dataclass(frozen=True, slots=True)
class Aside:
    """A document that was set aside.

    Attributes:
        document: as JSON.
        reasons: (rule, fieldname, reason) of all its faults.
    """

    document: str
    reasons: frozenset[tuple[str, str, str]]


def set_aside(folder: LakeFolder, log: CommitLog, doctype: str, names: Sequence[str]) -> dict[str, Aside]:
    """Return those of `names` whose newest version is in quarantine, by name."""
    current = read_current(folder, doctype)
    packages = log.since(current.seq).of(doctype, current.seq)
    if not names or not (packages or current.uris(folder, "quarantine")):
        return {}
    columns = [NAME, "document", RULE, "fieldname", "reason"]
    scan = scan_of(folder, packages, "quarantine", doctype)
    told = [scan.sql(columns, optional=WITHOUT_RULE)] if scan else []
    if stored := current.uris(folder, "quarantine"):
        told.append(stored_rows_sql(stored, columns, optional=WITHOUT_RULE))
    if not told:
        return {}
    heads = known_heads_sql(folder, current, packages)
    with open_duckdb(folder) as connection:
        connection.register("asked", pa.table({NAME: pa.array(names, pa.string())}))
        found = connection.execute(
            f"WITH newest AS (SELECT name, max({VERSION}) AS version FROM ({heads}) SEMI JOIN asked USING (name) "
            "GROUP BY name) SELECT told.name, any_value(told.document), list((told.rule, told.fieldname, told.reason)) "
            f"FROM ({union(told)}) AS told "
            f"JOIN newest ON newest.name = told.name AND newest.version = told.{VERSION} GROUP BY told.name"
        ).fetchall()
    return {name: Aside(document, frozenset(map(tuple, reasons))) for name, document, reasons in found}


def spread(folder: LakeFolder, log: CommitLog, doctype: str, count: int) -> list[tuple[str, str]]:
    """Return (name, creation) of at most `count` documents from all times, creation as on the wire."""
    with versions(folder, log, doctype, "") as newest:
        _judge_where(newest, "", needs={"creation"}, sample=count * _SAMPLED)
        rows = newest.connection.execute(
            "SELECT name, strftime(creation, '%Y-%m-%d %H:%M:%S.%f') "
            f"FROM ({_creations_sql(newest)}) WHERE creation IS NOT NULL ORDER BY creation, name"
        ).fetchall()
    return rows[:: -(-len(rows) // count) or 1]


def owners_of(
    folder: LakeFolder,
    log: CommitLog,
    doctype: str,
    table_doctype: str,
    *,
    column: str,
    values: Sequence[str],
    where: tuple[str, str] | None,
    walk: str,
) -> list[str]:
    """Return the names, sorted, of the documents of which a row, their own or a child row, points to one of some names.

    Args:
        folder: the satellite's folder.
        log: its log.
        doctype: whose documents.
        table_doctype: the table that has the column: `doctype` or one of its child DocTypes.
        column: a column of links.
        values: the names.
        where: for a Dynamic Link, the column that names the DocType, and that DocType.
        walk: the walk that asks; what it committed itself counts too.
    """
    columns = {column, *(where or ())[:1]}
    owner = NAME if table_doctype == doctype else "parent"
    points = f"row.{identifier(column)}::VARCHAR IN (FROM pointed_at)"
    if where is not None:
        points += f" AND row.{identifier(where[0])}::VARCHAR = {literal(where[1])}"
    with versions(folder, log, doctype, walk) as newest:
        newest.connection.register("pointed_at", pa.table({"name": pa.array(values, pa.string())}))
        _judge_where(newest, f"WHERE {points}", needs=columns, table=table_doctype)
        selects = [
            f"SELECT row.{owner} AS name FROM {source.rows} SEMI JOIN asked ON asked.name = row.{owner} WHERE {points}"
            for source in newest.sources(table_doctype)
            if columns <= source.columns.keys()
        ]
        if not selects:
            return []
        found = newest.connection.execute(f"SELECT DISTINCT name FROM ({union(selects)}) ORDER BY name").fetchall()
    return [name for (name,) in found]


@contextmanager
def versions(folder: LakeFolder, log: CommitLog, doctype: str, walk: str) -> Iterator[NewestVersions]:
    """Open the newest versions of the documents of complete walks, and of one walk that may not be."""
    current = read_current(folder, doctype)
    history = log.since(current.seq)
    with open_duckdb(folder) as connection:
        yield NewestVersions(
            connection,
            folder,
            current,
            history.of(doctype, current.seq),
            lambda package: package.walk == walk or history.counts(package),
        )


def _judge_where(
    newest: NewestVersions,
    condition: str,
    *,
    needs: AbstractSet[str],
    table: str | None = None,
    sample: int | None = None,
) -> None:
    """Judge the documents of which some version, the newest or not, meets a condition: they make the table `asked`."""
    doctype = newest.current.doctype
    owner = NAME if table in (None, doctype) else "parent"
    selects = ["SELECT ''::VARCHAR AS name WHERE false"]
    selects += [
        f"SELECT row.{owner} AS name FROM {source.rows} {condition}"
        for source in newest.versions(table or doctype)
        if needs <= source.columns.keys()
    ]
    chosen = f"USING SAMPLE reservoir({sample} ROWS) REPEATABLE (1)" if sample else ""
    newest.connection.execute(
        f"CREATE TEMP TABLE asked AS SELECT DISTINCT name FROM (SELECT name FROM ({union(selects)}) {chosen})"
    )
    newest.judge("asked")


def _creations(newest: NewestVersions, condition: str = "", needs: AbstractSet[str] = frozenset()) -> pa.Table:
    found = newest.connection.execute(f"{_creations_sql(newest, condition, needs)} ORDER BY name")
    return found.to_arrow_table().cast(CREATIONS_SCHEMA)


def _creations_sql(newest: NewestVersions, condition: str = "", needs: AbstractSet[str] = frozenset()) -> str:
    """Of the documents in the table `asked`."""
    selects = ["SELECT ''::VARCHAR AS name, NULL::TIMESTAMP AS creation, NULL::TIMESTAMP AS modified WHERE false"]
    for source in newest.sources(newest.current.doctype):
        if needs <= source.columns.keys():
            instants = (
                f"TRY_CAST({f'row.{name}' if name in source.columns else 'NULL'} AS TIMESTAMP) AS {name}"
                for name in ("creation", MODIFIED)
            )
            rows = f"{source.rows} SEMI JOIN asked ON asked.name = row.name"
            selects.append(f"SELECT row.name, {', '.join(instants)} FROM {rows} {condition}")
    return union(selects)
