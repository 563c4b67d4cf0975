"""The judge: what must hold after every sync, and what must be equal once everything has come to rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import pyarrow.compute as pc
from model_federation import Federation
from model_site import DOCUMENTS, LEDGER, LINE, OFFER, ORDER, TABLES, digest

from federation.contract.union import contract_of
from federation.demo.comparison import TableDifference, compare_table
from federation.demo.world.truth import site_documents
from federation.lake.current import read_current
from federation.lake.schemas import read_schema
from federation.policy.fleet import FleetPolicy
from federation.settings.load import load_settings


@dataclass
class Verdict:
    """What the mothership has wrong.

    Attributes:
        lost: rows of the site that it lacks.
        duplicated: rows that it has and the site hasn't, or that it has twice.
        differing: rows with another value.
        said: what is wrong, in words.
    """

    lost: int = 0
    duplicated: int = 0
    differing: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.said

    def add(self, where: str, difference: TableDifference) -> None:
        self.lost += difference.missing
        self.duplicated += difference.surplus
        self.differing += difference.differing
        if not difference.same:
            self.said.append(f"{where}: {difference}")


def judge_sync(federation: Federation) -> Verdict:
    """What holds after every sync, however it ended: no voucher is half or double, no document is a mixture."""
    verdict = Verdict()
    if not federation.mothership.exists():
        return verdict
    with duckdb.connect(federation.mothership, read_only=True) as connection:
        tables = _tables(connection)
        for table in tables.values():
            twice = connection.execute(
                f'SELECT name, count(*) FROM "{table}" GROUP BY satellite, name HAVING count(*) > 1'
            ).fetchall()
            verdict.duplicated += len(twice)
            verdict.said.extend(f"{table} has {name!r} {times} times" for name, times in twice)
        if LEDGER in tables:
            uneven = connection.execute(
                f'SELECT batch, sum(debit), sum(credit), max(total), list(name) FROM "{tables[LEDGER]}" GROUP BY batch '
                "HAVING sum(debit) <> sum(credit) OR sum(debit) <> max(total) OR min(total) <> max(total)"
            ).fetchall()
            verdict.differing += len(uneven)
            verdict.said.extend(
                f"batch {batch}: debit {debit:f}, credit {credit:f} of {total:f} in {names}"
                for batch, debit, credit, total, names in uneven
            )
        for doctype in (ORDER, OFFER):
            if doctype in tables and LINE in tables:
                mixed = list(_mixtures(connection, tables, doctype))
                verdict.differing += len(mixed)
                verdict.said.extend(mixed)
    return verdict


def judge_rest(federation: Federation) -> Verdict:
    """Once everything is read: every DocType, column and child row equals the site's, on the lake too."""
    verdict = judge_sync(federation)
    with duckdb.connect(federation.mothership, read_only=True) as connection:
        tables = _tables(connection)
        for doctype in TABLES:
            truth = site_documents(federation.site.store, doctype)
            table = tables.get(doctype, "no table")
            verdict.add("mothership", compare_table(truth, connection, table, "site", doctype=doctype, held_back=()))
        verdict.said.extend(_dangling_aliases(connection, tables))
        quarantined = connection.execute("SELECT doctype, name, reason FROM federation_quarantine").fetchall()
        verdict.said.extend(f"set aside: {row}" for row in quarantined)
    for where, difference in _lake_differences(federation):
        verdict.add(where, difference)
    return verdict


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(connection.execute("SELECT doctype, table_name FROM federation_table").fetchall())


def _mixtures(connection: duckdb.DuckDBPyConnection, tables: dict[str, str], doctype: str) -> Iterator[str]:
    held: dict[str, list[dict[str, object]]] = {}
    lines = connection.execute(
        f'SELECT parent, text, qty FROM "{tables[LINE]}" WHERE parenttype = ?', [doctype]
    ).fetchall()
    for parent, text, qty in lines:
        held.setdefault(parent, []).append({"text": text, "qty": qty})
    for name, says in connection.execute(f'SELECT name, digest FROM "{tables[doctype]}"').fetchall():
        has = digest(held.pop(name, []))  # type: ignore[arg-type]
        if (says or "") != has:
            yield f"{doctype} {name!r} says that its lines are {says!r} and has {has!r}"
    for name in held:
        yield f"lines of {doctype} {name!r}, which isn't there"


def _dangling_aliases(connection: duckdb.DuckDBPyConnection, tables: dict[str, str]) -> Iterator[str]:
    """An alias leads to a document, to another alias, or to what was deleted since."""
    known = connection.execute(
        "SELECT doctype, name FROM federation_tombstone UNION SELECT doctype, old_name FROM federation_alias"
    ).fetchall()
    alive = [
        (doctype, str(name))
        for doctype in DOCUMENTS
        if doctype in tables
        for (name,) in connection.execute(f'SELECT name FROM "{tables[doctype]}"').fetchall()
    ]
    aliases = connection.execute("SELECT doctype, old_name, new_name FROM federation_alias").fetchall()
    for doctype, old, new in aliases:
        if (doctype, new) not in {*known, *alive}:
            yield f"{doctype} {old!r} is said to be {new!r} now, which nobody knows"


def _lake_differences(federation: Federation) -> Iterator[tuple[str, TableDifference]]:
    settings = load_settings(federation.folder / "federation.yaml")
    newest = federation.log.newest()
    assert newest is not None
    schema = read_schema(federation.lake, newest.schema)
    policy = FleetPolicy(settings)
    for doctype in DOCUMENTS:
        contract = contract_of(doctype, [schema], keeps=policy.keeps, hashes=policy.hashes)
        assert contract is not None
        files = [file for file in read_current(federation.lake, doctype).files if file.kind == "rows"]
        with duckdb.connect() as connection:
            for table in (doctype, *contract.children):
                truth = site_documents(federation.site.store, table)
                if table == LINE:
                    truth = truth.filter(pc.equal(truth.column("parenttype"), doctype))
                for number, file in enumerate(each for each in files if each.table == table):
                    assert number == 0
                    connection.execute(
                        f"CREATE OR REPLACE TABLE here AS FROM read_parquet('{federation.lake.uri(file.path)}')"
                    )
                yield (
                    f"current of {doctype}",
                    compare_table(truth, connection, "here", "site", doctype=table, held_back=()),
                )
                connection.execute("DROP TABLE IF EXISTS here")
