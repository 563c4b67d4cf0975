"""`federation mothership init`, and every other command with a mothership on MariaDB."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_process import Command, Start, Write

from federation.demo.site.server import RunningSite
from tests.services import mariadb
from tests.services.service import for_test

Sites = dict[str, RunningSite]


@dataclass
class Place:
    """A mothership of one test, whose names are nobody else's."""

    server: mariadb.Server
    name: str

    @property
    def url(self) -> str:
        return f"mariadb://{self.name}_l@{self.server.host}:{self.server.port}/{self.name}"

    @property
    def admin(self) -> tuple[str, ...]:
        url = f"mariadb://{self.server.admin_user}@{self.server.host}:{self.server.port}"
        return ("--admin", url, "--admin-password", "env:ADMIN")

    def section(self, url: str = "") -> str:
        return f"""
mothership:
  url: {url or self.url}
  password: env:LOADER
  analysts: {{{self.name}_a: env:ANALYST, {self.name}_eu: {{password: env:ANALYST, jurisdiction: EU}}}}
"""


@pytest.fixture
def place(mariadb_server: mariadb.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("ADMIN", mariadb_server.admin_password)
    monkeypatch.setenv("LOADER", "s3cret of the loader")
    monkeypatch.setenv("ANALYST", "s3cret of the analyst")
    place = Place(mariadb_server, f"t_{secrets.token_hex(5)}")
    yield place
    clean_up(mariadb_server, place.name)


def clean_up(server: mariadb.Server, name: str) -> None:
    for (database,) in server.ask(f"SHOW DATABASES WHERE `Database` LIKE '{name}%'"):
        server.ask(f"DROP DATABASE `{database}`")
    for user, host in server.ask(f"SELECT user, host FROM mysql.user WHERE user LIKE '{name}%'"):
        server.ask(f"DROP USER '{user}'@'{host}'")


@pytest.fixture
def settings_file(place: Place, settings_file: Path, write: Write) -> Path:
    return write(settings_file.read_text() + place.section())


def answered(federation: Command, *arguments: str, status: int = 0) -> Any:
    ended = federation(*arguments)
    assert ended.exit_code == status, ended.output
    assert "s3cret" not in ended.output
    return json.loads(ended.stdout)


def test_init_sets_a_server_up_and_says_what_stood_already(
    settings_file: Path, place: Place, federation: Command
) -> None:
    first = federation("mothership", "init", *place.admin)
    assert first.exit_code == 0, first.output
    assert f"✓ database {place.name}  made" in first.stdout
    assert f"✓ {place.name}_a on {place.name}  gave SELECT" in first.stdout
    again = federation("mothership", "init", *place.admin)
    assert again.exit_code == 0
    assert "✓" not in again.stdout
    assert f"· account {place.name}_l  stands" in again.stdout
    assert "s3cret" not in first.output + again.output
    assert place.server.admin_password not in first.output + again.output


def test_a_dry_run_prints_the_sql_without_passwords_and_does_nothing(
    settings_file: Path, place: Place, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (place.admin, ()):
        printed = federation("mothership", "init", "--dry-run", *arguments)
        assert printed.exit_code == 0, printed.output
        lines = printed.stdout.splitlines()
        assert all(line.startswith("-- ") or line.endswith(";") for line in lines)
        assert f"CREATE USER `{place.name}_a`@`%` IDENTIFIED BY '***';" in lines
        assert any(line.startswith("--   PROCESS: to name who holds a table") for line in lines)
        assert "s3cret" not in printed.output
        monkeypatch.delenv("LOADER", raising=False)
    assert place.server.ask(f"SHOW DATABASES LIKE '{place.name}%'") == []


def test_the_report_of_init_as_json(settings_file: Path, place: Place, federation: Command) -> None:
    planned = answered(federation, "mothership", "init", "--json", "--dry-run", *place.admin)
    done = answered(federation, "mothership", "init", "--json", *place.admin)
    assert done == planned
    assert done["remarks"] == []
    assert done["steps"][0] == {
        "subject": f"database {place.name}",
        "did": "made",
        "sql": [f"CREATE DATABASE `{place.name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"],
    }


def test_sync_status_query_and_check_work_as_on_duckdb(settings_file: Path, place: Place, federation: Command) -> None:
    federation("mothership", "init", *place.admin)
    before = answered(federation, "query", "--json", "SELECT count(*) AS n FROM federation_freshness")
    assert before == [{"n": 0}]
    report = answered(federation, "sync", "--json")
    assert [one["ok"] for one in report["satellites"]] == [True, True]
    assert [one["remarks"] for one in report["satellites"]] == [[], []]
    assert report["published"] is False
    customers = "SELECT satellite, count(*) AS n FROM customer GROUP BY satellite ORDER BY satellite"
    rows = answered(federation, "query", "--json", customers)
    merged = {
        one["satellite"]: doctype["merged"]["rows"]
        for one in report["satellites"]
        for doctype in one["doctypes"]
        if doctype["doctype"] == "Customer"
    }
    assert {row["satellite"]: row["n"] for row in rows} == merged
    shown = federation("query", customers)
    assert [line.split()[0] for line in shown.stdout.splitlines() if line.strip()][2:] == ["north", "south"]
    assert federation("query", "--csv", customers).stdout.splitlines()[0] == '"satellite","n"'
    status = answered(federation, "status", "--json")
    assert (status["mothership"], status["published"]) == (place.url, True)
    assert {one["state"] for one in status["satellites"]} == {"fresh"}
    checked = answered(federation, "check", "--json")
    assert checked["mothership"] == {"place": place.url, "error": ""}
    assert checked["server"]["local_infile"] is True
    assert checked["server"]["troubles"] == []
    assert "MariaDB" in checked["server"]["version"]
    eu = place.server.ask(f"SELECT DISTINCT satellite FROM {place.name}_eu.customer")
    assert eu == [("south",)]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM customr", "customr"),
        ("SELEC 1", "refused"),
        ("DELETE FROM customer", "refused"),
        ("SELECT 1; SELECT 2", "refused"),
        ("", "refused"),
    ],
)
def test_what_is_refused_is_explained(
    sql: str, said: str, settings_file: Path, place: Place, federation: Command
) -> None:
    federation("mothership", "init", *place.admin)
    ended = federation("query", sql)
    assert ended.exit_code == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_before_init_every_command_says_what_to_do(settings_file: Path, federation: Command) -> None:
    for arguments in (("query", "SELECT 1"), ("status",)):
        ended = federation(*arguments)
        assert ended.exit_code == 1
        assert "Access denied" in ended.stderr
        assert "Check `url`, `password`" in ended.stderr
        assert len([line for line in ended.stderr.splitlines() if "✗" in line]) == 1
    checked = answered(federation, "check", "--json", status=1)
    assert "Access denied" in checked["mothership"]["error"]
    assert checked["server"] is None


def test_an_empty_database_says_that_a_sync_comes_first(settings_file: Path, place: Place, federation: Command) -> None:
    federation("mothership", "init", *place.admin)
    for (table,) in place.server.ask(f"SHOW TABLES IN {place.name}"):
        place.server.ask(f"DROP TABLE {place.name}.{table}")
    for arguments in (("query", "SELECT 1"), ("status",)):
        ended = federation(*arguments)
        assert ended.exit_code == 1
        assert f"There is no mothership at {place.url} yet: run `federation sync`" in ended.stderr


@pytest.mark.parametrize("wrong", ["127.0.0.1:9", "nowhere.invalid:3306"])
def test_a_server_that_does_not_answer_is_one_clear_sentence(
    wrong: str, settings_file: Path, place: Place, write: Write, federation: Command
) -> None:
    right = f"{place.server.host}:{place.server.port}"
    write(settings_file.read_text().replace(right, wrong) + "  tls: false\n")
    for arguments in (("query", "SELECT 1"), ("status",), ("check",), ("sync", "-d", "Company")):
        ended = federation(*arguments)
        assert ended.exit_code == 1
        assert "Check host and port" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_wrong_password_is_one_clear_sentence(
    settings_file: Path, place: Place, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    federation("mothership", "init", *place.admin)
    monkeypatch.setenv("LOADER", "s3cret but wrong")
    for arguments in (("query", "SELECT 1"), ("status",), ("sync", "-d", "Company"), ("check",)):
        ended = federation(*arguments)
        assert ended.exit_code == 1, ended.output
        assert "Access denied" in ended.stderr
        assert "s3cret" not in ended.output


def test_a_password_that_is_not_there_stops_everything_before_it_starts(
    settings_file: Path, place: Place, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOADER")
    for arguments in (("query", "SELECT 1"), ("status",), ("sync",), ("mothership", "init", *place.admin)):
        ended = federation(*arguments)
        assert ended.exit_code == 2, ended.output
        assert "LOADER is not set" in ended.stderr
    checked = answered(federation, "check", "--json", status=1)
    assert "LOADER is not set" in checked["mothership"]["error"]


def test_missing_privileges_are_named_by_check_and_by_sync(
    settings_file: Path, place: Place, federation: Command
) -> None:
    federation("mothership", "init", *place.admin)
    escaped = place.name.replace("_", "\\_")
    place.server.ask(f"REVOKE CREATE ON `{escaped}`.* FROM '{place.name}_l'@'%'")
    place.server.ask(f"REVOKE PROCESS ON *.* FROM '{place.name}_l'@'%'")
    checked = answered(federation, "check", "--json", status=1)
    assert checked["mothership"]["error"] == (
        f"This account lacks CREATE on {place.name}: `federation mothership init` gives it what it needs."
    )
    assert [remark for remark in checked["server"]["remarks"] if "PROCESS on the server" in remark]
    synced = federation("sync", "-d", "Company")
    assert synced.exit_code == 1
    assert "federation mothership init" in synced.stderr
    assert federation("mothership", "init", *place.admin).exit_code == 0
    assert federation("sync", "-d", "Company").exit_code == 0


def test_the_slower_way_is_told_by_sync_and_by_check(
    tmp_path: Path, sites: Sites, write: Write, federation: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_test(mariadb.running)
    with mariadb.throwaway(tmp_path / "server", "--local-infile=0") as instance:
        monkeypatch.setenv("ADMIN", instance.server.admin_password)
        monkeypatch.setenv("LOADER", "s3cret of the loader")
        place = Place(instance.server, "mothership")
        section = f"mothership: {{url: '{place.url}', password: env:LOADER}}\n"
        write(
            f"satellites: {{north: {{url: '{sites['north'].url}', credentials: env:NORTH}}}}\n"
            f"doctypes: [Company]\n{section}"
        )
        assert federation("mothership", "init", *place.admin).exit_code == 0
        synced = federation("sync")
        assert synced.exit_code == 0, synced.output
        assert synced.stderr.count("local_infile") == 2, "once as a reason, once as a remedy"
        checked = federation("check")
        assert "local_infile off" in checked.stdout
        assert "local_infile = 1" in checked.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--admin"),
        (("--admin", "mariadb://root:s3cret@127.0.0.1"), "holds a password"),
        (("--admin", "mariadb://root@127.0.0.1/mysql"), "the server alone"),
        (("--admin", "mariadb://root@db.example.com"), "without TLS"),
        (("--admin", "mariadb://root@127.0.0.1", "--admin-password", "s3cret"), "not a reference to a secret"),
        (("--admin", "mariadb://root@127.0.0.1", "--admin-password", "env:NOBODY_SET_IT"), "NOBODY_SET_IT is not set"),
    ],
)
def test_an_administrator_that_is_none_is_wrong_usage(
    arguments: tuple[str, ...], said: str, place: Place, write: Write, federation: Command
) -> None:
    write(
        "satellites: {n: {url: 'http://n.invalid', credentials: env:N, jurisdiction: EU}}\ndoctypes: [Item]"
        + place.section()
    )
    ended = federation("mothership", "init", *arguments)
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.replace("│", " ").split())
    assert "s3cret" not in ended.output


def test_a_duckdb_file_needs_no_init(write: Write, federation: Command) -> None:
    write("satellites: {n: {url: 'http://n.invalid', credentials: env:N}}\ndoctypes: [Item]\n")
    ended = federation("mothership", "init", "--dry-run")
    assert ended.exit_code == 2
    assert "is a DuckDB file" in ended.stderr


def test_ctrl_c_ends_a_query_that_would_take_for_ever(
    settings_file: Path, place: Place, federation: Command, start: Start
) -> None:
    federation("mothership", "init", *place.admin)
    endless = (
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 4000) "
        "SELECT a.i, b.i AS j, c.i AS k FROM n a, n b, n c"
    )
    running = start("query", "--json", endless)
    running.read_lines(20_000)
    running.interrupt()
    status, _, err = running.end()
    assert status == 130, err
    assert "Traceback" not in err
