"""What a data engineer sees: the Dagster UI of a federation, in a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.services import chromium
from tests.services.service import for_test

SETTINGS = """
doctypes: [Sales Invoice]
satellites:
  north: {url: "http://127.0.0.1:9", credentials: "env:NORTH"}
"""
PATIENCE_SECONDS = 90


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "federation.yaml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "dagster_webserver", "-m", "federation.definitions", "-p", str(port)],
        env={
            **os.environ,
            "DAGSTER_HOME": str(tmp_path),
            "FEDERATION_SETTINGS": str(tmp_path / "federation.yaml"),
        },
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                requests.get(f"{url}/server_info", timeout=2)
                break
            except requests.RequestException:
                time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait()


def seen(browser: str, url: str, profile: Path) -> str:
    """Return the page as the browser has drawn it."""
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic")
    return subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", *quiet),
            *(f"--user-data-dir={profile}", "--virtual-time-budget=30000", "--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    ).stdout


@pytest.mark.browser
def test_an_asset_shows_where_it_comes_from_and_what_checks_it(ui: str, tmp_path: Path) -> None:
    browser = for_test(chromium.obtain)
    page = seen(browser, f"{ui}/assets/conformed/sales_invoice", tmp_path / "profile")
    assert "Sales Invoice as packages on the lake" in page
    checks = seen(browser, f"{ui}/assets/conformed/sales_invoice?view=checks", tmp_path / "profile")
    assert "expectations" in checks
    lineage = seen(browser, f"{ui}/asset-groups/", tmp_path / "profile")
    assert all(group in lineage for group in ("satellite", "conformed", "mothership"))
