"""Quarantine app: the surface of `federation quarantine`: its subcommands, their options and their help."""

# ruff: noqa: PLC0415 - the work of each subcommand is imported when it runs

from __future__ import annotations

from typing import Annotated

import typer

from federation.cli.exits import Status, ends_plainly
from federation.cli.options import AsJson, Satellites

quarantine = typer.Typer(help="Look after documents that were set aside.", no_args_is_help=True)

DocTypes = Annotated[
    list[str] | None,
    typer.Option("--doctype", "-d", metavar="NAME", help="Only this DocType; may be given several times."),
]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        metavar="NAME",
        help="Only what fails this rule: an expectation, or `contract` where a value doesn't fit its column; may be "
        "given several times.",
    ),
]
Satellite = Annotated[str, typer.Argument(metavar="SATELLITE")]
DocType = Annotated[str, typer.Argument(metavar="DOCTYPE")]


@quarantine.command("list")
@ends_plainly
def quarantine_list(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    satellite: Satellites = None,
    doctype: DocTypes = None,
    rule: Rules = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="So many faults at most, beside the counts.")] = 100,
    as_json: AsJson = False,
) -> Status:
    """List documents that were set aside: by which rule, for which value, and whether an earlier version stands.

    Looks at what analysts see and asks no satellite anything.
    """
    from federation.cli.quarantine import list_held as work
    from federation.quarantine import Choice

    return work(context.obj, Choice(satellite or (), doctype or (), rule or ()), limit, as_json=as_json)


@quarantine.command("show")
@ends_plainly
def quarantine_show(
    context: typer.Context,
    satellite: Satellite,
    doctype: DocType,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The document.")],
    as_json: AsJson = False,
) -> Status:
    """Show a document that was set aside, whole, what is wrong with it, and how it differs from what stands.

    All of it as the policy let it leave the satellite.
    """
    from federation.cli.quarantine import show_held as work

    return work(context.obj, satellite, doctype, name, as_json=as_json)


@quarantine.command("replay")
@ends_plainly
def quarantine_replay(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    name: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these documents; all chosen, if none is named."),
    ] = None,
    satellite: Satellites = None,
    doctype: DocTypes = None,
    rule: Rules = None,
    as_json: AsJson = False,
) -> Status:
    """Read documents that were set aside anew from their sites, now, and merge what came of it.

    Policy, contract and expectations of today apply. A document that is gone from its site leaves the quarantine too.
    What changed beside them comes along, as with `federation sync --doctype`.
    """
    from federation.cli.quarantine_replay import replay as work
    from federation.quarantine import Choice

    return work(context.obj, Choice(satellite or (), doctype or (), rule or (), name or ()), as_json=as_json)


@quarantine.command("drop")
@ends_plainly
def quarantine_drop(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    satellite: Satellite,
    doctype: DocType,
    name: Annotated[list[str], typer.Argument(metavar="NAME...", help="The documents.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> Status:
    """Give up versions that were set aside: they leave the quarantine for good. What was accepted before stays.

    A document comes back when it changes on its site and is rejected again. Shows what will go, and asks first.
    """
    from federation.cli.quarantine_drop import drop as work

    if as_json and not yes:
        raise typer.BadParameter("--json can't ask: say --yes too")
    return work(context.obj, satellite, doctype, name, yes=yes, as_json=as_json)
