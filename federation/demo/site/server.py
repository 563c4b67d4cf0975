"""The simulated site behind a real web server: in the foreground, or on a thread for tests and demos."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from federation.demo.site.app import SiteApp
from federation.demo.site.documents import SiteDocuments, utc_now
from federation.demo.site.store import SiteStore

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from federation.demo.site.faults import FaultPlan

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_SECONDS = 2
"""An idle connection is closed after this long, as by Frappe's gthread workers."""


class _HangableProtocol(H11Protocol):
    """Hands the application its connection, so that it can hang up in the middle."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def serve(store_path: Path, *, port: int, host: str = LOOPBACK, slow_rows_per_second: float | None = None) -> None:
    """Serve a site's store until interrupted."""
    store = SiteStore(store_path)
    app = SiteApp(SiteDocuments(store), slow_rows_per_second=slow_rows_per_second)
    try:
        _server(app, host, port).run()
    finally:
        store.close()


class RunningSite:
    """A site on a thread of this process, at a free port; use it as a context manager.

    Args:
        path: the store's file; made anew where there is none.
        port: 0 is any free one.
        hosts: Host names that it answers to; None is any.
        clock: the true time, UTC.
    """

    def __init__(
        self,
        path: Path,
        *,
        port: int = 0,
        hosts: frozenset[str] | None = None,
        clock: Callable[[], datetime] = utc_now,
        documents: SiteDocuments | None = None,
    ) -> None:
        self.documents = documents or SiteDocuments(SiteStore(path), clock=clock)
        self.app = SiteApp(self.documents, hosts=hosts)
        self._server = _server(self.app, LOOPBACK, port)
        self._thread = threading.Thread(target=self._server.run, name=f"site {path.name}", daemon=True)

    @property
    def store(self) -> SiteStore:
        """The site's data."""
        return self.documents.store

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong next."""
        return self.app.faults

    @property
    def url(self) -> str:
        """Where it answers."""
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://{LOOPBACK}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        started = threading.Event()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError("the simulated site could not start: is its port taken?")
            started.wait(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()
        self.store.close()


def _server(app: SiteApp, host: str, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_HangableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="critical",
        server_header=False,
        headers=[("Server", "gunicorn")],
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    return uvicorn.Server(config)
