"""A server on a raw socket that misbehaves exactly as told: each connection plays the next script."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from frappe_model import KEY

from connectors.frappe import FrappeSession, Limits

Play = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Plays one script a request; a script that returns leaves the connection open for the next one."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    pauses: list[float] = field(default_factory=list)

    def session(self, **options: Any) -> FrappeSession:
        limits = {"read_timeout": 5, "connect_timeout": 5, **options.pop("limits", {})}
        url = options.pop("url", f"http://127.0.0.1:{self.port}")
        return FrappeSession(url, KEY, Limits(**limits), wait=self._pause, **options)

    def _pause(self, abandoned: threading.Event, seconds: float) -> None:
        self.pauses.append(seconds)


class HangUpError(Exception):
    """Close the connection now."""


@contextmanager
def serving(*plays: Play) -> Iterator[RawServer]:
    """Run the scripts in order, over as many connections as it takes."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1])
    script = iter(plays)
    stopping = threading.Event()
    live: list[socket.socket] = []

    def run() -> None:
        while not stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            live.append(connection)
            with connection:
                connection.settimeout(10)
                try:
                    while request := _read_request(connection):
                        server.requests.append(request)
                        next(script)(connection)
                except (HangUpError, StopIteration, OSError):
                    continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in live:
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(15)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def respond(body: bytes = b"{}", status: str = "200 OK", length: int | None = None, **headers: str) -> Play:
    """Answer; `length` announces another length than the body has."""
    announced = {"Content-Type": "application/json", "Content-Length": str(len(body) if length is None else length)}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**announced, **headers}.items() if value]
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines]).encode() + b"\r\n\r\n"

    def play(connection: socket.socket) -> None:
        connection.sendall(head + body)

    return play


def then_hang_up(play: Play) -> Play:
    def both(connection: socket.socket) -> None:
        play(connection)
        raise HangUpError

    return both


def hang_up(connection: socket.socket) -> None:
    raise HangUpError


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HangUpError


def stay_silent(connection: socket.socket) -> None:
    connection.recv(1)
    raise HangUpError


def trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{")
    while True:
        connection.sendall(b" ")
        threading.Event().wait(0.01)
