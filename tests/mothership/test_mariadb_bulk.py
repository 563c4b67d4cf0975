"""Bulk: what arrives in a table is what was sent, by either way, or nothing arrives and somebody is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mariadb_between import between
from mariadb_kinds import KINDS
from sqlalchemy import make_url

from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.bulk import load
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import LoadRefused, is_lost
from federation.mothership.mariadb.session import WRITER, engine
from federation.mothership.sql import Fragment
from tests.services.mariadb import Instance, Server, fresh_database, throwaway
from tests.services.service import for_test

DAY = 86_400_000_000
NASTY = [
    "",
    "NULL",
    "null",
    "\\N",
    "\\",
    '"',
    '""',
    "'",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    " ",
    "\x1a",
    "\ufeff",
    "😀",
]


def decimals(digits: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda number: Decimal(f"{number}e-9"))


VALUES = {
    TEXT: st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.sampled_from(NASTY)).map("".join),
    INTEGER: st.integers(-(2**63), 2**63 - 1),
    FLAG: st.integers(-128, 127),
    DATE: st.dates(),
    TIME: st.integers(0, DAY - 1),
    DATETIME: st.datetimes(),
    MONEY: decimals(21),
    WIDE_NUMBER: decimals(38),
}
ROWS = st.lists(st.tuples(*(st.none() | values for values in VALUES.values())), min_size=1, max_size=30)
COLUMNS = [f"c{number}" for number in range(len(KINDS))]
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def connected(url: str, **other: object) -> MariadbConnection:
    parts = make_url(url)
    address = MariadbAddress(parts.set(password=None, **other), parts.password or "")
    return MariadbConnection(engine(address, WRITER, seconds=10, loads=True).connect(), address.place)


@pytest.fixture(scope="module")
def without_infile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A server that takes no files, only small packets, and keeps to itself what it cuts."""
    folder = tmp_path_factory.mktemp("without_infile")
    with for_test(lambda: throwaway(folder, "--local-infile=0", "--max-allowed-packet=16M")) as instance:
        instance.server.ask("SET GLOBAL sql_notes = 0")
        yield instance


@pytest.fixture(params=["by file", "by statements"])
def connection(request: pytest.FixtureRequest) -> Iterator[MariadbConnection]:
    """A connection to an empty database of a server that takes files, and of one that doesn't."""
    if request.param == "by file":
        made = connected(request.getfixturevalue("mariadb_url"))
        assert made.local_infile
        yield made
        made.close()
    else:
        database = fresh_database(request.getfixturevalue("without_infile").server)
        made = connected(database.url)
        assert not made.local_infile
        yield made
        made.close()
        database.drop()


@pytest.fixture
def by_file(mariadb_url: str) -> Iterator[MariadbConnection]:
    made = connected(mariadb_url)
    yield made
    made.close()


@pytest.fixture
def bench() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as opened:
        opened.execute("SET enable_progress_bar = false")
        yield opened


@contextmanager
def nothing_left() -> Iterator[None]:
    """No thread and no file descriptor is left of what is done meanwhile."""
    threads, files = set(threading.enumerate()), sorted(map(str, Path("/proc/self/fd").iterdir()))
    yield
    assert set(threading.enumerate()) == threads
    assert sorted(map(str, Path("/proc/self/fd").iterdir())) == files


def text_table(connection: MariadbConnection, kind: str = "LONGTEXT") -> None:
    connection.run("CREATE TABLE t (a {kind} COLLATE utf8mb4_nopad_bin)", kind=Fragment(kind))


def refusal(connection: MariadbConnection, bench: duckdb.DuckDBPyConnection, select: str, rows: int = 1) -> LoadRefused:
    """Return why the rows are refused, in a transaction that is rolled back."""
    columns = [name for name, *_ in connection.run("SHOW COLUMNS FROM t")]
    before = connection.run("SELECT * FROM t")
    with nothing_left(), pytest.raises(LoadRefused) as caught, connection.transaction():
        load(connection, bench, select, "t", columns, rows=rows, replace=False)
    assert connection.run("SELECT * FROM t") == before
    assert caught.value.table == "t"
    return caught.value


# What arrives


@given(rows=ROWS)
@FEW
def test_every_value_of_the_contract_arrives_as_it_is(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection, rows: Sequence[tuple[object, ...]]
) -> None:
    kinds = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, KINDS.values(), strict=True))
    connection.run("CREATE OR REPLACE TEMPORARY TABLE t (n INT PRIMARY KEY, {kinds})", kinds=Fragment(kinds))
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), KINDS, strict=True)]
    bench.register("sent", pa.table([pa.array(range(len(rows)), pa.int32()), *arrays], names=["n", *COLUMNS]))
    load(connection, bench, "SELECT * FROM sent", "t", ["n", *COLUMNS], rows=len(rows), replace=False)
    # Of times Python knows only those of a day, and of the server's type more than that.
    time_of_day = COLUMNS[list(KINDS).index(TIME)]
    expected = [
        tuple(
            timedelta(microseconds=value) if name == time_of_day and isinstance(value, int) else value
            for name, value in zip(COLUMNS, row, strict=True)
        )
        for row in rows
    ]
    assert connection.run("SELECT {columns} FROM t ORDER BY n", columns=COLUMNS) == expected


@given(texts=st.lists(VALUES[TEXT] | st.none(), min_size=1, max_size=20))
@FEW
def test_texts_that_are_whole_rows_arrive_as_they_are(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection, texts: list[str | None]
) -> None:
    connection.run("CREATE OR REPLACE TEMPORARY TABLE t (a LONGTEXT)")
    bench.register("sent", pa.table({"a": pa.array(texts, TEXT)}))
    load(connection, bench, "SELECT a FROM sent", "t", ["a"], rows=len(texts), replace=False)
    key = lambda text: (text is not None, text)  # noqa: E731
    assert sorted((text for (text,) in connection.run("SELECT a FROM t")), key=key) == sorted(texts, key=key)


def test_extremes_arrive_as_they_are(connection: MariadbConnection, bench: duckdb.DuckDBPyConnection) -> None:
    least = (
        -(2**63),
        -128,
        date(1, 1, 1),
        0,
        datetime.fromisoformat("0001-01-01"),
        Decimal("-999999999999.999999999"),
    )
    most = (
        2**63 - 1,
        127,
        date(9999, 12, 31),
        DAY - 1,
        datetime.fromisoformat("9999-12-31T23:59:59.999999"),
        -least[-1],
    )
    kinds = (INTEGER, FLAG, DATE, TIME, DATETIME, MONEY)
    names = COLUMNS[: len(kinds)]
    connection.run(
        "CREATE TABLE t ({columns})",
        columns=Fragment(", ".join(f"{name} {KINDS[kind]}" for name, kind in zip(names, kinds, strict=True))),
    )
    arrays = [pa.array(values, kind) for values, kind in zip(zip(least, most, strict=True), kinds, strict=True)]
    bench.register("sent", pa.table(arrays, names=names))
    load(connection, bench, "SELECT * FROM sent", "t", names, rows=2, replace=False)
    assert connection.run("SELECT * FROM t ORDER BY c0") == [
        (*least[:3], timedelta(0), *least[4:]),
        (*most[:3], timedelta(microseconds=DAY - 1), *most[4:]),
    ]


def test_a_text_of_ten_megabytes_arrives_whole(connection: MariadbConnection, bench: duckdb.DuckDBPyConnection) -> None:
    text_table(connection)
    texts = ["x\"'\n\\" * 2_000_000 + str(number) for number in range(3)]
    bench.register("sent", pa.table({"a": texts}))
    load(connection, bench, "SELECT a FROM sent", "t", ["a"], rows=3, replace=False)
    assert [text for (text,) in connection.run("SELECT a FROM t ORDER BY right(a, 1)")] == texts


def test_many_rows_arrive_in_tables_and_columns_of_any_name(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection
) -> None:
    table, columns = 'a "table" `of` 100%s', ['"%(x)s"', "$y {z}", "order`"]
    connection.run(
        "CREATE TEMPORARY TABLE {table} ({one} INT PRIMARY KEY, {two} TEXT, {three} DATE)",
        table=table,
        one=columns[0],
        two=columns[1],
        three=columns[2],
    )
    select = "SELECT n, repeat('y', 100), DATE '2024-01-01' + n::INTEGER % 365 FROM range(50000) AS many(n)"
    with nothing_left(), connection.transaction():
        load(connection, bench, select, table, columns, rows=50_000, replace=False)
    ask = "SELECT count(*), sum(length({two})), max({three}) FROM {table}"
    answer = connection.run(ask, table=table, two=columns[1], three=columns[2])
    assert answer == [(50_000, 5_000_000, date(2024, 12, 30))]


def test_no_rows_arrive_too(connection: MariadbConnection, bench: duckdb.DuckDBPyConnection) -> None:
    text_table(connection)
    load(connection, bench, "SELECT 'x' WHERE false", "t", ["a"], rows=0, replace=False)
    assert connection.count("SELECT count(*) FROM t") == 0


def test_rows_take_the_place_of_those_with_their_key_when_asked_to(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection
) -> None:
    connection.run("CREATE TABLE t (a INT PRIMARY KEY, b TEXT)")
    connection.insert("t", ["a", "b"], [(1, "old"), (2, "old")])
    select = "SELECT n, 'new' FROM range(2, 4) AS rows_(n)"
    load(connection, bench, select, "t", ["a", "b"], rows=2, replace=True)
    assert connection.run("SELECT * FROM t ORDER BY a") == [(1, "old"), (2, "new"), (3, "new")]


# What is refused


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("VARCHAR(3)", "'four'"),
        ("VARCHAR(3)", "'sp     '"),
        ("TINYINT", "300"),
        ("BIGINT", "99999999999999999999::HUGEINT"),
        ("DECIMAL(21,9)", "1234567890123"),
        ("DECIMAL(21,2)", "1.005::DECIMAL(21,9)"),
        ("DATE", "DATE '10000-01-01'"),
        ("DATE", "DATE '0044-03-15 (BC)'"),
        ("DATE", "TIMESTAMP '2024-01-01 10:00:00'"),
        ("DATETIME(6)", "'infinity'::TIMESTAMP"),
        ("INT", "'secret-text'"),
        ("INT NOT NULL", "NULL"),
    ],
)
def test_a_value_that_would_be_changed_is_refused_with_table_and_column(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection, kind: str, value: str
) -> None:
    connection.run("CREATE TABLE t ({column} {kind})", column='my "col%', kind=Fragment(kind))
    error = refusal(connection, bench, f"SELECT {value}")
    assert error.column == 'my "col%'
    assert str(error).startswith('The server does not take the rows for column my "col% of t as they are: ')
    assert "secret-text" not in str(error)


def test_a_key_that_is_there_or_comes_twice_is_refused(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection
) -> None:
    connection.run("CREATE TABLE t (a INT PRIMARY KEY)")
    connection.run("INSERT INTO t VALUES (5)")
    assert "Duplicate entry '5'" in refusal(connection, bench, "SELECT n FROM range(10) AS rows_(n)", 10).reason
    assert "Duplicate entry '1'" in refusal(connection, bench, "SELECT 1 FROM range(2)", 2).reason


def test_another_number_of_rows_than_expected_is_refused(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection
) -> None:
    text_table(connection)
    assert refusal(connection, bench, "SELECT 'x' FROM range(3)", 4).reason == "3 rows arrived where 4 were expected"


def test_a_row_longer_than_a_packet_may_be_is_refused_with_what_to_do(
    without_infile: Instance, bench: duckdb.DuckDBPyConnection
) -> None:
    database = fresh_database(without_infile.server)
    connection = connected(database.url)
    text_table(connection)
    error = refusal(connection, bench, "SELECT repeat('x', 20000000)")
    assert "raise it, or set its `local_infile` to 1" in error.reason
    connection.close()
    database.drop()


# What goes wrong on the way


@pytest.mark.parametrize("at", [0, 1, 40_000])
def test_a_select_that_fails_is_told_as_what_it_is_and_nothing_arrives(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection, at: int
) -> None:
    text_table(connection)
    select = (
        f"SELECT CASE WHEN n = {at} THEN error('the lake is dry') ELSE repeat('x', 200) END FROM range(50000) AS m(n)"
    )
    with nothing_left(), pytest.raises(duckdb.Error, match="the lake is dry"), connection.transaction():
        load(connection, bench, select, "t", ["a"], rows=50_000, replace=False)
    assert connection.count("SELECT count(*) FROM t") == 0
    assert bench.execute("SELECT 1").fetchall() == [(1,)]


def test_a_statement_that_the_server_refuses_at_once_ends_both_sides(
    connection: MariadbConnection, bench: duckdb.DuckDBPyConnection
) -> None:
    endless = "SELECT repeat('x', 1000) FROM range(1000000000)"
    with nothing_left(), pytest.raises(pymysql.err.ProgrammingError, match="doesn't exist"):
        load(connection, bench, endless, "absent", ["a"], rows=1, replace=False)
    assert connection.count("SELECT 1") == 1
    assert bench.execute("SELECT 1").fetchall() == [(1,)]


def test_a_connection_that_is_killed_in_the_middle_is_a_lost_connection(
    mariadb_server: Server, by_file: MariadbConnection, bench: duckdb.DuckDBPyConnection
) -> None:
    text_table(by_file)
    killing = threading.Timer(0.3, mariadb_server.ask, [f"KILL {by_file.count('SELECT CONNECTION_ID()')}"])
    killing.start()
    with pytest.raises(pymysql.err.Error) as caught, by_file.transaction():
        load(by_file, bench, "SELECT repeat('x', 1000) FROM range(200000)", "t", ["a"], rows=200000, replace=False)
    assert is_lost(caught.value)
    killing.join()
    assert bench.execute("SELECT 1").fetchall() == [(1,)]
    assert mariadb_server.ask(f"SELECT count(*) FROM `{by_file.place.rpartition('/')[2]}`.t") == [(0,)]


def test_a_server_that_dies_in_the_middle_is_a_lost_connection(
    tmp_path: Path, bench: duckdb.DuckDBPyConnection
) -> None:
    with for_test(lambda: throwaway(tmp_path / "server")) as server:
        server.server.ask("CREATE DATABASE mothership")
        connection = connected(server.url("mothership"))
        text_table(connection)
        assert connection.local_infile
        killing = threading.Timer(0.5, server.kill)
        killing.start()
        endless = "SELECT repeat('x', 1000) FROM range(1000000000)"
        before = set(threading.enumerate()) - {killing}
        with pytest.raises(pymysql.err.Error) as caught, connection.transaction():
            load(connection, bench, endless, "t", ["a"], rows=1, replace=False)
        assert is_lost(caught.value)
        killing.join()
        assert set(threading.enumerate()) == before
        connection.close()
    assert bench.execute("SELECT 1").fetchall() == [(1,)]


def test_a_server_that_asks_for_another_file_gets_none(
    mariadb_server: Server, mariadb_url: str, bench: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with between(mariadb_server.host, mariadb_server.port) as way:
        connection = connected(mariadb_url, port=way.port)
        text_table(connection)
        assert connection.local_infile

        def ask_for_another(data: bytes) -> bytes:
            return data.replace(b"\xfb/dev/fd/", b"\xfb/etc/ho/")

        way.to_client = ask_for_another
        with pytest.raises(pymysql.err.Error, match="the server asked for a file that it wasn't offered"):
            load(connection, bench, "SELECT 'x'", "t", ["a"], rows=1, replace=False)
        connection.close()
