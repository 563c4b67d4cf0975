"""Service: what a real server is to the tests, and what happens where it can't be had."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest

Needed = TypeVar("Needed")

REQUIRED = "FEDERATION_REQUIRE_SERVICES"


class Unavailable(Exception):
    """A server can't be had on this machine, and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


def required() -> bool:
    """Return whether a server that can't be had is a failure."""
    return os.environ.get(REQUIRED) == "1"


def for_test(obtain: Callable[[], Needed]) -> Needed:
    """Return what a test needs of a service; where it can't be had, skip with the reason, or fail if it is required."""
    try:
        return obtain()
    except Unavailable as error:
        if required():
            pytest.fail(f"{error} ({REQUIRED}=1)")
        pytest.skip(str(error))
