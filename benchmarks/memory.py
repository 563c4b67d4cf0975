"""Memory: the peak of a first load, extraction and merge together: bounded by the batch, not by the table.

python -m benchmarks.memory
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from benchmarks.figure import Figure, show
from benchmarks.ledger_site import KEY, SECRET, add_ledger, serving, settings_text

MILLION = 1_000_000
LIMITS_MB = {False: 400, True: 1_000}
SAME = 1.1
"""Two millions may take so much of what one takes: the allocators' noise."""

_LOAD = """
import sys
from pathlib import Path
from benchmarks.peak import peak_mb
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.settings.load import load_settings
from federation.sync import sync_satellite
settings = load_settings(Path(sys.argv[1]))
outcome = sync_satellite(settings, settings.satellites["ledger"], RunOptions(), Unwatched())
assert outcome.ok, outcome
print(round(peak_mb()), sum(each.rows for each in outcome.merged.merged))
"""


def figures() -> Iterator[Figure]:
    """Load one and two million rows into a DuckDB file, with validation and without."""
    return peaks(lambda: nullcontext(""))


def peaks(motherships: Callable[[], AbstractContextManager[str]]) -> Iterator[Figure]:
    """Load one and two million rows, with validation and without, each in a process of its own.

    Args:
        motherships: gives the section of the settings that names an empty mothership; "" for a DuckDB file.
    """
    peaks: dict[tuple[bool, int], int] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for millions in (1, 2):
            add_ledger(folder / "site.sqlite", first=(millions - 1) * MILLION, rows=MILLION)
            with serving(folder / "site.sqlite") as url:
                for validation in (False, True):
                    with motherships() as mothership:
                        text = settings_text(url, validation=validation, mothership=mothership)
                        peak, seconds = _load(folder / f"{millions}-{validation}", text, millions * MILLION)
                    peaks[validation, millions] = peak
                    limit = LIMITS_MB[validation]
                    yield Figure(
                        f"{millions}M GL Entries {'with' if validation else 'without'} validation, {seconds:.0f} s",
                        f"{peak:,} MB",
                        wanted=f"≤ {limit:,} MB",
                        met=peak <= limit,
                    )
    for validation in (False, True):
        ratio = peaks[validation, 2] / peaks[validation, 1]
        what = f"2M against 1M {'with' if validation else 'without'} validation"
        yield Figure(what, f"{ratio:.2f}", wanted=f"≤ {SAME}", met=ratio <= SAME)


def _load(folder: Path, text: str, rows: int) -> tuple[int, float]:
    folder.mkdir()
    settings = folder / "federation.yaml"
    settings.write_text(text, encoding="utf-8")
    environment = {**os.environ, "LEDGER_API_KEY": KEY, "LEDGER_API_SECRET": SECRET}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(settings)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    peak, merged = map(int, done.stdout.split())
    if merged != rows:
        raise AssertionError(f"{merged} rows were merged instead of {rows}")
    return peak, time.perf_counter() - started


if __name__ == "__main__":
    show("Memory", figures())
