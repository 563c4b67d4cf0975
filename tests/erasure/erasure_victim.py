"""Processes for the tests of erasure: one that dies before its n-th change of anything on disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from federation.erasing import erase
from federation.lake.storage import LakeFolder, LakeOutput
from federation.mothership.duckdb import mothership as duckdb_mothership
from federation.settings.model import Settings

KILLED = 9
CHANGES: tuple[tuple[Any, str], ...] = (
    (LakeFolder, "write"),
    (LakeFolder, "create"),
    (LakeFolder, "delete"),
    (LakeOutput, "close"),
    (Path, "replace"),
    (duckdb_mothership, "write_anew"),
    (duckdb_mothership, "publish"),
    (duckdb_mothership.DuckdbMothership, "change"),
)


def counted(act: Callable[[int], None]) -> dict[tuple[Any, str], Any]:
    """Call `act` with the number of each change just before it; return what stood there before."""
    number = 0
    originals = {(owner, name): getattr(owner, name) for owner, name in CHANGES}

    def watched(original: Any) -> Any:
        @wraps(original)
        def change(*arguments: Any, **named: Any) -> Any:
            nonlocal number
            number += 1
            act(number)
            return original(*arguments, **named)

        return change

    for (owner, name), original in originals.items():
        setattr(owner, name, watched(original))
    return originals


def die_at(place: int) -> Callable[[int], None]:
    """As a power cut would: nothing is closed, flushed or rolled back."""

    def act(number: int) -> None:
        if number == place:
            os._exit(KILLED)

    return act


def erase_and_die(folder: Path, written: str, names: tuple[str, ...], place: int) -> None:
    """Erase customers, and be killed before the change of this number."""
    counted(die_at(place))
    settings = Settings.model_validate_json(written, context={"folder": folder})
    erase(settings, settings.satellites["shop"], "Customer", names, reason="")
