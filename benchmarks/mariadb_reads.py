"""Reads: an analyst who looks at single rows all the time, in a process of one's own, and how long each look takes."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np

from benchmarks.mariadb_place import Place


@dataclass(frozen=True)
class Question:
    """A query of single rows, and values to ask it for; both are the reader's to choose from."""

    what: str
    sql: str
    values: tuple[str, ...]


@dataclass
class Reads:
    """What a reader saw.

    Attributes:
        looks: question → (when it was asked, how long it took), in seconds of the machine's steady clock.
    """

    looks: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def milliseconds(self, what: str, begun: float, ended: float) -> np.ndarray:
        """Return how long each look took that touched a span of time."""
        spans = self.looks[what]
        return 1_000 * np.array([took for asked, took in spans if asked < ended and asked + took > begun])


@contextmanager
def reading(place: Place, questions: Sequence[Question]) -> Iterator[Reads]:
    """Let a reader ask in turn, as fast as answers come; what it saw is there when the context has ended."""
    reads = Reads()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_read, args=(place, questions, theirs))
    process.start()
    try:
        ours.recv()
        yield reads
        ours.send("enough")
        reads.looks = ours.recv()
    finally:
        process.terminate()
        process.join()


def _read(place: Place, questions: Sequence[Question], parent: Connection) -> None:
    chosen = random.Random(1)
    looks: dict[str, list[tuple[float, float]]] = {question.what: [] for question in questions}
    with place.connect() as connection, connection.cursor() as cursor:
        connection.autocommit(True)
        parent.send("ready")
        while not parent.poll():
            for question in questions:
                value = chosen.choice(question.values)
                asked = time.monotonic()
                cursor.execute(question.sql, (value,))
                found = cursor.fetchall()
                looks[question.what].append((asked, time.monotonic() - asked))
                assert found, f"{value} is not there"
    parent.send(looks)
