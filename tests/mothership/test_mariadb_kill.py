"""Killed on MariaDB: whoever dies at whatever statement, tables are as before or as after, and end as undisturbed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from disturbance import Died, Disturbance, die, disturbance
from kill_world import PERSON, first_of_everything, invoices, more_of_everything
from mothership_sites import INVOICE, ORDER, Document, KeepAll, Site, ask, content, in_order, merge
from places import DuckdbPlace, MariadbPlace, Place
from pymysql.cursors import DictCursor

from federation.lake.log import CommitLog
from federation.mothership.errors import MothershipError
from federation.mothership.interface import MergeReport
from federation.mothership.mariadb.driver import MariadbDriver
from federation.mothership.mariadb.mothership import MariadbMothership
from federation.mothership.system_tables import DRIFT
from tests.services.mariadb import Server

TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = database()"


@pytest.fixture
def full(mariadb_place: MariadbPlace, site: Site) -> MariadbPlace:
    """A mothership with rows, and more of everything on the lake."""
    first_of_everything(site)
    merge(mariadb_place, site)
    more_of_everything(site)
    return mariadb_place


@pytest.fixture
def disturbed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disturbance]:
    with disturbance(monkeypatch) as made:
        yield made


Rows = list[dict[str, object]]


def by_doctype(tables: Mapping[str, Rows]) -> dict[str, Rows]:
    """What is seen of each DocType's documents, and of drift; a column without a value says no more than no column."""
    told: dict[str, Rows] = {INVOICE: [], ORDER: [], PERSON: [], DRIFT.name: []}
    parents = {"sales_invoice": INVOICE, "sales_order": ORDER, "sales_person": PERSON, DRIFT.name: DRIFT.name}
    for table, rows in tables.items():
        for row in rows:
            doctype = parents.get(table) or row.get("doctype") or row.get("parenttype")
            told[str(doctype)].append({"": table, **{name: cell for name, cell in row.items() if cell is not None}})
    return told


def seen(place: MariadbPlace) -> dict[str, Rows]:
    """What an analyst sees, as `content` tells it."""
    untold = {"merged_at", "package"}
    system = ["federation_freshness", "federation_tombstone", "federation_quarantine", "federation_alias", DRIFT.name]
    with place.connected() as connection, connection.cursor(DictCursor) as cursor:
        # A table's name is given before it is made.
        cursor.execute(f"SELECT table_name FROM federation_table WHERE table_name IN ({TABLES}) ORDER BY doctype")
        tables = [*system, *(str(row["table_name"]) for row in cursor.fetchall())]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = [{name: cell for name, cell in row.items() if name not in untold} for row in cursor.fetchall()]
            found[table] = sorted(rows, key=in_order)
    return found


def snapshot(place: MariadbPlace) -> str:
    """Everything that a later run goes on from."""
    system = ("meta", "ledger", "cursor", "dictionary", "table", "schema")
    asked = [
        "SELECT table_name, column_name, column_type, column_comment FROM information_schema.columns",
        "SELECT table_name, index_name, column_name FROM information_schema.statistics",
        "SELECT table_name, table_comment, NULL FROM information_schema.tables",
    ]
    with place.connected() as connection, connection.cursor() as cursor:
        found = []
        for statement in [
            *(f"{question} WHERE table_schema = database()" for question in asked),
            *(f"SELECT * FROM federation_{name}" for name in system),
        ]:
            cursor.execute(statement)
            found.append(sorted(map(str, cursor.fetchall())))
    return str(found)


def run(place: Place, site: Site) -> MergeReport:
    (report,) = merge(place, site)
    assert not report.failed, report.failed
    return report


def test_a_process_that_dies_at_any_statement_leaves_old_or_new_and_the_next_one_goes_on(
    full: MariadbPlace, site: Site, disturbed: Disturbance, tmp_path: Path
) -> None:
    """In each state that a death leaves: dies at the first, the second, … statement, until nothing is left."""
    twin = DuckdbPlace(tmp_path / "twin.duckdb")
    run(twin, site)
    before, after = by_doctype(seen(full)), by_doctype(content(twin))
    assert all(before[doctype] != after[doctype] for doctype in before)
    survived: Counter[str] = Counter()
    while True:
        state = snapshot(full)
        survived[state] += 1
        disturbed.set(survived[state], die)
        try:
            run(full, site)
        except (Died, MothershipError):
            assert disturbed.died
        else:
            break
        died_at = disturbed.statements[-1]
        disturbed.set(0, die)
        for doctype, rows in by_doctype(seen(full)).items():
            assert rows in (before[doctype], after[doctype]), f"half of {doctype} is seen after {died_at}"
    assert survived.total() > 100
    assert content(full) == content(twin)
    assert not leftovers(full)


def leftovers(place: MariadbPlace) -> set[str]:
    known = {name for (name,) in place.rows("SELECT table_name FROM federation_table")}
    there = {name for (name,) in place.rows(TABLES)}
    return {name for name in there - known if not name.startswith("federation_")}


def changes(site: Site, tick: int) -> None:
    """A change of every kind, of which something stays of each."""
    site.commit(
        documents=[*invoices(tick, 3), Document(f"SINV-{3 + (tick + 1) % 2}", tick)],
        gone={f"gone-{tick}": tick, f"SINV-{3 + tick % 2}": tick},
        aside={f"aside-{tick}": tick},
        aliases=[(f"former-{tick}", "SINV-0", tick)],
    )


def ends_connection(server: Server) -> Callable[[MariadbDriver], None]:
    def end(driver: MariadbDriver) -> None:
        server.ask(f"KILL {driver.thread_id()}")  # type: ignore[no-untyped-call]

    return end


def test_a_connection_that_the_server_ends_at_any_statement_costs_nothing(
    mariadb_place: MariadbPlace, mariadb_server: Server, site: Site, disturbed: Disturbance, tmp_path: Path
) -> None:
    """Within a merge it is done again; elsewhere the run ends and the next one goes on. Nothing is merged twice."""
    ended = at = 0
    with MariadbMothership(mariadb_place.address, who="test") as mothership:
        while at == 0 or disturbed.happened:
            at += 1
            changes(site, at)
            disturbed.set(at, ends_connection(mariadb_server))
            try:
                report = mothership.merge(CommitLog(site.folder), KeepAll())
            except MothershipError as error:
                ended += 1
                message = str(error)
                mothership.merge(CommitLog(site.folder), KeepAll())
                assert "Lost connection" in message or "killed" in message
            else:
                assert_merged(report)
    assert at > 30
    assert ended < at / 3
    disturbed.set(0, die)
    assert_merged_once(mariadb_place, site, tmp_path, packages=at)


def test_a_commit_whose_answer_gets_lost_is_not_done_again(
    mariadb_place: MariadbPlace, mariadb_server: Server, site: Site, disturbed: Disturbance, tmp_path: Path
) -> None:
    with MariadbMothership(mariadb_place.address, who="test") as mothership:
        changes(site, 1)
        mothership.merge(CommitLog(site.folder), KeepAll())
        for tick in range(2, 5):
            changes(site, tick)
            disturbed.set("COMMIT", ends_connection(mariadb_server), after=True)
            report = mothership.merge(CommitLog(site.folder), KeepAll())
            assert disturbed.happened
            assert (report.merged[0].inserted, report.merged[0].updated, report.merged[0].deleted) == (1, 3, 1)
            assert_merged(report)
    disturbed.set(0, die)
    assert_merged_once(mariadb_place, site, tmp_path, packages=4)


def assert_merged(report: MergeReport) -> None:
    assert not report.failed
    (result,) = report.merged
    assert (result.packages, result.quarantined, result.rows) == (1, 1, 4)


def assert_merged_once(place: MariadbPlace, site: Site, folder: Path, *, packages: int) -> None:
    """Everything is as on DuckDB, where nothing happened."""
    twin = DuckdbPlace(folder / "twin.duckdb")
    run(twin, site)
    assert content(place) == content(twin)
    ledger = ask(place, "SELECT count(*) AS n, count(DISTINCT package) AS ids FROM federation_ledger")
    assert ledger == [{"n": packages, "ids": packages}]
