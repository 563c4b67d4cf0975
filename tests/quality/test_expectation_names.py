"""The table of rules that settings may name is the engine's own: names, arguments and what they can't do without."""

from __future__ import annotations

import pytest

from federation.settings.expectation_names import RULES

OURS = {"column", "column_A", "column_B", "mostly"}
EVERYWHERE = {
    "id",
    "meta",
    "notes",
    "result_format",
    "description",
    "catch_exceptions",
    "rendered_content",
    "severity",
    "windows",
    "batch_id",
    "row_condition",
    "condition_parser",
    "library_metadata",
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_takes_the_arguments_that_the_engine_takes(name: str) -> None:
    from great_expectations.expectations import core

    rule = RULES[name]
    engine = getattr(core, "".join(part.title() for part in name.split("_"))).__fields__
    taken = {field for field in engine if field not in EVERYWHERE}
    assert taken - OURS == set(rule.arguments)
    assert {field for field in taken - OURS if engine[field].required} <= {*rule.required, *rule.any_of}
    assert {"column_A", "column_B"} <= taken if rule.columns > 1 else "column" in taken


@pytest.mark.parametrize("name", RULES)
def test_what_a_rule_cant_do_without_is_among_its_arguments(name: str) -> None:
    rule = RULES[name]
    assert {*rule.required, *rule.any_of} <= rule.arguments.keys()
