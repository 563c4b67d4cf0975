"""Expectations: `expectations/<doctype>.yaml` beside the settings becomes rules, or every mistake in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from federation.settings.document import LARGEST_FILE, key_text, read_list
from federation.settings.errors import Problem, SettingsError, did_you_mean, echo
from federation.settings.expectation_arguments import KINDS
from federation.settings.expectation_names import RULES, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from federation.settings.model import Settings

Severity = Literal["reject", "warn", "halt"]
"""What a row that doesn't meet an expectation costs: its document is set aside, whole; or it is loaded and reported; or
nothing of its DocType is merged until somebody releases it."""

_SEVERITIES: Final = ("reject", "warn", "halt")
_OURS: Final = ("expect", "severity", "satellites", "table", "reason")
_FIELDS: Final[Mapping[int, tuple[str, ...]]] = {1: ("field",), 2: ("field_A", "field_B")}
_PATTERN: Final = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class WrittenExpectation:
    """One expectation as a user wrote it.

    Attributes:
        expect: Great Expectations' name of the rule.
        fields: the Frappe field that it judges, or the two.
        arguments: Great Expectations' arguments besides the columns.
        severity: what failing it costs.
        satellites: whose rows it is for; () for all.
        table: the child DocType whose rows it judges; "" for the DocType's own.
        reason: the rule for a reader, where the user gave one.
        place: the file and the line, for messages.
    """

    expect: str
    fields: tuple[str, ...]
    arguments: Mapping[str, object]
    severity: Severity
    satellites: tuple[str, ...]
    table: str
    reason: str
    place: str


@dataclass(frozen=True, slots=True)
class WrittenExpectations:
    """All that the folder holds: the stem of a file → its expectations."""

    by_stem: Mapping[str, tuple[WrittenExpectation, ...]]

    def of(self, satellite: str, doctype: str) -> tuple[WrittenExpectation, ...]:
        """Return those that a satellite's documents of a DocType have to meet."""
        written = self.by_stem.get(stem_of(doctype), ())
        return tuple(each for each in written if not each.satellites or satellite in each.satellites)


def stem_of(doctype: str) -> str:
    """Return what the file of a DocType is called before `.yaml`: `sales_invoice` for Sales Invoice.

    The same comes of `sales-invoice` and `Sales Invoice`, so a file may be called so too.
    """
    return re.sub(r"[\W_]+", "_", doctype.lower()).strip("_")


def load_expectations(settings: Settings) -> WrittenExpectations:
    """Return the expectations in the settings' folder of them; none where there is no such folder.

    Fields are checked later, when the satellite has told which it has.

    Raises:
        SettingsError: mistakes in a file, all of the first file that has any.
    """
    folder = settings.expectations
    files = sorted(folder.glob("*.y*ml")) if folder.is_dir() else []
    read: dict[str, Path] = {}
    by_stem: dict[str, tuple[WrittenExpectation, ...]] = {}
    for file in files:
        by_stem[stem_of(file.stem)] = _file(file, settings, read.get(stem_of(file.stem)))
        read[stem_of(file.stem)] = file
    return WrittenExpectations(by_stem)


def _file(file: Path, settings: Settings, other: Path | None) -> tuple[WrittenExpectation, ...]:
    problems = list(_misnamed(file, settings))
    if other is not None:
        problems.append(Problem(f"{other.name} is of the same DocType", "keep one of the two"))
    document, items = read_list(_content(file))
    problems.extend(document.problems)
    written = []
    for position, item in enumerate(items):
        line = document.lines.get((position,))
        reading = _Item(item, f"{file.parent.name}/{file.name}, line {line}", settings)
        made = reading.expectation()
        for key, what, fix in reading.mistakes:
            where = (position, key) if key else (position,)
            problems.append(Problem(what, fix, key_text(where), document.lines.get(where, line)))
        written += [made] if made else []
    if problems:
        raise SettingsError(sorted(problems, key=lambda problem: problem.line or 0), file)
    return tuple(written)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_FILE + 1)
    except OSError as error:
        problem = Problem(f"the file cannot be read ({echo(str(error))})", "let this user read it")
        raise SettingsError([problem], file) from error


def _misnamed(file: Path, settings: Settings) -> Iterator[Problem]:
    """A file that no DocType is called like would never be looked into."""
    if file.suffix != ".yaml":
        yield Problem(f"the file's name ends with {file.suffix}", f"call it {file.stem}.yaml")
    satellites = settings.satellites.values()
    modules = any(chain(settings.modules, *(each.modules or () for each in satellites)))
    names = {*settings.doctypes, *chain(*(each.doctypes or () for each in satellites))}
    if modules or any(_PATTERN & set(name) for name in names):
        return
    stems = {stem_of(name) for name in names}
    if stem_of(file.stem) not in stems:
        fix = did_you_mean(file.stem, stems, f"call it after a DocType, such as {min(stems)}.yaml")
        yield Problem("no DocType that the settings select is called like this file", fix)


@dataclass
class _Item:
    """Reads one item of the list; what is wrong with it gathers in `mistakes` as (key, what, fix)."""

    item: object
    place: str
    settings: Settings

    def __post_init__(self) -> None:
        self.mistakes: list[tuple[str, str, str]] = []

    def expectation(self) -> WrittenExpectation | None:
        if not isinstance(self.item, dict):
            self._wrong("", "must be a mapping", "write `- expect: …`, `  field: …` and the rule's arguments")
            return None
        expect = self._text("expect", "expect_column_values_to_not_be_null", required=True)
        rule = RULES.get(expect)
        if rule is None:
            if expect:
                fix = did_you_mean(expect, RULES, f"one of {', '.join(RULES)}")
                self._wrong("expect", f"{echo(expect)} is no rule that is known here", fix)
            return None
        fields = tuple(self._text(key, "grand_total", required=True) for key in _FIELDS[rule.columns])
        arguments = self._arguments(rule)
        made = WrittenExpectation(
            expect,
            fields,
            arguments,
            self._severity(expect, rule),
            self._satellites(),
            self._text("table", "Sales Invoice Item"),
            self._text("reason", "A total is never negative."),
            self.place,
        )
        return None if self.mistakes else made

    def _severity(self, expect: str, rule: Rule) -> Severity:
        told = self._item.get("severity", "warn")
        if told not in _SEVERITIES:
            fix = did_you_mean(str(told), _SEVERITIES, "reject: the document is set aside; warn: it is loaded")
            self._wrong("severity", "must be reject, warn or halt", fix)
        if told == "reject" and not rule.is_row_wise:
            what = f"{expect} looks at several rows at once, so it can't tell which document to reject"
            self._wrong("severity", what, "severity: warn")
        if told == "reject" and "mostly" in self._item:
            self._wrong("mostly", "a rule that rejects judges every row for itself", "remove it, or severity: warn")
        return "reject" if told == "reject" else "halt" if told == "halt" else "warn"

    def _satellites(self) -> tuple[str, ...]:
        told = self._item.get("satellites", [])
        if not isinstance(told, list) or not all(isinstance(name, str) for name in told):
            self._wrong("satellites", "must be a list of satellites", "satellites: [north]")
            return ()
        known = self.settings.satellites
        for name in told:
            if name not in known:
                fix = did_you_mean(name, known, f"known are {', '.join(known)}")
                self._wrong("satellites", f"there is no satellite {echo(name)}", fix)
        return tuple(told)

    def _arguments(self, rule: Rule) -> dict[str, object]:
        known = [*rule.arguments, "mostly"]
        ours = {*_OURS, *_FIELDS[rule.columns]}
        found = {key: value for key, value in self._item.items() if key not in ours}
        for key in found.keys() - set(known):
            fix = did_you_mean(key, [*known, *ours], f"this rule takes {', '.join([*_FIELDS[rule.columns], *known])}")
            self._wrong(key, "this rule has no such argument", fix)
        for key in found.keys() & set(known):
            kind = rule.arguments.get(key)
            must, fits = KINDS[kind or "share"]
            if not fits(found[key]):
                self._wrong(key, f"must {must}", "correct the value")
        for key in rule.required:
            if key not in found:
                self._wrong("", f"{key} is missing", f"add `{key}: …`")
        if rule.any_of and not found.keys() & set(rule.any_of):
            self._wrong("", f"neither {' nor '.join(rule.any_of)} is given", "add one of them")
        return found

    def _text(self, key: str, example: str, *, required: bool = False) -> str:
        told = self._item.get(key)
        if told is None and not required:
            return ""
        if isinstance(told, str) and told.strip():
            return told.strip()
        if told is None:
            self._wrong("", f"{key} is missing", f"add `{key}: {example}`")
        else:
            self._wrong(key, "must be text", f"{key}: {example}")
        return ""

    @property
    def _item(self) -> dict[str, object]:
        return self.item if isinstance(self.item, dict) else {}

    def _wrong(self, key: str, what: str, fix: str) -> None:
        self.mistakes.append((key, what, fix))
