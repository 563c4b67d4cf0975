"""Specification of the starter folder, of the editors' schema, and of Dagster's own files."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import jsonschema
import pytest
import yaml

from federation.settings.errors import SettingsError
from federation.settings.load import load_settings
from federation.settings.schema import schema_text, settings_schema
from federation.settings.starter import starter_files, write_starter

REPOSITORY = Path(__file__).parents[2]


def test_the_starter_is_a_folder_that_loads(tmp_path):
    starter = write_starter(tmp_path / "new" / "folder")
    names = {file.relative_to(tmp_path / "new" / "folder").as_posix() for file in starter.written}
    assert names == {
        "federation.yaml", "federation.schema.json", "dagster.yaml", "workspace.yaml",
        "expectations/README.md", "marts/README.md", ".gitignore",
    }  # fmt: skip
    assert starter.kept == ()
    read = load_settings(tmp_path / "new" / "folder" / "federation.yaml")
    assert list(read.satellites) == ["north"]


def test_every_commented_line_of_the_starter_is_right_too(tmp_path):
    starter = starter_files()["federation.yaml"]
    _head, body = starter.split("# The sites.", 1)
    uncommented = "\n".join(
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and _is_yaml(line) else line
        for line in body.splitlines()[1:]
    )
    file = tmp_path / "federation.yaml"
    file.write_text(uncommented)
    read = load_settings(file)
    assert list(read.satellites) == ["north", "south"]
    assert (len(read.policy), read.modules, "Purchase *" in read.doctypes) == (3, ("Accounts",), True)


def _is_yaml(line: str) -> bool:
    text = line.lstrip(" #")
    return text.startswith("- ") or (":" in text.split(" ")[0])


def test_what_exists_is_never_overwritten(tmp_path):
    (tmp_path / "federation.yaml").write_text("mine")
    starter = write_starter(tmp_path)
    assert starter.kept == (tmp_path / "federation.yaml",)
    assert (tmp_path / "federation.yaml").read_text() == "mine"
    assert write_starter(tmp_path).written == ()


def test_a_folder_that_cannot_be_written_is_a_readable_mistake(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written to"):
        write_starter(tmp_path / "file")


def test_the_schema_takes_the_example_and_refuses_what_the_loader_refuses():
    schema = settings_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    example = yaml.safe_load((REPOSITORY / "examples" / "federation.yaml").read_text())
    jsonschema.validate(example, schema)
    for mistaken in ({"polcy": []}, {"lake": None}, {"batch_rows": "many"}, {"satellites": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(example | mistaken, schema)


def test_the_schema_explains_every_key():
    schema = json.loads(schema_text())
    for section in (schema, *schema["$defs"].values()):
        for key, value in section["properties"].items():
            assert value.get("description"), key


def test_the_repository_and_the_starter_have_the_same_dagster_files():
    for name in ("dagster.yaml", "workspace.yaml"):
        assert (REPOSITORY / name).read_text() == starter_files()[name]


def test_dagster_takes_its_settings_and_stays_inside_its_home(tmp_path, monkeypatch):
    (tmp_path / "dagster.yaml").write_text(starter_files()["dagster.yaml"])
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        concurrency = instance.get_concurrency_config()
        assert not instance.telemetry_enabled
        assert instance.run_retries_enabled
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert concurrency.run_queue_config is not None
        assert concurrency.run_queue_config.tag_concurrency_limits == [
            {"key": "dagster/partition", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        ]
        assert concurrency.pool_config.default_pool_limit == 1
        assert Path(instance.storage_directory()).is_relative_to(tmp_path)
