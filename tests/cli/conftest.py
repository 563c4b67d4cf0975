"""What the tests of the command share: simulated sites, a settings file that names them, a way to run the command."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cli_process import Command, Start, Started, Write
from typer.testing import CliRunner, Result

from federation.cli.app import app
from federation.demo.site.server import RunningSite
from federation.demo.site.store import SiteStore
from federation.demo.world.generate import add_extraction_user, populate
from federation.demo.world.sites import demo_sites


@pytest.fixture(scope="session")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the stores of two of the demo's sites, never served themselves."""
    folder = tmp_path_factory.mktemp("populated")
    for name in ("north", "south"):
        spec = demo_sites()[name]
        store = SiteStore(folder / f"{name}.sqlite")
        try:
            populate(store, spec, seed=7, gl_rows=300)
            add_extraction_user(store, spec, api_key=f"{name}key", api_secret=f"{name}secret")
        finally:
            store.close()
    return folder


@pytest.fixture
def sites(populated: Path, tmp_path: Path) -> Iterator[dict[str, RunningSite]]:
    with ExitStack() as running:
        yield {
            name: running.enter_context(
                RunningSite(Path(shutil.copy(populated / f"{name}.sqlite", tmp_path / f"{name}.sqlite")))
            )
            for name in ("north", "south")
        }


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("north", "south"):
        monkeypatch.setenv(f"{name.upper()}_API_KEY", f"{name}key")
        monkeypatch.setenv(f"{name.upper()}_API_SECRET", f"{name}secret")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "federation.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


@pytest.fixture
def settings_file(sites: dict[str, RunningSite], write: Write) -> Path:
    return write(
        f"""
satellites:
  north: {{url: "{sites["north"].url}", credentials: env:NORTH, jurisdiction: IN}}
  south: {{url: "{sites["south"].url}", credentials: env:SOUTH, jurisdiction: EU}}
doctypes: [Company, Customer, Sales Invoice]
validation: off
"""
    )


@pytest.fixture
def federation(tmp_path: Path) -> Command:
    """The settings are those of the file that the test wrote, there or not."""

    def run(*arguments: str, stdin: str | None = None) -> Result:
        command = ["--settings", str(tmp_path / "federation.yaml"), *arguments]
        return CliRunner().invoke(app, command, input=stdin, catch_exceptions=False)

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A process that is still there when its test ends is killed."""
    with ExitStack() as running:
        yield lambda *arguments: running.enter_context(Started(tmp_path / "federation.yaml", *arguments))
