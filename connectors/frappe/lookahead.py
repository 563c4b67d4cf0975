"""Look-ahead: the next item is fetched by a thread while the caller works on the last one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

Item = TypeVar("Item")
_END: Final = object()


def one_ahead(source: Callable[[Event], Iterator[Item]]) -> Generator[Item, None, None]:
    """Yield what `source` yields, one item ahead of the caller.

    At most two items exist at once: the caller's and the next. An error of the source is raised at its place.
    When the caller stops early, the event given to `source` is set and the item under way is thrown away.
    """
    abandoned = Event()
    items = source(abandoned)
    pool = ThreadPoolExecutor(1, thread_name_prefix="frappe-page")
    try:
        upcoming = pool.submit(next, items, _END)
        while (item := upcoming.result()) is not _END:
            upcoming = pool.submit(next, items, _END)
            yield item  # type: ignore[misc]
    finally:
        abandoned.set()
        pool.shutdown(wait=False, cancel_futures=True)
