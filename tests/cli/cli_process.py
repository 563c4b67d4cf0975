"""The command as tests run it: in this process, or in one of its own as a shell starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from typer.testing import Result

from federation.demo.site.server import RunningSite

Command = Callable[..., Result]
"""Runs the command in this process, with the settings of the test."""
Start = Callable[..., "Started"]
"""Starts the command in a process of its own, with the settings of the test."""
Write = Callable[[str], Path]


class Started:
    """The command in a process of its own, as a shell starts it."""

    def __init__(self, settings_file: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "federation.cli", "--settings", str(settings_file), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def read_lines(self, count: int) -> None:
        """Return once so many lines came out."""
        assert self._process.stdout is not None
        for _ in range(count):
            self._process.stdout.readline()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        out, err = self._process.communicate(timeout=60)
        return self._process.returncode, out, err


def wait_until_hit(site: RunningSite, times: int = 1) -> None:
    for _ in range(3_000):
        if len(site.faults.hits) >= times:
            return
        time.sleep(0.01)
    raise AssertionError("the site was never asked")
