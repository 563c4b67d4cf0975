"""Provision: the statements that add to a server what it lacks of databases, accounts and rights."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from federation.mothership.errors import MothershipError
from federation.mothership.mariadb.accounts import SERVER, Account
from federation.mothership.mariadb.found import Found, FoundAccount

_NATIVE: Final = frozenset({"", "mysql_native_password"})


class ProvisionRefused(MothershipError):
    """Something on the server isn't ours, and can't be used without changing it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of an administrator.

    Attributes:
        sql: as it is sent.
        shown: as it is printed: without what the server keeps of a password.
    """

    sql: str
    shown: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that there should be.

    Attributes:
        subject: a database, an account or its rights.
        did: what became of it: "made", "stands".
        statements: how; none where it stands already.
    """

    subject: str
    did: str
    statements: tuple[Statement, ...] = ()


def plan(databases: Sequence[str], accounts: Sequence[Account], found: Found) -> tuple[Step, ...]:
    """Return what is to be done, in order; what stands as it should has a step without statements.

    Args:
        databases: the mothership's own, then those beside it.
        accounts: the loader, then the analysts.
        found: what stands.

    Raises:
        ProvisionRefused: a database or account of this name is somebody else's.
    """
    writer = accounts[0]
    for name in databases[1:]:
        known = name in found.accounts.get(writer.name, _UNKNOWN).privileges
        if found.databases.get(name) and not known:
            raise ProvisionRefused(
                f"There is a database {name} already, and it isn't ours: {writer.name} has no rights on it. It stays "
                "as it is; rename it, or choose another name for the mothership's database."
            )
    for account in accounts:
        _demand_ours(account, databases, found)
    return (
        *(_database(name, found) for name in databases),
        *(step for account in accounts for step in _account(account, databases, found.accounts.get(account.name))),
    )


_UNKNOWN: Final = FoundAccount("", "", tls=False, privileges={})


def remarks(accounts: Iterable[Account], found: Found) -> Iterator[str]:
    """Yield what an administrator should know of accounts that stand beside ours, and of rights that we didn't give."""
    for database, rights in found.everybody.items():
        yield (
            f"Every account of the server has {', '.join(sorted(rights))} on {database}, because PUBLIC has: "
            "REVOKE that, or analysts see, and may do, more than the settings say."
        )
    for account in accounts:
        for host in found.elsewhere.get(account.name, ()):
            yield (
                f"There is also an account {account.name}@{host}, which clients from there get in place of ours. It is "
                "not ours and stays as it is."
            )


def _demand_ours(account: Account, databases: Collection[str], found: Found) -> None:
    """Refuse an account that may do something beyond our databases: it serves somebody else as well."""
    standing = found.accounts.get(account.name, _UNKNOWN)
    beyond = [
        f"{', '.join(sorted(excess))} on {'the server' if place == SERVER else place}"
        for place, allowed in sorted(standing.privileges.items())
        if (excess := allowed - account.privileges.get(place, frozenset())) and place not in databases
    ]
    if rights := "; ".join((*beyond, *standing.more)):
        raise ProvisionRefused(
            f"There is an account {account.name} already, and it isn't ours alone: it has {rights}. It stays as it is; "
            "name another user in the settings, or take these rights from it."
        )


def _database(name: str, found: Found) -> Step:
    subject = f"database {name}"
    if name in found.databases:
        return Step(subject, "stands")
    sql = f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    return Step(subject, "made", (Statement(sql, sql),))


def _account(account: Account, databases: Collection[str], standing: FoundAccount | None) -> Iterator[Step]:
    subject = f"account {account.name}"
    if standing is None:
        yield Step(subject, "made", (_identified("CREATE", account, tls=account.tls),))
    elif standing.plugin not in _NATIVE:
        yield Step(subject, f"stands; it proves itself by {standing.plugin}, which stays")
    elif standing.password_hash != account.password_hash:
        yield Step(subject, "given its new password", (_identified("ALTER", account, tls=account.tls),))
    elif account.tls and not standing.tls:
        sql = f"ALTER USER {_quoted(account)} REQUIRE SSL"
        yield Step(subject, "held to TLS", (Statement(sql, sql),))
    else:
        yield Step(subject, "stands")
    has = standing.privileges if standing else {}
    for place in (*databases, SERVER):
        wanted, there = account.privileges.get(place, frozenset()), has.get(place, frozenset())
        where = "the server" if place == SERVER else place
        if too_many := sorted(there - wanted):
            sql = f"REVOKE {', '.join(too_many)} ON {_scope(place)} FROM {_quoted(account)}"
            yield Step(f"{account.name} on {where}", f"took {', '.join(too_many)}", (Statement(sql, sql),))
        if missing := sorted(wanted - there):
            sql = f"GRANT {', '.join(missing)} ON {_scope(place)} TO {_quoted(account)}"
            yield Step(f"{account.name} on {where}", f"gave {', '.join(missing)}", (Statement(sql, sql),))
        elif wanted and not too_many:
            yield Step(f"{account.name} on {where}", f"has {', '.join(sorted(wanted))}")


def _identified(verb: str, account: Account, *, tls: bool) -> Statement:
    def sql(secret: str) -> str:
        return f"{verb} USER {_quoted(account)} IDENTIFIED {secret}{' REQUIRE SSL' if tls else ''}"

    return Statement(sql(f"BY PASSWORD '{account.password_hash}'"), sql("BY '***'"))


def _quoted(account: Account) -> str:
    return f"`{account.name}`@`%`"


def _scope(place: str) -> str:
    """Return what rights are given on; in the name of a database `_` would stand for any character."""
    return "*.*" if place == SERVER else f"`{place.replace('_', chr(92) + '_')}`.*"
