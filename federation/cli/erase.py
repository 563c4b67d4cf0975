"""`federation erase`: what is kept of some documents, the question whether to erase them, and the receipt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer
from rich.text import Text

from federation.cli.exits import Status, unless_interrupted
from federation.cli.screen import answers, complain, notices, number, plain, print_json, remark, table
from federation.erasing import Counts, Erased, Outlook, known_doctypes, look
from federation.erasing import erase as work
from federation.settings.errors import did_you_mean, echo
from federation.settings.load import load_settings
from federation.settings.model import Satellite, Settings

_REMAINS_SHOWN = 20
_SERVER = (
    "On MariaDB the server keeps more than the tables: its binary log until `binlog_expire_logs_seconds`, removed rows "
    "until its purge has passed by, and backups as long as you keep them. Let these expire, or make them anew."
)


def erase(
    settings_file: Path | None,
    satellite: str,
    doctype: str,
    names: Sequence[str],
    *,
    reason: str,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> Status:
    """Erase documents after asking; FAILED where something of them was found afterwards.

    Raises:
        SettingsError: a mistake in the settings; nothing was started.
        typer.BadParameter: a satellite or a DocType that isn't known, or a reason that holds a name.
        LakeError, MothershipError: something can't be read or written; the same command goes on from there.
    """
    settings = load_settings(settings_file)
    chosen = _chosen(settings, satellite)
    _require_doctype(settings, chosen, doctype)
    with notices().status("looking for what is kept of them"):
        outlook = unless_interrupted(lambda: look(settings, chosen, doctype, names))
    if any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", reason) for some in outlook.names.values() for name in some):
        raise typer.BadParameter("the reason is kept, so it must hold none of the names", param_hint="--reason")
    if dry_run:
        _answer(outlook, as_json=as_json)
        return Status.DONE
    if not as_json:
        _show_outlook(outlook)
    if not yes:
        typer.confirm("Erase them for good, and keep them away from then on?", abort=True, err=True)
    with notices().status("erasing, then searching everything that is kept"):
        erased = unless_interrupted(lambda: work(settings, chosen, doctype, names, reason=reason))
    if as_json:
        print_json(erased.receipt)
    else:
        _show_receipt(settings, erased)
    return Status.DONE if erased.receipt.proven else Status.FAILED


def _chosen(settings: Settings, name: str) -> Satellite:
    satellite = settings.satellites.get(name)
    if satellite is None:
        fix = did_you_mean(name, settings.satellites, f"the settings have {', '.join(settings.satellites)}")
        raise typer.BadParameter(f"there is no satellite `{echo(name)}`: {fix}", param_hint="SATELLITE")
    return satellite


def _require_doctype(settings: Settings, satellite: Satellite, doctype: str) -> None:
    known = known_doctypes(settings, satellite)
    if doctype and doctype not in known:
        fix = did_you_mean(doctype, known, "these were read: " + ", ".join(known))
        raise typer.BadParameter(f"{satellite.name} has no documents of `{echo(doctype)}`: {fix}", param_hint="DOCTYPE")


def _answer(outlook: Outlook, *, as_json: bool) -> None:
    if as_json:
        print_json(outlook)
    else:
        _show_outlook(outlook)


def _show_outlook(outlook: Outlook) -> None:
    grid = table("DocType", "names")
    for doctype, names in outlook.names.items():
        grid.add_row(plain(doctype), plain(", ".join(names[:10]) + (f" … {len(names):,}" if len(names) > 10 else "")))  # noqa: PLR2004
    answers().print(grid)
    _show_counts("on the lake", outlook.lake)
    if not (outlook.lake.files or outlook.lake.manifests):
        remark("Nothing of them is on the lake. Erasing keeps them away from then on.")
    _tell_others(outlook.others)


def _show_receipt(settings: Settings, erased: Erased) -> None:
    receipt = erased.receipt
    _show_counts("removed from the lake", receipt.lake)
    _show_rows("changed in the mothership", receipt.mothership)
    grid = table("searched", "parts", "rows or bytes", numbers=("parts", "rows or bytes"))
    for searched in receipt.searched:
        grid.add_row(searched.what, number(searched.parts), number(searched.rows))
    answers().print(grid)
    for trace in receipt.traces:
        complain(f"{trace.place} {trace.column} still holds one of the names. Run the same command again.")
    for each in receipt.remains[:_REMAINS_SHOWN]:
        where = f"{each.place}, {each.column}" if each.column else each.place
        remark(f"{where}: {each.rows:,} hold a name in their text. They are not these documents: see to them yourself.")
    if len(receipt.remains) > _REMAINS_SHOWN:
        remark(f"{len(receipt.remains) - _REMAINS_SHOWN:,} more such places are in the receipt.")
    _tell_others(erased.others)
    if settings.mothership.engine == "mariadb":
        remark(_SERVER)
    if receipt.proven:
        notices().print(Text(f"Erased. The receipt is {receipt.satellite}/{erased.path} on the lake.", "green"))


def _show_counts(heading: str, counts: Counts) -> None:
    links = {f"links in {name}": links for name, links in counts.links.items()}
    files = {"files": counts.files, "manifests": counts.manifests}
    _show_rows(heading, {**counts.removed, **links, **files})


def _show_rows(heading: str, rows: Mapping[str, int]) -> None:
    grid = table(heading, "rows", numbers=("rows",))
    for what, count in rows.items():
        grid.add_row(plain(what), number(count))
    answers().print(grid)


def _tell_others(others: Sequence[str]) -> None:
    for name in others:
        remark(f"{name} was a name of one of them; the document that bears it now is left: name it if it is meant.")
