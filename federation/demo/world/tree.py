"""Trees as Frappe stores them: an indented outline becomes rows with a parent and nested-set bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_INDENT = 2


@dataclass(frozen=True)
class Node:
    """One line of an outline.

    `lft` and `rgt` count from 1 in the order in which a walk enters and leaves the nodes: a node lies below another
    when its bounds lie inside the other's.
    """

    label: str
    details: tuple[str, ...]
    parent: str | None
    root: str
    is_group: bool
    lft: int
    rgt: int


def read_outline(lines: Iterable[str]) -> tuple[Node, ...]:
    """Read `label | detail | …` lines, two spaces deeper per level, into nodes in the order of the lines."""
    written = [line for line in lines if line.strip()]
    depths = [(len(line) - len(line.lstrip(" "))) // _INDENT for line in written]
    path: list[str] = []
    nodes = []
    for place, (line, depth) in enumerate(zip(written, depths, strict=True)):
        label, *details = (part.strip() for part in line.split("|"))
        path = [*path[:depth], label]
        descendants = _run_below(depths[place + 1 :], depth)
        # Before a node is entered, all earlier nodes were entered and all but its ancestors were left.
        lft = 2 * place - depth + 1
        nodes.append(
            Node(
                label=label,
                details=tuple(details),
                parent=path[depth - 1] if depth else None,
                root=path[0],
                is_group=descendants > 0,
                lft=lft,
                rgt=lft + 2 * descendants + 1,
            )
        )
    return tuple(nodes)


def _run_below(depths: Sequence[int], depth: int) -> int:
    """How many of the next lines are deeper than `depth`."""
    return next((count for count, other in enumerate(depths) if other <= depth), len(depths))
