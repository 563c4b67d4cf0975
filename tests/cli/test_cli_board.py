"""The board of a running sync: satellites in work, their DocTypes, rows and pace."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from federation.cli.board import Board
from federation.extract.outcome import DocTypeOutcome


class Clock:
    """Moves when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def drawn(board: Board) -> list[list[str]]:
    console = Console(file=StringIO(), width=140)
    console.print(board)
    assert isinstance(console.file, StringIO)
    return [line.replace("━", "").split() for line in console.file.getvalue().splitlines()]


def test_each_doctype_in_work_stands_below_its_satellite() -> None:
    clock = Clock()
    board = Board(3, clock)
    board.begin("north", 2)
    board.start("north", "Customer")
    board.start("north", "GL Entry")
    board.count("north", "GL Entry", 1_500)
    board.count("north", "GL Entry", 1_500)
    clock.now = 2.0
    satellite, customer, gl_entry, whole = drawn(board)
    assert satellite[1:] == ["north", "0", "of", "2", "DocTypes", "3,000", "rows", "1,500", "rows/s", "2.0", "s"]
    assert customer == ["Customer", "2.0", "s"]
    assert gl_entry == ["GL", "Entry", "3,000", "rows", "1,500", "rows/s", "2.0", "s"]
    assert whole == ["all", "0", "of", "3", "satellites", "3,000", "rows", "1,500", "rows/s", "2.0", "s"]


def test_what_ended_leaves_the_board() -> None:
    board = Board(1, Clock())
    board.begin("north", None)
    board.start("north", "Customer")
    board.end("north", DocTypeOutcome("Customer", "changed"))
    satellite, whole = drawn(board)
    assert satellite[1:5] == ["north", "1", "DocTypes", "0.0"]
    board.merge("north")
    assert "merging" in drawn(board)[0]
    outcomes, seconds = board.finish("north")
    assert [outcome.doctype for outcome in outcomes] == ["Customer"]
    assert seconds.keys() == {"Customer"}
    (whole,) = drawn(board)
    assert whole[:5] == ["all", "1", "of", "1", "satellites"]


def test_a_doctypes_name_is_no_markup() -> None:
    board = Board(1, Clock())
    board.begin("north", None)
    board.start("north", "[red]\x1b[2JGL")
    assert any("[red]\N{REPLACEMENT CHARACTER}[2JGL" in " ".join(line) for line in drawn(board))


def test_an_interrupted_sync_says_that_it_stops() -> None:
    board = Board(1, Clock())
    board.stopping = True
    assert "stopping at the next page" in " ".join(drawn(board)[-1])
