"""The connection: statements go to the server as they are meant, and what comes back is what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal

import pytest
import sqlalchemy.exc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import SERVER_ERRORS, is_lost
from federation.mothership.mariadb.session import WRITER, engine
from federation.mothership.sql import Fragment

NO_SURROGATES = st.characters(exclude_categories=["Cs"])
TEXTS = st.text(NO_SURROGATES) | st.sampled_from(
    ["'", "\\", "\\'", '"', "%", "%s", "%(a)s", "$a", "{a}", "\0", "😀", ""]
)


def connected(url: str) -> MariadbConnection:
    parts = make_url(url)
    address = MariadbAddress(parts.set(password=None), parts.password or "")
    return MariadbConnection(engine(address, WRITER, seconds=10).connect(), address.place)


@pytest.fixture
def connection(mariadb_url: str) -> Iterator[MariadbConnection]:
    made = connected(mariadb_url)
    yield made
    made.close()


@pytest.fixture
def other(mariadb_url: str) -> Iterator[MariadbConnection]:
    made = connected(mariadb_url)
    yield made
    made.close()


@given(text=TEXTS, other_text=TEXTS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bound_text_arrives_as_it_is(connection: MariadbConnection, text: str, other_text: str) -> None:
    rows = connection.run("SELECT $one, '100 %', $two", {"one": text, "two": other_text})
    assert rows == [(text, "100 %", other_text)]


def test_values_keep_their_types(connection: MariadbConnection) -> None:
    values = {
        "number": -(2**63),
        "money": Decimal("-999999999999.999999999"),
        "day": date(1, 1, 1),
        "instant": datetime.fromisoformat("9999-12-31T23:59:59.999999"),
        "nothing": None,
        "raw": b"\x00\xff'\\",
    }
    connection.run(
        "CREATE TABLE t (number BIGINT, money DECIMAL(21,9), day DATE, instant DATETIME(6), nothing TEXT, raw BLOB)"
    )
    connection.run("INSERT INTO t VALUES ($number, $money, $day, $instant, $nothing, $raw)", values)
    assert connection.run("SELECT * FROM t") == [tuple(values.values())]


def test_a_statement_without_values_is_taken_literally(connection: MariadbConnection) -> None:
    assert connection.run("SELECT date_format('2024-02-03', '%Y %%'), '$x'") == [("2024 %", "$x")]


def test_percent_signs_in_names_and_fragments_stay_with_values_and_without(connection: MariadbConnection) -> None:
    connection.run("CREATE TABLE {table} ({column} INT)", table='odd "100%s', column="a%(b)s")
    connection.insert('odd "100%s', ["a%(b)s"], [(1,), (2,)])
    select = "SELECT {column} FROM {table} WHERE {always} AND {column} > "
    parts = {"table": 'odd "100%s', "column": "a%(b)s", "always": Fragment("'5 %' = '5 %'")}
    assert connection.run(select + "1", **parts) == [(2,)]
    assert connection.run(select + "$least", {"least": 1}, **parts) == [(2,)]


def test_counts_are_of_rows_found_also_where_nothing_changed(connection: MariadbConnection) -> None:
    connection.run("CREATE TABLE t (a INT)")
    connection.insert("t", ["a"], [(1,), (1,), (2,)])
    assert connection.count("UPDATE t SET a = 1 WHERE a = 1") == 2
    assert connection.count("DELETE FROM t WHERE a = $a", {"a": 2}) == 1
    assert connection.count("SELECT count(*) FROM t") == 2


def test_a_transaction_takes_place_as_a_whole_or_not_at_all(
    connection: MariadbConnection, other: MariadbConnection
) -> None:
    connection.run("CREATE TABLE t (a INT)")
    with connection.transaction():
        connection.insert("t", ["a"], [(1,)])
        assert other.count("SELECT count(*) FROM t") == 0
    assert other.count("SELECT count(*) FROM t") == 1
    with pytest.raises(ZeroDivisionError):
        fail_after(connection, lambda: connection.insert("t", ["a"], [(2,)]))
    assert connection.run("SELECT a FROM t") == [(1,)]
    assert connection.count("SELECT @@in_transaction") == 0


def test_a_statement_outside_of_a_transaction_is_one_of_its_own(
    connection: MariadbConnection, other: MariadbConnection
) -> None:
    connection.run("CREATE TABLE t (a INT)")
    connection.run("INSERT INTO t VALUES (1)")
    assert other.count("SELECT count(*) FROM t") == 1


def test_an_error_within_a_transaction_is_told_also_when_the_connection_is_gone(
    connection: MariadbConnection, other: MariadbConnection
) -> None:
    number = Fragment(connection.count("SELECT CONNECTION_ID()"))
    with pytest.raises(ZeroDivisionError):
        fail_after(connection, lambda: other.run("KILL {number}", number=number))


def fail_after(connection: MariadbConnection, work: Callable[[], object]) -> None:
    with connection.transaction():
        work()
        raise ZeroDivisionError


def test_a_lost_session_stays_lost(connection: MariadbConnection, other: MariadbConnection) -> None:
    """Another one in its place would not have the writer's lock."""
    other.run("KILL {number}", number=Fragment(connection.count("SELECT CONNECTION_ID()")))
    for _ in range(3):
        with pytest.raises(SERVER_ERRORS) as caught:
            connection.run("SELECT 1")
        assert is_lost(caught.value)
    assert not connection.raw.open


def test_the_session_speaks_our_sql(connection: MariadbConnection) -> None:
    assert connection.run("""SELECT '\\' || 'x', 1 AS "rows" """) == [("\\x", 1)]
    assert connection.run("SELECT timestampdiff(SECOND, utc_timestamp(), now())") == [(0,)]
    assert connection.run("SELECT 'a' = 'a ', 'a' = 'A', 'ä' = 'a'") == [(0, 0, 0)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("INT", "'1x'"), ("VARCHAR(2)", "'abc'"), ("DATE", "'0000-00-00'"), ("DATE", "'2024-00-01'"), ("TINYINT", "128")],
)
def test_a_value_that_does_not_fit_is_refused(connection: MariadbConnection, kind: str, value: str) -> None:
    connection.run("CREATE TABLE t (a {kind})", kind=Fragment(kind))
    with pytest.raises(sqlalchemy.exc.DBAPIError):
        connection.run("INSERT INTO t VALUES ({value})", value=Fragment(value))
    assert connection.count("SELECT count(*) FROM t") == 0


def test_values_do_not_get_into_the_text_of_errors(connection: MariadbConnection) -> None:
    with pytest.raises(sqlalchemy.exc.DBAPIError) as caught:
        connection.run("SELECT $secret FROM absent", {"secret": "hush"})
    assert "hush" not in str(caught.value)
