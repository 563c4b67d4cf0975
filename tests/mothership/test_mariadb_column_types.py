"""Column types: every contract becomes a table that InnoDB takes, and what is stored never narrows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pyarrow as pa
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.contract.columns import Column, TableContract
from federation.contract.fieldtypes import (
    COLUMN_TYPES,
    DATE,
    DATETIME,
    FLAG,
    INTEGER,
    MONEY,
    TEXT,
    TIME,
    WIDE_NUMBER,
)
from federation.mothership.mariadb.column_types import arrow_type, length, sql_types
from federation.mothership.mariadb.refusal import TableRefused
from tests.services.mariadb import Server, fresh_database, throwaway

KEYS = (Column("satellite", TEXT), Column("name", TEXT, "name", "Data"), Column("observed", DATETIME))
PARENT = Column("parent", TEXT, "parent", "Data")
FIELDTYPES = sorted(COLUMN_TYPES)
TYPES = (TEXT, INTEGER, FLAG, DATE, TIME, DATETIME, MONEY, WIDE_NUMBER)


def contract(fields: Mapping[str, str], *, is_child: bool = False) -> TableContract:
    columns = [Column(name, COLUMN_TYPES[kind].arrow, name, kind) for name, kind in fields.items()]
    return TableContract("Thing", (*KEYS, *([PARENT] if is_child else []), *columns), is_child=is_child)


def first(made: TableContract, longest: Mapping[str, int] | None = None) -> dict[str, str]:
    """The types of a table that isn't there yet."""
    return sql_types(made, {column.name: column.type for column in made.columns}, longest or {}, {})


def again(made: TableContract, stored: Mapping[str, str], longest: Mapping[str, int]) -> dict[str, str]:
    return sql_types(made, {column.name: column.type for column in made.columns}, longest, stored)


def test_every_type_of_a_contract_has_one_that_holds_it() -> None:
    fields = {
        "link": "Link", "note": "Text Editor", "count": "Int", "yes": "Check", "day": "Date", "hour": "Time",
        "sent": "Datetime", "total": "Currency",
    }  # fmt: skip
    assert first(contract(fields)) == {
        "satellite": "varchar(64)",
        "name": "varchar(140)",
        "observed": "datetime(6)",
        "link": "varchar(140)",
        "note": "longtext",
        "count": "bigint(20)",
        "yes": "tinyint(4)",
        "day": "date",
        "hour": "time(6)",
        "sent": "datetime(6)",
        "total": "decimal(21,9)",
    }


def test_where_there_are_too_many_texts_links_stay_short_and_data_becomes_long() -> None:
    many = {f"data{number}": "Data" for number in range(80)} | {f"link{number}": "Link" for number in range(40)}
    types = first(contract(many))
    assert {types[name] for name in many if name.startswith("link")} == {"varchar(140)"}
    assert {types[name] for name in many if name.startswith("data")} == {"varchar(140)", "longtext"}
    assert types["data0"] == "varchar(140)"
    assert types["data79"] == "longtext"


@pytest.mark.parametrize(
    ("longest", "expected"),
    [(140, "varchar(140)"), (141, "varchar(300)"), (560, "varchar(560)"), (561, "longtext")],
)
def test_a_text_is_as_wide_as_its_longest_value(longest: int, expected: str) -> None:
    thing = contract({"title": "Data"})
    assert first(thing, {"title": longest})["title"] == expected
    assert again(thing, first(thing), {"title": longest})["title"] == expected


def test_a_name_is_a_key_and_widens_as_far_as_a_key_can() -> None:
    thing = contract({}, is_child=True)
    wide = again(thing, first(thing), {"name": 141, "parent": 560})
    assert (wide["name"], wide["parent"]) == ("varchar(300)", "varchar(560)")
    with pytest.raises(TableRefused, match=r"`name` of 561 characters and a key of InnoDB holds 560. Rename"):
        again(thing, first(thing), {"name": 561})


def test_more_columns_than_innodb_takes_are_refused_with_the_way_out() -> None:
    with pytest.raises(TableRefused, match=r"1,018 columns .* Withhold fields"):
        first(contract({f"f{number}": "Check" for number in range(1_015)}))


def test_a_type_of_somebody_else_is_none_of_ours() -> None:
    assert [arrow_type(kind) for kind in ("int(11)", "text", "datetime", "decimal(10,2)", "char(3)")] == [None] * 5


@pytest.mark.parametrize("kind", TYPES)
def test_a_stored_type_says_which_values_it_holds(kind: pa.DataType) -> None:
    made = TableContract("Thing", (*KEYS, Column("value", kind)))
    assert arrow_type(first(made)["value"]) == kind


contracts = st.lists(st.sampled_from(FIELDTYPES), max_size=1_000).map(
    lambda kinds: contract({f"f{number}": kind for number, kind in enumerate(kinds)})
)
lengths = st.dictionaries(
    st.integers(0, 999).map(lambda number: f"f{number}"), st.sampled_from([0, 100, 200, 500, 5_000]), max_size=50
)


@given(contracts, lengths, lengths)
def test_types_hold_every_value_and_never_narrow(
    made: TableContract, before: dict[str, int], later: dict[str, int]
) -> None:
    stored = first(made, before)
    assert stored == first(made, before)
    assert again(made, stored, before) == stored
    wider = again(made, stored, later)
    for column in made.columns:
        assert arrow_type(wider[column.name]) == column.type
        if column.type == TEXT:
            room = [length(types[column.name]) or 10**9 for types in (stored, wider)]
            assert room[0] >= before.get(column.name, 0)
            assert room[1] >= max(room[0], later.get(column.name, 0))
        else:
            assert wider[column.name] == stored[column.name]


@given(contracts, contracts)
def test_columns_that_come_later_always_fit_beside_those_that_are_there(
    early: TableContract, late: TableContract
) -> None:
    stored = first(early)
    both = TableContract("Thing", (*early.columns, *(column for column in late.columns if column not in early.columns)))
    arrow = {column.name: column.type for column in both.columns}
    types = sql_types(both, arrow, {}, {name: kind for name, kind in stored.items() if arrow_type(kind) == arrow[name]})
    assert sum(_bytes(kind) for kind in types.values()) <= 65_535


def _bytes(kind: str) -> int:
    """Of the limit that MariaDB counts itself: what a column takes at most without its long text."""
    others = {"longtext": 12, "decimal(38,9)": 17, "decimal(21,9)": 10, "date": 3, "time(6)": 6, "tinyint(4)": 1}
    characters = length(kind)
    return 4 * characters + 2 if characters else others.get(kind, 8)


@pytest.fixture(scope="module", params=["as deployed", "16k"])
def cursor(
    request: pytest.FixtureRequest, mariadb_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[pymysql.cursors.Cursor]:
    """A database on a server with the pages that we deploy, and on one with those that others have."""
    with ExitStack() as stack:
        server = mariadb_server
        if request.param != "as deployed":
            folder = tmp_path_factory.mktemp("server")
            server = stack.enter_context(throwaway(folder, f"--innodb-page-size={request.param}")).server
        database = fresh_database(server)
        stack.callback(database.drop)
        made = stack.enter_context(stack.enter_context(server.connect()).cursor())
        made.execute(f"USE `{database.name}`")
        made.execute("SET sql_mode = 'STRICT_ALL_TABLES', innodb_strict_mode = OFF")
        yield made


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.lists(st.sampled_from(FIELDTYPES), min_size=250, max_size=600),
        st.sampled_from(FIELDTYPES).map(lambda kind: [kind] * 1_000),
    ),
    lengths,
)
def test_a_server_takes_250_and_more_columns_of_any_types(
    cursor: pymysql.cursors.Cursor, kinds: list[str], longest: dict[str, int]
) -> None:
    made = contract({f"f{number}": kind for number, kind in enumerate(kinds)}, is_child=True)
    columns = ", ".join(f"`{name}` {kind}" for name, kind in first(made, longest).items())
    cursor.execute("DROP TABLE IF EXISTS thing")
    cursor.execute(
        f"CREATE TABLE thing ({columns}, PRIMARY KEY (satellite, name)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC "
        "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    )
    cursor.execute("ALTER TABLE thing MODIFY name varchar(560) NOT NULL, MODIFY parent varchar(560)")
    cursor.execute("ALTER TABLE thing ADD COLUMN later decimal(38,9), ADD KEY (satellite, parent)")
    cursor.execute("INSERT INTO thing (satellite, name) VALUES ('north', %s)", ["n" * 560])
