"""`federation query`: what analysts ask, and what they get as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from cli_process import Command, Start, Write

TEXT = """
satellites: {north: {url: "http://north.invalid", credentials: env:NORTH}}
doctypes: [Customer]
"""
VALUES = """
SELECT 'north' AS satellite, 'Süd [red]x[/] ' || chr(27) || '[2J' || chr(155) AS name, 1234.5::DECIMAL(21,9) AS total,
       DATE '2026-11-23' AS posting_date, TIMESTAMP '2026-11-23 12:47:09.000001' AS modified,
       NULL AS nothing, '' AS empty, true AS flag, [1.5, NULL] AS list, {'a': 'b'} AS struct,
       INTERVAL 1 DAY AS span, 'x'::BLOB AS bytes, 2 AS name
"""


@pytest.fixture(autouse=True)
def mothership(write: Write) -> Path:
    file = write(TEXT).parent / "var" / "mothership.duckdb"
    file.parent.mkdir()
    with duckdb.connect(file) as connection:
        connection.execute("CREATE TABLE gl_entry AS SELECT range AS n, range::VARCHAR AS name FROM range(30000)")
    return file


def test_a_table_for_a_reader(federation: Command) -> None:
    ended = federation("query", "SELECT n, name AS label FROM gl_entry ORDER BY n LIMIT 3")
    assert ended.exit_code == 0
    assert [line.split() for line in ended.stdout.splitlines() if line.strip()][2:] == [
        ["0", "0"],
        ["1", "1"],
        ["2", "2"],
    ]


def test_a_long_answer_is_cut_and_says_so(federation: Command) -> None:
    ended = federation("query", "SELECT n FROM gl_entry ORDER BY n")
    assert " 49 " in ended.stdout
    assert " 50 " not in ended.stdout
    assert "first 50 rows" in ended.stderr


def test_an_empty_answer_says_so(federation: Command) -> None:
    ended = federation("query", "SELECT n FROM gl_entry WHERE false")
    assert ended.exit_code == 0
    assert "no rows" in ended.stderr


def test_rows_too_wide_for_the_screen_stand_below_each_other(federation: Command) -> None:
    columns = ", ".join(f"'{'x' * 40}' AS column_{number}" for number in range(8))
    lines = federation("query", f"SELECT {columns}").stdout.splitlines()
    assert sum(line.strip().startswith("column_") for line in lines) == 8


def test_words_of_a_site_cannot_steer_the_terminal(federation: Command) -> None:
    for form in ((), ("--json",)):
        shown = federation("query", *form, VALUES)
        assert shown.exit_code == 0
        assert "\x1b" not in shown.output
        assert "\x9b" not in shown.output
        assert "[red]x[/]" in shown.output


def test_json_keeps_every_value(federation: Command) -> None:
    ended = federation("query", "--json", VALUES)
    assert '"total":1234.500000000' in ended.stdout
    (row,) = json.loads(ended.stdout)
    assert row["name"] == "Süd [red]x[/] \x1b[2J\x9b"
    assert row["name_2"] == 2
    assert row["modified"] == "2026-11-23T12:47:09.000001"
    assert (row["nothing"], row["empty"], row["flag"]) == (None, "", True)
    assert (row["list"], row["struct"]) == ([1.5, None], {"a": "b"})


@pytest.mark.parametrize("rows", [0, 1, 30_000])
def test_json_is_one_list_however_long(rows: int, federation: Command) -> None:
    answer = json.loads(federation("query", "--json", f"SELECT n FROM gl_entry ORDER BY n LIMIT {rows}").stdout)
    assert answer == [{"n": n} for n in range(rows)]


def test_csv_keeps_every_value(federation: Command) -> None:
    ended = federation("query", "--csv", VALUES)
    header, row = csv.reader(io.StringIO(ended.stdout))
    values = dict(zip(header, row, strict=True))
    assert values["total"] == "1234.500000000"
    assert values["posting_date"] == "2026-11-23"
    assert values["name_2"] == "2"
    assert json.loads(values["list"]) == [1.5, None]
    assert ',,"",' in ended.stdout, "a null differs from an empty text"


def test_csv_is_whole_however_long(federation: Command) -> None:
    lines = federation("query", "--csv", "SELECT n FROM gl_entry ORDER BY n").stdout.splitlines()
    assert lines == ['"n"', *map(str, range(30_000))]


def test_the_query_may_come_from_stdin(federation: Command) -> None:
    assert json.loads(federation("query", "--json", "-", stdin="SELECT 1 AS one").stdout) == [{"one": 1}]


@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM gl_entri", 'Did you mean "gl_entry"'),
        ("SELEC 1", "syntax error"),
        ("SELECT name::INT FROM (SELECT 'x' AS name)", "Could not convert"),
        ("DELETE FROM gl_entry", "refused"),
        ("COPY gl_entry TO 'stolen.csv'", "refused"),
        ("", "refused"),
        ("\x00", "refused"),
        ("SELECT 1 FROM [/][red]", "refused"),
    ],
)
def test_what_is_refused_is_explained(sql: str, said: str, form: tuple[str, ...], federation: Command) -> None:
    ended = federation("query", *form, sql)
    assert ended.exit_code == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_a_row_far_down_that_cannot_be_worked_out_is_explained(form: str, federation: Command) -> None:
    sql = "SELECT CASE WHEN range < 4e5 THEN range ELSE error('too far') END FROM range(500_000)"
    ended = federation("query", form, sql)
    assert ended.exit_code == 1
    assert "too far" in ended.stderr


def test_nothing_published_yet_says_what_to_do(federation: Command, mothership: Path) -> None:
    mothership.unlink()
    ended = federation("query", "SELECT 1")
    assert ended.exit_code == 1
    assert "run `federation sync`" in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_a_reader_that_leaves_early_is_no_error(form: str, tmp_path: Path) -> None:
    command = (
        f"{sys.executable} -m federation.cli --settings {tmp_path / 'federation.yaml'} query {form} 'FROM gl_entry'"
    )
    piped = subprocess.run(f"{command} | head -1", shell=True, capture_output=True, text=True, check=True)  # noqa: S602
    assert piped.stderr == ""


def test_ctrl_c_ends_a_query_that_would_take_for_ever(start: Start) -> None:
    endless = "SELECT range AS n FROM range(100_000_000_000) WHERE range < 300_000 OR hash(range) = 1"
    running = start("query", "--json", endless)
    running.read_lines(100_000)
    running.interrupt()
    status, _, err = running.end()
    assert status == 130, err
    assert "Interrupted" in err
    assert "Traceback" not in err
