"""`federation mothership init`: databases, accounts and views on a MariaDB server, or the SQL that makes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import typer

from federation.cli.exits import Status
from federation.cli.screen import answers, plain, print_json, remark
from federation.mothership.mariadb.accounts import ANALYST, LOADER, LOADER_OF_VIEWS, LOADER_ON_SERVER
from federation.mothership.mariadb.address import MariadbAddress
from federation.mothership.mariadb.provision import Step
from federation.provisioning import planned, provision
from federation.settings.load import load_settings
from federation.settings.mothership import MothershipSettings
from federation.settings.mothership_url import is_loopback, server_url
from federation.settings.places import PlaceError
from federation.settings.secrets import SecretReference


@dataclass(frozen=True, slots=True)
class StepReport:
    """One thing that there should be; the JSON of `steps`.

    Attributes:
        subject: a database, an account or its rights.
        did: what became of it, or would.
        sql: how; none where it stands already. Holds no password, nor what the server keeps of it.
    """

    subject: str
    did: str
    sql: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InitReport:
    """What was done, or would be; the JSON of `federation mothership init --json`."""

    steps: tuple[StepReport, ...]
    remarks: tuple[str, ...]


def init(
    settings_file: Path | None, admin: str | None, admin_password: str | None, *, dry_run: bool, as_json: bool
) -> Status:
    """Set up the server that the settings name, or print how.

    Args:
        settings_file: the settings.
        admin: URL of an account that may make databases and accounts; a dry run does without one.
        admin_password: its password by reference.
        dry_run: print the SQL, and do nothing.
        as_json: print JSON.

    Raises:
        SettingsError: a mistake in the settings, or a password that can't be had; nothing was done.
        typer.BadParameter: the administrator's account is none.
        MothershipError: the server refused, or holds something of that name that isn't ours.
    """
    settings = load_settings(settings_file)
    address = _address(settings.mothership, admin, admin_password)
    if address is None and not dry_run:
        raise typer.BadParameter("is needed (only --dry-run does without)", param_hint="--admin")
    done = planned(settings, address) if dry_run or address is None else provision(settings, address)
    if as_json:
        print_json(InitReport(tuple(map(_reported, done.steps)), done.remarks))
    elif dry_run:
        _show_sql(done.steps)
    else:
        _show_steps(done.steps)
    if not as_json:
        for sentence in done.remarks:
            remark(sentence)
    return Status.DONE


def _address(mothership: MothershipSettings, admin: str | None, password: str | None) -> MariadbAddress | None:
    if admin is None:
        return None
    try:
        url = server_url(admin)
    except PlaceError as error:
        raise typer.BadParameter(str(error), param_hint="--admin") from None
    if not (mothership.ca or mothership.tls is False or is_loopback(url)):
        raise typer.BadParameter(
            f"reaches {url.host} over a network without TLS: add `ca` to the mothership's settings",
            param_hint="--admin",
        )
    if password is None:
        return MariadbAddress(url, "", mothership.ca)
    reference = SecretReference.parse(password, Path.cwd())
    if reference is None:
        raise typer.BadParameter(
            "is not a reference to a secret (the value is not shown): write env:NAME or file:PATH",
            param_hint="--admin-password",
        )
    return MariadbAddress(url, reference.reveal("--admin-password"), mothership.ca)


def _reported(step: Step) -> StepReport:
    return StepReport(step.subject, step.did, tuple(statement.shown for statement in step.statements))


def _show_steps(steps: Iterable[Step]) -> None:
    out = answers()
    for step in steps:
        out.print("[green]✓[/]" if step.statements else "[dim]·[/]", plain(step.subject), plain(f" {step.did}"))


def _show_sql(steps: Iterable[Step]) -> None:
    """Print a script for an administrator: *** stands for passwords."""
    out = answers()
    for heading, reasons in (
        ("The loader, on the tables", LOADER),
        ("The loader, on the views of a jurisdiction", LOADER_OF_VIEWS),
        ("The loader, on the server", LOADER_ON_SERVER),
        ("An analyst", ANALYST),
    ):
        out.print(plain(f"-- {heading}"), style="dim", soft_wrap=True)
        for right, why in reasons.items():
            out.print(plain(f"--   {right}: {why}"), style="dim", soft_wrap=True)
    for step in steps:
        out.print(plain(f"-- {step.subject}: {step.did}"), style="dim", soft_wrap=True)
        for statement in step.statements:
            out.print(plain(f"{statement.shown};"), soft_wrap=True)
