"""Stage: the Dagster UI on simulated satellites that live on until it is closed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from federation.demo.fleet import DemoFleet, DemoSite, make_fleet
from federation.demo.world.activity import live
from federation.settings.load import ENVIRONMENT

_SECONDS_BETWEEN_STEPS: Final = 5.0
_PATIENCE_SECONDS: Final = 30
_DEFINITIONS: Final = "federation.definitions"


def run_stage(folder: Path, *, gl_rows: int, seed: int, port: int, mothership: URL | None = None) -> int:
    """Serve the UI on a fleet made anew until it is interrupted; return the exit status of Dagster.

    Raises:
        OSError: a simulated satellite didn't start.
    """
    # Dagster shows an asset for what is named, or was read before: modules alone would show next to nothing at first.
    fleet = make_fleet(folder, gl_rows=gl_rows, seed=seed, spelled_out=True, mothership=mothership)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with fleet.serving(), _living(fleet, seed):
        dagster = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "dagster", "dev", "-m", _DEFINITIONS, "-p", str(port)],
            env={**os.environ, ENVIRONMENT: str(fleet.settings_file.absolute())},
            start_new_session=True,
        )
        try:
            return dagster.wait()
        except KeyboardInterrupt:
            # Dagster ends its webserver, daemon and code server in order when it is interrupted itself.
            dagster.send_signal(signal.SIGINT)
            dagster.wait(_PATIENCE_SECONDS)
            return 0
        finally:
            dagster.kill()


@contextmanager
def _living(fleet: DemoFleet, seed: int) -> Iterator[None]:
    """Let every site do something every few seconds, each on a thread of its own."""
    over = threading.Event()
    with ExitStack() as threads:
        for site in fleet.sites:
            thread = threading.Thread(
                target=_live_on, args=(site, seed, over), name=f"life of {site.name}", daemon=True
            )
            thread.start()
            threads.callback(thread.join)
        threads.callback(over.set)
        yield


def _live_on(site: DemoSite, seed: int, over: threading.Event) -> None:
    with site.documents() as documents:
        while not over.wait(_SECONDS_BETWEEN_STEPS):
            seed += 1
            for _ in live(documents, site.spec, seed=seed, steps=1):
                pass
