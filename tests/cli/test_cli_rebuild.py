"""`federation rebuild` and `federation mothership check`: from what was synced to tables that are right again."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
from cli_process import Command, Write


def harm(settings_file: Path) -> None:
    """Do something by hand to what was merged."""
    with duckdb.connect(str(settings_file.parent / "var" / "mothership.duckdb.writer")) as connection:
        connection.execute("UPDATE customer SET customer_name = 'mine' WHERE satellite = 'north'")
        connection.execute("DELETE FROM company WHERE satellite = 'south'")
        connection.execute("UPDATE federation_meta SET generation = generation + 1")


def customers(federation: Command) -> list[dict[str, object]]:
    """Their values by column: the order of columns is that in which satellites first came."""
    rows = json.loads(federation("query", "--json", "SELECT * FROM customer ORDER BY satellite, name").stdout)
    assert isinstance(rows, list)
    return rows


def test_what_was_altered_by_hand_is_named_and_made_right_again(settings_file: Path, federation: Command) -> None:
    assert federation("sync").exit_code == 0
    assert federation("mothership", "check").exit_code == 0
    before = customers(federation)
    harm(settings_file)
    federation("sync")
    checked = federation("mothership", "check")
    assert checked.exit_code == 1
    assert "customer_name" in checked.stdout
    assert "`federation rebuild`" in checked.stderr
    report = json.loads(federation("mothership", "check", "--json").stdout)
    assert {(one["table"], one["satellite"], one["kind"], one["rows"]) for one in report["findings"]} >= {
        ("company", "south", "missing", 1)
    }
    rebuilt = federation("rebuild")
    assert rebuilt.exit_code == 0, rebuilt.stderr
    assert "Sales Invoice" in rebuilt.stdout
    assert "✓ north" in rebuilt.stderr
    assert customers(federation) == before
    assert federation("mothership", "check").exit_code == 0


def test_a_rebuild_that_would_lose_something_says_what_and_changes_nothing(
    settings_file: Path, federation: Command
) -> None:
    assert federation("sync").exit_code == 0
    for package in (settings_file.parent / "var" / "lake" / "south" / "runs").rglob("*.parquet"):
        package.write_bytes(b"")
    ended = federation("rebuild")
    assert ended.exit_code == 1
    assert "south, Customer: " in ended.stderr
    assert "The mothership stays as it was." in ended.stderr
    report = json.loads(federation("rebuild", "--json", "--accept-losses").stdout)
    assert report["swapped"] is True
    assert {one["satellite"]: bool(one["doctypes"][0]["error"]) for one in report["satellites"]} == {
        "north": False,
        "south": True,
    }


def test_without_a_lake_there_is_nothing_to_rebuild_and_without_a_mothership_nothing_to_check(
    write: Write, federation: Command
) -> None:
    write('satellites: {north: {url: "http://127.0.0.1:9", credentials: env:NORTH}}\ndoctypes: [Customer]\n')
    assert "federation sync" in federation("rebuild").stderr
    assert "federation sync" in federation("mothership", "check").stderr
    assert federation("rebuild").exit_code == federation("mothership", "check").exit_code == 1
