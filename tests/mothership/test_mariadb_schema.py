"""Schema on MariaDB: tables follow contracts while analysts read them, and what somebody altered is named."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime, time
from decimal import Decimal
from itertools import count, permutations
from typing import Any

import duckdb
import pyarrow as pa
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import DATE, DATETIME, FLAG, INTEGER, MONEY, TEXT, TIME, WIDE_NUMBER, widen
from federation.mothership.dictionary import Entry
from federation.mothership.duckdb.sql import TYPES as DUCKDB_TYPES
from federation.mothership.duckdb.sql import widened as widened_by_duckdb
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.database import MariadbDatabase
from federation.mothership.mariadb.refusal import TableRefused
from federation.mothership.mariadb.schema import (
    create_system_tables,
    describe_table,
    ensure_indexes,
    ensure_table,
    stored_table,
)
from federation.mothership.mariadb.standing import Standing, standing
from federation.mothership.mariadb.widening import widened
from federation.mothership.sql import Fragment, identifier
from federation.mothership.system_tables import SYSTEM_TABLES
from federation.mothership.tables import StoredTable

THING = "Thing"
TYPES = (TEXT, INTEGER, FLAG, DATE, TIME, DATETIME, MONEY, WIDE_NUMBER)


def contract(fields: Mapping[str, pa.DataType], doctype: str = THING) -> TableContract:
    keys = (Column("satellite", TEXT), Column("name", TEXT, "name", "Data"), Column("observed", DATETIME))
    return TableContract(doctype, (*keys, *(Column(name, kind, name, "Data") for name, kind in fields.items())))


@contextmanager
def opened(url: str) -> Iterator[MariadbConnection]:
    """A writer's connection, to a database with its system tables."""
    parts = make_url(url)
    database = MariadbDatabase(MariadbAddress(parts.set(password=None), parts.password or ""), "test").open()
    try:
        create_system_tables(database.connection, "here")
        yield database.connection
    finally:
        database.close()


@pytest.fixture
def connection(mariadb_url: str) -> Iterator[MariadbConnection]:
    with opened(mariadb_url) as made:
        yield made


@contextmanager
def analyst(url: str) -> Iterator[pymysql.cursors.Cursor]:
    """Somebody else, in the same database."""
    parts = make_url(url)
    with (
        pymysql.connect(
            host=parts.host, port=parts.port or 0, user=parts.username, password=parts.password or "",
            database=parts.database, autocommit=True,
        ) as raw,
        raw.cursor() as cursor,
    ):  # fmt: skip
        cursor.execute("SET sql_mode = 'ANSI_QUOTES'")
        yield cursor


class Killed(BaseException):
    """The end of a process, at once."""


class Watched:
    """A connection that keeps its statements, and dies in the place of one of them."""

    def __init__(self, connection: MariadbConnection, dies_at: int | None = None) -> None:
        self._connection = connection
        self._dies_at = dies_at
        self.place = connection.place
        self.statements: list[str] = []

    def run(
        self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]
    ) -> list[tuple[Any, ...]]:
        self._pass(template)
        return self._connection.run(template, values, **parts)

    def count(self, template: str, values: Mapping[str, object] | None = None, /, **parts: str | Iterable[str]) -> int:
        return int(self.run(template, values, **parts)[0][0])

    def insert(self, table: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
        self._pass("INSERT")
        self._connection.insert(table, list(columns), [list(row) for row in rows])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._connection.transaction():
            yield

    @property
    def changes(self) -> list[str]:
        return [text for text in self.statements if not text.startswith(("SELECT", "SET innodb"))]

    def _pass(self, statement: str) -> None:
        if len(self.statements) == self._dies_at:
            raise Killed
        self.statements.append(statement)


def ensure(connection: MariadbConnection | Watched, fields: Mapping[str, pa.DataType], **longest: int) -> StoredTable:
    return ensure_table(connection, contract(fields), [], longest)  # type: ignore[arg-type]


def put(connection: MariadbConnection, name: str, **values: object) -> None:
    connection.insert("thing", ["satellite", "name", *values], [("north", name, *values.values())])


def asked(connection: MariadbConnection, column: str = "value") -> list[object]:
    return [row[0] for row in connection.run("SELECT {column} FROM thing ORDER BY name", column=column)]


def now(connection: MariadbConnection, table: str = "thing") -> Standing:
    found = standing(connection, table)
    assert found is not None
    return found


def described(
    connection: MariadbConnection | Watched, stored: StoredTable, said: Mapping[str, tuple[str, str]]
) -> None:
    entries: dict[str, Entry] = {
        name: (stored.name, name, *said.get(name, ("", "")), stored.doctype, name, "Data", "", "north", "")
        for name in stored.columns
    }
    describe_table(connection, stored, entries)  # type: ignore[arg-type]


# Tables


def test_a_table_tells_texts_apart_by_every_character_and_finds_rows_by_their_key(
    connection: MariadbConnection,
) -> None:
    stored = ensure(connection, {"value": TEXT, "total": MONEY})
    assert stored == stored_table(connection, THING)
    assert (stored.name, list(stored.columns)) == ("thing", ["satellite", "name", "observed", "value", "total"])
    found = now(connection)
    assert found.indexes == {"PRIMARY": ("satellite", "name")}
    assert {column.collation for column in found.columns.values()} == {"", "utf8mb4_nopad_bin"}
    for name in ("a", "A", "a ", "á"):
        put(connection, name, value=name)
    assert connection.count("SELECT count(*) FROM thing WHERE value = 'a'") == 1
    assert connection.run("SELECT row_format FROM information_schema.tables WHERE table_name = 'thing'")[0] == (
        "Dynamic",
    )


def test_a_table_that_is_as_it_should_be_is_left_alone(connection: MariadbConnection) -> None:
    ensure(connection, {"value": TEXT})
    watched = Watched(connection)
    ensure(watched, {"value": TEXT}, value=140)
    assert watched.changes == []


def test_new_columns_longer_texts_and_comments_touch_no_row(connection: MariadbConnection) -> None:
    ensure(connection, {"value": TEXT})
    put(connection, "T-1", value="x" * 140)
    # The server refuses every change of a table that would have to read or write rows.
    connection.run("SET alter_algorithm = 'INSTANT'")
    stored = ensure(connection, {"value": TEXT, "day": DATE, "total": MONEY, "note": TEXT}, value=500, name=300)
    described(connection, stored, {"value": ("Value", ""), "name": ("ID", "")})
    assert now(connection).types["value"] == "varchar(560)"
    assert now(connection).types["name"] == "varchar(300)"
    assert connection.run("SELECT value, day, total, note FROM thing") == [("x" * 140, None, None, None)]


def test_a_value_longer_than_its_column_is_never_cut(connection: MariadbConnection) -> None:
    ensure(connection, {"value": TEXT})
    for length in (140, 141, 560, 561, 100_000):
        ensure(connection, {"value": TEXT}, value=length)
        put(connection, f"T-{length:06}", value="☃" * length)
    assert asked(connection) == ["☃" * length for length in (140, 141, 560, 561, 100_000)]


@pytest.mark.parametrize("column", ["select", 'a"b', "a`b", "100%", "{table}", "$name", "naïve", "x" * 64])
def test_odd_names_are_only_names(connection: MariadbConnection, column: str) -> None:
    ensure(connection, {})
    stored = ensure(connection, {column: TEXT})
    ensure(connection, {column: TEXT}, **{column: 5_000})
    described(connection, stored, {column: ('It\'s "100%" {label} $name \\', "")})
    connection.insert("thing", ["satellite", "name", column], [("north", "T-1", "x" * 5_000)])
    ensure_indexes(connection, contract({column: TEXT}), stored, [[column]])
    assert asked(connection, column) == ["x" * 5_000]
    assert now(connection).columns[column].comment == 'It\'s "100%" {label} $name \\'


def test_columns_of_many_sites_fit_into_one_table_as_long_as_no_row_fills_them(connection: MariadbConnection) -> None:
    fields = {f"field_{number}": TEXT for number in range(600)}
    ensure(connection, fields)
    ensure(connection, {**fields, "later": TEXT})
    put(connection, "T-1", **{f"field_{number}": "x" * 30 for number in range(100)})
    with pytest.raises(Exception, match="Row size too large"):
        put(connection, "T-2", **dict.fromkeys(fields, "x" * 30))
    assert connection.count("SELECT count(*) FROM thing") == 1


def test_more_columns_than_innodb_takes_are_refused_and_leave_the_table(connection: MariadbConnection) -> None:
    ensure(connection, {"value": TEXT})
    with pytest.raises(TableRefused, match="Withhold fields"):
        ensure(connection, {f"field_{number}": FLAG for number in range(1_015)})
    assert list(now(connection).columns) == ["satellite", "name", "observed", "value"]


# Widening

VALUES: Mapping[pa.DataType, list[object]] = {
    TEXT: ["n/a", ""],
    INTEGER: [0, -7, 2**63 - 1],
    FLAG: [0, 1, -1],
    DATE: [date(1, 1, 1), date(2026, 3, 1), date(9999, 12, 31)],
    TIME: [time(), time(8, 30), time(10, 0, 0, 500_000), time(23, 59, 59, 999_999)],
    DATETIME: [
        datetime.fromisoformat(text)
        for text in (
            "2026-03-01", "2026-03-01 08:30:00", "2026-03-01 00:00:01", "0099-01-02 03:04:05.000006",
            "2026-03-01 08:30:00.500000",
        )
    ],
    MONEY: [Decimal(0), Decimal(100), Decimal("-0.5"), Decimal("999999999999.999999999"), Decimal("1E-9")],
    WIDE_NUMBER: [Decimal(0), Decimal(-100), Decimal("12345678901234567890123456789.000000001")],
}  # fmt: skip


def test_columns_widen_to_the_same_values_as_on_duckdb(connection: MariadbConnection) -> None:
    held = {f"{TYPES.index(one)}_{TYPES.index(other)}": one for one, other in permutations(TYPES, 2)}
    others = dict(zip(held, (other for _, other in permutations(TYPES, 2)), strict=True))
    rows = [
        {name: (VALUES[kind] + [None] * 9)[number] for name, kind in held.items()}
        for number in range(max(map(len, VALUES.values())) + 1)
    ]
    ensure(connection, held)
    for number, row in enumerate(rows):
        put(connection, f"T-{number}", **row)
    stored = ensure(connection, others)
    with duckdb.connect() as bench:
        columns = ", ".join(f"{identifier(name)} {DUCKDB_TYPES[kind]}" for name, kind in held.items())
        bench.execute(f"CREATE TABLE thing ({columns})")
        bench.executemany(f"INSERT INTO thing VALUES ({', '.join('?' * len(held))})", [[*row.values()] for row in rows])
        for name, kind in held.items():
            wanted = widen(kind, others[name])
            assert stored.columns[name] == wanted
            value = widened_by_duckdb(identifier(name), kind, wanted)
            assert asked(connection, name) == [row[0] for row in bench.execute(f"SELECT {value} FROM thing").fetchall()]


NUMBERS = st.decimals(-(10**11), 10**11, places=9, allow_nan=False)
INSTANTS = st.datetimes(datetime.fromisoformat("0001-01-01"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, INSTANTS, st.sampled_from([10**6, 10**3, 1]))
def test_a_value_has_one_form_as_text_on_both_databases(
    connection: MariadbConnection, number: Decimal, instant: datetime, grain: int
) -> None:
    moment = instant.replace(microsecond=instant.microsecond // grain * grain)
    sources = {
        MONEY: f"CAST('{number:f}' AS DECIMAL(21,9))",
        WIDE_NUMBER: f"CAST('{number:f}' AS DECIMAL(38,9))",
        DATE: f"DATE '{moment.date()}'",
        TIME: f"TIME '{moment.time()}'",
        DATETIME: f"TIMESTAMP '{moment}'",
    }
    by_mariadb = [widened(Fragment(source), kind, TEXT) for kind, source in sources.items()]
    by_duckdb = [widened_by_duckdb(Fragment(source), kind, TEXT) for kind, source in sources.items()]
    with duckdb.connect() as bench:
        expected = bench.execute(f"SELECT {', '.join(by_duckdb)}").fetchall()
    assert connection.run(f"SELECT {', '.join(by_mariadb)}") == expected


def test_analysts_read_old_or_new_while_a_table_is_written_anew(
    connection: MariadbConnection, mariadb_url: str
) -> None:
    ensure(connection, {"value": MONEY})
    connection.insert("thing", ["satellite", "name", "value"], [("north", f"T-{n}", Decimal(n)) for n in range(3_000)])
    seen: set[tuple[object, ...]] = set()
    ended = threading.Event()

    def read() -> None:
        with analyst(mariadb_url) as cursor:
            for number in count():
                cursor.execute("SELECT count(*), max(value) FROM thing WHERE name = 'T-2000' OR name = 'T-7'")
                seen.add(cursor.fetchall()[0])
                if ended.is_set() and number:
                    return

    reader = threading.Thread(target=read)
    reader.start()
    try:
        ensure(connection, {"value": TEXT})
    finally:
        ended.set()
        reader.join()
    assert seen <= {(2, Decimal(2000)), (2, "7")}


def test_what_a_table_is_written_anew_for_keeps_indexes_and_comments(connection: MariadbConnection) -> None:
    stored = ensure(connection, {"value": INTEGER, "other": TEXT})
    described(connection, stored, {"value": ("Value", ""), "other": ("Other", "")})
    connection.run("ALTER TABLE thing ADD KEY by_hand (other), ADD COLUMN mine INT")
    put(connection, "T-1", value=7, mine=3)
    ensure(connection, {"value": TEXT, "other": TEXT})
    assert connection.run("SELECT value, mine FROM thing") == [("7", 3)]
    assert now(connection).indexes["by_hand"] == ("other",)
    assert [now(connection).columns[name].comment for name in ("value", "other")] == ["Value", "Other"]


@pytest.mark.parametrize("step", range(16))
def test_a_change_that_is_killed_anywhere_is_completed_by_the_next_one(mariadb_url: str, step: int) -> None:
    with opened(mariadb_url) as connection:
        ensure(connection, {"value": MONEY, "long": TEXT})
        put(connection, "T-1", value=Decimal("1.50"))
        put(connection, "T-2", value=None)
        dying = Watched(connection, dies_at=step)
        with suppress(Killed):
            ensure(dying, {"value": TEXT, "long": TEXT, "new": DATE}, long=600)
    with opened(mariadb_url) as connection:
        ensure(connection, {"value": TEXT, "long": TEXT, "new": DATE}, long=600)
        assert connection.run("SELECT name, value, new FROM thing ORDER BY name") == [
            ("T-1", "1.5", None),
            ("T-2", None, None),
        ]
        assert now(connection).types["long"] == "longtext"
        tables = connection.run("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        assert {table for (table,) in tables} == {"thing", *(table.name for table in SYSTEM_TABLES)}


@pytest.mark.parametrize("step", range(6))
def test_a_table_whose_making_was_killed_is_made_by_the_next_one(mariadb_url: str, step: int) -> None:
    with opened(mariadb_url) as connection, suppress(Killed):
        ensure(Watched(connection, dies_at=step), {"value": TEXT})
    with opened(mariadb_url) as connection:
        assert ensure(connection, {"value": TEXT}).name == "thing"
        put(connection, "T-1", value="x")


# Comments


def test_comments_say_what_columns_mean_whatever_a_site_writes(connection: MariadbConnection) -> None:
    stored = ensure(connection, {"value": TEXT, "total": MONEY})
    described(connection, stored, {"value": ("Wert 😀", "'; DROP TABLE thing; --\n\\"), "total": ("x" * 5_000, "")})
    found = now(connection)
    assert found.comment == THING
    assert found.columns["value"].comment == "Wert \N{REPLACEMENT CHARACTER}: '; DROP TABLE thing; -- \\"
    assert found.columns["total"].comment == "x" * 1_000
    rows = connection.run("SELECT column_name, label, type FROM federation_dictionary WHERE column_name = 'value'")
    assert rows == [("value", "Wert 😀", "string")]


def test_what_is_said_already_is_not_said_again(connection: MariadbConnection) -> None:
    stored = ensure(connection, {"value": TEXT})
    described(connection, stored, {"value": ("Wert 😀", "")})
    watched = Watched(connection)
    described(watched, stored, {"value": ("Wert 😀", "")})
    assert watched.changes == []


def test_a_comment_changes_nothing_else_about_its_column(connection: MariadbConnection) -> None:
    stored = ensure(connection, dict(zip("abcdefgh", TYPES, strict=True)))
    before = connection.run("SHOW FULL COLUMNS FROM thing")
    described(connection, stored, {name: (f"Label of {name}", "") for name in stored.columns})
    after = connection.run("SHOW FULL COLUMNS FROM thing")
    assert [row[:8] for row in before] == [row[:8] for row in after]
    assert [row[8] for row in after] == [f"Label of {name}" for name in stored.columns]


# What somebody else did


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("MODIFY total INT", r"thing\.total: its type was changed to int\(11\); change it back to decimal\(21,9\)"),
        (
            "MODIFY value VARCHAR(140) COLLATE utf8mb4_general_ci",
            r"thing\.value: its collation was changed to utf8mb4_g",
        ),
        ("MODIFY value TEXT", r"thing\.value: its type was changed to text; change it back to varchar\(140\)"),
        ("DROP PRIMARY KEY", r"thing: its primary key was changed to \(\); change it back to \(satellite, name\)"),
        ("DROP PRIMARY KEY, ADD PRIMARY KEY (name)", r"its primary key was changed to \(name\)"),
        ("ENGINE = Aria", r"thing: it is kept by Aria now; keep it by InnoDB again"),
    ],
)
def test_a_table_altered_by_hand_is_named_with_what_it_was(
    connection: MariadbConnection, statement: str, said: str
) -> None:
    ensure(connection, {"value": TEXT, "total": MONEY})
    connection.run(f"ALTER TABLE thing {statement}")
    with pytest.raises(TableRefused, match=said):
        ensure(connection, {"value": TEXT, "total": MONEY})


def test_a_view_in_the_place_of_a_table_is_named(connection: MariadbConnection) -> None:
    ensure(connection, {})
    connection.run("RENAME TABLE thing TO elsewhere")
    connection.run("CREATE VIEW thing AS SELECT * FROM elsewhere")
    with pytest.raises(TableRefused, match=r"thing: it is kept by a view now"):
        ensure(connection, {})


def test_columns_and_indexes_that_somebody_added_stay(connection: MariadbConnection) -> None:
    ensure(connection, {"value": TEXT})
    connection.run("ALTER TABLE thing ADD COLUMN mine INT COMMENT 'of an analyst', ADD KEY mine (mine)")
    stored = ensure(connection, {"value": TEXT, "later": DATE}, value=500)
    described(connection, stored, {})
    ensure_indexes(connection, contract({"value": TEXT}), stored, [["value"]])
    assert now(connection).columns["mine"].comment == "of an analyst"
    assert now(connection).indexes["mine"] == ("mine",)
    assert "mine" not in stored.columns


def test_tables_of_others_are_left_alone_and_their_names_are_taken(connection: MariadbConnection) -> None:
    connection.run("CREATE TABLE thing (a INT)")
    connection.run("CREATE VIEW Thing_2 AS SELECT 1 AS a")
    assert ensure(connection, {"value": TEXT}).name == "thing_3"
    assert connection.run("SHOW COLUMNS FROM thing") == [("a", "int(11)", "YES", "", None, "")]
    assert ensure(connection, {"value": TEXT}).name == "thing_3"


# Indexes


def test_indexes_come_after_the_rows_and_only_once(connection: MariadbConnection) -> None:
    stored = ensure(connection, {"value": TEXT, "day": DATE})
    assert set(now(connection).indexes) == {"PRIMARY"}
    made = contract({"value": TEXT, "day": DATE})
    ensure_indexes(connection, made, stored, [["value", "day"], ["day"]])
    assert now(connection).indexes == {
        "PRIMARY": ("satellite", "name"),
        "federation_value_day": ("value", "day"),
        "federation_day": ("day",),
    }
    watched = Watched(connection)
    ensure_indexes(watched, made, stored, [["value", "day"], ["day"]])  # type: ignore[arg-type]
    assert watched.changes == []


def test_indexes_follow_the_settings_and_others_stay(connection: MariadbConnection) -> None:
    stored = ensure(connection, {"value": TEXT, "day": DATE})
    made = contract({"value": TEXT, "day": DATE})
    connection.run("ALTER TABLE thing ADD KEY by_hand (observed)")
    ensure_indexes(connection, made, stored, [["value"]])
    ensure_indexes(connection, made, stored, [["day"], ["observed"]])
    assert now(connection).indexes == {
        "PRIMARY": ("satellite", "name"),
        "by_hand": ("observed",),
        "federation_day": ("day",),
    }


def test_an_index_is_made_while_others_read_and_write(connection: MariadbConnection) -> None:
    stored = ensure(connection, {"value": TEXT})
    watched = Watched(connection)
    ensure_indexes(watched, contract({"value": TEXT}), stored, [["value"]])  # type: ignore[arg-type]
    (change,) = watched.changes
    assert change.endswith("ALGORITHM=INPLACE, LOCK=NONE")


def test_the_index_of_a_text_that_becomes_long_is_made_again_with_its_beginning(connection: MariadbConnection) -> None:
    made = contract({"value": TEXT})
    stored = ensure(connection, {"value": TEXT})
    ensure_indexes(connection, made, stored, [["value"]])
    stored = ensure(connection, {"value": TEXT}, value=561)
    assert set(now(connection).indexes) == {"PRIMARY"}
    ensure_indexes(connection, made, stored, [["value"]])
    parts = connection.run("SELECT sub_part FROM information_schema.statistics WHERE index_name = 'federation_value'")
    assert parts == [(140,)]


def test_an_index_made_by_hand_that_is_in_the_way_of_long_texts_is_named(connection: MariadbConnection) -> None:
    ensure(connection, {"value": TEXT})
    connection.run("ALTER TABLE thing ADD KEY by_hand (value)")
    with pytest.raises(TableRefused, match=r"its index by_hand on \(value\) .* Drop that index"):
        ensure(connection, {"value": TEXT}, value=561)


# System tables


def test_every_system_table_stands_with_its_columns_keys_and_comments(connection: MariadbConnection) -> None:
    for table in SYSTEM_TABLES:
        found = now(connection, table.name)
        assert found.comment == table.description
        assert {name: column.comment for name, column in found.columns.items()} == {
            column.name: column.description for column in table.columns
        }
        assert found.indexes.get("PRIMARY", ()) == table.key
        assert {column.collation for column in found.columns.values()} <= {"", "utf8mb4_nopad_bin"}


def test_what_a_killed_process_left_is_removed_and_nothing_else(mariadb_url: str) -> None:
    with opened(mariadb_url) as connection:
        for table in ("_federation_copy", "_federation_former", "_mine"):
            connection.run("CREATE TABLE {table} (a INT)", table=table)
    with opened(mariadb_url) as connection:
        assert standing(connection, "_federation_copy") is None
        assert standing(connection, "_federation_former") is None
        assert standing(connection, "_mine") is not None
