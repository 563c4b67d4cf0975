"""Dagster's storage on MariaDB with connections that are kept; the stock storage opens one for each operation."""

# ruff: noqa: INP001 - a module of its own on the PYTHONPATH of the image
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import dagster as dg
from dagster._config.config_schema import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_mysql import DagsterMySQLStorage
from sqlalchemy import create_engine, make_url


class PooledMySQLStorage(DagsterMySQLStorage):
    """Runs, events and schedules in one database, over one small pool of connections a process.

    `dagster.yaml` gives `url`, an SQLAlchemy URL without password, and `password_file`, a file with the password in its
    first line: so no secret is in Dagster's settings, its environment or its command lines. The webserver puts a stock
    pool in the place of this one: there, the first question after a restart of MariaDB may fail, and is asked again.
    """

    def __init__(self, url: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(url, inst_data)
        engine = create_engine(
            url,
            isolation_level="REPEATABLE READ",  # as the stock storage has it
            pool_size=2,
            max_overflow=30,  # the webserver asks in many threads
            pool_pre_ping=True,  # a restart of MariaDB costs a new connection, not an event
            pool_recycle=3600,
        )
        # dagster-mysql has no way to be given an engine. It is pinned to one version.
        self._run_storage._engine = self._event_log_storage._engine = self._schedule_storage._engine = engine  # noqa: SLF001

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return what `config` in `dagster.yaml` takes."""
        return {"url": dg.StringSource, "password_file": dg.StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, str]
    ) -> PooledMySQLStorage:
        """Return the storage that `dagster.yaml` describes."""
        password = Path(config_value["password_file"]).read_text(encoding="utf-8").splitlines()[0]
        url = make_url(config_value["url"]).set(password=password)
        return cls(url.render_as_string(hide_password=False), inst_data)
