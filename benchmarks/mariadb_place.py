"""Place: a real server of one's own with production settings, a database on it, and what work costs both sides."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
from sqlalchemy import URL

from benchmarks.lakes import KeepAll
from federation.lake.log import CommitLog
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.mothership import MariadbMothership
from tests.services.mariadb import Database, Server, fresh_database, throwaway

_PASSWORD = "BENCHMARK_MOTHERSHIP_PASSWORD"
# All that is measured stays in memory, as in production.
_SIZE = ("--innodb-buffer-pool-size=3G", "--innodb-log-file-size=1G")


@dataclass(frozen=True)
class Cost:
    """What something took, in seconds.

    Attributes:
        wall: of the clock.
        client: of CPU of this process.
        server: of CPU of the whole server.
    """

    wall: float
    client: float
    server: float

    def shares_of(self, ceiling: Cost) -> Shares:
        """Return which part of a ceiling's speed this has, where both do the same work."""
        return Shares(ceiling.wall / self.wall, ceiling.server / self.server)


@dataclass(frozen=True)
class Shares:
    """Which part of a ceiling's speed was reached: by the clock, and by the server's CPU alone."""

    wall: float
    server: float


@dataclass(frozen=True)
class Host:
    """A server that does nothing else.

    Attributes:
        pid: its process.
    """

    server: Server
    pid: int

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Give an empty database, and drop it."""
        database = fresh_database(self.server, "bench")
        try:
            yield Place(self, database)
        finally:
            database.drop()

    def cost(self, work: Callable[[], object]) -> Cost:
        """Do some work and return what it took."""
        server, client, wall = self._seconds(), time.process_time(), time.perf_counter()
        work()
        return Cost(time.perf_counter() - wall, time.process_time() - client, self._seconds() - server)

    def _seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Place:
    """A database on the server."""

    host: Host
    database: Database

    @property
    def address(self) -> MariadbAddress:
        """Where it is, as a mothership takes it; without TLS, as the statements by hand."""
        server = self.host.server
        url = URL.create("mariadb", server.admin_user, None, server.host, server.port, self.database.name)
        return MariadbAddress(url, server.admin_password)

    def connect(self) -> pymysql.Connection:
        """Return a connection as one takes it for LOAD DATA LOCAL by hand."""
        server = self.host.server
        return pymysql.connect(
            host=server.host,
            port=server.port,
            user=server.admin_user,
            password=server.admin_password,
            database=self.database.name,
            charset="utf8mb4",
            local_infile=True,
            ssl_disabled=True,
            init_command="SET sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'",
        )

    def cost(self, work: Callable[[], object]) -> Cost:
        """Do some work and return what it took."""
        return self.host.cost(work)

    def merge(self, log: CommitLog) -> Cost:
        """Merge what is pending in a log, into a mothership that is open already."""
        with MariadbMothership(self.address, who="benchmark") as mothership:

            def work() -> None:
                report = mothership.merge(log, KeepAll())
                assert report.merged, "nothing was merged"
                assert not report.failed, report.failed
                assert not report.remarks, report.remarks

            return self.cost(work)


def mothership_settings(place: Place) -> str:
    """Return the section `mothership` of settings; its password is in the environment from now on."""
    os.environ[_PASSWORD] = place.address.password
    url = place.address.url.render_as_string()
    return f"mothership:\n  url: {url}\n  password: env:{_PASSWORD}\n"


@contextmanager
def host() -> Iterator[Host]:
    """Start a server, and leave nothing of it."""
    with tempfile.TemporaryDirectory() as folder, throwaway(Path(folder, "server"), *_SIZE) as instance:
        yield Host(instance.server, int(Path(folder, "server", "pid").read_text()))
