"""`federation query`: one question to the published mothership, answered as a table, as JSON or as CSV."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, Literal

from federation.cli.exits import Status, unless_interrupted
from federation.cli.query_answer import show_table, write_csv, write_json
from federation.cli.screen import complain
from federation.merging import open_reader
from federation.settings.load import load_settings
from federation.settings.model import Settings

Form = Literal["table", "json", "csv"]


def query(settings_file: Path | None, sql: str, form: Form) -> Status:
    """Print the rows that `sql` gives; `-` reads it from stdin.

    Raises:
        SettingsError: a mistake in the settings.
        MothershipError: the query was refused, or the mothership can't be read.
    """
    settings = load_settings(settings_file)
    asked = sys.stdin.read() if sql == "-" else sql
    return unless_interrupted(lambda: _answer(settings, asked, form))


def _answer(settings: Settings, sql: str, form: Form) -> Status:
    with open_reader(settings) as mothership:
        if mothership is None:
            complain(f"There is no mothership at {settings.mothership.place} yet: run `federation sync`.")
            return Status.FAILED
        _WRITERS[form](mothership.query(sql))
    return Status.DONE


_WRITERS: Final = {"table": show_table, "json": write_json, "csv": write_csv}
