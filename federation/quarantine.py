"""Quarantine: what the mothership tells of documents that were set aside, for those who look after them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from federation.mothership.interface import Readable
from federation.mothership.sql import Fragment, identifier, listed, literal

CONTRACT: Final = "contract"
"""What a reader calls the rule that a value must fit its column; the tables call it ""."""
_NAMED_AT_ONCE: Final = 1_000
_EXCERPT: Final = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """Which documents of the quarantine are meant: all that meet every part that isn't empty.

    Attributes:
        rules: `contract`, or Great Expectations' names.
    """

    satellites: Collection[str] = ()
    doctypes: Collection[str] = ()
    rules: Collection[str] = ()
    names: Collection[str] = ()

    @property
    def sql(self) -> Fragment:
        """The choice as a condition on `federation_quarantine`."""
        rules = ["" if rule == CONTRACT else rule for rule in self.rules]
        parts = {"satellite": self.satellites, "doctype": self.doctypes, "rule": rules, "name": self.names}
        conditions = [
            f"{identifier(column)} IN ({listed(map(literal, sorted(set(texts))))})"
            for column, texts in parts.items()
            if texts
        ]
        return Fragment(" AND ".join(conditions) or "1 = 1")


@dataclass(frozen=True, slots=True)
class Count:
    """How many documents of a satellite's DocType fail a rule.

    Attributes:
        superseding: of so many the version accepted before still stands in the DocType's table.
    """

    satellite: str
    doctype: str
    rule: str
    documents: int
    superseding: int


@dataclass(frozen=True, slots=True)
class HeldFault:
    """One thing that is wrong with a document in quarantine.

    Attributes:
        value: the beginning of the cell, after the policy.
        since: when the document was seen in this state (UTC).
        supersedes: the version accepted before still stands in the DocType's table.
    """

    satellite: str
    doctype: str
    name: str
    rule: str
    fieldname: str
    value: str
    reason: str
    package: str
    since: datetime
    supersedes: bool


@dataclass(frozen=True, slots=True, order=True)
class HeldDocument:
    """A document in quarantine, by its name.

    Attributes:
        since: when it was seen in this state (UTC).
        supersedes: the version accepted before still stands in the DocType's table.
    """

    satellite: str
    doctype: str
    name: str
    since: datetime
    supersedes: bool


def counts(mothership: Readable, choice: Choice) -> tuple[Count, ...]:
    """Return how many documents fail which rule, by satellite, DocType and rule.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    asked = (
        "SELECT satellite, doctype, rule, count(*), sum(supersedes) FROM (SELECT satellite, doctype, rule, name, "
        f"max(supersedes) AS supersedes FROM federation_quarantine WHERE {choice.sql} "
        "GROUP BY satellite, doctype, rule, name) AS aside "
        "GROUP BY satellite, doctype, rule ORDER BY satellite, doctype, rule"
    )
    return tuple(
        Count(satellite, doctype, rule or CONTRACT, int(documents), int(superseding or 0))
        for satellite, doctype, rule, documents, superseding in _rows(mothership, asked)
    )


def documents(mothership: Readable, choice: Choice) -> list[HeldDocument]:
    """Return the documents chosen, by satellite, DocType and name.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    found: set[HeldDocument] = set()
    for part in _in_parts(choice):
        asked = (
            "SELECT satellite, doctype, name, max(observed), max(supersedes) FROM federation_quarantine "
            f"WHERE {part.sql} GROUP BY satellite, doctype, name"
        )
        found.update(
            HeldDocument(satellite, doctype, name, _aware(observed), bool(supersedes))
            for satellite, doctype, name, observed, supersedes in _rows(mothership, asked)
        )
    return sorted(found)


def faults(mothership: Readable, choice: Choice, limit: int | None = None) -> tuple[HeldFault, ...]:
    """Return what is wrong with the documents chosen, by satellite, DocType and name; the first `limit` faults.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    asked = (
        f'SELECT satellite, doctype, name, rule, fieldname, left("value", {_EXCERPT}), reason, package, observed, '
        f"supersedes FROM federation_quarantine WHERE {choice.sql} "
        "ORDER BY satellite, doctype, name, rule, fieldname" + (f" LIMIT {limit}" if limit is not None else "")
    )
    return tuple(
        HeldFault(
            satellite,
            doctype,
            name,
            rule or CONTRACT,
            fieldname,
            value or "",
            reason,
            package,
            _aware(observed),
            bool(supersedes),
        )
        for satellite, doctype, name, rule, fieldname, value, reason, package, observed, supersedes in _rows(
            mothership, asked
        )
    )


def document_of(mothership: Readable, choice: Choice) -> str | None:
    """Return one document chosen, whole, as JSON; None where nothing is.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    rows = _rows(mothership, f"SELECT document FROM federation_quarantine WHERE {choice.sql} LIMIT 1")
    return str(rows[0][0]) if rows else None


def absent(mothership: Readable, choice: Choice) -> set[str]:
    """Return the names, among those of a choice without rules, that were found absent on their site.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    return {
        str(name)
        for part in _in_parts(choice)
        for (name,) in _rows(mothership, f"SELECT name FROM federation_tombstone WHERE {part.sql}")
    }


def is_held_back(mothership: Readable, satellite: str, doctype: str) -> bool:
    """Return whether an expectation holds packages back, behind which all that comes later waits.

    Raises:
        QueryFailed: the mothership can't be asked.
    """
    where = f"satellite = {literal(satellite)} AND doctype = {literal(doctype)}"
    return bool(_rows(mothership, f"SELECT 1 FROM federation_held WHERE {where} LIMIT 1"))


def _in_parts(choice: Choice) -> Iterator[Choice]:
    """A statement has a greatest length: many names are asked for some at a time."""
    names = sorted(set(choice.names))
    if not names:
        yield choice
    for start in range(0, len(names), _NAMED_AT_ONCE):
        yield Choice(choice.satellites, choice.doctypes, choice.rules, names[start : start + _NAMED_AT_ONCE])


def _rows(mothership: Readable, sql: str) -> list[Sequence[Any]]:
    answer = mothership.query(sql).read_all()
    return list(zip(*(column.to_pylist() for column in answer.columns), strict=True))


def _aware(observed: datetime) -> datetime:
    return observed.replace(tzinfo=UTC)
