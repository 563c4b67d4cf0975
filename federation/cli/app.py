"""App: the surface of the command: its subcommands, their options and their help.

The work of each subcommand stands in a module of its own, imported when it runs: `federation --help` answers at once.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from federation.cli.exits import STATUSES, Status, ends_plainly

app = typer.Typer(
    name="federation",
    help="Brings many autonomous Frappe sites, the satellites, together in one mothership that analysts can trust.",
    epilog=STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
Satellites = Annotated[
    list[str] | None,
    typer.Option(
        "--satellite",
        "-s",
        metavar="NAME",
        help="Only this satellite, or those of a pattern (campus-*); may be given several times.",
    ),
]

ShowAll = Annotated[bool, typer.Option("--all", help="Show every row, however many there are.")]


def run() -> None:
    """Run the command with the arguments of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a sign of a distant script shows `?`, and the command goes on.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"federation {version('frappe-federation')}")
        raise typer.Exit


@app.callback()
def federation(
    context: typer.Context,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The settings file. [dim]\\[default: $FEDERATION_SETTINGS, or federation.yaml in this folder][/]",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Keep what all subcommands share."""
    context.obj = settings


@app.command()
@ends_plainly
def init(
    folder: Annotated[Path, typer.Argument(help="Made if it isn't there; files in it are never overwritten.")] = Path(),
) -> Status:
    """Write a commented starter folder: settings, Dagster's files, places for your own."""
    from federation.cli.init import init as work

    return work(folder)


@app.command()
@ends_plainly
def check(
    context: typer.Context, satellite: Satellites = None, show_all: ShowAll = False, as_json: AsJson = False
) -> Status:
    """Ask each satellite who we are, what can be read there, and what is kept from us; write nothing anywhere.

    Takes 7 or 8 requests a DocType and one a child table. Also looks at the lake, at the mothership, and for policy
    rules that match no field.
    """
    from federation.cli.check import check as work

    return work(context.obj, satellite or [], as_json=as_json, show_all=show_all)


@app.command()
@ends_plainly
def access(
    context: typer.Context,
    satellite: Annotated[
        list[str] | None, typer.Argument(metavar="[SATELLITE]...", help="All that are enabled, if none is named.")
    ] = None,
    script: Annotated[bool, typer.Option("--script", help="Print only the script for the site's console.")] = False,
    as_json: AsJson = False,
) -> Status:
    """Say how to make a read-only API user on a site: its role, its key, and what is lost without more.

    Asks the site which DocTypes are selected and which permission levels they use, where a key is there to ask with.
    """
    from federation.cli.access import access as work

    if as_json and script:
        raise typer.BadParameter("--json and --script exclude each other")
    return work(context.obj, satellite or [], "json" if as_json else "script" if script else "text")


@app.command()
@ends_plainly
def sync(  # noqa: PLR0917 - typer calls it by name
    context: typer.Context,
    satellite: Satellites = None,
    doctype: Annotated[
        list[str] | None,
        typer.Option("--doctype", "-d", metavar="NAME", help="Only this DocType; may be given several times."),
    ] = None,
    reconcile: Annotated[
        bool,
        typer.Option(
            "--reconcile", help="Also find silent changes and deletions, as much as one night may (`reconcile`)."
        ),
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, and find all silent changes and deletions.")
    ] = False,
    allow_mass_delete: Annotated[
        bool,
        typer.Option(
            "--allow-mass-delete", help="Believe a satellite although more documents are gone than the settings allow."
        ),
    ] = False,
    show_all: ShowAll = False,
    as_json: AsJson = False,
) -> Status:
    """Bring the mothership up to date: extract, merge, publish. Ctrl-C is safe.

    Satellites are worked on side by side; one that fails costs the others nothing.
    """
    from federation.cli.sync import Wish
    from federation.cli.sync import sync as work
    from federation.extract.doctype_run import Depth

    if reconcile and full:
        raise typer.BadParameter("--reconcile and --full exclude each other")
    depth: Depth = "full" if full else "reconcile" if reconcile else "changes"
    wish = Wish(tuple(satellite or ()), tuple(doctype or ()), depth, allow_mass_delete)
    return work(context.obj, wish, as_json=as_json, show_all=show_all)


@app.command()
@ends_plainly
def status(
    context: typer.Context, satellite: Satellites = None, show_all: ShowAll = False, as_json: AsJson = False
) -> Status:
    """Show how fresh each satellite's DocTypes are in the published mothership."""
    from federation.cli.status import status as work

    return work(context.obj, satellite or [], as_json=as_json, show_all=show_all)


@app.command()
@ends_plainly
def query(
    context: typer.Context,
    sql: Annotated[str, typer.Argument(help="One SQL query; - reads it from stdin.")],
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, and nothing else, on stdout.")] = False,
) -> Status:
    """Ask the published mothership, read-only."""
    from federation.cli.query import query as work

    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other")
    return work(context.obj, sql, "json" if as_json else "csv" if as_csv else "table")


@app.command()
@ends_plainly
def schema() -> Status:
    """Print the JSON schema of the settings file, for editors."""
    from federation.settings.schema import schema_text

    sys.stdout.write(schema_text())
    return Status.DONE


demo = typer.Typer(help="Try it all on simulated satellites on this machine.", no_args_is_help=True)
app.add_typer(demo, name="demo")

DemoFolder = Annotated[Path, typer.Option("--folder", help="Where the demo lives; made anew each time.")]
Scale = Annotated[int, typer.Option("--scale", min=100, help="GL Entries of each site, up to a million and more.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same companies.")]


@demo.command("run")
@ends_plainly
def demo_run(folder: DemoFolder = Path("var/demo"), scale: Scale = 2_000, seed: Seed = 1) -> Status:
    """Bring four sites together through Dagster, let them live, sync again, and compare every document."""
    from federation.cli.demo import run as work

    return work(folder, scale, seed)


@demo.command("ui")
@ends_plainly
def demo_ui(
    folder: DemoFolder = Path("var/demo"),
    scale: Scale = 2_000,
    seed: Seed = 1,
    port: Annotated[int, typer.Option("--port", help="Where the Dagster UI answers.")] = 3000,
) -> Status:
    """Open the Dagster UI on four living sites: webserver, daemon, schedules and sensors. Ctrl-C ends it all."""
    from federation.cli.demo import ui as work

    return work(folder, scale, seed, port)
