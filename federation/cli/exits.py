"""Exits: how a command ends: with a status, and with a plain message instead of a traceback where it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import wraps
from typing import Final, NoReturn, ParamSpec, TypeVar

import typer

from federation.cli.screen import complain, notices
from federation.settings.errors import SettingsError


class Status(IntEnum):
    """What the shell is told."""

    DONE = 0
    FAILED = 1
    MISUSED = 2
    INTERRUPTED = 130


STATUSES: Final = """Exit statuses

0 all done

1 something failed, is late or differs; the rest was done

2 wrong usage or settings; nothing was started

130 interrupted; the next run goes on from there
"""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def ends_plainly(work: Callable[Arguments, Status]) -> Callable[Arguments, None]:
    """Make a command of `work`: its status becomes the exit status, its known failures a message on stderr."""

    @wraps(work)
    def command(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        try:
            status = work(*args, **kwargs)
        except KeyboardInterrupt:
            notices().print("\nInterrupted.", style="yellow")
            status = Status.INTERRUPTED
        except SettingsError as error:
            complain(str(error))
            status = Status.MISUSED
        except _known_failures() as error:
            complain(str(error))
            status = Status.FAILED
        raise typer.Exit(status)

    return command


def unless_interrupted(work: Callable[[], Answer]) -> Answer:
    """Return what `work` returns; Ctrl-C ends the process at once, in whatever long call `work` is.

    Python hears a signal between two steps of its main thread alone; so `work`, which may wait for a site or for the
    database, runs in another.
    """
    with ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(work).result()
        except KeyboardInterrupt:
            end_at_once("Interrupted.")


def end_at_once(message: str) -> NoReturn:
    """End this process as interrupted, without waiting for its threads: they may have long to wait themselves.

    That is safe: a run that is killed at any instruction leaves a state from which the next one goes on.
    """
    screen = notices()
    screen.show_cursor()
    screen.print(message, style="yellow")
    sys.stdout.flush()
    os._exit(Status.INTERRUPTED)


def _known_failures() -> tuple[type[Exception], ...]:
    """Return the trees of errors whose messages are made for a reader; imported only once something was raised."""
    from connectors.frappe import FrappeError  # noqa: PLC0415
    from federation.extract.errors import ExtractError  # noqa: PLC0415
    from federation.lake.errors import LakeError  # noqa: PLC0415
    from federation.mothership.errors import MothershipError  # noqa: PLC0415

    return FrappeError, ExtractError, LakeError, MothershipError
