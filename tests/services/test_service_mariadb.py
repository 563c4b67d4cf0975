"""The MariaDB that tests get is real, private, set up as in production, and comes back after a kill."""

from __future__ import annotations

from pathlib import Path

import certifi
import pymysql
import pytest
import sqlalchemy as sa

from tests.services import mariadb
from tests.services.service import for_test


def test_everybody_gets_the_same_running_server(mariadb_server: mariadb.Server) -> None:
    assert mariadb.running() == mariadb_server
    assert str(mariadb_server.port) in mariadb.obtain()


def test_the_settings_of_production_are_in_force(mariadb_server: mariadb.Server) -> None:
    wanted = (
        "@@collation_server, @@local_infile, @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite, @@innodb_page_size"
    )
    assert mariadb_server.ask(f"SELECT {wanted}") == [("utf8mb4_nopad_bin", 1, 1, 1, 32768)]
    assert "STRICT_TRANS_TABLES" in str(mariadb_server.ask("SELECT @@sql_mode"))


def test_tls_holds_against_a_client_that_checks(mariadb_server: mariadb.Server) -> None:
    with mariadb_server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        [(_, cipher)] = cursor.fetchall()
    assert cipher
    stranger = sa.create_engine(f"{mariadb_server.url()}?ssl_ca={certifi.where()}")
    with pytest.raises(sa.exc.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.connect()


def test_databases_of_two_tests_are_apart(mariadb_server: mariadb.Server) -> None:
    one, other = mariadb.fresh_database(mariadb_server), mariadb.fresh_database(mariadb_server)
    engine = sa.create_engine(one.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE account (name VARCHAR(140) PRIMARY KEY)")
    engine.dispose()
    assert mariadb_server.ask(f"SHOW TABLES IN `{other.name}`") == []
    assert mariadb_server.ask(f"SHOW TABLES IN `{one.name}`") == [("account",)]
    one.drop()
    other.drop()
    assert not {(one.name,), (other.name,)} & set(mariadb_server.ask("SHOW DATABASES"))


def test_a_fixture_gives_an_empty_database(mariadb_url: str) -> None:
    engine = sa.create_engine(mariadb_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()


def test_a_killed_server_comes_back_on_its_port_with_what_was_committed(tmp_path: Path) -> None:
    for_test(mariadb.running)
    with mariadb.throwaway(tmp_path, "--local-infile=0") as instance:
        database = mariadb.fresh_database(instance.server)
        instance.server.ask(f"CREATE TABLE `{database.name}`.t (n INT PRIMARY KEY)")
        instance.server.ask(f"INSERT INTO `{database.name}`.t VALUES (1)")
        instance.kill()
        with pytest.raises(pymysql.OperationalError):
            instance.server.ask("SELECT 1")
        instance.start()
        assert instance.server.ask(f"SELECT n FROM `{database.name}`.t") == [(1,)]
        assert instance.server.ask("SELECT @@local_infile") == [(0,)]
    assert not instance.alive()


def test_a_server_with_the_pages_of_other_peoples_servers_can_be_had(tmp_path: Path) -> None:
    for_test(mariadb.running)
    with mariadb.throwaway(tmp_path, "--innodb-page-size=16k") as instance:
        assert instance.server.ask("SELECT @@innodb_page_size") == [(16384,)]


def test_a_dead_server_is_started_anew_on_its_port_without_what_dead_tests_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_test(mariadb.running)
    monkeypatch.setattr(mariadb, "VAR", tmp_path)
    first = mariadb.running()
    left = mariadb.fresh_database(first)
    mariadb.Instance(tmp_path).kill()
    again = mariadb.running()
    try:
        assert again == first
        assert (left.name,) not in again.ask("SHOW DATABASES")
        settings = tmp_path / "other.cnf"
        settings.write_text(mariadb.SETTINGS.read_text(encoding="utf-8") + "max_connections = 77\n", encoding="utf-8")
        monkeypatch.setattr(mariadb, "SETTINGS", settings)
        assert mariadb.running().ask("SELECT @@max_connections") == [(77,)]
    finally:
        mariadb.Instance(tmp_path).kill()
