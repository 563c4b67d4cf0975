"""Lock: one run of a satellite at a time on this machine, and none that a dead process could keep waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from federation.extract.errors import SatelliteBusy
from federation.settings.model import Satellite, Settings


@contextmanager
def only_run(settings: Settings, satellite: Satellite) -> Iterator[None]:
    """Hold the satellite's lock; a process that dies loses it with its file handle.

    Raises:
        SatelliteBusy: another run holds it.
    """
    folder = settings.var / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{satellite.name}.lock", timeout=0, thread_local=False):
            yield
    except Timeout as error:
        raise SatelliteBusy(satellite.name) from error
