"""Runs from simulated sites to the mothership, as the jobs do them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.event_api import PartitionKeyFilter
from shops import KEY, SECRET, shop

from federation.definitions import federation_definitions
from federation.demo.site.faults import Fault
from federation.demo.site.server import RunningSite
from federation.mothership.duckdb.published import PublishedMothership
from federation.settings.load import load_settings


@dataclass
class Federation:
    """Two running sites, and the jobs over them."""

    settings_file: Path
    instance: dg.DagsterInstance
    north: RunningSite
    south: RunningSite
    stop: dict[str, Callable[[], object]] = field(default_factory=dict)

    def run(self, job: str, satellite: str | None, **options) -> dg.ExecuteInProcessResult:
        """Run a job in this process, on definitions loaded anew."""
        definitions = federation_definitions(self.settings_file)
        return definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=satellite, raise_on_error=False, **options
        )

    def rows(self, sql: str) -> list[dict]:
        with PublishedMothership(load_settings(self.settings_file).mothership_file) as mothership:
            return mothership.query(sql).read_all().to_pylist()


@pytest.fixture
def federation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Federation]:
    for name in ("NORTH", "SOUTH"):
        monkeypatch.setenv(f"{name}_API_KEY", KEY)
        monkeypatch.setenv(f"{name}_API_SECRET", SECRET)
    with ExitStack() as open_sites, dg.DagsterInstance.ephemeral() as instance:
        sites, stops = {}, {}
        for name in ("north", "south"):
            path = tmp_path / f"{name}.sqlite"
            running = open_sites.enter_context(stop := ExitStack())
            sites[name] = running.enter_context(RunningSite(path, documents=shop(path)))
            stops[name] = stop.close
        file = tmp_path / "federation.yaml"
        file.write_text(
            f"""
satellites:
  north: {{url: {sites["north"].url}, credentials: env:NORTH, connections: 1}}
  south: {{url: {sites["south"].url}, credentials: env:SOUTH, connections: 1, read_timeout_seconds: 5}}
doctypes: [Customer, Order]
policy:
  - {{doctype: Customer, field: email, action: drop}}
publish_seconds: 0
""",
            encoding="utf-8",
        )
        instance.add_dynamic_partitions("satellite", ["north", "south"])
        yield Federation(file, instance, sites["north"], sites["south"], stops)


def _materialized(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetMaterialization]:
    return {
        event.asset_key.to_user_string(): event.step_materialization_data.materialization
        for event in result.all_events
        if event.is_step_materialization
    }


def _checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    evaluations = result.get_asset_check_evaluations()
    return {f"{check.asset_key.to_user_string()}:{check.check_name}": check for check in evaluations}


def _failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    failed = (event for event in result.all_events if event.is_step_failure)
    return {event.step_key: event.step_failure_data.user_failure_data.description for event in failed}


def test_the_first_sync_materialises_every_doctype_in_both_layers(federation):
    result = federation.run("sync", "north")
    assert result.success
    made = _materialized(result)
    assert set(made) == {"conformed/customer", "conformed/order", "mothership/customer", "mothership/order"}
    assert {event.partition for event in made.values()} == {"north"}
    assert federation.rows("SELECT satellite, name, city FROM customer ORDER BY name") == [
        {"satellite": "north", "name": "Ada", "city": "Pune"},
        {"satellite": "north", "name": "Bo", "city": "Köln|<b>"},
    ]


def test_a_materialisation_tells_counts_as_of_packages_columns_and_a_sample(federation):
    made = _materialized(federation.run("sync", "north"))
    order = made["conformed/order"].metadata
    assert (order["documents"].value, order["rows"].value, order["depth"].value) == (1, 3, "changes")
    assert order["as_of"].value > 0
    assert all(Path(folder).is_dir() for folder in order["packages"].value)
    columns = {column.name: column.type for column in order["dagster/column_schema"].value.columns}
    assert columns["modified_utc"] == "timestamp[us]"
    (row,) = order["sample"].records
    assert row.data["customer"] == "Ada"
    merged = made["mothership/order"].metadata
    assert (merged["inserted"].value, merged["dagster/partition_row_count"].value) == (1, 1)


def test_what_the_policy_drops_is_in_no_event_and_no_column(federation):
    result = federation.run("sync", "north")
    events = "".join(str(entry) for entry in federation.instance.all_logs(result.run_id))
    assert "Ada" in events
    assert "private.example" not in events
    assert SECRET not in events
    columns = _materialized(result)["conformed/customer"].metadata["dagster/column_schema"].value.columns
    assert "email" not in {column.name for column in columns}


def test_only_what_changed_is_materialised(federation):
    federation.run("sync", "north")
    federation.north.documents.save("Customer", "Ada", {"city": "Goa"})
    result = federation.run("sync", "north")
    assert set(_materialized(result)) == {"conformed/customer", "mothership/customer"}
    assert federation.rows("SELECT city FROM customer WHERE name = 'Ada'") == [{"city": "Goa"}]


def test_a_run_that_finds_nothing_new_materialises_nothing_and_still_tells_what_stands(federation):
    federation.run("sync", "north")
    result = federation.run("sync", "north")
    assert result.success
    assert _materialized(result) == {}
    assert {name: check.passed for name, check in _checks(result).items()} == {
        f"conformed/{doctype}:{check}": True for doctype in ("customer", "order") for check in ("read", "expectations")
    }


def test_a_dead_satellite_fails_its_own_run_alone(federation):
    address = federation.south.url
    federation.stop["south"]()
    south, north = federation.run("sync", "south"), federation.run("sync", "north")
    assert not south.success
    assert north.success
    failures = _failures(south)
    assert set(failures) == {"conformed"}
    assert f"{address}: the site can't be reached" in failures["conformed"]
    assert federation.rows("SELECT DISTINCT satellite FROM customer") == [{"satellite": "north"}]


def test_what_a_satellite_committed_before_it_failed_is_merged(federation):
    federation.north.faults.add(Fault(path="Order Line", status=401, times=None))
    result = federation.run("sync", "north")
    assert not result.success
    assert set(_materialized(result)) == {"conformed/customer", "mothership/customer"}
    federation.north.faults.clear()
    assert federation.run("sync", "north").success
    assert federation.rows('SELECT count(*) AS n FROM "order"') == [{"n": 1}]


def test_a_doctype_that_cannot_be_read_is_a_failed_check_and_the_run_goes_on(federation):
    text = federation.settings_file.read_text(encoding="utf-8")
    federation.settings_file.write_text(text.replace("[Customer, Order]", "[Customer, Order, Ghost]"), encoding="utf-8")
    result = federation.run("sync", "north")
    assert result.success
    assert "conformed/ghost" not in _materialized(result)
    check = _checks(result)["conformed/ghost:read"]
    assert (check.passed, check.severity, check.partition) == (False, dg.AssetCheckSeverity.ERROR, "north")
    assert "Ghost" in check.description
    assert _checks(result)["conformed/customer:read"].passed


def test_expectations_are_judged_for_what_was_read(federation):
    checks = _checks(federation.run("sync", "north"))
    assert {"conformed/customer:expectations", "conformed/order:expectations"} <= set(checks)
    assert checks["conformed/order:expectations"].metadata["expectations"].value > 0


def test_a_doctype_selected_alone_is_read_alone(federation):
    keys = [dg.AssetKey(["conformed", "customer"]), dg.AssetKey(["mothership", "customer"])]
    result = federation.run("sync", "north", asset_selection=keys)
    assert set(_materialized(result)) == {"conformed/customer", "mothership/customer"}
    assert set(_materialized(federation.run("sync", "north"))) == {"conformed/order", "mothership/order"}


def test_reconcile_brings_what_changed_without_a_trace_and_nothing_else(federation):
    site = federation.north.documents
    for doctype in ("Customer", "Order"):
        site.sql_update(doctype, {"docstatus": 0}, {"modified": "2026-01-01 00:00:00"})
    federation.run("sync", "north")
    site.sql_update("Customer", {"name": "Ada"}, {"city": "Mumbai"})
    assert _materialized(federation.run("sync", "north")) == {}
    made = _materialized(federation.run("reconcile", "north"))
    assert made["conformed/customer"].metadata["depth"].value == "reconcile"
    assert made["conformed/customer"].metadata["documents"].value == 1
    assert "conformed/order" not in made


def test_a_satellite_that_is_switched_off_is_not_read(federation):
    text = federation.settings_file.read_text(encoding="utf-8")
    federation.settings_file.write_text(text.replace("env:SOUTH,", "env:SOUTH, enabled: off,"), encoding="utf-8")
    result = federation.run("sync", "south")
    assert "satellites.south.enabled" in _failures(result)["conformed"]


def test_a_satellite_without_its_secret_fails_with_the_name_of_the_variable(federation, monkeypatch):
    monkeypatch.delenv("SOUTH_API_SECRET")
    result = federation.run("sync", "south")
    assert "SOUTH_API_SECRET" in _failures(result)["conformed"]


NO_KOLN = """
- {expect: expect_column_values_to_not_match_regex, field: city, regex: Köln, reason: Nobody lives in Köln.}
"""


def _expect(federation, text):
    folder = federation.settings_file.with_name("expectations")
    folder.mkdir()
    (folder / "customer.yaml").write_text(text, encoding="utf-8")


def test_unmet_expectations_are_tables_in_the_check_and_a_page_of_data_docs(federation):
    _expect(federation, NO_KOLN)
    check = _checks(federation.run("sync", "north"))["conformed/customer:expectations"]
    assert (check.passed, check.severity, check.partition) == (False, dg.AssetCheckSeverity.WARN, "north")
    [unmet] = [row.data for row in check.metadata["rules"].records if row.data["status"] == "unmet"]
    assert (unmet["rule"], unmet["rows"], unmet["failing"], unmet["%"]) == ("Nobody lives in Köln.", 2, 1, "50.00")
    [example] = [row.data for row in check.metadata["examples"].records]
    assert (example["document"], example["field"], example["value"]) == ("Bo", "city", "Köln|<b>")
    page = Path(check.metadata["data_docs"].value)
    assert "Nobody lives in Köln." in page.read_text(encoding="utf-8")
    assert page.name in page.parent.with_name("index.html").read_text(encoding="utf-8")


def test_a_verdict_stands_until_rows_are_judged_again_and_each_satellite_has_its_own_history(federation):
    _expect(federation, NO_KOLN)
    federation.run("sync", "north")
    federation.run("sync", "south")
    standing = _checks(federation.run("sync", "north"))["conformed/customer:expectations"]
    assert not standing.passed
    assert re.fullmatch(
        r"No row was judged since .* UTC, when 1 of \d+ expectations were not met\.", standing.description
    )
    assert Path(standing.metadata["data_docs"].value).is_file()
    federation.north.documents.save("Customer", "Bo", {"city": "Bonn"})
    assert _checks(federation.run("sync", "north"))["conformed/customer:expectations"].passed
    assert _checks(federation.run("sync", "north"))["conformed/customer:expectations"].passed
    key = dg.AssetCheckKey(dg.AssetKey(["conformed", "customer"]), "expectations")

    def history(satellite):
        executions = federation.instance.event_log_storage.get_asset_check_execution_history(
            key, limit=10, partition_filter=PartitionKeyFilter(key=satellite)
        )
        return [execution.status.value for execution in executions]

    assert history("north") == ["SUCCEEDED", "SUCCEEDED", "FAILED", "FAILED"]
    assert history("south") == ["FAILED"]


def test_data_docs_that_cannot_be_written_fail_no_run(federation):
    federation.settings_file.with_name("taken").write_text("a file", encoding="utf-8")
    with federation.settings_file.open("a", encoding="utf-8") as settings:
        settings.write("data_docs: taken/docs\n")
    result = federation.run("sync", "north")
    assert result.success
    told = [
        check.metadata["data_docs"].value for name, check in _checks(result).items() if name.endswith(":expectations")
    ]
    assert told
    assert all("its Data Docs were not written" in each and "`data_docs` in the settings" in each for each in told)
    assert federation.run("integrity", None).success


def test_freshness_names_the_satellite_that_was_never_read(federation):
    federation.run("sync", "north")
    result = federation.run("freshness", None)
    check = _checks(result)["mothership/customer:freshness"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "south" in check.description
    assert "north" not in check.description
    federation.run("sync", "south")
    assert _checks(federation.run("freshness", None))["mothership/customer:freshness"].passed


def test_integrity_names_the_documents_that_link_to_nothing(federation):
    federation.run("sync", "north")
    assert _checks(federation.run("integrity", None))["mothership/order:integrity"].passed
    federation.north.documents.delete("Customer", "Ada")
    federation.run("reconcile", "north")
    federation.run("publish", None)
    check = _checks(federation.run("integrity", None))["mothership/order:integrity"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == "Not met at north."
    page = Path(check.metadata["data_docs at north"].value)
    assert "What customer names is there, in Customer." in page.read_text(encoding="utf-8")
    [example] = check.metadata["examples"].records
    assert (example.data["satellite"], example.data["document"], example.data["value"]) == ("north", "O-1", "Ada")


def test_patterns_become_assets_once_a_satellite_was_read(federation):
    text = federation.settings_file.read_text(encoding="utf-8")
    federation.settings_file.write_text(text.replace("[Customer, Order]", '["Cust*", Order]'), encoding="utf-8")
    assert set(_materialized(federation.run("sync", "north"))) == {"conformed/order", "mothership/order"}
    keys = federation_definitions(federation.settings_file).get_repository_def().asset_graph.get_all_asset_keys()
    assert dg.AssetKey(["conformed", "customer"]) in keys
    federation.north.documents.save("Customer", "Ada", {"city": "Goa"})
    assert set(_materialized(federation.run("sync", "north"))) == {"conformed/customer", "mothership/customer"}
