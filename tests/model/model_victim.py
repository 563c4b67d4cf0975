"""Syncs the model's site in a process of its own for every line it reads, at the model's time, and may kill it.

A line is JSON: `settings` (a path), `now` (seconds that the model's time is ahead of this machine's), `depth`,
`allow_mass_delete`, `kill_at` (the effect at which the process dies, 0 for never) and `told` (a path, for what came of
it: `error`, `failed` by DocType, `effects`). The answer is the exit status. What an effect is, `sync_victim` says.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - pyarrow would import it in every child

sys.path.append(str(Path(__file__).parents[1] / "chaos"))

from sync_victim import watched

from connectors.frappe import retries
from federation.extract import clock
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.sync import sync_satellite

CRASHED = 70


class _Ahead:
    """Stands where the clock looks for `datetime`: the machine's time is another one."""

    min = datetime.min  # noqa: DTZ901 - as there

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self._ahead


def sync(order: dict[str, Any]) -> None:
    """Sync, and end the process."""
    clock.datetime = _Ahead(timedelta(seconds=order["now"]))  # type: ignore[assignment, misc]
    retries._pause = lambda _: 0  # type: ignore[assignment]
    reaper, settings = watched(order)
    options = RunOptions(depth=order["depth"], allow_mass_delete=order["allow_mass_delete"])
    outcome = sync_satellite(settings, settings.satellites["site"], options, Unwatched())
    failed = {each.doctype: each.error for each in outcome.doctypes if each.status == "failed"}
    error = " ".join([outcome.error, *map(str, outcome.merged.failed)]).strip()
    pending = sum(each.pending for each in outcome.doctypes)
    told = {"error": error, "failed": failed, "effects": len(reaper.seen), "pending": pending}
    Path(order["told"]).write_text(json.dumps(told))
    os._exit(0 if outcome.ok else 1)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                sync(json.loads(line))
            except BaseException:  # noqa: BLE001 - whatever it is, the child must not go on as another parent
                traceback.print_exc()
                os._exit(CRASHED)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
