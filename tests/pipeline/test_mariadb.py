"""The jobs with a mothership on MariaDB: a run merges, analysts see it at once, and what costs speed is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from shops import KEY, SECRET, shop
from sqlalchemy import make_url

from assets.resource import FederationResource
from federation.definitions import federation_definitions
from federation.demo.site.server import RunningSite

Run = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def settings_file(mariadb_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("NORTH_API_KEY", KEY)
    monkeypatch.setenv("NORTH_API_SECRET", SECRET)
    url = make_url(mariadb_url)
    monkeypatch.setenv("MOTHERSHIP", str(url.password))
    site = tmp_path / "north.sqlite"
    with RunningSite(site, documents=shop(site)) as running:
        file = tmp_path / "federation.yaml"
        file.write_text(
            f"""
satellites:
  north: {{url: {running.url}, credentials: env:NORTH}}
doctypes: [Customer, Order]
mothership: {{url: "{url._replace(password=None).render_as_string()}", password: env:MOTHERSHIP}}
""",
            encoding="utf-8",
        )
        yield file


@pytest.fixture
def run(settings_file: Path) -> Iterator[Run]:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("satellite", ["north"])

        def run(**resources: FederationResource) -> dg.ExecuteInProcessResult:
            job = federation_definitions(settings_file).resolve_job_def("sync")
            return job.execute_in_process(
                instance=instance, partition_key="north", raise_on_error=False, resources=resources or None
            )

        yield run


def merged(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, object]]:
    return {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.all_events
        if event.is_step_materialization and event.asset_key.path[0] == "mothership"
    }


def test_a_run_merges_and_there_is_nothing_left_to_publish(run: Run, settings_file: Path) -> None:
    result = run()
    assert result.success
    rows = {key: found["dagster/partition_row_count"] for key, found in merged(result).items()}
    federation = FederationResource(settings_file=str(settings_file))
    assert {f"mothership/{fresh.doctype.lower()}": fresh.rows for fresh in federation.freshness()} == rows
    assert all(rows.values())
    assert not federation.publish(force=True)
    assert federation.publication().written_at is None


def test_what_an_administrator_should_know_stands_beside_what_was_merged(
    run: Run, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = FederationResource.merge
    remark = "Rows were sent by INSERT, several times slower."
    monkeypatch.setattr(FederationResource, "merge", lambda self, name: replace(merge(self, name), remarks=(remark,)))
    assert {found["remarks"] for found in merged(run()).values()} == {remark}


def test_a_server_that_refuses_fails_the_run_and_the_next_one_goes_on(
    run: Run, settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = settings_file.read_text()
    settings_file.write_text(password.replace("env:MOTHERSHIP}", "env:WRONG}"), encoding="utf-8")
    monkeypatch.setenv("WRONG", "wrong")
    failed = run()
    assert not failed.success
    assert not merged(failed)
    settings_file.write_text(password, encoding="utf-8")
    assert set(merged(run())) == {"mothership/customer", "mothership/order"}
