"""Fleet: the demo's simulated satellites as a folder: their data, their keys, and the settings that name them."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests
import yaml
from sqlalchemy.engine import URL

from federation.demo.server import loader_of, set_up
from federation.demo.site.documents import SiteDocuments
from federation.demo.site.store import SiteStore
from federation.demo.world.generate import add_extraction_user, populate
from federation.demo.world.sites import SiteSpec, demo_sites
from federation.settings.load import load_settings
from federation.settings.selection import Selection

_PATIENCE_SECONDS: Final = 30
_DOCTYPES: Final = ("Company", "Currency")
_STAFF: Final = ("Employee",)
_MODULES: Final = ("Accounts", "Selling", "Buying", "Stock", "Contacts", "HR", "Education")
_POLICY: Final = (
    {"jurisdiction": "EU", "doctype": "Customer", "field": "tax_id", "action": "hash", "key": "file:keys/hash.key"},
    {"jurisdiction": "EU", "doctype": "Customer", "field": "mobile_no", "action": "drop"},
    {"jurisdiction": "CL", "doctype": "Student", "field": "rut", "action": "hash", "key": "file:keys/hash.key"},
    {"jurisdiction": "AU", "doctype": "Employee", "field": "date_of_birth", "action": "drop"},
)


@dataclass(frozen=True, slots=True)
class DemoSite:
    """One simulated satellite.

    Attributes:
        spec: what organisation it plays.
        port: where it answers, on this machine only.
        path: its data.
        doctypes: those of its DocTypes that the demo wants, child tables left out.
    """

    spec: SiteSpec
    port: int
    path: Path
    doctypes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The satellite's name in the settings."""
        return self.spec.name

    @contextmanager
    def documents(self) -> Iterator[SiteDocuments]:
        """Open the site's documents beside its server: what is changed here, the server answers next."""
        store = SiteStore(self.path)
        try:
            yield SiteDocuments(store)
        finally:
            store.close()


@dataclass(frozen=True, slots=True)
class DemoFleet:
    """A folder with simulated satellites.

    Attributes:
        folder: everything of the demo lies below it.
        sites: the satellites.
    """

    folder: Path
    sites: tuple[DemoSite, ...]

    @property
    def settings_file(self) -> Path:
        """The settings that name the satellites."""
        return self.folder / "federation.yaml"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run every site's server as a process of its own, until the end of the block."""
        with ExitStack() as running:
            for site in self.sites:
                running.enter_context(_serving(site))
            yield


def make_fleet(
    folder: Path, *, gl_rows: int, seed: int, spelled_out: bool = False, mothership: URL | None = None
) -> DemoFleet:
    """Make the demo's satellites anew, each with about `gl_rows` GL Entries, and write the settings that name them.

    Args:
        folder: where; what lies there is removed.
        gl_rows: of each site.
        seed: the same one makes the same sites.
        spelled_out: the settings name every DocType, instead of modules.
        mothership: a database on a MariaDB server, with an account that may make others and its password; None is a
            DuckDB file in `folder`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    keys = folder / "keys"
    keys.mkdir(parents=True)
    _write_secret(keys / "hash.key", secrets.token_hex(32))
    sites = []
    for spec in demo_sites().values():
        path = folder / "sites" / f"{spec.name}.sqlite"
        store = SiteStore(path, version=spec.version)
        try:
            populate(store, spec, seed=seed, gl_rows=gl_rows)
            site = DemoSite(spec, _free_port(), path, tuple(_wanted(store, spec)))
            key, secret = secrets.token_hex(8), secrets.token_hex(8)
            add_extraction_user(store, spec, api_key=key, api_secret=secret)
        finally:
            store.close()
        _write_secret(keys / f"{spec.name}.key", key)
        _write_secret(keys / f"{spec.name}.secret", secret)
        sites.append(site)
    fleet = DemoFleet(folder, tuple(sites))
    settings = _settings(fleet, _mothership(keys, mothership), spelled_out=spelled_out)
    fleet.settings_file.write_text(settings, encoding="utf-8")
    if mothership is not None:
        set_up(load_settings(fleet.settings_file), mothership)
    return fleet


def _wanted(store: SiteStore, spec: SiteSpec) -> Iterator[str]:
    selection = Selection.of((*_DOCTYPES, *_own_doctypes(spec)), _MODULES)
    for meta in map(store.meta, store.doctypes()):
        if not meta.is_table and selection.matches(meta.name, str(meta.wire["module"])):
            yield meta.name


def _mothership(keys: Path, url: URL | None) -> str | dict[str, str]:
    if url is None:
        return "duckdb:///mothership.duckdb"
    loader, password = loader_of(url)
    _write_secret(keys / "mothership.password", password)
    return {"url": loader.render_as_string(), "password": "file:keys/mothership.password"}


def _settings(fleet: DemoFleet, mothership: str | dict[str, str], *, spelled_out: bool) -> str:
    common = {} if spelled_out else {"doctypes": list(_DOCTYPES), "modules": list(_MODULES)}
    settings = {
        **common,
        "satellites": {
            site.name: {
                "url": f"http://127.0.0.1:{site.port}",
                "credentials": {"key": f"file:keys/{site.name}.key", "secret": f"file:keys/{site.name}.secret"},
                "jurisdiction": site.spec.jurisdiction,
                **({"doctypes": list(site.doctypes)} if spelled_out else _own_selection(site.spec)),
            }
            for site in fleet.sites
        },
        "policy": list(_POLICY),
        "lake": "lake",
        "mothership": mothership,
        "var": "var",
    }
    head = "# Simulated satellites on this machine, made by `federation demo`.\n"
    return head + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _own_selection(spec: SiteSpec) -> dict[str, list[str]]:
    """A selection of the satellite's own, instead of the common one."""
    own = _own_doctypes(spec)
    return {"doctypes": [*_DOCTYPES, *own], "modules": list(_MODULES)} if own else {}


def _own_doctypes(spec: SiteSpec) -> Sequence[str]:
    """Where people are counted in and out, they are wanted too."""
    return _STAFF if "staff" in spec.apps else ()


def _write_secret(path: Path, secret: str) -> None:
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(site: DemoSite) -> Iterator[None]:
    command = [sys.executable, "-m", "federation.demo.serve", str(site.path), str(site.port)]
    # A session of its own: Ctrl-C reaches this process, which ends its sites in order.
    server = subprocess.Popen(command, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})  # noqa: S603
    try:
        _wait_for(site, server)
        yield
    finally:
        server.terminate()
        server.wait()


def _wait_for(site: DemoSite, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            requests.get(f"http://127.0.0.1:{site.port}/api/method/ping", timeout=1)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise OSError(f"the simulated satellite {site.name} didn't start on port {site.port}")
