"""What a satellite calls otherwise, and the mistakes that stop everything before it starts."""

from __future__ import annotations

import pytest

from federation.settings.errors import SettingsError

FILE = """
doctypes: [Customer]
satellites:
  north:
    url: https://north.example.com
    credentials: env:NORTH
    mapping: {}
"""


def test_a_doctype_without_another_name_keeps_its_own(load):
    [mapped] = (
        load(FILE.replace("{}", "[{doctype: Customer, fields: {name1: customer_name}}]")).satellites["north"].mapping
    )
    assert (mapped.name, mapped.fields) == ("Customer", {"name1": "customer_name"})


@pytest.mark.parametrize(
    ("mapping", "key", "what"),
    [
        ("{doctype: Client}", "mapping[1]", "maps nothing"),
        ("{doctype: Client, becomes: Comment}", "mapping[1].becomes", "Comment is called alike on every site"),
        ("{doctype: DocField, becomes: Field}", "mapping[1].doctype", "DocField is called alike on every site"),
        ("{doctype: ../x, becomes: Customer}", "mapping[1].doctype", "can't be a DocType"),
        ("{doctype: Client, fields: {a b: c}}", "mapping[1].fields", "can't be a fieldname"),
        ("{doctype: Client, fields: {id: name}}", "mapping[1]", "`name` is what documents are found by"),
        ("{doctype: Client, values: {docstatus: {'1': 0}}}", "mapping[1]", "`docstatus` is what documents"),
        ("{doctype: Client, fields: {a: x, b: X}}", "mapping[1].fields.b", "becomes `X`, as `a` does"),
        ("{doctype: Client, fields: {a: x}, constants: {x: 1}}", "mapping[1].constants.x", "is mapped above"),
        ("{doctype: A, becomes: C}, {doctype: A, becomes: D}", "mapping[2].doctype", "A is mapped above"),
        ("{doctype: A, becomes: C}, {doctype: B, becomes: C}", "mapping[2]", "becomes C, as another DocType does"),
        ("{doctype: A, becoms: C}", "mapping[1].becoms", "becomes"),
    ],
)
def test_a_mapping_that_cannot_be_names_its_line(load, mapping, key, what):
    with pytest.raises(SettingsError) as refused:
        load(FILE.replace("{}", f"[{mapping}]"))
    problem = refused.value.problems[0]
    assert (problem.key or "").startswith(f"satellites.north.{key}")
    assert what in f"{problem.what} {problem.fix}"
    assert problem.line == 7
