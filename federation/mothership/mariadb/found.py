"""Found: what stands on a server of databases, accounts and rights, as an administrator sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from federation.mothership.mariadb.accounts import SERVER, Privileges
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.sql import Fragment, listed, literal

_ANY_HOST: Final = "%"
PUBLIC: Final = "'PUBLIC'@''"
"""Every account, as `information_schema` calls it."""
_CONNECT: Final = "USAGE"
"""What the server calls the right to connect, and nothing else."""


@dataclass(frozen=True, slots=True)
class FoundAccount:
    """An account as it stands.

    Attributes:
        plugin: how it proves who it is.
        password_hash: what the server keeps of its password.
        tls: it may connect by TLS alone.
        privileges: on databases, and on the server as a whole.
        more: rights of other kinds, in words: on tables, by roles.
    """

    plugin: str
    password_hash: str
    tls: bool
    privileges: Privileges
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What stands on a server.

    Attributes:
        databases: name → whether there is anything in it that doesn't look like ours.
        accounts: name → the account `name`@`%`.
        elsewhere: name → further hosts for which there is an account of this name.
        everybody: database → what every account may do there, because PUBLIC may.
    """

    databases: Mapping[str, bool]
    accounts: Mapping[str, FoundAccount]
    elsewhere: Mapping[str, tuple[str, ...]]
    everybody: Privileges


NOTHING: Final = Found({}, {}, {}, {})
"""A server on which nothing of ours stands."""


def look(connection: MariadbConnection, databases: Sequence[str], accounts: Collection[str]) -> Found:
    """Return what stands of these databases, the mothership's own first, and of these accounts.

    Raises:
        sqlalchemy.exc.DBAPIError: the account may not see that, or the server is gone.
    """
    hosts: dict[str, list[str]] = {}
    standing: dict[str, FoundAccount] = {}
    for name, host, plugin, password_hash, tls in connection.run(
        "SELECT user, host, plugin, authentication_string, ssl_type FROM mysql.user WHERE user IN ({accounts})",
        accounts=_literals(accounts),
    ):
        if host == _ANY_HOST:
            privileges, more = _privileges(connection, name), _more(connection, name)
            standing[name] = FoundAccount(plugin, password_hash, bool(tls), privileges, more)
        else:
            hosts.setdefault(name, []).append(host)
    everybody = {database: allowed(connection, PUBLIC, database) for database in databases}
    return Found(
        _theirs(connection, databases),
        standing,
        {name: tuple(sorted(some)) for name, some in hosts.items()},
        {database: rights for database, rights in everybody.items() if rights},
    )


def allowed(connection: MariadbConnection, grantee: str, database: str) -> frozenset[str]:
    """Return what somebody may do in a database as a whole, by rights on it, on a pattern or on the server.

    Args:
        connection: of one who may see that: the account itself may.
        grantee: `'name'@'host'`, or `PUBLIC`.
        database: its name.
    """
    rows = connection.run(
        "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = $grantee "
        "UNION SELECT privilege_type FROM information_schema.schema_privileges "
        # Rights are given on a pattern of names, whose escape is a backslash.
        r"WHERE grantee = $grantee AND $database LIKE table_schema ESCAPE '\'",
        {"grantee": grantee, "database": database},
    )
    return frozenset(right for (right,) in rows) - {_CONNECT}


def _theirs(connection: MariadbConnection, databases: Sequence[str]) -> dict[str, bool]:
    """Return database → whether it holds anything but a mothership, or views of the first of them."""
    home = databases[0]
    rows = connection.run(
        "SELECT s.schema_name, coalesce(sum(t.table_name IS NOT NULL AND v.view_definition IS NULL), 0), "
        "coalesce(sum(t.table_name = 'federation_meta'), 0) FROM information_schema.schemata s "
        "LEFT JOIN information_schema.tables t ON t.table_schema = s.schema_name "
        "LEFT JOIN information_schema.views v ON v.table_schema = t.table_schema AND v.table_name = t.table_name "
        "AND instr(v.view_definition, $home) > 0 "
        "WHERE s.schema_name IN ({databases}) GROUP BY s.schema_name",
        {"home": f"`{home}`."},
        databases=_literals(databases),
    )
    return {name: others > 0 and not of_ours for name, others, of_ours in rows}


def _privileges(connection: MariadbConnection, account: str) -> Privileges:
    found: dict[str, set[str]] = {}
    values = {"grantee": f"'{account}'@'{_ANY_HOST}'"}
    for place, right, grantable in (
        *connection.run(
            "SELECT NULL, privilege_type, is_grantable FROM information_schema.user_privileges "
            "WHERE grantee = $grantee",
            values,
        ),
        *connection.run(
            "SELECT table_schema, privilege_type, is_grantable FROM information_schema.schema_privileges "
            "WHERE grantee = $grantee",
            values,
        ),
    ):
        rights = found.setdefault(SERVER if place is None else _covered(place), set())
        rights |= {right} - {_CONNECT}
        rights |= {"GRANT OPTION"} if grantable == "YES" else set()
    return {place: frozenset(rights) for place, rights in found.items() if rights}


def _more(connection: MariadbConnection, account: str) -> tuple[str, ...]:
    """Return the rights that are neither on the server nor on a database as a whole, in words."""
    values = {"grantee": f"'{account}'@'{_ANY_HOST}'", "name": account, "host": _ANY_HOST}
    tables = connection.run(
        "SELECT table_schema, table_name, privilege_type FROM information_schema.table_privileges "
        "WHERE grantee = $grantee UNION SELECT table_schema, table_name, privilege_type "
        "FROM information_schema.column_privileges WHERE grantee = $grantee ORDER BY 1, 2, 3",
        values,
    )
    roles = connection.run(
        "SELECT role FROM mysql.roles_mapping WHERE user = $name AND host = $host ORDER BY 1", values
    )
    routines = connection.run(
        "SELECT db, routine_name FROM mysql.procs_priv WHERE user = $name AND host = $host", values
    )
    return (
        *(f"{right} on {database}.{table}" for database, table, right in tables),
        *(f"the role {role}" for (role,) in roles),
        *(f"rights on the routine {database}.{routine}" for database, routine in routines),
    )


def _covered(pattern: str) -> str:
    """Return the database that rights are given on, or which ones where the name is a pattern of several.

    Rights on `mother_ship` reach `motherXship` too.
    """
    plain = pattern.replace("\\_", "").replace("\\%", "")
    if set("_%") & set(plain):
        return f"all databases like {pattern}"
    return pattern.replace("\\_", "_").replace("\\%", "%")


def _literals(texts: Iterable[str]) -> Fragment:
    return listed(literal(text) for text in sorted(set(texts)))
