"""Server: what the account that writes finds on a server, told without changing anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from federation.mothership.mariadb.accounts import SERVER, Privileges
from federation.mothership.mariadb.address import MariadbAddress, MariadbLimits
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.failures import explained
from federation.mothership.mariadb.found import allowed
from federation.mothership.mariadb.session import READER, engine

_OLDEST: Final = (10, 6)
"""Since then many tables change their names at once or not at all, also when the server is killed."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server as a sync would meet it; the JSON of `server` in `federation check --json`.

    Attributes:
        version: of the server.
        local_infile: whether rows go in by LOAD DATA LOCAL, several times as fast as by INSERT.
        tls: how the connection is encrypted; "" where it isn't.
        troubles: why a sync, a rebuild or views would fail: a sentence each.
        remarks: what costs speed or clarity only: a sentence each.
    """

    version: str
    local_infile: bool
    tls: str
    troubles: tuple[str, ...]
    remarks: tuple[str, ...]


def server_state(address: MariadbAddress, needed: Privileges) -> ServerState:
    """Return what an account finds on its server.

    Args:
        address: the server, with the account.
        needed: what the account has to be allowed.

    Raises:
        MothershipUnavailable: the server can't be reached, or refuses the account, the database or the TLS.
    """
    with explained("look at", address.place):
        connection = MariadbConnection(
            engine(address, READER, seconds=MariadbLimits().connect_seconds).connect(), address.place
        )
        try:
            ((version,),) = connection.run("SELECT version()")
            # Not every server has them all.
            variables = dict(connection.run(f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({_VARIABLES})"))
            ciphers = connection.run("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            lacking = list(_lacking(connection, needed))
        finally:
            connection.close()
    troubles, remarks = judged(version, variables)
    return ServerState(
        version,
        variables.get("local_infile") == "ON",
        ciphers[0][1] if ciphers else "",
        (*troubles, *(_LACKING.format(right, f"on {place}") for place, right in lacking if place != SERVER)),
        (*remarks, *(_LACKING.format(right, "on the server") for place, right in lacking if place == SERVER)),
    )


def judged(version: str, variables: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what is wrong with a server, and what is odd.

    Args:
        version: as it tells it.
        variables: global ones of `local_infile`, `read_only`, `log_bin`, `binlog_format` and `wsrep_on` that it has.
    """
    numbers = re.match(r"(\d+)\.(\d+)", version)
    is_old = numbers is not None and tuple(map(int, numbers.groups())) < _OLDEST
    is_logged_by_statement = variables.get("log_bin") == "ON" and variables.get("binlog_format") == "STATEMENT"
    troubles = {
        _TOO_OLD.format(version): is_old,
        _READ_ONLY: variables.get("read_only", "OFF") != "OFF",
        _BY_STATEMENT: is_logged_by_statement,
    }
    remarks = {_SLOW: variables.get("local_infile") != "ON", _CLUSTER: variables.get("wsrep_on") == "ON"}
    return tuple(text for text, said in troubles.items() if said), tuple(text for text, said in remarks.items() if said)


_VARIABLES: Final = "'local_infile', 'read_only', 'log_bin', 'binlog_format', 'wsrep_on'"
_TOO_OLD: Final = "MariaDB {} is older than 10.6, which the mothership needs: upgrade the server."
_READ_ONLY: Final = "The server is read-only, as replicas are: name the one that takes changes in `mothership.url`."
_BY_STATEMENT: Final = "The server's binary log holds statements, which merges can't be: set `binlog_format = ROW`."
_LACKING: Final = "This account lacks {} {}: `federation mothership init` gives it what it needs."
_SLOW: Final = (
    "local_infile is off, so rows go in by INSERT, several times slower: set `local_infile = 1` on the server, as "
    "deploy/mariadb.cnf does."
)
_CLUSTER: Final = (
    "The server is one node of a Galera cluster, and writers keep out of each other's way on the same node only: name "
    "one node, not a balancer, in `mothership.url`."
)


def _lacking(connection: MariadbConnection, needed: Privileges) -> Iterator[tuple[str, str]]:
    """Yield what this account may not do, in all databases that it needs."""
    if connection.run("SELECT 1 FROM information_schema.enabled_roles WHERE role_name IS NOT NULL"):
        return  # The server doesn't tell what a role may do: whoever made the account by hand saw to that.
    ((account,),) = connection.run("SELECT current_user()")
    name, _, host = account.rpartition("@")
    for place, rights in needed.items():
        yield from ((place, right) for right in sorted(rights - allowed(connection, f"'{name}'@'{host}'", place)))
