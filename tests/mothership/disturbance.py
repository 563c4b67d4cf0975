"""Disturbance: at a statement of the mothership, its process dies, or the server ends its connection."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from federation.mothership.mariadb.driver import MariadbDriver

QUESTIONS = ("SELECT", "SHOW", "SET NAMES", "SET SESSION")


class Died(BaseException):
    """What a process can't tell any more. Whatever comes of it on its way out, nothing reaches the server after it."""


class Disturbance:
    """Counts the statements of the mothership and lets something happen at one of them.

    Only those count that may change something: no questions, and not how a session is set up.

    Attributes:
        at: the number of the statement, from 1, or how it begins; 0 is none.
        happens: what, given the connection.
        after: when the server has executed the statement, and before its answer is read; else before it is sent.
        statements: those so far.
        happened: whether that statement was reached.
        died: the death, where it was one.
    """

    def __init__(self) -> None:
        self.at: int | str = 0
        self.after = False
        self.happened = False
        self.happens: Callable[[MariadbDriver], None] = die
        self.statements: list[str] = []
        self.died: Died | None = None

    def set(self, at: int | str, happens: Callable[[MariadbDriver], None], *, after: bool = False) -> None:
        """Begin to count anew."""
        self.at, self.happens, self.after = at, happens, after
        self.statements = []
        self.died = None
        self.happened = False

    def is_due(self) -> bool:
        """Whether the last statement is the one, for the first time."""
        if isinstance(self.at, str):
            return not self.happened and self.statements[-1].startswith(self.at)
        return len(self.statements) == self.at


@contextmanager
def disturbance(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disturbance]:
    """Listen to what the mothership says while the context lasts."""
    made = Disturbance()
    query = MariadbDriver.query

    def disturbed(driver: MariadbDriver, sql: str | bytes, unbuffered: bool = False) -> Any:
        if made.died:
            raise made.died
        text = sql if isinstance(sql, str) else sql.decode()
        if text.startswith(QUESTIONS):
            return query(driver, sql, unbuffered)
        made.statements.append(text)
        if not made.is_due():
            return query(driver, sql, unbuffered)
        made.happened = True
        if made.after:
            query(driver, sql, unbuffered)
        try:
            made.happens(driver)
        except Died as death:
            made.died = death
            raise
        return query(driver, "DO 0" if made.after else sql, unbuffered)

    with monkeypatch.context() as patched:
        patched.setattr(MariadbDriver, "query", disturbed)
        yield made


def die(driver: MariadbDriver) -> None:
    """End the process, as the server sees it: the connection breaks off without a word."""
    driver._sock.shutdown(socket.SHUT_RDWR)
    driver._force_close()  # type: ignore[no-untyped-call]
    raise Died
