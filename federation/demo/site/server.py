"""The simulated site behind a real web server: in the foreground, or on a thread for tests and demos."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.middleware.gzip import GZipMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from federation.demo.site.app import SiteApp
from federation.demo.site.documents import SiteDocuments, utc_now
from federation.demo.site.front import ANY_HOST, Front
from federation.demo.site.manners import NEWEST
from federation.demo.site.store import SiteStore

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from starlette.types import ASGIApp

    from federation.demo.site.faults import FaultPlan

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_SECONDS = 2
"""An idle connection is closed after this long, as by Frappe's gthread workers."""
SMALLEST_GZIP = 256
"""Bytes below which nginx compresses nothing, as Frappe sets it up."""


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
        _server(Front({ANY_HOST: app}), host, port).run()
    finally:
        store.close()


class _Running:
    """A server on a thread of this process; use it as a context manager."""

    def __init__(self, app: ASGIApp, *, name: str, port: int, mount: str) -> None:
        self._mount = mount
        self._server = _server(app, LOOPBACK, port)
        self._thread = threading.Thread(target=self._server.run, name=name, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers."""
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://{LOOPBACK}:{port}{self._mount}"

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


class RunningSite(_Running):
    """A site on a thread of this process, at a free port; use it as a context manager.

    Args:
        path: the store's file; made anew where there is none.
        port: 0 is any free one.
        hosts: Host names that it answers to; None is any. Another one gets 404 and HTML, as where no site is.
        clock: the true time, UTC.
        documents: the site itself, where it exists already; `path` then only names it.
        version: Frappe's major version of a new store.
        mount: a path under which it answers, such as `/erp`.
        gzip: whether bodies are compressed for who asks, as nginx does it.
    """

    def __init__(
        self,
        path: Path,
        *,
        port: int = 0,
        hosts: frozenset[str] | None = None,
        clock: Callable[[], datetime] = utc_now,
        documents: SiteDocuments | None = None,
        version: int = NEWEST,
        mount: str = "",
        gzip: bool = False,
    ) -> None:
        self.documents = documents or SiteDocuments(SiteStore(path, version=version), clock=clock)
        self.app = SiteApp(self.documents)
        app: ASGIApp = Front(dict.fromkeys(hosts or (ANY_HOST,), self.app), mount=mount)
        if gzip:
            app = GZipMiddleware(app, minimum_size=SMALLEST_GZIP, compresslevel=1)
        super().__init__(app, name=f"site {path.name}", port=port, mount=mount)

    @property
    def store(self) -> SiteStore:
        """The site's data."""
        return self.documents.store

    @property
    def faults(self) -> FaultPlan:
        """What goes wrong next."""
        return self.app.faults

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self.store.close()


class RunningFleetOfSites(_Running):
    """Several sites behind one server, each chosen by Host or X-Frappe-Site-Name; use it as a context manager.

    Args:
        sites: the sites by name. Their stores stay open afterwards: they are the caller's.
        port: 0 is any free one.
        mount: a path under which they answer.
    """

    def __init__(self, sites: Mapping[str, SiteDocuments], *, port: int = 0, mount: str = "") -> None:
        self.apps = {name: SiteApp(documents) for name, documents in sites.items()}
        super().__init__(Front({**self.apps}, mount=mount), name="fleet of sites", port=port, mount=mount)


def _server(app: ASGIApp, host: str, port: int) -> uvicorn.Server:
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
