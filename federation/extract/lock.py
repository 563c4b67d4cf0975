"""Lock: one run of a satellite at a time on this machine, and none that a dead process could keep waiting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from federation.extract.errors import LockUnavailable, SatelliteBusy
from federation.settings.model import Satellite, Settings


@contextmanager
def only_run(settings: Settings, satellite: Satellite) -> Iterator[None]:
    """Hold the satellite's lock; a process that dies loses it with its file handle.

    Raises:
        SatelliteBusy: another run holds it.
        LockUnavailable: the folder of run-time files can't be written.
    """
    lock = FileLock(settings.var / "locks" / f"{satellite.name}.lock", timeout=0, thread_local=False)
    try:
        (settings.var / "locks").mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise SatelliteBusy(satellite.name) from error
    except OSError as error:
        raise LockUnavailable(satellite.name, lock.lock_file, error.strerror or type(error).__name__) from error
    try:
        yield
    finally:
        lock.release()
