"""Between: a way to the server that can be interrupted, as networks and those who sit in them do it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Change = Callable[[bytes], bytes]


class Between:
    """Carries bytes between clients and a server.

    Attributes:
        port: where clients connect to.
        to_server, to_client: what becomes of the bytes that go there.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.port = self._listening.getsockname()[1]
        self.to_server: Change = bytes
        self.to_client: Change = bytes
        self._threads: list[threading.Thread] = []
        self._start(self._serve)

    def cut(self, *, server_notices: bool = True) -> None:
        """End the clients' connections; the server's may stay, as after a cable was pulled."""
        for client, server in self._pairs:
            for end in (client, server) if server_notices else (client,):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in (self._listening, *(end for pair in self._pairs for end in pair)):
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(self._server)
                self._pairs.append((client, server))
                self._start(self._carry, client, server, "to_server")
                self._start(self._carry, server, client, "to_client")

    def _carry(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(getattr(self, direction)(data))
            if direction == "to_client":
                target.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Callable[..., None], *given: object) -> None:
        self._threads.append(threading.Thread(target=work, args=given, daemon=True))
        self._threads[-1].start()


@contextmanager
def between(host: str, port: int) -> Iterator[Between]:
    """Stand between clients and a server."""
    way = Between(host, port)
    try:
        yield way
    finally:
        way.close()
