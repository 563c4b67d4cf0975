"""Rules: the settings' policy, resolved to what happens to each field of one satellite.

The most specific rule wins. Rules are compared by `field` first, then `doctype`, `satellite` and `jurisdiction`; in
each, an exact name beats a pattern, and a pattern beats none. Of equally specific rules the later one in the file wins.
Without a rule a field is kept. Names and patterns are case-sensitive.

Above all rules: Password fields are never requested; identity fields (`name`, `modified`, …) always are, also where a
pattern reaches them; and `hash` is for text: a number, a date or a child table that a hash rule reaches is dropped, for
a hash of few possible values is no secret and rows have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from federation.contract.fieldtypes import TEXT, column_type
from federation.settings.errors import Problem, SettingsError
from federation.settings.model import IDENTITY_FIELDS
from federation.settings.selection import is_pattern

if TYPE_CHECKING:
    from federation.settings.model import PolicyRule, Satellite, Settings
    from federation.settings.secrets import SecretReference

_SELECTORS: Final = ("field", "doctype", "satellite", "jurisdiction")
_SHORTEST_KEY: Final = 16


@dataclass(frozen=True, slots=True)
class Keep:
    """The field is taken as it is."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The field is never requested from the site."""


@dataclass(frozen=True, slots=True)
class Hash:
    """The field's values are hashed as rows are decoded, before anything is written.

    Attributes:
        key_reference: where the key of the hash is kept.
    """

    key_reference: SecretReference

    def key(self) -> bytes:
        """Return the key, at least 16 bytes.

        Raises:
            SettingsError: it can't be had, or is so short that the hashed values could be guessed.
        """
        key = self.key_reference.reveal("policy").encode()
        if len(key) < _SHORTEST_KEY:
            what = f"the hash key {self.key_reference} is shorter than {_SHORTEST_KEY} bytes"
            raise SettingsError([Problem(what, "make a random one: openssl rand -hex 32", "policy")])
        return key


Action = Keep | Drop | Hash


@dataclass(frozen=True, slots=True)
class _RankedRule:
    number: int
    rule: PolicyRule
    rank: tuple[int, ...]

    def matches(self, doctype: str, fieldname: str) -> bool:
        return _selects(self.rule.doctype, doctype) and _selects(self.rule.field, fieldname)

    def __str__(self) -> str:
        selectors = [f"{key}: {value}" for key in _SELECTORS if (value := getattr(self.rule, key)) is not None]
        return f"policy[{self.number}] {{{', '.join([*selectors, f'action: {self.rule.action}'])}}}"


@dataclass(frozen=True, slots=True)
class SatellitePolicy:
    """What happens to each field of one satellite. `policy_for` makes it."""

    _rules: tuple[_RankedRule, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The rules that reach the satellite, by their place in the settings: two alike do the same to every field."""
        return tuple(rule.number for rule in self._rules)

    def action(self, doctype: str, fieldname: str, fieldtype: str) -> Action:
        """Return what happens to a field.

        Args:
            doctype: the DocType that has the field; for a field of a child table, the child's.
            fieldname: Frappe's fieldname.
            fieldtype: Frappe's fieldtype; asked of a Table field too, where Drop means that its rows stay at the site.
        """
        return self._decide(doctype, fieldname, fieldtype)[0]

    def explain(self, doctype: str, fieldname: str, fieldtype: str) -> str:
        """Return what happens to a field and why: `drop: policy[2] {field: email_id, action: drop}`."""
        action, reason = self._decide(doctype, fieldname, fieldtype)
        return f"{type(action).__name__.lower()}: {reason}"

    def _decide(self, doctype: str, fieldname: str, fieldtype: str) -> tuple[Action, str]:
        if fieldtype == "Password":
            return Drop(), "a Password is never requested"
        if fieldname in IDENTITY_FIELDS:
            return Keep(), "it identifies the document"
        rule = next((rule for rule in self._rules if rule.matches(doctype, fieldname)), None)
        if rule is None:
            return Keep(), "no rule matches"
        return _obey(rule, fieldtype)


def policy_for(settings: Settings, satellite: Satellite) -> SatellitePolicy:
    """Return the policy of one satellite: the rules that reach it, the winning ones first."""
    ranked = [
        _RankedRule(number, rule, (*(_specificity(getattr(rule, key)) for key in _SELECTORS), number))
        for number, rule in enumerate(settings.policy, 1)
        if _selects(rule.satellite, satellite.name) and _selects(rule.jurisdiction, satellite.jurisdiction or "")
    ]
    return SatellitePolicy(tuple(sorted(ranked, key=lambda rule: rule.rank, reverse=True)))


def _obey(rule: _RankedRule, fieldtype: str) -> tuple[Action, str]:
    if rule.rule.action == "keep":
        return Keep(), str(rule)
    if rule.rule.action == "drop" or rule.rule.key is None:
        return Drop(), str(rule)
    kept_as = column_type(fieldtype)
    if kept_as is None or kept_as.arrow != TEXT:
        return Drop(), f"{rule}, and a {fieldtype} is no text"
    return Hash(rule.rule.key), str(rule)


def _selects(selector: str | None, name: str) -> bool:
    return selector is None or fnmatchcase(name, selector)


def _specificity(selector: str | None) -> int:
    if selector is None:
        return 0
    return 1 if is_pattern(selector) else 2
