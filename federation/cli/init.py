"""`federation init`: the starter folder, and what to do next."""

from __future__ import annotations

from pathlib import Path

from federation.cli.exits import Status
from federation.cli.screen import answers, plain
from federation.settings.load import FILE_NAME
from federation.settings.starter import write_starter


def init(folder: Path) -> Status:
    """Write the starter into `folder` and say what comes next.

    Raises:
        SettingsError: the folder can't be written to.
    """
    starter = write_starter(folder)
    out = answers()
    for file in starter.written:
        out.print("[green]✓[/]", plain(file))
    for file in starter.kept:
        out.print("[dim]·[/]", plain(file), "[dim]was there before and stays as it is[/]")
    here = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    out.print("\nNext:")
    steps = (
        (f"edit {folder / FILE_NAME}", "name your satellites and DocTypes"),
        (f"{here}federation access", "how to make a read-only key on each site"),
        ("export NORTH_API_KEY=… NORTH_API_SECRET=…", "these keys"),
        (f"{here}federation check", "who we are there and what can be read"),
        (f"{here}federation sync", "the first load"),
    )
    width = max(len(step) for step, _ in steps)
    for position, (step, why) in enumerate(steps, 1):
        out.print(f"  [dim]{position}.[/]", plain(step.ljust(width)), f" [dim]{why}[/]")
    return Status.DONE
