"""What Dagster loads: assets, checks, jobs, schedules, sensors; without secrets, network or lake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from pipeline_settings import TWO_SATELLITES

from federation.definitions import federation_definitions
from federation.settings.errors import SettingsError

ROOT = Path(__file__).parents[2]
LAYERS = ("satellite", "conformed", "mothership")
DOCTYPES = ("customer", "gl_entry", "sales_invoice")


def _run(*command: str, settings: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "FEDERATION_SETTINGS": str(settings)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_every_doctype_is_an_asset_of_each_layer(definitions):
    keys = definitions.get_repository_def().asset_graph.get_all_asset_keys()
    assert {key.to_user_string() for key in keys} == {f"{layer}/{doctype}" for layer in LAYERS for doctype in DOCTYPES}


def test_the_lineage_runs_from_the_satellite_to_the_mothership(definitions):
    graph = definitions.get_repository_def().asset_graph
    for doctype in DOCTYPES:
        site, conformed, mothership = (dg.AssetKey([layer, doctype]) for layer in LAYERS)
        assert graph.get(site).parent_keys == set()
        assert graph.get(conformed).parent_keys == {site}
        assert graph.get(mothership).parent_keys == {conformed}
        assert not graph.get(site).is_executable


def test_each_layer_is_one_step_and_a_partition_is_a_satellite(definitions):
    sync = definitions.resolve_job_def("sync")
    assert {node.name for node in sync.nodes} == {"conformed", "mothership"}
    assert isinstance(sync.partitions_def, dg.DynamicPartitionsDefinition)
    assert sync.partitions_def.name == "satellite"


def test_checks_keep_a_status_for_each_satellite_except_those_that_see_all(definitions):
    specs = definitions.get_repository_def().asset_graph.asset_check_keys
    assert {key.to_user_string() for key in specs} == {
        f"{key}:{name}"
        for doctype in DOCTYPES
        for key, name in (
            (f"conformed/{doctype}", "read"),
            (f"conformed/{doctype}", "expectations"),
            (f"mothership/{doctype}", "merge"),
            (f"mothership/{doctype}", "quarantine"),
            (f"mothership/{doctype}", "freshness"),
            (f"mothership/{doctype}", "integrity"),
        )
    }


@pytest.mark.parametrize(
    ("mothership", "kind"),
    [("duckdb:///var/m.duckdb", "duckdb"), ("mariadb://federation@127.0.0.1:9/mothership", "mariadb")],
)
def test_the_motherships_assets_show_its_database_which_is_not_asked(write_settings, mothership, kind):
    graph = federation_definitions(write_settings(f"{TWO_SATELLITES}mothership: {mothership}\n")).get_repository_def()
    assert {
        kinds for doctype in DOCTYPES for kinds in graph.asset_graph.get(dg.AssetKey(["mothership", doctype])).kinds
    } == {kind}


def test_no_check_blocks(definitions):
    graph = definitions.get_repository_def().asset_graph
    assert not any(graph.get_check_spec(key).blocking for key in graph.asset_check_keys)


def test_the_pipeline_runs_by_itself_at_the_times_of_the_settings(write_settings):
    settings = write_settings(
        "satellites:\n  north: {url: http://n.invalid, credentials: env:N}\ndoctypes: [Customer]\n"
        'schedules: {incremental: "*/15 * * * *", reconcile: "0 3 * * *", time_zone: Asia/Kolkata}'
    )
    repository = federation_definitions(settings).get_repository_def()
    assert {
        schedule.name: (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name)
        for schedule in repository.schedule_defs
    } == {
        "incremental": ("*/15 * * * *", "Asia/Kolkata", "sync"),
        "reconcile": ("0 3 * * *", "Asia/Kolkata", "reconcile"),
        "freshness": ("*/15 * * * *", "Asia/Kolkata", "freshness"),
        "integrity": ("0 3 * * *", "Asia/Kolkata", "integrity"),
    }
    assert {sensor.name: sensor.job_name for sensor in repository.sensor_defs} == {
        "satellites": "sync",
        "publication": "publish",
    }
    running = {schedule.default_status for schedule in repository.schedule_defs}
    assert running == {dg.DefaultScheduleStatus.RUNNING}
    assert {sensor.default_status for sensor in repository.sensor_defs} == {dg.DefaultSensorStatus.RUNNING}


def test_settings_of_patterns_alone_load_before_any_satellite_was_read(write_settings, caplog):
    settings = write_settings("satellites:\n  north: {url: http://n.invalid, credentials: env:N}\nmodules: [Accounts]")
    repository = federation_definitions(settings).get_repository_def()
    assert not repository.asset_graph.get_all_asset_keys()
    assert "federation sync" in caplog.text


def test_a_damaged_lake_does_not_keep_the_definitions_from_loading(write_settings, tmp_path, caplog):
    log = tmp_path / "var" / "lake" / "north" / "log" / "rest"
    log.mkdir(parents=True)
    (log / "0000000001.json").write_text("{", encoding="utf-8")
    settings = write_settings("satellites:\n  north: {url: http://n.invalid, credentials: env:N}\ndoctypes: [Customer]")
    assert federation_definitions(settings).get_repository_def().has_job("sync")
    assert "0000000001.json" in caplog.text


def test_a_lake_elsewhere_is_not_asked(write_settings):
    settings = write_settings(
        'satellites:\n  north: {url: http://n.invalid, credentials: env:N}\ndoctypes: [Customer, "Sales *"]\n'
        "lake: memory://lake"
    )
    assert federation_definitions(settings).get_repository_def().has_job("sync")


def test_mistaken_settings_say_what_is_wrong(write_settings):
    with pytest.raises(SettingsError, match="did you mean"):
        federation_definitions(write_settings("satelites: {}"))


def test_the_examples_are_valid_without_secrets_network_or_lake():
    run = _run("dagster", "definitions", "validate", settings=ROOT / "examples" / "federation.yaml")
    assert run.returncode == 0, run.stderr


def test_a_mistake_in_the_settings_fails_the_validation_in_its_own_words(write_settings):
    run = _run("dagster", "definitions", "validate", settings=write_settings("satelites: {}"))
    assert run.returncode != 0
    assert "did you mean `satellites`?" in run.stdout + run.stderr


def test_loading_does_not_import_great_expectations():
    code = (
        "import sys; from federation.definitions import federation_definitions as load; from pathlib import Path;"
        "load(Path('examples/federation.yaml').absolute()).get_repository_def();"
        "sys.exit('great_expectations' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
