"""Specification of `federation mothership init`: who can do what on a server afterwards, found out by trying."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy

from federation.mothership.errors import MothershipUnavailable
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.provision import ProvisionRefused
from federation.mothership.mariadb.server import judged
from federation.provisioning import planned, provision
from federation.settings.errors import SettingsError
from federation.settings.model import Settings
from tests.services import mariadb

Rows = tuple[tuple[Any, ...], ...]


@dataclass
class Place:
    """A mothership of one test: its names are nobody else's, and all of them go with the test."""

    server: mariadb.Server
    name: str
    tls: bool = False

    @property
    def loader(self) -> str:
        return f"{self.name}_l"

    @property
    def admin(self) -> MariadbAddress:
        return MariadbAddress(
            sqlalchemy.make_url(f"mariadb://{self.server.admin_user}@{self.server.host}:{self.server.port}"),
            self.server.admin_password,
            self.server.ca if self.tls else None,
        )

    def settings(self, **changes: object) -> Settings:
        section = {
            "url": f"mariadb://{self.loader}@{self.server.host}:{self.server.port}/{self.name}",
            "password": "env:LOADER",
            "analysts": {
                f"{self.name}_a": "env:ANALYST",
                f"{self.name}_eu": {"password": "env:ANALYST_EU", "jurisdiction": "EU"},
            },
            **({"ca": str(self.server.ca)} if self.tls else {}),
        }
        site = {"credentials": "env:N"}
        satellites = {
            "north": {**site, "url": "http://n.invalid", "jurisdiction": "IN"},
            "south": {**site, "url": "http://s.invalid", "jurisdiction": "EU"},
            "west": {**site, "url": "http://w.invalid"},
        }
        values = {"doctypes": ["Customer"], "satellites": satellites, "mothership": {**section, **changes}}
        return Settings.model_validate(values)

    def ask(self, account: str, password: str, sql: str, database: str = "", *, tls: bool = False) -> Rows:
        connection = pymysql.connect(
            host=self.server.host,
            port=self.server.port,
            user=account,
            password=password.encode(),
            database=database or None,
            autocommit=True,
            **({"ssl_ca": str(self.server.ca)} if tls else {"ssl_disabled": True}),
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(sql)
            return tuple(cursor.fetchall())

    def rights(self, account: str) -> list[str]:
        shown = [str(row[0]) for row in self.server.ask(f"SHOW GRANTS FOR '{account}'@'%'")]
        return sorted(line.partition(" TO ")[0] for line in shown if " TO PUBLIC" not in line)


@pytest.fixture
def place(mariadb_server: mariadb.Server) -> Iterator[Place]:
    place = Place(mariadb_server, f"t_{secrets.token_hex(5)}")
    yield place
    for (database,) in mariadb_server.ask(f"SHOW DATABASES WHERE `Database` LIKE '{place.name}%'"):
        mariadb_server.ask(f"DROP DATABASE `{database}`")
    for user, host in mariadb_server.ask(f"SELECT user, host FROM mysql.user WHERE user LIKE '{place.name}%'"):
        mariadb_server.ask(f"DROP USER '{user}'@'{host}'")


@pytest.fixture(autouse=True)
def passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOADER", "ANALYST", "ANALYST_EU"):
        monkeypatch.setenv(name, f"s3cret {name.lower()} ' \" % $ \\ ü")


def password(name: str) -> str:
    return f"s3cret {name} ' \" % $ \\ ü"


@pytest.fixture
def made(place: Place) -> Place:
    provision(place.settings(), place.admin)
    place.server.ask(
        f"CREATE TABLE `{place.name}`.customer (satellite VARCHAR(64), name VARCHAR(9), PRIMARY KEY (satellite, name))"
    )
    place.server.ask(f"INSERT INTO `{place.name}`.customer VALUES ('north', 'a'), ('south', 'b'), ('west', 'c')")
    place.server.ask(
        f"INSERT INTO `{place.name}`.federation_table (doctype, table_name) VALUES ('Customer', 'customer')"
    )
    provision(place.settings(), place.admin)
    return place


def test_an_empty_server_gets_databases_accounts_rights_tables_and_views(place: Place) -> None:
    done = provision(place.settings(), place.admin)
    name = place.name
    assert [(step.subject.replace(name, "M"), step.did) for step in done.steps] == [
        ("database M", "made"),
        ("database M_rebuild", "made"),
        ("database M_in", "made"),
        ("database M_eu", "made"),
        ("account M_l", "made"),
        *(
            (
                f"M_l on {database}",
                "gave ALTER, CREATE, CREATE TEMPORARY TABLES, DELETE, DROP, INDEX, INSERT, SELECT, UPDATE",
            )
            for database in ("M", "M_rebuild")
        ),
        ("M_l on M_in", "gave CREATE VIEW, DROP"),
        ("M_l on M_eu", "gave CREATE VIEW, DROP"),
        ("M_l on the server", "gave PROCESS"),
        ("account M_a", "made"),
        ("M_a on M", "gave SELECT"),
        ("account M_eu", "made"),
        ("M_eu on M_eu", "gave SELECT"),
    ]
    assert done.remarks == ()
    assert place.ask(f"{name}_a", password("analyst"), "SELECT count(*) FROM federation_ledger", name) == ((0,),)
    assert place.ask(f"{name}_eu", password("analyst_eu"), "SELECT count(*) FROM federation_ledger", f"{name}_eu") == (
        (0,),
    )


def test_doing_it_again_finds_that_all_stands(place: Place) -> None:
    provision(place.settings(), place.admin)
    again = provision(place.settings(), place.admin)
    assert [step for step in again.steps if step.statements] == []
    assert planned(place.settings(), place.admin).steps == again.steps


def test_rights_are_on_these_databases_and_on_no_others_whose_names_look_alike(made: Place) -> None:
    twin = made.name.replace("_", "x")
    made.server.ask(f"CREATE DATABASE `{twin}`")
    try:
        with pytest.raises(pymysql.OperationalError, match="denied"):
            made.ask(f"{made.name}_a", password("analyst"), "SELECT 1", twin)
        with pytest.raises(pymysql.OperationalError, match="denied"):
            made.ask(made.loader, password("loader"), "SELECT 1", twin)
    finally:
        made.server.ask(f"DROP DATABASE `{twin}`")


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO customer VALUES ('north', 'x')",
        "UPDATE customer SET name = 'x'",
        "DELETE FROM customer",
        "REPLACE INTO customer VALUES ('north', 'a')",
        "TRUNCATE customer",
        "DROP TABLE customer",
        "DROP DATABASE {home}",
        "CREATE TABLE mine (a INT)",
        "CREATE TEMPORARY TABLE mine (a INT)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE DATABASE {home}_mine",
        "CREATE USER mine",
        "ALTER TABLE customer ADD COLUMN x INT",
        "CREATE INDEX x ON customer (name)",
        "RENAME TABLE customer TO mine",
        "GRANT SELECT ON {home}.* TO PUBLIC",
        "SELECT * FROM customer INTO OUTFILE '/tmp/stolen'",
        "SELECT * FROM mysql.user",
        "SET GLOBAL local_infile = 0",
        "SET PASSWORD FOR {home}_l = PASSWORD('x')",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "LOCK TABLES customer WRITE",
    ],
)
def test_an_analyst_reads_and_does_nothing_else(made: Place, sql: str) -> None:
    for account, word, database in (("a", "analyst", made.name), ("eu", "analyst_eu", f"{made.name}_eu")):
        with pytest.raises(pymysql.Error, match=r"denied|you need|can't|not allowed|not insertable"):
            made.ask(f"{made.name}_{account}", password(word), sql.format(home=made.name), database)
    assert made.server.ask(f"SELECT count(*) FROM `{made.name}`.customer") == [(3,)]


def test_an_analyst_of_a_jurisdiction_sees_its_satellites_and_nothing_of_others(made: Place) -> None:
    account, word, own = f"{made.name}_eu", password("analyst_eu"), f"{made.name}_eu"
    assert made.ask(account, word, "SELECT satellite, name FROM customer", own) == (("south", "b"),)
    for other in (made.name, f"{made.name}_in", f"{made.name}_rebuild"):
        with pytest.raises(pymysql.OperationalError, match="denied"):
            made.ask(account, word, "SELECT 1", other)
        with pytest.raises(pymysql.OperationalError, match="denied"):
            made.ask(account, word, f"SELECT * FROM `{other}`.customer", own)
    seen = {row[0] for row in made.ask(account, word, "SHOW DATABASES")}
    assert seen == {"information_schema", own}
    with pytest.raises(pymysql.OperationalError, match="denied"):
        made.ask(account, word, "SHOW CREATE VIEW customer", own)


def test_an_analyst_of_all_reads_the_mothership(made: Place) -> None:
    rows = made.ask(f"{made.name}_a", password("analyst"), "SELECT satellite FROM customer ORDER BY 1", made.name)
    assert rows == (("north",), ("south",), ("west",))


def test_the_loader_may_do_what_a_merge_a_rebuild_and_views_need(made: Place) -> None:
    loader, word, home = made.loader, password("loader"), made.name
    for sql in (
        "CREATE TABLE t (satellite VARCHAR(64), n INT, PRIMARY KEY (n))",
        "INSERT INTO t VALUES ('north', 1)",
        "REPLACE INTO t VALUES ('north', 1)",
        "UPDATE t SET n = 2",
        "ALTER TABLE t ADD COLUMN x INT, ADD INDEX (x)",
        "CREATE TEMPORARY TABLE keys_of (n INT) AS SELECT n FROM t",
        f"CREATE TABLE {home}_rebuild.t (n INT)",
        f"RENAME TABLE t TO {home}_rebuild.old, {home}_rebuild.t TO t",
        f"CREATE OR REPLACE VIEW {home}_eu.t AS SELECT n FROM {home}.t",
        f"CREATE OR REPLACE VIEW {home}_eu.t AS SELECT n + 1 FROM {home}.t",
        f"DROP VIEW {home}_eu.t",
        "SELECT count(*) FROM information_schema.innodb_trx",
        "DROP TABLE t",
    ):
        made.ask(loader, word, sql, home)
    for sql in (
        "SELECT * FROM mysql.user",
        "SET GLOBAL local_infile = 0",
        "CREATE USER mine",
        f"CREATE TABLE {home}_eu.x (n INT)",
    ):
        with pytest.raises(pymysql.OperationalError, match=r"denied|you need"):
            made.ask(loader, word, sql, home)


def test_with_an_authority_accounts_connect_by_tls_alone(place: Place) -> None:
    place.tls = True
    provision(place.settings(), place.admin)
    for account, word in ((place.loader, "loader"), (f"{place.name}_a", "analyst")):
        assert place.ask(account, password(word), "SELECT 1", place.name, tls=True) == ((1,),)
        with pytest.raises(pymysql.OperationalError, match="Access denied"):
            place.ask(account, password(word), "SELECT 1", place.name)


def test_an_account_made_before_there_was_an_authority_is_held_to_tls(place: Place) -> None:
    provision(place.settings(), place.admin)
    place.tls = True
    done = provision(place.settings(), place.admin)
    assert {step.did for step in done.steps if step.statements} == {"held to TLS"}
    with pytest.raises(pymysql.OperationalError, match="Access denied"):
        place.ask(place.loader, password("loader"), "SELECT 1", place.name)


def test_a_password_that_changed_in_its_place_changes_on_the_server(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(place.settings(), place.admin)
    monkeypatch.setenv("ANALYST", "another")
    done = provision(place.settings(), place.admin)
    assert [(step.subject, step.did) for step in done.steps if step.statements] == [
        (f"account {place.name}_a", "given its new password")
    ]
    assert place.ask(f"{place.name}_a", "another", "SELECT 1") == ((1,),)


def test_an_analyst_who_is_given_a_jurisdiction_loses_the_whole(made: Place) -> None:
    changed = made.settings(analysts={f"{made.name}_a": {"password": "env:ANALYST", "jurisdiction": "IN"}})
    done = provision(changed, made.admin)
    assert [(step.subject, step.did) for step in done.steps if step.statements] == [
        (f"{made.name}_a on {made.name}", "took SELECT"),
        (f"{made.name}_a on {made.name}_in", "gave SELECT"),
    ]
    with pytest.raises(pymysql.OperationalError, match="denied"):
        made.ask(f"{made.name}_a", password("analyst"), "SELECT 1", made.name)
    rows = made.ask(f"{made.name}_a", password("analyst"), "SELECT satellite FROM customer", f"{made.name}_in")
    assert rows == (("north",),)
    assert made.rights(f"{made.name}_eu"), "an analyst that the settings don't name any more is nobody's to change"


def test_rights_that_an_analyst_should_not_have_on_our_databases_are_taken(made: Place) -> None:
    escaped = made.name.replace("_", "\\_")
    made.server.ask(f"GRANT INSERT, SELECT ON `{escaped}`.* TO '{made.name}_a'@'%' WITH GRANT OPTION")
    done = provision(made.settings(), made.admin)
    assert [step.did for step in done.steps if step.statements] == ["took GRANT OPTION, INSERT"]


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        ("GRANT SELECT ON *.* TO '{a}'@'%'", "SELECT on the server"),
        ("GRANT SELECT ON `crm`.* TO '{a}'@'%'", "SELECT on crm"),
        ("GRANT SELECT ON `{home}`.* TO '{a}'@'%'", "SELECT on all databases like t_"),
        ("GRANT SELECT ON `%`.* TO '{a}'@'%'", "SELECT on all databases like %"),
        ("GRANT INSERT ON `{home}`.federation_meta TO '{a}'@'%'", "INSERT on t_"),
    ],
)
def test_an_account_that_serves_others_too_is_left_alone(made: Place, grant: str, said: str) -> None:
    account = f"{made.name}_a"
    made.server.ask(grant.format(a=account, home=made.name))
    before = made.rights(account)
    with pytest.raises(ProvisionRefused, match="isn't ours alone") as refused:
        provision(made.settings(), made.admin)
    assert account in str(refused.value)
    assert said in str(refused.value)
    assert made.rights(account) == before


def test_an_account_with_a_role_is_left_alone(made: Place) -> None:
    role = f"{made.name}_r"
    made.server.ask(f"CREATE ROLE {role}")
    try:
        made.server.ask(f"GRANT {role} TO '{made.name}_a'@'%'")
        with pytest.raises(ProvisionRefused, match=f"the role {role}"):
            provision(made.settings(), made.admin)
    finally:
        made.server.ask(f"DROP ROLE {role}")


def test_somebody_elses_database_of_a_name_that_is_needed_is_left_alone(place: Place) -> None:
    place.server.ask(f"CREATE DATABASE `{place.name}_eu`")
    place.server.ask(f"CREATE TABLE `{place.name}_eu`.theirs (n INT)")
    with pytest.raises(ProvisionRefused, match=f"database {place.name}_eu already, and it isn't ours"):
        provision(place.settings(), place.admin)
    assert place.server.ask(f"SELECT count(*) FROM mysql.user WHERE user = '{place.loader}'") == [(0,)]


def test_a_loader_of_another_name_takes_over_what_the_first_one_made(made: Place) -> None:
    renamed = made.settings(url=f"mariadb://{made.name}_w@{made.server.host}:{made.server.port}/{made.name}")
    assert provision(renamed, made.admin).remarks == ()
    made.server.ask(f"DROP USER '{made.loader}'@'%'")
    rows = made.ask(f"{made.name}_eu", password("analyst_eu"), "SELECT name FROM customer", f"{made.name}_eu")
    assert rows == (("b",),)


def test_tables_of_others_in_the_motherships_database_stay(place: Place) -> None:
    place.server.ask(f"CREATE DATABASE `{place.name}`")
    place.server.ask(f"CREATE TABLE `{place.name}`.theirs (n INT)")
    provision(place.settings(), place.admin)
    assert place.server.ask(f"SELECT count(*) FROM `{place.name}`.theirs") == [(0,)]


def test_an_account_from_another_host_is_named_and_left_alone(place: Place) -> None:
    place.server.ask(f"CREATE USER '{place.name}_a'@'10.1.2.3' IDENTIFIED BY 'x'")
    done = provision(place.settings(), place.admin)
    assert [f"{place.name}_a@10.1.2.3" in remark for remark in done.remarks] == [True]


def test_what_everybody_may_do_is_named(made: Place) -> None:
    pattern = made.name.replace("_", "\\_") + "\\_e%"
    made.server.ask(f"GRANT INSERT ON `{pattern}`.* TO PUBLIC")
    try:
        (remark,) = provision(made.settings(), made.admin).remarks
    finally:
        made.server.ask(f"REVOKE INSERT ON `{pattern}`.* FROM PUBLIC")
    assert f"Every account of the server has INSERT on {made.name}_eu" in remark


@pytest.mark.parametrize(
    ("version", "variables", "trouble", "remark"),
    [
        ("10.11.19-MariaDB", {}, "", ""),
        ("10.5.27-MariaDB", {}, "older than 10.6", ""),
        ("11.4.2-MariaDB", {"read_only": "ON"}, "read-only", ""),
        ("12.0.1-MariaDB", {"log_bin": "ON", "binlog_format": "STATEMENT"}, "binlog_format = ROW", ""),
        ("10.6.1-MariaDB", {"log_bin": "OFF", "binlog_format": "STATEMENT"}, "", ""),
        ("10.6.1-MariaDB", {"local_infile": "OFF"}, "", "local_infile = 1"),
        ("10.6.1-MariaDB", {"wsrep_on": "ON"}, "", "Galera"),
    ],
)
def test_a_server_that_does_not_suit_is_told(
    version: str, variables: dict[str, str], trouble: str, remark: str
) -> None:
    troubles, remarks = judged(version, {"local_infile": "ON", **variables})
    assert (len(troubles), len(remarks)) == (bool(trouble), bool(remark))
    assert trouble in " ".join(troubles)
    assert remark in " ".join(remarks)


def test_no_password_leaves_this_process(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server is sent is the hash that it keeps; what is shown is neither."""
    sent: list[str] = []
    query = pymysql.connections.Connection.query

    def recorded(self: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(sql if isinstance(sql, str) else bytes(sql).decode("utf-8", "surrogateescape"))
        return query(self, sql, *args, **kwargs)

    monkeypatch.setattr(pymysql.connections.Connection, "query", recorded)
    done = provision(place.settings(), place.admin)
    assert any("CREATE USER" in sql for sql in sent)
    assert not any("s3cret" in sql for sql in sent)
    shown = " ".join(statement.shown for step in done.steps for statement in step.statements)
    assert "'***'" in shown
    assert "BY PASSWORD" not in shown
    assert "s3cret" not in f"{done!r}{place.settings()!r}{place.admin!r}".replace(
        place.server.admin_password, "s3cret" * 0
    )
    assert place.server.admin_password not in f"{place.admin!r}"


def test_a_plan_changes_nothing_and_needs_neither_server_nor_secrets(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOADER", "ANALYST", "ANALYST_EU"):
        monkeypatch.delenv(name)
    everything = planned(place.settings(), None).steps
    assert all(step.statements for step in everything)
    missing = r"3 mistakes(.|\n)*LOADER is not set(.|\n)*ANALYST is not set(.|\n)*ANALYST_EU is not set"
    with pytest.raises(SettingsError, match=missing):
        planned(place.settings(), place.admin)
    assert place.server.ask(f"SHOW DATABASES LIKE '{place.name}%'") == []


Break = Callable[[MariadbAddress], MariadbAddress]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda admin: MariadbAddress(admin.url, "wrong", None), "Access denied"),
        (lambda admin: MariadbAddress(admin.url.set(port=9), admin.password, None), "Check host and port"),
        (
            lambda admin: MariadbAddress(admin.url.set(host="nowhere.invalid"), admin.password, None),
            "Check host and port",
        ),
    ],
    ids=["password", "port", "host"],
)
def test_a_server_that_cannot_be_had_is_explained(place: Place, wrong: Break, said: str) -> None:
    with pytest.raises(MothershipUnavailable, match=said) as refused:
        provision(place.settings(), wrong(place.admin))
    assert place.server.admin_password not in str(refused.value)


def test_an_administrator_without_the_rights_is_explained(made: Place) -> None:
    weak = MariadbAddress(made.admin.url.set(username=f"{made.name}_a"), password("analyst"), None)
    with pytest.raises(MothershipUnavailable, match="denied"):
        provision(made.settings(), weak)


def test_a_process_killed_half_way_is_followed_by_one_that_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement gets an answer, the next one doesn't; so call after call, until nothing is left to do."""
    run = MariadbConnection.run
    answered = 0

    def dying(self: Any, template: str, *args: Any, **parts: Any) -> Any:
        nonlocal answered
        if template.startswith(("CREATE", "GRANT", "ALTER", "REVOKE")):
            answered += 1
            if answered > 1:
                raise KeyboardInterrupt
        return run(self, template, *args, **parts)

    calls = 0
    while True:
        calls, answered = calls + 1, 0
        with monkeypatch.context() as patched:
            patched.setattr(MariadbConnection, "run", dying)
            try:
                provision(place.settings(), place.admin)
            except KeyboardInterrupt:
                continue
        break
    assert 10 < calls < 100
    assert [step for step in provision(place.settings(), place.admin).steps if step.statements] == []


def test_a_file_has_no_accounts(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"doctypes": ["Item"], "satellites": {"n": {"url": "http://n.invalid", "credentials": "env:N"}}},
        context={"folder": tmp_path},
    )
    with pytest.raises(SettingsError, match="is a DuckDB file"):
        planned(settings, None)


def test_a_loader_without_a_password_is_refused(place: Place) -> None:
    url = f"mariadb://l@{place.server.host}/{place.name}"
    settings = place.settings(password=None, url=url)
    with pytest.raises(SettingsError, match=r"mothership\.password: is missing"):
        planned(settings, None)
