"""Trouble on demand: what a test or a demo makes the site do instead of answering well."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from federation.demo.site.documents import SiteDocuments

FaultKind = Literal[
    "status", "gateway", "killed", "hang", "trickle", "truncate", "html", "reset", "shift", "lie", "impostor"
]


@dataclass(frozen=True)
class Fault:
    """One kind of trouble, for requests whose path and query contain `path`.

    Attributes:
        path: substring of the decoded path and query, or of the body; empty matches every request.
        kind: what happens.
            `status` answers with it at once, 429 and 503 with Frappe's own bodies; `gateway` does so as nginx, in HTML.
            `hang` answers well, after `seconds`; `killed` then answers as gunicorn does when a worker died.
            `truncate` announces the whole body, sends its first `size` bytes and hangs up; `trickle` sends the body
            well, `size` bytes every `seconds`; `reset` hangs up without a word.
            `html` answers 200 with a web page; `shift` drops the second column of the rows of an as_dict=False list;
            `lie` answers what `lie` makes of each good value; `impostor` answers with the data of `instead`.
        times: how many requests it hits; None is all.
        after: how many matching requests pass before the first hit.
    """

    path: str = ""
    kind: FaultKind = "status"
    status: int = 500
    seconds: float = 0.0
    size: int = 20
    retry_after: int = 1
    times: int | None = 1
    after: int = 0
    lie: Callable[[object], object] | None = None
    instead: SiteDocuments | None = None


@dataclass
class FaultPlan:
    """An ordered plan: a request meets the first fault that matches it and has hits left. Safe between threads."""

    _entries: list[tuple[Fault, list[int]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    hits: list[tuple[Fault, str]] = field(default_factory=list)
    """What was met, in order, and the request that met it."""

    def add(self, fault: Fault) -> None:
        """Append a fault to the plan."""
        with self._lock:
            self._entries.append((fault, [0]))

    def clear(self) -> None:
        """Behave well again."""
        with self._lock:
            self._entries.clear()

    def take(self, request: str) -> Fault | None:
        """The fault that this request meets, counted."""
        with self._lock:
            for fault, seen in self._entries:
                if fault.path not in request:
                    continue
                if fault.times is not None and seen[0] >= fault.after + fault.times:
                    continue
                seen[0] += 1
                if seen[0] > fault.after:
                    self.hits.append((fault, request))
                    return fault
        return None
