"""Chromium: the browser that looks at the Dagster UI, from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.services.service import Unavailable

NAME = "chromium"


def obtain() -> str:
    """Return the browser's path, installing it where this user may.

    Raises:
        Unavailable: it isn't there and can't be installed.
    """
    if found := shutil.which("chromium"):
        return found
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Unavailable(
            NAME, "it is not installed, and only root on Debian can do that here: apt-get install chromium"
        )
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable(NAME, f"{' '.join(command)} failed: {done.stderr.strip()[-300:]}")
    if found := shutil.which("chromium"):
        return found
    raise Unavailable(NAME, "Debian's package brought no `chromium` command")
