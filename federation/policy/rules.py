"""Rules: the settings' policy, resolved to what happens to each field of one satellite.

The most specific rule wins. Rules are compared by `field` first, then `fieldtype`, `permlevel`, `doctype`, `satellite`
and `jurisdiction`; in each, an exact name beats a pattern, a pattern beats none, and a higher level beats a lower one.
Of equally specific rules the later one in the file wins. Without a rule a field is kept. Names and patterns are
case-sensitive.

Files and signatures (Attach, Attach Image, Signature) are dropped unless a rule selects them by `field` or `fieldtype`,
by more than a bare `*`.

The names of a DocType's documents are hashed by a rule of `field: name` for that DocType: with them every Link and
Dynamic Link to it, `parent` of its child rows, and what the site tells of deletions and renames. Only a drop goes
before that.

Above all rules: Password fields are never requested; identity fields (`name`, `modified`, …) always are, also where a
pattern reaches them. `hash` is for text, and so is `mask`, but for `year`, which is for dates: whatever else such a
rule reaches is dropped, for a hash of few possible values is no secret and child rows have none.

A rule `at: mothership` drops a field on the way from the lake to the mothership, or excepts it from such a rule. What
leaves the site is for the other rules to say, and the mothership never gets more than the lake.

A field that had other fieldtypes before is treated by the strictest of what the rules say of each: a site that retypes
an Attach loosens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from federation.contract.fieldtypes import DATE, DATETIME, TEXT, column_type
from federation.settings.errors import Problem, SettingsError
from federation.settings.model import IDENTITY_FIELDS
from federation.settings.selection import is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from federation.contract.asked_field import AskedField
    from federation.settings.model import PolicyRule, Satellite, Settings
    from federation.settings.secrets import SecretReference

DROPPED_BY_DEFAULT: Final = frozenset({"Attach", "Attach Image", "Signature"})
"""Fieldtypes that hold files, or where these lie: they leave a site only where a rule names them."""

NAMES_IN_TEXT: Final = {
    ("Deleted Document", "deleted_name"): "deleted_doctype",
    ("File", "attached_to_name"): "attached_to_doctype",
    ("Version", "docname"): "ref_doctype",
    ("Notification Log", "document_name"): "document_type",
    ("Email Queue", "reference_name"): "reference_doctype",
}
"""Frappe's own fields that are Dynamic Links in all but their fieldtype → the field that says to which DocType."""

TELLING_TEXTS: Final = frozenset(
    {
        ("Deleted Document", "data"),
        ("Version", "data"),
        ("Comment", "content"),
        ("Comment", "subject"),
        ("Activity Log", "content"),
        ("Activity Log", "subject"),
    }
)
"""Frappe's own texts that repeat names of documents: dropped where any names are hashed."""

_SELECTORS: Final = ("field", "fieldtype", "permlevel", "doctype", "satellite", "jurisdiction")
_STRICTNESS: Final[dict[ActionName, int]] = {"keep": 0, "mask": 1, "hash": 2, "drop": 3}
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


@dataclass(frozen=True, slots=True)
class HashLinked:
    """The field's values are names of documents of several DocTypes: hashed where names of their DocType are.

    Attributes:
        type_field: the field that says of which DocType it is, row by row.
        key_references: DocType → where the key of its names is kept.
    """

    type_field: str
    key_references: tuple[tuple[str, SecretReference], ...]

    def keys(self) -> dict[str, bytes]:
        """Return DocType → key.

        Raises:
            SettingsError: one can't be had, or is too short.
        """
        return {doctype: Hash(reference).key() for doctype, reference in self.key_references}


@dataclass(frozen=True, slots=True)
class Mask:
    """Only a part of the field's values is taken: the rest goes as rows are decoded, before anything is written.

    Attributes:
        show: what may be seen: `last 4`, `domain` or `year`.
    """

    show: str


Action = Keep | Drop | Hash | HashLinked | Mask
ActionName = Literal["keep", "mask", "hash", "drop"]

Destination = Literal["lake", "mothership"]
"""How far a field goes: from the site to the satellite's lake, and from there to the mothership."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a field, and why.

    Attributes:
        action: what happens.
        reason: the rule that says so, as the settings have it, or what stands above all rules.
    """

    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class _RankedRule:
    number: int
    rule: PolicyRule
    rank: tuple[int, ...]

    @property
    def names_fields(self) -> bool:
        """Whether it selects fields by their name or type: a pattern that any text matches selects none."""
        return any(selector and set(selector) - {"*", "?"} for selector in (self.rule.field, self.rule.fieldtype))

    def __str__(self) -> str:
        return written_rule(self.number, self.rule)


@dataclass(frozen=True, slots=True)
class SatellitePolicy:
    """What happens to each field of one satellite. `policy_for` makes it."""

    _rules: tuple[_RankedRule, ...]
    _rules_of_lake: tuple[_RankedRule, ...]
    _names: tuple[tuple[str, SecretReference, str], ...] = ()

    @property
    def name_keys(self) -> dict[str, Hash]:
        """DocType → how the names of its documents are hashed, for those whose are."""
        return {doctype: Hash(reference) for doctype, reference, _ in self._names}

    @property
    def numbers(self) -> tuple[int, ...]:
        """The rules that reach the satellite, by their place in the settings: two alike do the same to every field."""
        return tuple(rule.number for rule in self._rules)

    def action(self, asked: AskedField, destination: Destination = "lake") -> Action:
        """Return what happens to a field. For one that holds child rows Drop means that these don't go so far."""
        return self.decide(asked, destination).action

    def decide(self, asked: AskedField, destination: Destination = "lake") -> Decision:
        """Return what happens to a field on its way to a destination, and why."""
        on_lake = self._with_names(asked, self._decide(asked, self._rules_of_lake))
        if destination == "lake" or len(self._rules) == len(self._rules_of_lake):
            return on_lake
        return max(on_lake, self._decide(asked, self._rules), key=_strictness)

    def _with_names(self, asked: AskedField, decision: Decision) -> Decision:
        """Let a field that holds names of documents follow these: hashed under the same key, or dropped."""
        if not self._names or isinstance(decision.action, Drop):
            return decision
        if (asked.doctype, asked.fieldname) in TELLING_TEXTS:
            return Decision(Drop(), f"it may repeat names that are hashed: {self._names[0][2]}")
        if type_field := type_field_of(asked):
            keys = tuple((doctype, reference) for doctype, reference, _ in self._names)
            return Decision(HashLinked(type_field, keys), "; ".join(rule for _, _, rule in self._names))
        leads_to = linked_doctype(asked)
        found = ((reference, rule) for doctype, reference, rule in self._names if doctype == leads_to)
        for reference, rule in found:
            return Decision(Hash(reference), rule if asked.fieldname == "name" else f"it links to {leads_to}: {rule}")
        return decision

    def _decide(self, asked: AskedField, rules: tuple[_RankedRule, ...]) -> Decision:
        fieldtypes = (asked.fieldtype, *asked.past_fieldtypes)
        if "Password" in fieldtypes:
            return Decision(Drop(), "a Password is never requested")
        if asked.fieldname in IDENTITY_FIELDS:
            return Decision(Keep(), "it identifies the document")
        return max((_taken_as(fieldtype, asked, rules) for fieldtype in dict.fromkeys(fieldtypes)), key=_strictness)


def _taken_as(fieldtype: str, asked: AskedField, rules: tuple[_RankedRule, ...]) -> Decision:
    """Return what happens to the field where a rule that matches it as a `fieldtype` decides."""
    by_default = fieldtype in DROPPED_BY_DEFAULT
    for rule in rules:
        if rule_selects(rule.rule, asked, fieldtype) and (rule.names_fields or not by_default):
            return _obey(rule, asked.fieldtype)
    if by_default:
        return Decision(Drop(), f"a field of type {fieldtype} is dropped unless a rule names it")
    return Decision(Keep(), "no rule matches")


def _strictness(decision: Decision) -> int:
    return _STRICTNESS[action_name(decision.action)]


def policy_for(settings: Settings, satellite: Satellite) -> SatellitePolicy:
    """Return the policy of one satellite: the rules that reach it, the winning ones first."""
    ranked = [
        _RankedRule(number, rule, (*(_specificity(getattr(rule, key)) for key in _SELECTORS), number))
        for number, rule in enumerate(settings.policy, 1)
        if _selects(rule.satellite, satellite.name) and _selects(rule.jurisdiction, satellite.jurisdiction or "")
    ]
    rules = tuple(sorted(ranked, key=lambda rule: rule.rank, reverse=True))
    of_lake = tuple(rule for rule in rules if rule.rule.at is None)
    return SatellitePolicy(rules, of_lake, tuple(_names(of_lake)))


def type_field_of(asked: AskedField) -> str:
    """Return the field that says of which DocType the name is that another field holds; "" where it holds no such."""
    return (
        asked.options if asked.fieldtype == "Dynamic Link" else NAMES_IN_TEXT.get((asked.doctype, asked.fieldname), "")
    )


def linked_doctype(asked: AskedField) -> str:
    """Return the DocType whose documents' names a field holds; "" where it holds none, or of several."""
    if asked.fieldname in ("name", "old_parent"):
        # Trees of Frappe remember in `old_parent`, a Data in some, where a document stood before.
        return asked.doctype
    if asked.fieldname in ("owner", "modified_by"):
        return "User"
    return asked.options if asked.fieldtype == "Link" else ""


def _names(rules: Iterable[_RankedRule]) -> Iterator[tuple[str, SecretReference, str]]:
    """Yield (DocType, key, rule) where the first of the rules about its `name` hashes it."""
    decided: set[str] = set()
    for rule in rules:
        said = rule.rule
        if said.field == "name" and said.doctype is not None and said.doctype not in decided:
            decided.add(said.doctype)
            if said.action == "hash" and said.key is not None:
                yield said.doctype, said.key, str(rule)


def rule_selects(rule: PolicyRule, asked: AskedField, fieldtype: str) -> bool:
    """Return whether a rule is meant for a field, taken as one of the fieldtypes that it has or had."""
    return (
        _selects(rule.doctype, asked.doctype)
        and _selects(rule.field, asked.fieldname)
        and _selects(rule.fieldtype, fieldtype)
        and (rule.permlevel is None or asked.permlevel >= rule.permlevel)
    )


def written_rule(number: int, rule: PolicyRule) -> str:
    """Return a rule as a reader finds it in the settings: `policy[2] {field: email_id, action: drop}`."""
    keys = ("jurisdiction", "satellite", "doctype", "field", "fieldtype", "permlevel", "action", "show", "at")
    said = [f"{key}: {value}" for key in keys if (value := getattr(rule, key)) is not None]
    return f"policy[{number}] {{{', '.join(said)}}}"


def action_name(action: Action) -> ActionName:
    """Return an action as the settings call it."""
    match action:
        case Keep():
            return "keep"
        case Mask():
            return "mask"
        case Hash() | HashLinked():
            return "hash"
        case Drop():
            return "drop"


def _obey(rule: _RankedRule, fieldtype: str) -> Decision:
    kept_as = column_type(fieldtype)
    arrow = kept_as.arrow if kept_as else None
    said = rule.rule
    if said.action == "keep":
        return Decision(Keep(), str(rule))
    if said.action == "hash" and said.key is not None:
        if arrow == TEXT:
            return Decision(Hash(said.key), str(rule))
        return Decision(Drop(), f"{rule}, and a {fieldtype} is no text")
    if said.action == "mask" and said.show is not None:
        if arrow in _shown_of(said.show):
            return Decision(Mask(said.show), str(rule))
        return Decision(Drop(), f"{rule}, and a {fieldtype} is no {'date' if said.show == 'year' else 'text'}")
    return Decision(Drop(), str(rule))


def _shown_of(show: str) -> tuple[pa.DataType, ...]:
    return (DATE, DATETIME) if show == "year" else (TEXT,)


def _selects(selector: str | None, name: str) -> bool:
    return selector is None or fnmatchcase(name, selector)


def _specificity(selector: str | int | None) -> int:
    """Return how closely a selector looks: by level, or exactly, by pattern, not at all."""
    if selector is None:
        return 0
    if isinstance(selector, int):
        return selector
    return 1 if is_pattern(selector) else 2
