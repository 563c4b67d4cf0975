"""The reader: analysts get what is there, typed and streamed, and can do nothing but read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mariadb_between import between
from mariadb_kinds import KINDS
from sqlalchemy import make_url

from federation.contract.fieldtypes import MONEY
from federation.mothership.errors import MothershipUnavailable, QueryFailed
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.bulk import load
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.ddl import ddl
from federation.mothership.mariadb.reader import MariadbReader
from federation.mothership.mariadb.session import WRITER, engine
from federation.mothership.sql import Fragment
from federation.mothership.system_tables import FRESHNESS, TABLE
from tests.services.mariadb import Server

COLUMNS = [f"c{number}" for number in range(len(KINDS))]
MANY = (
    "WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 199) "
    "SELECT a.i * 200 + b.i AS number FROM n AS a, n AS b"
)


def decimals(digits: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda number: Decimal(f"{number}e-9"))


ROWS = st.lists(
    st.tuples(
        *(
            st.none() | values
            for values in (
                st.text(st.characters(exclude_categories=["Cs"])),
                st.integers(-(2**63), 2**63 - 1),
                st.integers(-128, 127),
                st.dates(),
                st.times(),
                st.datetimes(),
                decimals(21),
                decimals(38),
            )
        )
    ),
    min_size=1,
    max_size=20,
)


@pytest.fixture
def address(mariadb_url: str) -> MariadbAddress:
    parts = make_url(mariadb_url)
    return MariadbAddress(parts.set(password=None), parts.password or "")


@pytest.fixture
def writer(address: MariadbAddress) -> Iterator[MariadbConnection]:
    made = MariadbConnection(engine(address, WRITER, seconds=10, loads=True).connect(), address.place)
    made.run("CREATE TABLE t (a INT PRIMARY KEY, b DECIMAL(21,9), c VARCHAR(140))")
    made.insert("t", ["a", "b", "c"], [(1, Decimal("0.1"), "x"), (2, Decimal("0.2"), None)])
    yield made
    made.close()


@pytest.fixture
def reader(address: MariadbAddress, writer: MariadbConnection) -> Iterator[MariadbReader]:
    with MariadbReader(address) as opened:
        yield opened


@pytest.fixture
def bench() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


# Values


@given(rows=ROWS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_come_back_as_they_were_loaded(
    reader: MariadbReader,
    writer: MariadbConnection,
    bench: duckdb.DuckDBPyConnection,
    rows: list[tuple[object, ...]],
) -> None:
    writer.run("DROP TABLE IF EXISTS loaded")
    kinds = Fragment(", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, KINDS.values(), strict=True)))
    writer.run("CREATE TABLE loaded ({kinds}, n INT PRIMARY KEY)", kinds=kinds)
    arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), KINDS, strict=True)]
    sent = pa.table([*arrays, pa.array(range(len(rows)), pa.int32())], names=[*COLUMNS, "n"])
    bench.register("sent", sent)
    load(writer, bench, "SELECT * FROM sent", "loaded", sent.column_names, rows=len(rows), replace=False)
    assert reader.query("SELECT * FROM loaded ORDER BY n").read_all() == sent


def test_decimals_are_exact_also_in_sums(reader: MariadbReader) -> None:
    table = reader.query("SELECT sum(b) AS total, b + 1 AS more FROM t GROUP BY b ORDER BY b").read_all()
    assert table.schema.field("total").type == pa.decimal128(38, 9)
    assert table.column("total").to_pylist() == [Decimal("0.100000000"), Decimal("0.200000000")]
    assert table.column("more").to_pylist() == [Decimal("1.100000000"), Decimal("1.200000000")]


def test_every_type_of_the_server_has_its_arrow_type(reader: MariadbReader, writer: MariadbConnection) -> None:
    writer.run(
        "CREATE TABLE kinds (a TINYINT UNSIGNED, b SMALLINT, c MEDIUMINT, d INT UNSIGNED, e BIGINT UNSIGNED, f FLOAT, "
        "g DOUBLE, h YEAR, i TIMESTAMP(6) NULL, j VARBINARY(9), k ENUM('x','y'), l JSON, m DECIMAL(10,0) UNSIGNED)"
    )
    writer.run(
        "INSERT INTO kinds VALUES (255, -32768, -8388608, 4294967295, 18446744073709551615, 0.5, 0.1, 2155, "
        "'2024-02-29 10:00:00.5', X'00ff', 'y', '[1]', 9999999999)"
    )
    table = reader.query("SELECT *, NULL AS n FROM kinds").read_all()
    types = ["uint8", "int16", "int32", "uint32", "uint64", "float", "double", "int16", "timestamp[us]", "binary"]
    assert [str(kind) for kind in table.schema.types] == [*types, "string", "string", "decimal128(10, 0)", "null"]
    instant = datetime(2024, 2, 29, 10, 0, 0, 500_000, tzinfo=UTC).replace(tzinfo=None)
    numbers = [255, -32768, -8388608, 4294967295, 18446744073709551615, 0.5, 0.1, 2155]
    assert list(table.to_pylist()[0].values()) == [
        *numbers,
        instant,
        b"\x00\xff",
        "y",
        "[1]",
        Decimal(9999999999),
        None,
    ]


@pytest.mark.parametrize("value", ["TIME '30:00:00'", "TIME '-01:00:00'", "CAST(1e64 AS DECIMAL(65,0))"])
def test_a_value_that_arrow_has_no_place_for_is_refused_with_its_column(reader: MariadbReader, value: str) -> None:
    with pytest.raises(QueryFailed, match=r"a value of its column `odd` is no .*CAST the column to CHAR"):
        reader.query(f"SELECT {value} AS odd").read_all()
    assert reader.query(f"SELECT CAST({value} AS CHAR) AS odd").read_all().num_rows == 1


def test_the_same_sql_means_the_same_on_both_databases(reader: MariadbReader, bench: duckdb.DuckDBPyConnection) -> None:
    bench.execute("CREATE TABLE t (a INTEGER, b DECIMAL(21,9), c VARCHAR)")
    bench.execute("INSERT INTO t VALUES (1, 0.1, 'x'), (2, 0.2, NULL)")
    sql = """
        WITH named AS (SELECT a, c || '\\' || '"' AS "rows", DATE '2024-01-01' AS day FROM t WHERE c IS NOT NULL)
        SELECT "rows", day, CAST(a AS DECIMAL(21,9)) AS a, coalesce(NULL, 'x') = 'X' AS same FROM named
        UNION ALL SELECT '', DATE '2024-01-02', 2, false ORDER BY day
    """
    ours = [tuple(row.values()) for row in reader.query(sql).read_all().to_pylist()]
    assert ours == bench.execute(sql).fetchall() == [
        ('x\\"', date(2024, 1, 1), Decimal(1), False),
        ("", date(2024, 1, 2), Decimal(2), False),
    ]  # fmt: skip


def test_times_are_those_of_the_day(reader: MariadbReader) -> None:
    table = reader.query("SELECT TIME '23:59:59' AS t, CAST('0:0:0.000001' AS TIME(6)) AS u").read_all()
    assert list(table.to_pylist()[0].values()) == [time(23, 59, 59), time(0, 0, 0, 1)]


# Streams


def test_a_long_result_comes_in_batches(reader: MariadbReader) -> None:
    batches = [batch.num_rows for batch in reader.query(MANY)]
    assert batches == [10_000] * 4


def test_an_empty_result_has_its_columns(reader: MariadbReader) -> None:
    table = reader.query("SELECT a, b FROM t WHERE a > 9").read_all()
    assert (table.num_rows, table.schema.field("b").type) == (0, MONEY)


def test_a_result_that_is_left_does_not_disturb_the_next(reader: MariadbReader) -> None:
    left = reader.query(MANY)
    left.read_next_batch()
    assert reader.query("SELECT count(*) AS n FROM t").read_all().to_pylist() == [{"n": 2}]
    reader.query(MANY)


def test_a_result_whose_connection_is_lost_says_so(mariadb_server: Server, reader: MariadbReader) -> None:
    result = reader.query(MANY.replace("199", "999"))
    result.read_next_batch()
    (number,) = mariadb_server.ask("SELECT id FROM information_schema.processlist WHERE info LIKE 'WITH RECURSIVE n%'")[
        0
    ]
    mariadb_server.ask(f"KILL {number}")
    with pytest.raises(QueryFailed, match=r"refused: .*(onnection|nterrupted|closed)"):
        result.read_all()
    assert reader.query("SELECT 1 AS one").read_all().num_rows == 1


# What is refused


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("DELETE FROM t", "it is no SELECT"),
        ("EXPLAIN SELECT 1", "it is no SELECT"),
        ("SHOW TABLES", "it is no SELECT"),
        ("SET @x = 1", "it is no SELECT"),
        ("CALL something()", "it is no SELECT"),
        ("SELECT 1; SELECT 2", "it has 2 statements"),
        ("SELECT '\\'; DROP TABLE t; -- '", "it has 3 statements"),
        ("", "it has 0 statements"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "Unexpected token"),
        ("SELECT 1 INTO @x", "it writes or locks"),
        ("SELECT a FROM t FOR UPDATE", "it writes or locks"),
        ("SELECT a FROM (SELECT a FROM t LOCK IN SHARE MODE) AS x", "it writes or locks"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "a comment that the server would execute"),
        ("SELECT 1 /*M! INTO OUTFILE '/tmp/x' */", "a comment that the server would execute"),
        ("SELECT absent FROM t", "Unknown column 'absent'"),
        ("SELECT a FROM absent", "absent' doesn't exist"),
        ("SELECT FROM WHERE", "."),
    ],
)
def test_what_is_no_select_is_refused(reader: MariadbReader, sql: str, reason: str) -> None:
    with pytest.raises(QueryFailed, match=reason):
        reader.query(sql).read_all()
    assert reader.query("SELECT count(*) AS n FROM t").read_all().to_pylist() == [{"n": 2}]


def test_a_select_that_writes_by_a_function_is_refused_by_the_server(
    reader: MariadbReader, writer: MariadbConnection
) -> None:
    writer.run("CREATE FUNCTION sly() RETURNS INT BEGIN DELETE FROM t; RETURN 1; END")
    with pytest.raises(QueryFailed, match="READ ONLY"):
        reader.query("SELECT sly() AS n").read_all()


def test_a_server_that_asks_a_reader_for_a_file_gets_none(mariadb_server: Server, address: MariadbAddress) -> None:
    with between(mariadb_server.host, mariadb_server.port) as way:
        reader = MariadbReader(MariadbAddress(address.url.set(port=way.port), address.password))
        way.to_client = lambda _: b"\x0b\x00\x00\x01\xfb/etc/hosts"
        with pytest.raises(RuntimeError, match="LOAD_LOCAL"):
            reader.tables()
        reader.close()


# Beside a writer


def test_each_question_sees_what_is_committed_then(reader: MariadbReader, writer: MariadbConnection) -> None:
    count = "SELECT count(*) AS n FROM t"
    with writer.transaction():
        writer.run("DELETE FROM t")
        assert reader.query(count).read_all().to_pylist() == [{"n": 2}]
    assert reader.query(count).read_all().to_pylist() == [{"n": 0}]


def test_a_query_that_is_read_to_its_end_is_in_nobodys_way(reader: MariadbReader, writer: MariadbConnection) -> None:
    reader.query("SELECT * FROM t").read_all()
    ddl(writer, "ALTER TABLE {table} ADD COLUMN d INT", retry_seconds=0, table="t")


def test_readers_see_the_old_or_the_new_while_tables_change(reader: MariadbReader, writer: MariadbConnection) -> None:
    """Columns and indexes come, and tables change places."""
    ended = threading.Event()
    seen, failures = set(), []

    def read() -> None:
        while not ended.is_set():
            try:
                seen.add(tuple(reader.query("SELECT count(*), sum(a) FROM t").read_all().to_pylist()[0].values()))
            except QueryFailed as error:
                failures.append(error)

    reading = threading.Thread(target=read)
    reading.start()
    for number in range(5):
        ddl(writer, "ALTER TABLE t ADD COLUMN {column} INT", column=f"d{number}")
        ddl(writer, "ALTER TABLE t ADD INDEX {index} (b, a)", index=f"i{number}")
        ddl(writer, "CREATE TABLE u LIKE t")
        writer.run("INSERT INTO u (a) SELECT a FROM t")
        ddl(writer, "RENAME TABLE t TO v, u TO t")
        ddl(writer, "DROP TABLE v")
    ended.set()
    reading.join()
    assert not failures
    assert seen == {(2, Decimal(3))}


# What is known of the tables


def test_freshness_and_tables_are_read(reader: MariadbReader, writer: MariadbConnection) -> None:
    for table in (FRESHNESS, TABLE):
        kinds = ", ".join(f'"{column.name}" {KINDS[column.type]}' for column in table.columns)
        writer.run("CREATE TABLE {table} ({kinds})", table=table.name, kinds=Fragment(kinds))
    writer.insert(TABLE.name, ["doctype", "table_name"], [("Item", "item"), ("GL Entry", "gl_entry")])
    instant = datetime(2024, 2, 29, 10, tzinfo=UTC)
    columns = ["satellite", "doctype", "as_of", "rows", "pending", "waiting", "quarantined"]
    writer.insert(FRESHNESS.name, columns, [("north", "Item", instant.replace(tzinfo=None), 3, 0, 1, 2)])
    assert reader.tables() == {"GL Entry": "gl_entry", "Item": "item"}
    (found,) = reader.freshness()
    assert (found.satellite, found.as_of, found.rows, found.waiting, found.quarantined) == ("north", instant, 3, 1, 2)


def test_a_mothership_without_tables_says_what_makes_them(reader: MariadbReader) -> None:
    with pytest.raises(MothershipUnavailable, match="`federation sync` makes the tables"):
        reader.tables()


def test_a_server_that_refuses_is_told_without_the_password(address: MariadbAddress) -> None:
    with pytest.raises(MothershipUnavailable) as caught:
        MariadbReader(MariadbAddress(address.url, "wrong-secret"))
    assert "wrong-secret" not in f"{caught.value!r}"
