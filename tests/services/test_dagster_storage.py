"""Dagster's storage of `deploy/` on a real MariaDB: connections are kept, and lost ones are replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import make_url

from tests.services import mariadb

pytest.importorskip("dagster_mysql", reason="comes with the optional dependencies `deploy`")

DEPLOY = mariadb.ROOT / "deploy"


@pytest.fixture
def instance(
    mariadb_server: mariadb.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    database = mariadb.fresh_database(mariadb_server, "dagster")
    password = tmp_path / "password"
    password.write_text(mariadb_server.admin_password + "\n", encoding="utf-8")
    url = f"mysql+pymysql://{mariadb_server.admin_user}@{mariadb_server.host}:{mariadb_server.port}/{database.name}"
    monkeypatch.setenv("DAGSTER_STORAGE_URL", f"{url}?ssl_ca={mariadb_server.ca}")
    monkeypatch.setenv("DAGSTER_STORAGE_PASSWORD_FILE", str(password))
    monkeypatch.setenv("DAGSTER_LOGS", str(tmp_path / "logs"))
    monkeypatch.syspath_prepend(str(DEPLOY))
    (tmp_path / "dagster.yaml").write_text((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        yield made
    sys.modules.pop("dagster_storage", None)
    database.drop()


@dg.multi_asset(specs=[dg.AssetSpec(name) for name in ("customer", "item", "gl_entry")])
def three() -> Iterator[dg.MaterializeResult[None]]:
    for name in ("customer", "item", "gl_entry"):
        yield dg.MaterializeResult(asset_key=name)


def owned(server: mariadb.Server) -> list[tuple[object, ...]]:
    database = make_url(os.environ["DAGSTER_STORAGE_URL"]).database
    return server.ask(f"SELECT id FROM information_schema.processlist WHERE db = '{database}'")


def test_a_run_is_kept_over_few_connections(instance: dg.DagsterInstance, mariadb_server: mariadb.Server) -> None:
    assert dg.materialize([three], instance=instance).success
    kept = owned(mariadb_server)
    assert dg.materialize([three], instance=instance).success
    assert owned(mariadb_server) == kept, "the second run opened connections of its own"
    assert 1 <= len(kept) <= 2
    assert instance.get_runs_count() == 2
    assert instance.get_latest_materialization_event(dg.AssetKey("gl_entry")) is not None


def test_connections_that_the_server_ended_are_replaced(
    instance: dg.DagsterInstance, mariadb_server: mariadb.Server
) -> None:
    assert dg.materialize([three], instance=instance).success
    for (connection,) in owned(mariadb_server):
        mariadb_server.ask(f"KILL {connection}")
    while owned(mariadb_server):
        pass
    assert dg.materialize([three], instance=instance).success
    assert instance.get_runs_count() == 2
