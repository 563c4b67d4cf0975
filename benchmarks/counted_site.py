"""Counted site: a simulated satellite in a process of its own that counts what it is asked and what it gives.

python -m benchmarks.counted_site STORE PORT
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

import msgspec
import requests
import typer
import uvicorn

from federation.demo.site.app import SiteApp
from federation.demo.site.documents import SiteDocuments
from federation.demo.site.front import ANY_HOST, Front
from federation.demo.site.store import SiteStore

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COUNTS = "/benchmark/counts"
_LOOPBACK = "127.0.0.1"
_TRIES = 600


class Given(msgspec.Struct, frozen=True):
    """What a site was asked for, and what it gave.

    Attributes:
        requests: how many.
        rows: rows of lists, documents, and child rows in documents.
    """

    requests: int = 0
    rows: int = 0

    def __add__(self, other: Given) -> Given:
        return Given(self.requests + other.requests, self.rows + other.rows)

    def __sub__(self, other: Given) -> Given:
        return Given(self.requests - other.requests, self.rows - other.rows)


class Counts(msgspec.Struct, frozen=True):
    """What a site has done since it was started.

    Attributes:
        given: DocType → what was asked of it and given; under "" what is asked of no DocType.
        cpu: seconds of CPU of the whole process.
    """

    given: dict[str, Given]
    cpu: float

    def since(self, before: Counts) -> Self:
        """Return what was done after `before`."""
        given = {doctype: each - before.given.get(doctype, Given()) for doctype, each in self.given.items()}
        return type(self)(given, self.cpu - before.cpu)

    def of(self, *doctypes: str) -> Given:
        """Return the sum over some DocTypes, over everything if none is named."""
        return sum((self.given.get(doctype, Given()) for doctype in doctypes or self.given), Given())


class _Answer(msgspec.Struct):
    """A list or a document, by the route that was taken."""

    data: msgspec.Raw = msgspec.Raw()
    message: msgspec.Raw = msgspec.Raw()


class _Asked(msgspec.Struct):
    """The body of a request that is too long for its first line."""

    doctype: str = ""


@dataclass
class _Counting:
    """The ASGI application that stands before a site."""

    site: ASGIApp
    given: dict[str, Given] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == _COUNTS:
            counts = msgspec.json.encode(Counts(self.given, time.process_time()))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": counts})
            return
        asked, answer = bytearray(), bytearray()

        async def receiving() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def sending(message: Message) -> None:
            answer.extend(message.get("body", b""))
            await send(message)

        await self.site(scope, receiving, sending)
        doctype = _doctype(unquote(scope["raw_path"].decode()), bytes(asked))
        given = Given(1, _rows(bytes(answer)) if doctype else 0)
        self.given[doctype] = self.given.get(doctype, Given()) + given


def _doctype(path: str, asked: bytes) -> str:
    route, _, rest = path.removeprefix("/api/").partition("/")
    if route == "resource":
        return rest.partition("/")[0]
    return msgspec.json.decode(asked, type=_Asked).doctype if asked else ""


def _rows(body: bytes) -> int:
    answer = msgspec.json.decode(body, type=_Answer)
    data = bytes(answer.data) or bytes(answer.message)
    if data.startswith(b"["):
        return len(msgspec.json.decode(data, type=list[msgspec.Raw]))
    if not data.startswith(b"{"):
        return 0
    document: dict[str, object] = json.loads(data)
    return 1 + sum(len(value) for value in document.values() if isinstance(value, list))


@dataclass(frozen=True)
class CountedSite:
    """A running site; `url` is its address."""

    url: str

    def counts(self) -> Counts:
        """Return what it has done so far."""
        return msgspec.json.decode(requests.get(self.url + _COUNTS, timeout=60).content, type=Counts)


@contextmanager
def counted(path: Path) -> Iterator[CountedSite]:
    """Serve the site at `path`, under any name, in a process of its own."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.counted_site", str(path), str(port)])
    try:
        _wait_for(port)
        yield CountedSite(f"http://{_LOOPBACK}:{port}")
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    for _ in range(_TRIES):
        try:
            socket.create_connection((_LOOPBACK, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the simulated site could not start")


def serve(store: Path, port: int) -> None:
    """Serve the site whose data is STORE on PORT of this machine, until interrupted."""
    app = _Counting(Front({ANY_HOST: SiteApp(SiteDocuments(SiteStore(store)))}))
    uvicorn.run(app, host=_LOOPBACK, port=port, ws="none", lifespan="off", access_log=False, log_level="error")


if __name__ == "__main__":
    typer.run(serve)
