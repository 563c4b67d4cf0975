"""The surface of the command: help, version, settings that are wrong, and how every failure of use ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import Command, Write
from typer.testing import CliRunner

from federation.cli.app import app
from federation.settings.schema import schema_text

SUBCOMMANDS = ("init", "access", "check", "sync", "status", "release", "integrity", "docs", "query", "schema")
NEED_SETTINGS = (("check",), ("access",), ("sync",), ("status",), ("integrity",), ("docs",), ("query", "SELECT 1"))


def test_help_names_every_subcommand_and_every_exit_status() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout
    assert all(name in shown for name in SUBCOMMANDS)
    assert all(f"{status} " in shown for status in (0, 1, 2, 130))


@pytest.mark.parametrize("subcommand", SUBCOMMANDS)
def test_every_subcommand_explains_itself(subcommand: str) -> None:
    shown = CliRunner().invoke(app, [subcommand, "--help"])
    assert shown.exit_code == 0
    assert f"federation {subcommand}" in shown.stdout


def test_help_loads_nothing_heavy() -> None:
    heavy = ("pyarrow", "duckdb", "dagster", "great_expectations", "pandas", "requests", "sqlalchemy", "fsspec")
    code = f"""
import sys
from typer.testing import CliRunner
from federation.cli.app import app
for arguments in (["--help"], ["sync", "--help"], ["--version"]):
    assert CliRunner().invoke(app, arguments).exit_code == 0
print([name for name in {heavy!r} if name in sys.modules])
"""
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_version_is_that_of_the_distribution() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("federation 0.")


@pytest.mark.parametrize("arguments", [["synk"], ["sync", "--fulll"], ["query"], ["--settings"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""


@pytest.mark.parametrize("arguments", NEED_SETTINGS)
def test_without_settings_the_way_to_some_is_shown(arguments: tuple[str, ...], federation: Command) -> None:
    ended = federation(*arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert "federation init" in ended.stderr


GARBAGE = {
    "binary": b"\x00\xff\xfe\x80",
    "not YAML": b"satellites: [",
    "a list": b"- north\n- south\n",
    "empty": b"",
    "unknown keys": b"satelites: {}\n",
    "markup": b"'[red]x[/]': '[/]'\n",
    "control characters": b'"\\e[2J": 1\n',
    "deep": b"[" * 50_000,
}


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE.keys())
@pytest.mark.parametrize("arguments", [*NEED_SETTINGS, ("sync", "--json")])
def test_garbage_for_settings_is_explained_and_nothing_starts(
    content: bytes, arguments: tuple[str, ...], tmp_path: Path, federation: Command
) -> None:
    (tmp_path / "federation.yaml").write_bytes(content)
    ended = federation(*arguments)
    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert str(tmp_path / "federation.yaml") in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "\x1b[2J" not in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["federation.yaml"]


def test_the_environment_names_the_settings(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDERATION_SETTINGS", str(write("satelites: {}")))
    ended = CliRunner().invoke(app, ["status"])
    assert ended.exit_code == 2
    assert "did you mean `satellites`?" in ended.stderr


def test_table_json_and_csv_exclude_each_other(federation: Command) -> None:
    assert federation("query", "SELECT 1", "--json", "--csv").exit_code == 2


def test_json_and_a_script_exclude_each_other(federation: Command) -> None:
    assert federation("access", "--json", "--script").exit_code == 2


def test_reconcile_and_full_exclude_each_other(federation: Command) -> None:
    assert federation("sync", "--reconcile", "--full").exit_code == 2


def test_schema_prints_the_schema_of_the_settings() -> None:
    printed = CliRunner().invoke(app, ["schema"]).stdout
    assert printed == schema_text()
    assert json.loads(printed)["title"] == "federation.yaml"


def test_init_writes_a_folder_and_says_what_comes_next(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["init", str(tmp_path / "mine")])
    assert ended.exit_code == 0
    assert (tmp_path / "mine" / "federation.yaml").exists()
    assert "federation check" in ended.stdout


def test_init_keeps_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "federation.yaml").write_text("mine")
    ended = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert ended.exit_code == 0
    assert "stays as it is" in ended.stdout
    assert (tmp_path / "federation.yaml").read_text() == "mine"


def test_init_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    ended = CliRunner().invoke(app, ["init", str(tmp_path / "taken" / "below")])
    assert ended.exit_code == 2
    assert "cannot be written to" in ended.stderr
