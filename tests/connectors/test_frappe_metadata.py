"""Metadata of a site that can't be trusted: bad names go no further, and cost as little as possible."""

from __future__ import annotations

import json

import pytest
from frappe_model import KEY, ModelSite, answer
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import DocTypeError, FrappeSession, read_catalogue, read_metas
from connectors.frappe.metadata import decode_metas
from connectors.frappe.names import is_doctype_name, is_fieldname, shown

HOSTILE = ["../x", "a b", "x;drop table", "a`b", "", "x" * 65, "na\u202eme", None, 7, ["x"], {"a": 1}]


def described(fields, name="Customer", **more):
    return {"doctype": "DocType", "name": name, "module": "Selling", "fields": fields, **more}


def body(*docs):
    return json.dumps({"docs": docs}).encode()


@pytest.mark.parametrize("fieldname", HOSTILE)
def test_a_bad_fieldname_costs_one_field_and_is_named(fieldname):
    good = {"fieldname": "territory", "fieldtype": "Link", "options": "Territory", "label": "Territory", "reqd": 1}
    (meta,) = decode_metas(body(described([{"fieldname": fieldname, "fieldtype": "Data"}, good])), "Customer")
    assert [field.fieldname for field in meta.fields] == ["territory"]
    assert meta.fields[0].mandatory
    assert meta.refused_fields == (shown(fieldname),)
    assert meta.refused_fields[0].isprintable()


@pytest.mark.parametrize("name", ["../x", "a/b", "", "1st", "x" * 141, None, 5, "a\x00b", "a.b"])
def test_a_bad_doctype_name_costs_the_doctype_and_is_shown_escaped(name):
    child = described([], name=name, istable=1)

    class Site(ModelSite):
        def send(self, request, **options):
            return answer(request, 200, body(described([]), child))

    session = FrappeSession("http://x.test", KEY, transport=lambda _: Site({}))
    with pytest.raises(DocTypeError, match="a DocType is called") as caught:
        read_metas(session, "Customer")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 450


def test_a_doctype_that_cannot_be_is_not_asked_for():
    with pytest.raises(ValueError, match="not a DocType name"):
        read_metas(ModelSite({}).session(), "../x")


def test_a_table_field_without_a_valid_child_doctype_is_refused():
    fields = [{"fieldname": "items", "fieldtype": "Table", "options": "a/b"}, {"fieldname": "x", "fieldtype": "Table"}]
    (meta,) = decode_metas(body(described(fields)), "Customer")
    assert meta.refused_fields == ("items", "x")


def test_a_fieldname_said_twice_counts_once():
    fields = [{"fieldname": "x", "fieldtype": "Data"}, {"fieldname": "x", "fieldtype": "Int"}]
    (meta,) = decode_metas(body(described(fields)), "Customer")
    assert [(field.fieldname, field.fieldtype) for field in meta.fields] == [("x", "Data")]
    assert meta.refused_fields == ("x",)


@pytest.mark.parametrize(
    "said", [b"{}", b'{"docs":7}', b'{"docs":[]}', b"{" + b'"a":[' * 100_000, b'{"docs":[1,"x"]}', b'{"docs"']
)
def test_an_answer_that_describes_nothing_is_refused(said):
    with pytest.raises(ValueError):  # noqa: PT011
        decode_metas(said, "Customer")


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "fieldname",
                "fieldtype",
                "label",
                "options",
                "reqd",
                "permlevel",
                "is_virtual",
                "length",
                "precision",
            ]
        ),
        st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.integers(), max_size=2),
    )
)
def test_whatever_a_field_says_of_itself_it_is_well_formed_or_refused(field):
    (meta,) = decode_metas(body(described([field])), "Customer")
    assert len(meta.fields) + len(meta.refused_fields) == 1
    for accepted in meta.fields:
        assert is_fieldname(accepted.fieldname)
        assert isinstance(accepted.label + accepted.options + accepted.fieldtype, str)
        assert isinstance(accepted.precision, str)
        for number in (accepted.permlevel, accepted.length):
            assert type(number) is int, "a schema on the lake is read again as it was written"
            assert abs(number) < 2**31


@given(st.text())
def test_accepted_names_hold_nothing_that_means_anything_to_a_path_or_a_query(text):
    if is_doctype_name(text) or is_fieldname(text):
        assert not set(text) & set("/\\.`'\"%;?#&<>\n\r\t\0")
        assert text.isprintable()


class Catalogue:
    """A site's lists of DocTypes, fields, Custom Fields and Property Setters."""

    def __init__(self) -> None:
        none = {"istable": 0, "issingle": 0, "is_virtual": 0}
        self.tables = {
            "DocType": [
                {"name": "Customer", "modified": "2020-01-01 00:00:00", "module": "Selling", **none},
                {
                    "name": "Party Account",
                    "modified": "2020-01-01 00:00:00",
                    "module": "Accounts",
                    **none,
                    "istable": 1,
                },
                {"name": "../x", "modified": "2020-01-01 00:00:00", "module": "Evil", **none},
            ],
            "DocField": [
                {
                    "name": "f1",
                    "parent": "Customer",
                    "parenttype": "DocType",
                    "fieldtype": "Table",
                    "options": "Party Account",
                },
                {"name": "f2", "parent": "Customer", "parenttype": "DocType", "fieldtype": "Data", "options": None},
            ],
            "Custom Field": [],
            "Property Setter": [],
        }

    def prints(self) -> dict[str, str]:
        return {name: entry.fingerprint for name, entry in read_catalogue(ModelSite(self.tables).session()).items()}


def test_the_catalogue_lists_valid_doctypes():
    entries = read_catalogue(ModelSite(Catalogue().tables).session())
    assert {name: (entry.module, entry.is_child) for name, entry in entries.items()} == {
        "Customer": ("Selling", False),
        "Party Account": ("Accounts", True),
    }


def test_a_fingerprint_stays_while_nothing_changes():
    assert Catalogue().prints() == Catalogue().prints()


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("Custom Field", {"name": "c", "modified": "2026", "dt": "Customer", "fieldtype": "Data", "options": None}),
        (
            "Custom Field",
            {"name": "c", "modified": "2026", "dt": "Party Account", "fieldtype": "Data", "options": None},
        ),
        ("Property Setter", {"name": "p", "modified": "2026", "doc_type": "Customer"}),
        ("Property Setter", {"name": "p", "modified": "2026", "doc_type": "Party Account"}),
    ],
)
def test_a_customisation_changes_the_fingerprint_of_all_that_it_touches_when_it_comes_and_when_it_goes(table, row):
    site = Catalogue()
    before = site.prints()
    site.tables[table].append(row)
    after = site.prints()
    assert after["Customer"] != before["Customer"]
    assert (after["Party Account"] != before["Party Account"]) == ("Party Account" in row.values())
    site.tables[table].clear()
    assert site.prints() == before


def test_a_site_that_forbids_its_lists_has_no_catalogue():
    class Closed(ModelSite):
        def send(self, request, **options):
            return answer(request, 403, {"exception": "frappe.exceptions.PermissionError"})

    assert read_catalogue(Closed({}).session()) is None
