"""Specification of the policy: which rule decides about a field, and what can't be withheld."""

from __future__ import annotations

import pytest

from federation.contract.asked_field import AskedField
from federation.policy.rules import DROPPED_BY_DEFAULT, Drop, Hash, Keep, SatellitePolicy, policy_for
from federation.settings.errors import SettingsError
from federation.settings.load import load_settings
from federation.settings.model import IDENTITY_FIELDS

SITES = """
doctypes: [Customer]
satellites:
  north: {url: 'https://north.example.com', credentials: env:NORTH, jurisdiction: IN}
  south: {url: 'https://south.example.com', credentials: env:SOUTH, jurisdiction: EU}
"""


@pytest.fixture
def policy(tmp_path):
    def policy(satellite: str, *rules: str) -> SatellitePolicy:
        file = tmp_path / "federation.yaml"
        file.write_text(SITES + "policy:\n" + "".join(f"  - {rule}\n" for rule in rules) if rules else SITES)
        read = load_settings(file)
        return policy_for(read, read.satellites[satellite])

    return policy


def action(policy: SatellitePolicy, doctype="Customer", fieldname="email_id", fieldtype="Data") -> str:
    return type(policy.action(AskedField(doctype, fieldname, fieldtype))).__name__.lower()


HASH = "action: hash, key: env:HASH_KEY"


def test_without_a_rule_a_field_is_kept(policy):
    assert policy("north").action(AskedField("Customer", "email_id", "Data")) == Keep()
    assert policy("north").decide(AskedField("Customer", "email_id", "Data")).reason == "no rule matches"


@pytest.mark.parametrize(
    "rules",
    [
        ["{field: email_id, action: drop}", "{field: '*mail*', action: keep}"],
        ["{field: '*mail*', action: drop}", "{doctype: Customer, action: keep}"],
        ["{field: email_id, action: drop}", "{doctype: Customer, satellite: south, jurisdiction: EU, action: keep}"],
        ["{field: email_id, doctype: Customer, action: drop}", "{field: email_id, satellite: south, action: keep}"],
        ["{field: email_id, satellite: south, action: drop}", "{field: email_id, jurisdiction: EU, action: keep}"],
        ["{field: email_id, jurisdiction: EU, action: drop}", "{field: email_id, action: keep}"],
        ["{field: email_id, jurisdiction: EU, action: drop}", "{field: email_id, jurisdiction: 'E*', action: keep}"],
        ["{jurisdiction: EU, action: drop}", "{action: keep}"],
    ],
)
def test_the_more_specific_rule_wins_wherever_it_stands(policy, rules):
    assert action(policy("south", *rules)) == "drop"
    assert action(policy("south", *reversed(rules))) == "drop"


def test_of_equally_specific_rules_the_later_one_wins(policy):
    assert action(policy("south", "{field: 'e*', action: keep}", "{field: '*_id', action: drop}")) == "drop"
    assert action(policy("south", "{field: '*_id', action: drop}", "{field: 'e*', action: keep}")) == "keep"


def test_a_rule_reaches_only_its_satellites(policy):
    rule = "{jurisdiction: EU, field: email_id, action: drop}"
    assert action(policy("south", rule)) == "drop"
    assert action(policy("north", rule)) == "keep"
    assert action(policy("north", "{satellite: 'nor*', action: drop}")) == "drop"


def test_names_are_case_sensitive(policy):
    assert action(policy("south", "{doctype: customer, action: drop}")) == "keep"


def test_the_winning_rule_is_named(policy):
    rules = ["{action: keep}", "{jurisdiction: EU, field: '*mail*', action: drop}"]
    assert policy("south", *rules).decide(AskedField("Customer", "email_id", "Data")).reason == (
        "policy[2] {jurisdiction: EU, field: *mail*, action: drop}"
    )


@pytest.mark.parametrize("field", sorted(IDENTITY_FIELDS))
@pytest.mark.parametrize("what", ["action: drop", HASH])
def test_naming_an_identity_field_is_a_misconfiguration(policy, field, what):
    reason = "the one DocType whose names are hashed" if (field, what) == ("name", HASH) else f"`{field}` identifies"
    with pytest.raises(SettingsError, match=reason):
        policy("south", f"{{field: {field}, {what}}}")


def test_patterns_pass_over_identity_fields(policy):
    for rule in ("{action: drop}", f"{{field: '*', {HASH}}}"):
        assert {action(policy("south", rule), fieldname=field) for field in IDENTITY_FIELDS} == {"keep"}


def test_a_password_is_never_requested(policy):
    keeping = policy("south", "{doctype: User, field: api_secret, satellite: south, action: keep}")
    assert keeping.action(AskedField("User", "api_secret", "Password")) == Drop()


@pytest.mark.parametrize("fieldtype", ["Data", "Link", "Small Text", "Select", "Phone", "A Type of Tomorrow"])
def test_text_is_hashed_with_the_key_of_the_rule(policy, fieldtype):
    hashed = policy("south", f"{{field: email_id, {HASH}}}").action(AskedField("Customer", "email_id", fieldtype))
    assert isinstance(hashed, Hash)
    assert str(hashed.key_reference) == "env:HASH_KEY"


@pytest.mark.parametrize("fieldtype", ["Int", "Currency", "Date", "Datetime", "Check", "Table", "Table MultiSelect"])
def test_what_is_no_text_is_dropped_where_it_would_be_hashed(policy, fieldtype):
    hashing = policy("south", f"{{field: '*', {HASH}}}")
    assert hashing.action(AskedField("Customer", "x", fieldtype)) == Drop()
    assert f"a {fieldtype} is no text" in hashing.decide(AskedField("Customer", "x", fieldtype)).reason


def test_a_hash_key_has_to_be_there_and_long_enough(policy, monkeypatch):
    hashed = policy("south", f"{{field: email_id, {HASH}}}").action(AskedField("Customer", "email_id", "Data"))
    assert isinstance(hashed, Hash)
    monkeypatch.delenv("HASH_KEY", raising=False)
    with pytest.raises(SettingsError, match="HASH_KEY is not set"):
        hashed.key()
    monkeypatch.setenv("HASH_KEY", "s3cret")
    with pytest.raises(SettingsError, match="shorter than 16 bytes") as caught:
        hashed.key()
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("HASH_KEY", "0123456789abcdef")
    assert hashed.key() == b"0123456789abcdef"


@pytest.mark.parametrize(
    ("rule", "key", "what"),
    [
        ("{field: email_id, action: hash}", "key", "hash needs a key"),
        ("{field: email_id, action: drop, key: env:K}", "key", "no meaning with drop"),
        ("{field: email_id, action: hash, key: s3cret}", "key", "not a reference"),
        ("{field: email_id, action: forget}", "action", "must be one of"),
        ("{field: email_id, action: mask}", "show", "what may be seen"),
        ("{field: email_id, action: mask, show: last 0}", "show", "nothing that a mask can show"),
        ("{field: email_id, action: mask, show: month}", "show", "nothing that a mask can show"),
        ("{field: email_id, action: drop, show: year}", "show", "no meaning with drop"),
        ("{field: name, action: mask, show: last 4}", "field", "identifies documents"),
        ("{permlevel: -1, action: drop}", "permlevel", "0 or more"),
        ("{permlevel: one, action: drop}", "permlevel", "whole number"),
        ("{field: email_id}", "action", "is missing"),
        ("{fields: email_id, action: drop}", "fields", "unknown key"),
        ("{satellite: sotuh, action: drop}", "satellite", "no satellite has the name `sotuh`"),
        ("{jurisdiction: eu, action: drop}", "jurisdiction", "no satellite has the jurisdiction `eu`"),
        ("{jurisdiction: 'US*', action: drop}", "jurisdiction", "no satellite has the jurisdiction `US*`"),
    ],
)
def test_a_rule_that_could_not_work_is_a_misconfiguration(policy, rule, key, what):
    with pytest.raises(SettingsError) as caught:
        policy("south", rule)
    assert [problem.key for problem in caught.value.problems] == [f"policy[1].{key}"]
    assert what in caught.value.problems[0].what
    assert "s3cret" not in str(caught.value)


def test_rules_by_jurisdiction_ask_every_satellite_for_its_own(tmp_path):
    file = tmp_path / "federation.yaml"
    file.write_text(SITES.replace(", jurisdiction: IN", "") + "policy: [{jurisdiction: EU, field: x, action: drop}]\n")
    with pytest.raises(SettingsError, match="these satellites state none: north"):
        load_settings(file)


def decided(policy: SatellitePolicy, *asked: object, **told: object) -> str:
    return type(policy.action(AskedField(*asked, **told))).__name__.lower()


def test_a_rule_may_select_fieldtypes_by_pattern(policy):
    rules = policy("south", "{fieldtype: '*Text*', action: drop}")
    assert decided(rules, "Customer", "notes", "Small Text") == "drop"
    assert decided(rules, "Customer", "notes", "Data") == "keep"


@pytest.mark.parametrize(("level", "expected"), [(0, "keep"), (1, "drop"), (2, "drop"), (9, "drop")])
def test_a_permission_level_stands_for_itself_and_all_above(policy, level, expected):
    assert decided(policy("south", "{permlevel: 1, action: drop}"), "Customer", "x", "Data", level) == expected


@pytest.mark.parametrize(
    "rules",
    [
        ["{field: email_id, action: drop}", "{fieldtype: Data, permlevel: 1, action: keep}"],
        ["{fieldtype: Data, action: drop}", "{fieldtype: 'D*', doctype: Customer, action: keep}"],
        ["{fieldtype: 'D*', action: drop}", "{permlevel: 2, doctype: Customer, satellite: south, action: keep}"],
        ["{permlevel: 2, action: drop}", f"{{permlevel: 1, doctype: Customer, {HASH}}}"],
        ["{permlevel: 1, action: drop}", "{doctype: Customer, action: keep}"],
        ["{doctype: Customer, action: drop}", "{permlevel: 0, action: keep}"],
    ],
)
def test_fieldtype_and_permission_level_rank_behind_the_field(policy, rules):
    asked = ("Customer", "email_id", "Data", 2)
    assert decided(policy("south", *rules), *asked) == "drop"
    assert decided(policy("south", *reversed(rules)), *asked) == "drop"


@pytest.mark.parametrize("fieldtype", sorted(DROPPED_BY_DEFAULT))
@pytest.mark.parametrize(
    "rule",
    [
        "{action: keep}",
        "{doctype: Customer, satellite: south, action: keep}",
        "{permlevel: 0, action: keep}",
        "{field: '*', action: keep}",
        "{field: '**', fieldtype: '?*', action: keep}",
    ],
)
def test_files_stay_at_the_site_where_no_rule_names_them(policy, fieldtype, rule):
    keeping = policy("south", rule)
    assert decided(keeping, "Customer", "photo", fieldtype) == "drop"
    assert "dropped unless a rule names it" in keeping.decide(AskedField("Customer", "photo", fieldtype)).reason
    assert decided(keeping, "Customer", "notes", "Data") == "keep"


@pytest.mark.parametrize("selector", ["field: photo", "field: 'pho*'", "fieldtype: Attach", "fieldtype: 'Att*'"])
@pytest.mark.parametrize(("action", "expected"), [("action: keep", "keep"), (HASH, "hash")])
def test_files_leave_the_site_where_a_rule_names_them(policy, selector, action, expected):
    rules = policy("south", f"{{{selector}, {action}}}", "{field: '*', doctype: Customer, action: keep}")
    assert decided(rules, "Customer", "photo", "Attach") == expected


def test_a_site_that_retypes_a_field_does_not_loosen_the_policy(policy):
    keeping = policy("south", "{action: keep}")
    assert decided(keeping, "Customer", "photo", "Data", past_fieldtypes=("Attach",)) == "drop"
    assert decided(keeping, "Customer", "secret", "Data", past_fieldtypes=("Password",)) == "drop"
    texts = policy("south", f"{{fieldtype: 'Small Text', {HASH}}}")
    assert decided(texts, "Customer", "notes", "Data", past_fieldtypes=("Small Text",)) == "hash"
    assert decided(texts, "Customer", "notes", "Int", past_fieldtypes=("Small Text",)) == "drop"
    allowed = policy("south", "{field: photo, action: keep}")
    assert decided(allowed, "Customer", "photo", "Data", past_fieldtypes=("Attach",)) == "keep"


@pytest.mark.parametrize(
    ("show", "fieldtype", "expected"),
    [
        ("last 4", "Data", "mask"),
        ("domain", "Link", "mask"),
        ("year", "Date", "mask"),
        ("year", "Datetime", "mask"),
        ("last 4", "Int", "drop"),
        ("domain", "Date", "drop"),
        ("year", "Data", "drop"),
        ("year", "Time", "drop"),
        ("last 4", "Table", "drop"),
    ],
)
def test_what_a_mask_is_not_made_for_is_dropped(policy, show, fieldtype, expected):
    masking = policy("south", f"{{field: x, action: mask, show: {show}}}")
    assert decided(masking, "Customer", "x", fieldtype) == expected
    assert "policy[1] {field: x, action: mask" in masking.decide(AskedField("Customer", "x", fieldtype)).reason
