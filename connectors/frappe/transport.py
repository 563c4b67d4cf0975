"""Transport: pooled connections to one site, all of which another thread can cut."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakSet

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from urllib3 import PoolManager


class OpenSockets:
    """The sockets of one session. A thread that hangs in a read ends when its socket is shut down, and not before."""

    def __init__(self) -> None:
        self._open: WeakSet[socket.socket] = WeakSet()
        self._cut = False
        self._lock = Lock()

    def add(self, opened: object) -> None:
        """Remember a connected socket; after a cut it is shut down at once."""
        if isinstance(opened, socket.socket):
            with self._lock:
                self._open.add(opened)
                cut = self._cut
            if cut:
                _shut(opened)

    def cut(self) -> None:
        """Shut down all sockets, now and from now on."""
        with self._lock:
            self._cut = True
            opened = list(self._open)
        for each in opened:
            _shut(each)


class PooledTransport(HTTPAdapter):
    """The `requests` adapter that keeps up to `connections` connections and never retries by itself."""

    def __init__(self, connections: int, sockets: OpenSockets) -> None:
        self._pools = _pool_classes(sockets)
        super().__init__(pool_connections=1, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: object) -> None:
        """Let pools make connections whose sockets are known; called by `requests`."""
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: object) -> PoolManager:
        """Likewise for connections through a proxy."""
        manager: PoolManager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _pool_classes(sockets: OpenSockets) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _shut(opened: socket.socket) -> None:
    """The plain shutdown, also under TLS: its own one would pull the rug from under the thread that reads."""
    with suppress(OSError):  # it has ended by itself
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
