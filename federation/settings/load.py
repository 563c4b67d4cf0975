"""Loading: a settings file → `Settings`, or every mistake in it at once."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from federation.settings.aggregates import Aggregate, Dimension
from federation.settings.document import LARGEST_FILE, Document, KeyPath, key_text, read_document
from federation.settings.errors import Problem, SettingsError, did_you_mean, echo
from federation.settings.expectations import load_expectations
from federation.settings.mapping import DocTypeMapping
from federation.settings.mistakes import MISTAKES, Mistake, found_in
from federation.settings.model import CredentialReferences, PolicyRule, Reconcile, Satellite, Schedules, Settings
from federation.settings.mothership import Analyst, MothershipSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

    from federation.settings.values import Section

ENVIRONMENT: Final = "FEDERATION_SETTINGS"
FILE_NAME: Final = "federation.yaml"
MOST_PROBLEMS: Final = 200
"""Mistakes reported at once: a file with more of them is another file."""

_SATELLITE_EXAMPLE: Final = {"url": "https://north.example.com", "credentials": "env:NORTH"}
_ANY: Final = "*"
_SECTIONS: Final[Mapping[KeyPath, type[Section]]] = {
    (): Settings,
    ("satellites", _ANY): Satellite,
    ("satellites", _ANY, "credentials"): CredentialReferences,
    ("satellites", _ANY, "mapping", _ANY): DocTypeMapping,
    ("policy", _ANY): PolicyRule,
    ("aggregates", _ANY): Aggregate,
    ("aggregates", _ANY, "by", _ANY): Dimension,
    ("mothership",): MothershipSettings,
    ("mothership", "analysts", _ANY): Analyst,
    ("reconcile",): Reconcile,
    ("schedules",): Schedules,
}
_KEY_OF_MAPPING: Final = "[key]"
"""What pydantic puts behind the path of a mapping's key that is itself mistaken."""


def load_settings(path: Path | None = None) -> Settings:
    """Return the settings of a file.

    Args:
        path: the file; None for the one that $FEDERATION_SETTINGS names, or else `federation.yaml` in this folder.

    Raises:
        SettingsError: there is no such file, or it holds mistakes; all of them are named, up to `MOST_PROBLEMS`. The
            user's expectations are read too, and their mistakes named in the same way.
    """
    file = (path or Path(os.environ.get(ENVIRONMENT) or FILE_NAME)).absolute()
    document = read_document(_content(file))
    problems = list(document.problems)
    if document.values is not None:
        try:
            settings = Settings.model_validate(document.values, context={"folder": file.parent})
        except ValidationError as error:
            problems.extend(islice(_problems(error, document), MOST_PROBLEMS))
        else:
            if not problems:
                load_expectations(settings)
                return settings
    raise SettingsError(sorted(problems, key=lambda problem: problem.line or 0)[:MOST_PROBLEMS], file)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        what = "there is no such file"
        fix = f"run `federation init` to write one, or name yours with --settings or ${ENVIRONMENT}"
    except IsADirectoryError:
        what, fix = "this is a folder", f"name the file in it: {file / FILE_NAME}"
    except (OSError, ValueError) as error:
        what, fix = f"the file cannot be read ({echo(str(error))})", "let this user read it"
    raise SettingsError([Problem(what, fix)], file)


def _problems(error: ValidationError, document: Document) -> Iterator[Problem]:
    # The inputs are left out: they may be secrets that were written where a reference belongs.
    details = error.errors(include_url=False, include_input=False)
    reported = {problem.key for problem in document.problems}
    bad_keys = {detail["loc"][:-1] for detail in details if detail["loc"][-1:] == (_KEY_OF_MAPPING,)}
    for detail in details:
        path = detail["loc"]
        if path[-1:] == ("name",) and path[:-1] in bad_keys:
            continue  # said once, of the key
        if path[-1:] == (_KEY_OF_MAPPING,):
            path = path[:-1]
        for below, what, fix in _explained(detail, path):
            key = key_text((*path, *below))
            if key not in reported:
                yield Problem(what, fix, key, _line((*path, *below), document))


def _explained(detail: ErrorDetails, path: KeyPath) -> list[Mistake]:
    """Say in the user's words what pydantic found."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == MISTAKES:
        return found_in(context)
    if kind == "extra_forbidden":
        known = _keys(path[:-1])
        fix = did_you_mean(str(path[-1]), known, f"known here: {', '.join(known)}")
        return [((), "unknown key", fix)]
    if kind == "missing":
        return [((), "is missing", f"add {_example(path)}")]
    what = _WORDS.get(kind, detail["msg"][:1].lower() + detail["msg"][1:]).format_map(context)
    return [((), what, f"for example {_example(path)}")]


_WORDS: Final[Mapping[str, str]] = {
    "string_type": "must be text (in quotes, if it looks like a number)",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "literal_error": "must be one of {expected}",
    "model_type": "must be a mapping (`key: value` lines)",
    "dict_type": "must be a mapping (`key: value` lines)",
    "tuple_type": "must be a list (`- item` lines)",
    "too_short": "must not be empty",
}


def _section(path: KeyPath) -> type[Section] | None:
    for shape, section in _SECTIONS.items():
        if len(shape) == len(path) and all(key in {_ANY, part} for key, part in zip(shape, path, strict=True)):
            return section
    return None


def _keys(path: KeyPath) -> list[str]:
    """Return the keys that the section at `path` may have."""
    section = _section(path)
    return [name for name in section.model_fields if (section, name) != (Satellite, "name")] if section else []


def _example(path: KeyPath) -> str:
    """Return a line that the key at `path` may be written as."""
    if path == ():
        return "satellites:"
    *around, key = path
    if isinstance(key, int):
        return _example(tuple(around))
    section = _section(tuple(around))
    field = section.model_fields.get(key) if section else None
    value = (field.examples or [field.default])[0] if field else _SATELLITE_EXAMPLE
    # A line of JSON is a line of YAML.
    return f"{echo(key)}: {value if isinstance(value, str) else json.dumps(value)}"


def _line(path: KeyPath, document: Document) -> int | None:
    """Return the line of the key, or of the nearest key around one that is absent."""
    for length in range(len(path), 0, -1):
        if (line := document.lines.get(path[:length])) is not None:
            return line
    return None
