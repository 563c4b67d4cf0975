"""The database: one writer at a time, whose transactions survive what servers and networks do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from mariadb_between import Between, between
from sqlalchemy import make_url

from federation.mothership.errors import MothershipBusy, MothershipUnavailable
from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.database import MariadbDatabase
from federation.mothership.mariadb.ddl import ddl
from federation.mothership.sql import Fragment
from tests.services.mariadb import Server, fresh_database, throwaway

QUICK = MariadbLimits(lock_seconds=1, connect_seconds=5, tries=6)


def address_of(url: str, **other: object) -> MariadbAddress:
    parts = make_url(url)
    return MariadbAddress(parts.set(password=None, **other), parts.password or "")


@pytest.fixture
def address(mariadb_url: str) -> MariadbAddress:
    return address_of(mariadb_url)


@contextmanager
def opened(address: MariadbAddress, who: str = "test", limits: MariadbLimits = QUICK) -> Iterator[MariadbDatabase]:
    database = MariadbDatabase(address, who, limits).open()
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def database(address: MariadbAddress) -> Iterator[MariadbDatabase]:
    with opened(address) as made:
        made.connection.run("CREATE TABLE t (a INT PRIMARY KEY, b INT)")
        made.connection.insert("t", ["a", "b"], [(1, 0), (2, 0)])
        yield made


def kill(server: Server, connection: MariadbConnection) -> None:
    server.ask(f"KILL {connection.count('SELECT CONNECTION_ID()')}")


# One writer at a time


def test_a_second_writer_waits_and_names_the_connection_that_holds_the_lock(address: MariadbAddress) -> None:
    with opened(address) as first:
        number = first.connection.count("SELECT CONNECTION_ID()")
        with pytest.raises(MothershipBusy, match=rf"^second waited 1 s .* held by connection {number} \(admin@"):
            MariadbDatabase(address, "second", QUICK).open()
    with opened(address, "second"):
        pass


def test_a_writer_goes_on_when_the_one_before_ends(address: MariadbAddress) -> None:
    with opened(address) as first:
        threading.Timer(0.3, first.close).start()
        with opened(address, "second", MariadbLimits(lock_seconds=60)) as second:
            assert second.connection.count("SELECT 1") == 1


def test_writers_of_two_databases_do_not_wait_for_each_other(mariadb_server: Server, address: MariadbAddress) -> None:
    other = fresh_database(mariadb_server)
    with opened(address), opened(address_of(other.url)):
        pass
    other.drop()


# Servers that can't be reached, or refuse


def refusal(address: MariadbAddress) -> str:
    with pytest.raises(MothershipUnavailable) as caught:
        MariadbDatabase(address, "test", MariadbLimits(connect_seconds=2)).open()
    shown = f"{caught.value} {caught.value!r} {address!r}"
    assert address.password not in shown
    return str(caught.value)


def test_a_wrong_password_is_told_without_any_password(address: MariadbAddress) -> None:
    message = refusal(MariadbAddress(address.url, "wrong-secret"))
    assert "Access denied for user 'admin'" in message
    assert "Check `url`, `password`" in message


def test_a_database_that_is_not_there_is_told(address: MariadbAddress) -> None:
    assert "Unknown database 'absent'. Check the database in `url`; `federation mothership init`" in refusal(
        MariadbAddress(address.url.set(database="absent"), address.password)
    )


def test_a_host_that_does_not_answer_is_told(address: MariadbAddress) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        message = refusal(MariadbAddress(address.url.set(port=closed.getsockname()[1]), "secret"))
    assert "Check host and port in `url`" in message
    assert "mariadb://admin@127.0.0.1:" in message


def test_a_host_that_is_not_known_is_told(address: MariadbAddress) -> None:
    assert "Check host and port" in refusal(MariadbAddress(address.url.set(host="absent.invalid"), "secret"))


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"])
def test_what_is_no_mariadb_is_told(address: MariadbAddress, greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            with other.accept()[0] as client:
                client.sendall(greeting)
                with suppress(OSError):
                    client.recv(1)

        answering = threading.Thread(target=greet)
        answering.start()
        message = refusal(MariadbAddress(address.url.set(port=other.getsockname()[1]), "secret"))
        answering.join()
    assert "Check host and port in `url`" in message


# TLS


def test_with_the_authority_the_connection_is_encrypted(mariadb_server: Server, address: MariadbAddress) -> None:
    with opened(MariadbAddress(address.url, address.password, mariadb_server.ca)) as database:
        assert database.connection.run("SHOW STATUS LIKE 'Ssl_cipher'")[0][1]
    with opened(address) as database:
        assert not database.connection.run("SHOW STATUS LIKE 'Ssl_cipher'")[0][1]


def test_a_certificate_for_another_host_is_refused(mariadb_server: Server, address: MariadbAddress) -> None:
    message = refusal(MariadbAddress(address.url.set(host="127.1"), address.password, mariadb_server.ca))
    assert "certificate is not valid for '127.1'" in message
    assert "Check that `ca`" in message


def test_a_certificate_of_another_authority_is_refused(address: MariadbAddress) -> None:
    import certifi

    message = refusal(MariadbAddress(address.url, address.password, Path(certifi.where())))
    assert "Check that `ca`" in message


def test_an_authority_that_is_not_there_is_told(address: MariadbAddress, tmp_path: Path) -> None:
    message = refusal(MariadbAddress(address.url, address.password, tmp_path / "absent.pem"))
    assert "absent.pem: No such file or directory. Check that `ca`" in message


def test_an_account_that_must_use_tls_is_told_what_to_set(mariadb_server: Server, address: MariadbAddress) -> None:
    name = f"tls_{address.database}"[:32]
    mariadb_server.ask(f"CREATE USER {name}@'%' IDENTIFIED BY 'secret' REQUIRE SSL")
    mariadb_server.ask(f"GRANT ALL ON `{address.database}`.* TO {name}@'%'")
    try:
        account = address.url.set(username=name)
        assert "for an account that must use TLS, `ca`" in refusal(MariadbAddress(account, "secret"))
        with opened(MariadbAddress(account, "secret", mariadb_server.ca)):
            pass
    finally:
        mariadb_server.ask(f"DROP USER {name}@'%'")


# Transactions


def test_work_is_committed(database: MariadbDatabase, address: MariadbAddress) -> None:
    assert database.in_transaction(lambda connection: connection.count("UPDATE t SET b = 7")) == 2
    database.close()
    with opened(address) as later:
        assert later.connection.run("SELECT b FROM t") == [(7,), (7,)]


def test_an_error_of_the_work_itself_rolls_back_and_is_raised(database: MariadbDatabase) -> None:
    tries = []

    def work(connection: MariadbConnection) -> None:
        tries.append(1)
        connection.run("UPDATE t SET b = 7")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.in_transaction(work)
    assert (len(tries), database.connection.run("SELECT b FROM t")) == (1, [(0,), (0,)])


def test_a_statement_that_the_server_refuses_is_not_tried_again(database: MariadbDatabase) -> None:
    tries = []

    def work(connection: MariadbConnection) -> None:
        tries.append(1)
        connection.run("SELECT * FROM absent")

    with pytest.raises(MothershipUnavailable, match="absent' doesn't exist"):
        database.in_transaction(work)
    assert len(tries) == 1


def test_a_deadlock_is_resolved_by_doing_it_again(database: MariadbDatabase, address: MariadbAddress) -> None:
    """Another session, with more at stake, locks row 2 and then wants row 1, which we have locked."""
    tries = []
    with opened(address_of_other(address)) as elsewhere:
        other = elsewhere.connection
        table = f'"{address.database}".t'
        other.run("BEGIN")
        other.run(f"INSERT INTO {table} SELECT seq, 0 FROM seq_100_to_300")
        other.run(f"UPDATE {table} SET b = b + 10 WHERE a = 2")
        wanting: list[threading.Thread] = []

        def want_and_commit() -> None:
            other.run(f"UPDATE {table} SET b = b + 10 WHERE a = 1")
            other.run("COMMIT")

        def work(connection: MariadbConnection) -> None:
            tries.append(1)
            connection.run("UPDATE t SET b = b + 1 WHERE a = 1")
            if not wanting:
                wanting.append(threading.Thread(target=want_and_commit))
                wanting[0].start()
            connection.run("UPDATE t SET b = b + 1 WHERE a = 2")

        database.in_transaction(work)
        wanting[0].join()
    assert len(tries) > 1
    assert database.connection.run("SELECT b FROM t WHERE a <= 2") == [(11,), (11,)]


def address_of_other(address: MariadbAddress) -> MariadbAddress:
    """Return a database that another writer may hold at the same time."""
    return MariadbAddress(address.url.set(database="mysql"), address.password)


def test_a_lost_connection_does_the_whole_again_with_the_lock(
    database: MariadbDatabase, mariadb_server: Server, address: MariadbAddress
) -> None:
    sessions = []

    def work(connection: MariadbConnection) -> None:
        sessions.append(connection.count("SELECT CONNECTION_ID()"))
        connection.run("UPDATE t SET b = b + 1")
        if len(sessions) == 1:
            kill(mariadb_server, connection)
        connection.run("UPDATE t SET b = b + 1")
        with pytest.raises(MothershipBusy):
            MariadbDatabase(address, "other", MariadbLimits(lock_seconds=0)).open()

    database.in_transaction(work)
    assert len(set(sessions)) == 2
    assert database.connection.run("SELECT b FROM t") == [(2,), (2,)]


def test_a_connection_that_is_lost_between_transactions_is_replaced(
    database: MariadbDatabase, mariadb_server: Server
) -> None:
    kill(mariadb_server, database.connection)
    assert database.in_transaction(lambda connection: connection.count("SELECT count(*) FROM t")) == 2


def test_another_writer_that_took_the_lock_meanwhile_is_not_disturbed(
    database: MariadbDatabase, mariadb_server: Server, address: MariadbAddress
) -> None:
    kill(mariadb_server, database.connection)
    with opened(address, "other") as other:
        with pytest.raises(MothershipBusy):
            database.in_transaction(lambda connection: connection.count("SELECT 1"))
        assert other.connection.count("SELECT count(*) FROM t") == 2


def test_a_commit_whose_answer_is_lost_lets_the_work_look_again(
    mariadb_server: Server, database: MariadbDatabase, address: MariadbAddress
) -> None:
    database.close()
    seen = []
    with between(mariadb_server.host, mariadb_server.port) as way:

        def work(connection: MariadbConnection) -> None:
            seen.append(connection.run("SELECT b FROM t WHERE a = 1"))
            if seen[-1] == [(0,)]:
                connection.run("UPDATE t SET b = 1 WHERE a = 1")
                way.to_server = lose_the_answer_to(b"COMMIT", way)

        with opened(MariadbAddress(address.url.set(port=way.port), address.password)) as writer:
            writer.in_transaction(work)
    assert seen == [[(0,)], [(1,)]]


def lose_the_answer_to(statement: bytes, way: Between) -> Callable[[bytes], bytes]:
    def look(data: bytes) -> bytes:
        if statement in data:
            way.to_server = bytes
            way.to_client = cut
        return data

    def cut(data: bytes) -> bytes:
        way.to_client = bytes
        way.cut()
        return data

    return look


def test_the_lock_of_a_connection_that_the_server_takes_for_alive_comes_free(
    mariadb_server: Server, database: MariadbDatabase, address: MariadbAddress
) -> None:
    """As after a network that went away without a word: the server would hold lock and rows for minutes."""
    database.close()
    tries = []
    with between(mariadb_server.host, mariadb_server.port) as way:

        def work(connection: MariadbConnection) -> None:
            tries.append(1)
            connection.run("UPDATE t SET b = b + 1")
            if len(tries) == 1:
                way.cut(server_notices=False)
            connection.run("UPDATE t SET b = b + 1")

        with opened(MariadbAddress(address.url.set(port=way.port), address.password)) as writer:
            writer.in_transaction(work)
            assert writer.connection.run("SELECT b FROM t") == [(2,), (2,)]


def test_a_server_that_comes_back_is_waited_for_and_one_that_does_not_is_told(
    mariadb_server: Server, tmp_path: Path
) -> None:
    with throwaway(tmp_path / "server") as server:
        server.server.ask("CREATE DATABASE mothership")
        tries = []

        def work(connection: MariadbConnection) -> None:
            tries.append(1)
            connection.run("INSERT INTO t VALUES (1)")
            if len(tries) == 1:
                server.kill()
                threading.Timer(0.5, server.start).start()
            connection.run("INSERT INTO t VALUES (2)")

        with opened(address_of(server.url("mothership")), limits=MariadbLimits()) as database:
            database.connection.run("CREATE TABLE t (a INT)")
            database.in_transaction(work)
            assert database.connection.run("SELECT a FROM t ORDER BY a") == [(1,), (2,)]
        with opened(address_of(server.url("mothership")), limits=MariadbLimits(tries=2)) as database:
            server.kill()
            with pytest.raises(MothershipUnavailable, match="could not write to mariadb://admin@"):
                database.in_transaction(lambda connection: connection.run("SELECT 1"))


# Changes of tables


def test_a_table_that_a_reader_holds_is_not_changed_and_the_reader_is_named(
    database: MariadbDatabase, address: MariadbAddress
) -> None:
    with opened(address_of_other(address)) as elsewhere:
        reader = elsewhere.connection
        reader.run("BEGIN")
        reader.run(f'SELECT * FROM "{address.database}".t')
        number = reader.count("SELECT CONNECTION_ID()")
        with pytest.raises(MothershipUnavailable, match=rf"In its way may be .*connection {number} \(admin@"):
            ddl(database.connection, "ALTER TABLE {table} ADD COLUMN c INT", retry_seconds=0, table="t")
        threading.Timer(0.3, lambda: reader.run("COMMIT")).start()
        ddl(database.connection, "ALTER TABLE {table} ADD COLUMN c INT", table="t")
    assert database.connection.run("SELECT c FROM t") == [(None,), (None,)]


def test_new_readers_do_not_wait_behind_a_change_that_waits(database: MariadbDatabase, address: MariadbAddress) -> None:
    table = f'"{address.database}".t'
    with opened(address_of_other(address)) as elsewhere, opened(address_of_third(address)) as analyst:
        elsewhere.connection.run("BEGIN")
        elsewhere.connection.run(f"SELECT * FROM {table}")
        changing = threading.Thread(
            target=lambda: ddl(database.connection, "ALTER TABLE {table} ADD COLUMN c INT", table="t")
        )
        changing.start()
        analyst.connection.run("SET lock_wait_timeout = 0")
        for _ in range(50):
            assert analyst.connection.count(f"SELECT count(*) FROM {table}") == 2
            time.sleep(0.01)
        elsewhere.connection.run("COMMIT")
        changing.join()


def address_of_third(address: MariadbAddress) -> MariadbAddress:
    return MariadbAddress(address.url.set(database="information_schema"), address.password)


def test_a_change_that_the_server_refuses_is_told_at_once(database: MariadbDatabase) -> None:
    with pytest.raises(MothershipUnavailable, match="Duplicate column name 'b'"):
        ddl(database.connection, "ALTER TABLE {table} ADD COLUMN b INT", table="t")


def test_a_change_whose_connection_is_lost_is_made_again(database: MariadbDatabase, mariadb_server: Server) -> None:
    tries = []

    def work(connection: MariadbConnection) -> None:
        tries.append(1)
        if len(tries) == 1:
            kill(mariadb_server, connection)
        ddl(connection, "ALTER TABLE {table} ADD COLUMN {column} INT", table="t", column="c")

    database.persistently(work)
    assert database.connection.run("SELECT c FROM t LIMIT {few}", few=Fragment("1")) == [(None,)]
