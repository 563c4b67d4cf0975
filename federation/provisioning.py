"""Provisioning: from the settings to a server that has databases, accounts and views for a mothership."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from federation.merging import mariadb_address, view_databases
from federation.mothership.mariadb import views
from federation.mothership.mariadb.accounts import Account, analyst, loader
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.connection import MariadbConnection
from federation.mothership.mariadb.database import MariadbDatabase
from federation.mothership.mariadb.failures import explained
from federation.mothership.mariadb.found import NOTHING, Found, look
from federation.mothership.mariadb.provision import Step, plan, remarks
from federation.mothership.mariadb.schema import create_system_tables
from federation.mothership.mariadb.server import ServerState, server_state
from federation.mothership.mariadb.session import EVERYBODY, engine
from federation.settings.errors import Problem, SettingsError
from federation.settings.model import Settings
from federation.settings.mothership_url import jurisdiction_database, rebuild_database
from federation.settings.secrets import SecretReference

_CONNECT_SECONDS: Final = 10.0
_SECTION: Final = "mothership"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What a server has, or was given.

    Attributes:
        steps: in the order in which they were, or are to be, done.
        remarks: what an administrator should know.
    """

    steps: tuple[Step, ...]
    remarks: tuple[str, ...]


def provision(settings: Settings, admin: MariadbAddress) -> Provisioned:
    """Give the server what it lacks for the mothership of the settings, its tables and views included.

    What stands already stays; what isn't ours is never changed. Killed at any point, the next call goes on.

    Args:
        settings: they name the mothership, its analysts and the jurisdictions.
        admin: the server, with an account that may make databases and accounts.

    Raises:
        SettingsError: the mothership isn't on MariaDB, or a password can't be had; nothing was done.
        ProvisionRefused: a database or an account of a name that is needed is somebody else's; nothing was done.
        MothershipError: the server refused.
    """
    databases, accounts = _databases(settings), _accounts(settings, secrets=True)
    with explained("set up", admin.place):
        connection = _connect(admin)
        try:
            found = look(connection, databases, [account.name for account in accounts])
            steps = plan(databases, accounts, found)
            for step in steps:
                for statement in step.statements:
                    connection.run(statement.sql)
        finally:
            connection.close()
    return Provisioned(steps, (*remarks(accounts, found), *_make_tables(settings)))


def planned(settings: Settings, admin: MariadbAddress | None) -> Provisioned:
    """Return what `provision` would do, and do nothing: on this server, or on one that has nothing of ours.

    Raises:
        SettingsError, ProvisionRefused, MothershipError: as of `provision`.
    """
    databases, accounts = _databases(settings), _accounts(settings, secrets=admin is not None)
    found = NOTHING if admin is None else _look(admin, databases, accounts)
    return Provisioned(plan(databases, accounts, found), tuple(remarks(accounts, found)))


def state(settings: Settings) -> ServerState:
    """Return how a sync would meet the server of the settings.

    Raises:
        SettingsError: the password can't be had.
        MothershipUnavailable: the server can't be reached, or refuses the account, the database or the TLS.
    """
    return server_state(mariadb_address(settings), _writer(settings, "").privileges)


def _look(admin: MariadbAddress, databases: Sequence[str], accounts: Sequence[Account]) -> Found:
    with explained("look at", admin.place):
        connection = _connect(admin)
        try:
            return look(connection, databases, [account.name for account in accounts])
        finally:
            connection.close()


def _connect(admin: MariadbAddress) -> MariadbConnection:
    return MariadbConnection(engine(admin, EVERYBODY, seconds=_CONNECT_SECONDS).connect(), admin.place)


def _make_tables(settings: Settings) -> tuple[str, ...]:
    """Make the system tables and the views as the loader, so that who asks before the first sync finds them empty."""
    database = MariadbDatabase(mariadb_address(settings), "federation mothership init").open()
    try:
        with explained("set up", database.address.place):
            create_system_tables(database.connection, database.address.place)
            return views.refresh(database.connection, view_databases(settings))
    finally:
        database.close()


def _databases(settings: Settings) -> tuple[str, ...]:
    home = str(settings.mothership.url.database)
    return (home, rebuild_database(home), *view_databases(settings))


def _accounts(settings: Settings, *, secrets: bool) -> tuple[Account, ...]:
    """Return the loader and the analysts as they should be.

    Args:
        settings: they name them.
        secrets: fetch the passwords; a plan that is only printed does without.
    """
    mothership = settings.mothership
    if mothership.engine != "mariadb":
        fix = "write the URL of a MariaDB server, for example mariadb://federation@db.example.com:3306/mothership"
        raise SettingsError([Problem("is a DuckDB file, which needs neither accounts nor databases", fix, _SECTION)])
    if mothership.password is None:
        what = "is missing: the account that writes needs one"
        raise SettingsError([Problem(what, "add `password: env:NAME`", f"{_SECTION}.password")])
    home, tls = str(mothership.url.database), mothership.ca is not None
    references = {
        f"{_SECTION}.password": mothership.password,
        **{f"{_SECTION}.analysts.{name}.password": known.password for name, known in mothership.analysts.items()},
    }
    writer, *readers = _revealed(references) if secrets else [""] * len(references)
    return (
        _writer(settings, writer),
        *(
            analyst(
                name,
                password,
                tls=tls,
                database=jurisdiction_database(home, known.jurisdiction) if known.jurisdiction else home,
            )
            for (name, known), password in zip(mothership.analysts.items(), readers, strict=True)
        ),
    )


def _writer(settings: Settings, password: str) -> Account:
    mothership = settings.mothership
    home = str(mothership.url.database)
    return loader(
        str(mothership.url.username),
        password,
        tls=mothership.ca is not None,
        tables=(home, rebuild_database(home)),
        views=view_databases(settings),
    )


def _revealed(references: Mapping[str, SecretReference]) -> list[str]:
    """Return the secrets, or name all that can't be had."""
    problems: list[Problem] = []
    secrets = []
    for purpose, reference in references.items():
        try:
            secrets.append(reference.reveal(purpose))
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    return secrets
