"""Expectations of the user's own: what they may say, and how mistakes are named before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.settings.errors import SettingsError
from federation.settings.expectations import load_expectations
from federation.settings.load import load_settings
from federation.settings.model import Settings

FLEET = """
doctypes: [Sales Invoice, Customer]
satellites:
  north: {url: https://north.example.com, credentials: env:NORTH}
  south: {url: https://south.example.com, credentials: env:SOUTH}
"""
GOOD = "- {expect: expect_column_values_to_not_be_null, field: customer}\n"


def written(folder: Path, name: str, text: str, fleet: str = FLEET) -> Path:
    (folder / "expectations").mkdir(exist_ok=True)
    (folder / "expectations" / name).write_text(text, encoding="utf-8")
    settings = folder / "federation.yaml"
    settings.write_text(fleet, encoding="utf-8")
    return settings


def loaded(folder: Path, name: str, text: str) -> Settings:
    return load_settings(written(folder, name, text))


def refusal(folder: Path, name: str, text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, name, text)
    return caught.value


def test_an_expectation_is_for_all_satellites_or_for_those_it_names(tmp_path: Path) -> None:
    south = GOOD.replace("}", ", severity: reject, satellites: [south], reason: Ask sales.}")
    expectations = load_expectations(loaded(tmp_path, "sales_invoice.yaml", GOOD + south))
    assert [each.severity for each in expectations.of("north", "Sales Invoice")] == ["warn"]
    assert [each.severity for each in expectations.of("south", "Sales Invoice")] == ["warn", "reject"]
    assert expectations.of("north", "Customer") == ()
    second = expectations.of("south", "Sales Invoice")[1]
    assert (second.reason, second.place) == ("Ask sales.", "expectations/sales_invoice.yaml, line 2")


@pytest.mark.parametrize("name", ["sales_invoice.yaml", "sales-invoice.yaml", "Sales Invoice.yaml"])
def test_a_file_is_called_after_its_doctype(tmp_path: Path, name: str) -> None:
    assert load_expectations(loaded(tmp_path, name, GOOD)).of("north", "Sales Invoice")


def test_two_files_of_one_doctype_are_a_mistake(tmp_path: Path) -> None:
    written(tmp_path, "sales_invoice.yaml", GOOD)
    told = str(refusal(tmp_path, "sales-invoice.yaml", GOOD))
    assert "is of the same DocType" in told
    assert "keep one of the two" in told


def test_a_folder_that_isnt_there_expects_nothing(load) -> None:
    assert load_expectations(load(FLEET)).of("north", "Customer") == ()


@pytest.mark.parametrize(
    ("name", "what", "fix"),
    [
        ("sales_invoces.yaml", "no DocType that the settings select is called like this file", "`sales_invoice`?"),
        ("customer.yml", "the file's name ends with .yml", "call it customer.yaml"),
    ],
)
def test_a_file_that_nothing_would_look_into_is_named(tmp_path: Path, name: str, what: str, fix: str) -> None:
    told = str(refusal(tmp_path, name, GOOD))
    assert name in told
    assert what in told
    assert fix in told


BETWEEN = "expect_column_values_to_be_between"


@pytest.mark.parametrize(
    ("text", "line", "key", "what", "fix"),
    [
        ("- {expect: expect_column_values_to_be_betwen, field: a}", 1, "[1].expect", "is no rule", f"`{BETWEEN}`?"),
        (f"- {{expect: {BETWEEN}, field: a, min_valeu: 1, max_value: 2}}", 1, "min_valeu", "no such", "`min_value`?"),
        (f"- expect: {BETWEEN}\n  field: a\n  min_value: [1]", 3, "[1].min_value", "must be a number", "correct"),
        (f"- {{expect: {BETWEEN}, field: a}}", 1, "[1]", "neither min_value nor max_value is given", "add one"),
        (f"- {{expect: {BETWEEN}, min_value: 1}}", 1, "[1]", "field is missing", "field: grand_total"),
        (f"- {{expect: {BETWEEN}, field: 7, min_value: 1}}", 1, "[1].field", "must be text", "grand_total"),
        (
            f"- {{expect: {BETWEEN}, field: a, min_value: .nan}}",
            1,
            "[1].min_value",
            "be a number, or a date",
            "correct",
        ),
        ("- {field: a}", 1, "[1]", "expect is missing", "expect_column_values"),
        (GOOD.replace("}", ", severity: rejects}"), 1, "severity", "must be reject, warn or halt", "`reject`?"),
        (GOOD.replace("}", ", severity: reject, mostly: 0.9}"), 1, "mostly", "judges every row", "severity: warn"),
        (GOOD.replace("}", ", mostly: 2}"), 1, "mostly", "a share from 0 to 1", "correct"),
        (GOOD.replace("}", ", satellites: [nort]}"), 1, "satellites", "no satellite nort", "`north`?"),
        (GOOD.replace("}", ", satellites: north}"), 1, "satellites", "must be a list", "[north]"),
        (
            "- {expect: expect_column_values_to_be_unique, field: name, severity: reject}",
            1,
            "severity",
            "looks at several rows at once",
            "severity: warn",
        ),
        (
            "- {expect: expect_column_values_to_match_regex, field: a, regex: '('}",
            1,
            "regex",
            "must be a regular expression",
            "correct",
        ),
        (
            "- {expect: expect_column_values_to_match_strftime_format, field: a, strftime_format: '%Q'}",
            1,
            "strftime_format",
            "must be a format of dates",
            "correct",
        ),
        ("- {expect: expect_column_values_to_be_in_set, field: a, value_set: []}", 1, "value_set", "a list", "correct"),
        ("- nonsense", 1, "[1]", "must be a mapping", "- expect: …"),
        ("expect: x", None, "", "the file is not a list", "- expect: …"),
        ("- {expect: a, expect: b}", 1, "expect", "is given twice", "keep one"),
        ("- {expect: 'unfinished", 1, "", "not readable as YAML", "quotes"),
    ],
)
def test_a_mistake_is_named_with_its_line_its_key_and_a_way_out(  # noqa: PLR0917
    tmp_path: Path, text: str, line: int | None, key: str, what: str, fix: str
) -> None:
    error = refusal(tmp_path, "customer.yaml", text)
    assert error.file == tmp_path / "expectations" / "customer.yaml"
    assert any(
        problem.line == line and key in problem.key and what in problem.what and fix in problem.fix
        for problem in error.problems
    ), error


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    error = refusal(tmp_path, "customer.yaml", "- {expect: nothing, field: a}\n" + GOOD + "- {field: b}\n")
    assert [problem.line for problem in error.problems] == [1, 3]
