"""Starter: the commented folder that `federation init` writes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from federation.settings.errors import Problem, SettingsError
from federation.settings.schema import SCHEMA_FILE, schema_text

if TYPE_CHECKING:
    from pathlib import Path

_TEMPLATES: Final = ("federation.yaml", "dagster.yaml", "workspace.yaml")
_GITIGNORE: Final = "# What is written at run time: lake, mothership, locks, Dagster's home.\n/var/\n"
_EXPECTATIONS: Final = "Your own expectations about the documents, beside those that follow from the metadata.\n"
_MARTS: Final = "Your own tables for analysts, named dim_*, fact_* or agg_*.\n"


@dataclass(frozen=True, slots=True)
class Starter:
    """What `write_starter` did.

    Attributes:
        written: the files that are new.
        kept: the files that stood there before and were left as they are.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def write_starter(folder: Path) -> Starter:
    """Write the starter files into `folder`, which is made if need be; a file that exists is never overwritten.

    Raises:
        SettingsError: the folder can't be written to.
    """
    written: list[Path] = []
    kept: list[Path] = []
    try:
        for name, text in starter_files().items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            (written if _write_new(file, text) else kept).append(file)
    except OSError as error:
        what = f"the folder {folder} cannot be written to ({error.strerror})"
        raise SettingsError([Problem(what, "choose another folder: federation init FOLDER")]) from error
    return Starter(tuple(written), tuple(kept))


def starter_files() -> dict[str, str]:
    """Return the starter's files: path in the folder → text."""
    templates = resources.files(__package__)
    return {
        **{name: templates.joinpath(name).read_text("utf-8") for name in _TEMPLATES},
        SCHEMA_FILE: schema_text(),
        "expectations/README.md": _EXPECTATIONS,
        "marts/README.md": _MARTS,
        ".gitignore": _GITIGNORE,
    }


def _write_new(file: Path, text: str) -> bool:
    try:
        with file.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    except FileExistsError:
        return False
    return True
