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
from federation.cli.options import AsJson, Satellites, ShowAll
from federation.cli.quarantine_app import quarantine

app = typer.Typer(
    name="federation",
    help="Brings many autonomous Frappe sites, the satellites, together in one mothership that analysts can trust.",
    epilog=STATUSES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
def rebuild(
    context: typer.Context,
    accept_losses: Annotated[
        bool,
        typer.Option(
            "--accept-losses",
            help="Swap although something can't be merged, or is merged already and no longer on the lake.",
        ),
    ] = False,
    show_all: ShowAll = False,
    as_json: AsJson = False,
) -> Status:
    """Make the mothership again from the lake alone, and put it in the place of the one that is there.

    Asks no satellite anything. Analysts see the old one until the new one is whole; syncs go on meanwhile.
    """
    from federation.cli.rebuild import rebuild as work

    return work(context.obj, accept_losses=accept_losses, as_json=as_json, show_all=show_all)


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
def integrity(
    context: typer.Context,
    doctype: Annotated[
        list[str] | None,
        typer.Option(
            "--doctype", "-d", metavar="NAME", help="Only documents of this DocType; may be given several times."
        ),
    ] = None,
    as_json: AsJson = False,
) -> Status:
    """Hold rows against each other: links lead to documents, vouchers balance, totals are sums.

    Looks at what analysts see and asks no satellite anything. Columns that the policy alters anywhere are not judged.
    """
    from federation.cli.integrity import integrity as work

    return work(context.obj, doctype or [], as_json=as_json)


@app.command()
@ends_plainly
def docs(context: typer.Context, satellite: Satellites = None, as_json: AsJson = False) -> Status:
    """Say where Great Expectations' pages about each satellite stand: its Data Docs.

    They are written with each sync, and lie with the satellite's packages, so that examples stay in its region.
    """
    from federation.cli.docs import docs as work

    return work(context.obj, satellite or [], as_json=as_json)


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


@app.command()
@ends_plainly
def release(
    context: typer.Context,
    satellite: Annotated[str, typer.Argument(help="Whose documents.")],
    doctype: Annotated[str, typer.Argument(help="Which.")],
    as_json: AsJson = False,
) -> Status:
    """Let documents be merged that an expectation of severity `halt` holds back; the next sync merges them."""
    from federation.cli.release import release as work

    return work(context.obj, satellite, doctype, as_json=as_json)


@app.command()
@ends_plainly
def erase(  # noqa: PLR0917 - a command's arguments
    context: typer.Context,
    satellite: Annotated[str, typer.Argument(metavar="SATELLITE", help="Whose documents.")],
    doctype: Annotated[str, typer.Argument(metavar="DOCTYPE", help="Their DocType.")] = "",
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME…", help="Their names, or names that they bore.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Erase what was erased and is back, as out of a backup of the lake.")
    ] = False,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Kept in the receipt; holds none of the names.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what is kept of them, and change nothing.")] = False,
    as_json: AsJson = False,
) -> Status:
    """Erase documents for good, wherever they are kept, keep them away from then on, and prove it.

    Rewrites the satellite's packages, the mothership and quarantine; other documents' links to them lead to pseudonyms.
    Asks the satellite nothing: what it has of them is erased there.
    """
    from federation.cli.erase import erase as work

    if again == bool(doctype and names):
        raise typer.BadParameter("name a DocType and documents, or say --again", param_hint="NAME…")
    return work(context.obj, satellite, doctype, names or [], reason=reason, yes=yes, dry_run=dry_run, as_json=as_json)


mothership = typer.Typer(help="Set up the database of the mothership, and check it.", no_args_is_help=True)
app.add_typer(mothership, name="mothership")


@mothership.command("init")
@ends_plainly
def mothership_init(
    context: typer.Context,
    admin: Annotated[
        str | None,
        typer.Option(metavar="URL", help="An account that may make databases and accounts: mariadb://root@host:3306."),
    ] = None,
    admin_password: Annotated[
        str | None, typer.Option(metavar="REFERENCE", help="Where its password is kept: env:NAME or file:PATH.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Print the SQL, passwords hidden, and do nothing; without --admin that of an empty server.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> Status:
    """Make databases, the loader's account, read-only accounts and views on a MariaDB server.

    What stands already stays; what isn't ours is never changed. Again after each change of the settings' analysts,
    passwords or jurisdictions.
    """
    from federation.cli.mothership_init import init as work

    return work(context.obj, admin, admin_password, dry_run=dry_run, as_json=as_json)


@mothership.command("check")
@ends_plainly
def mothership_check(context: typer.Context, as_json: AsJson = False) -> Status:
    """Hold the mothership against the lake: rows, columns, tables and indexes that are not as they should be.

    Changes nothing. What the lake says is merged into a folder of `var` for it: takes as long, and as much room there.
    """
    from federation.cli.mothership_check import check as work

    return work(context.obj, as_json=as_json)


policy = typer.Typer(help="See what the policy does.", no_args_is_help=True)
app.add_typer(policy, name="policy")


@policy.command("report")
@ends_plainly
def policy_report(
    context: typer.Context,
    satellite: Satellites = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Also write it as one page, for a data-protection officer."),
    ] = None,
    show_all: Annotated[bool, typer.Option("--all", help="List the fields that are taken as they are, too.")] = False,
    as_json: AsJson = False,
) -> Status:
    """Show what leaves each satellite, field by field, how and by which rule; and where older values may still lie.

    Asks no satellite anything: what a site has of fields is taken from the lake, as it was when last read.
    """
    from federation.cli.policy import report as work

    return work(context.obj, satellite or [], html, as_json=as_json, show_all=show_all)


contract = typer.Typer(help="See what sites changed about their DocTypes, and let it in.", no_args_is_help=True)
app.add_typer(contract, name="contract")

ChangedDocTypes = Annotated[
    list[str] | None,
    typer.Option(
        "--doctype", "-d", metavar="NAME", help="Only this DocType, own or child; may be given several times."
    ),
]


@contract.command("history")
@ends_plainly
def contract_history(
    context: typer.Context, satellite: Satellites = None, doctype: ChangedDocTypes = None, as_json: AsJson = False
) -> Status:
    """Show when each satellite changed what about its DocTypes: fields, types, options, labels, tables.

    Asks no satellite anything: it is told by the mothership, and by the lake where there is none yet.
    """
    from federation.cli.contract import history as work

    return work(context.obj, satellite or [], doctype or [], as_json=as_json)


@contract.command("diff")
@ends_plainly
def contract_diff(
    context: typer.Context,
    satellite: Satellites = None,
    doctype: ChangedDocTypes = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="COMMIT|DATE", help="Compare with then: a commit that `history` names, or a date in UTC, ISO 8601."
        ),
    ] = None,
    as_json: AsJson = False,
) -> Status:
    """Show what each satellite says otherwise of its DocTypes than before its last change, and what is held back.

    Asks no satellite anything: it is told by the lake.
    """
    from federation.cli.contract import diff as work
    from federation.cli.contract import since_of

    compared = None if since is None else since_of(since)
    return work(context.obj, satellite or [], doctype or [], compared, as_json=as_json)


@contract.command("accept")
@ends_plainly
def contract_accept(
    context: typer.Context,
    satellite: Annotated[str, typer.Argument(metavar="SATELLITE", help="Its name, or a pattern.")],
    doctype: Annotated[str, typer.Argument(metavar="DOCTYPE", help="Child DocTypes come along.")],
    as_json: AsJson = False,
) -> Status:
    """Let in what the settings freeze (`drift`) of a satellite's DocType, as the site has described it last.

    The next sync reads it so, and brings new fields to older documents. What the site changes later is frozen again.
    """
    from federation.cli.contract import accept as work

    return work(context.obj, satellite, doctype, as_json=as_json)


app.add_typer(quarantine, name="quarantine")

demo = typer.Typer(help="Try it all on simulated satellites on this machine.", no_args_is_help=True)
app.add_typer(demo, name="demo")

DemoFolder = Annotated[Path, typer.Option("--folder", help="Where the demo lives; made anew each time.")]
Scale = Annotated[int, typer.Option("--scale", min=100, help="GL Entries of each site, up to a million and more.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed makes the same companies.")]
DemoMothership = Annotated[
    str | None,
    typer.Option(
        "--mothership",
        envvar="FEDERATION_DEMO_MOTHERSHIP",
        show_envvar=True,
        metavar="URL",
        help="An empty database of a MariaDB server, and an account that may make others: "
        "mariadb://user:password@host:port/name. By default it is a DuckDB file.",
    ),
]


@demo.command("run")
@ends_plainly
def demo_run(
    folder: DemoFolder = Path("var/demo"), scale: Scale = 2_000, seed: Seed = 1, mothership: DemoMothership = None
) -> Status:
    """Bring four sites together through Dagster, let them live, sync again, and compare every document."""
    from federation.cli.demo import run as work

    return work(folder, scale, seed, mothership)


@demo.command("ui")
@ends_plainly
def demo_ui(
    folder: DemoFolder = Path("var/demo"),
    scale: Scale = 2_000,
    seed: Seed = 1,
    port: Annotated[int, typer.Option("--port", help="Where the Dagster UI answers.")] = 3000,
    mothership: DemoMothership = None,
) -> Status:
    """Open the Dagster UI on four living sites: webserver, daemon, schedules and sensors. Ctrl-C ends it all."""
    from federation.cli.demo import ui as work

    return work(folder, scale, seed, port, mothership)
