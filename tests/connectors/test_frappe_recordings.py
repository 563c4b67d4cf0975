"""The connector against what real sites answered: Frappe 13, 14 and 15."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from frappe_recordings import FOLDER, Playback, recorded_body, recording

from connectors.frappe import (
    DocTypeError,
    Position,
    SatelliteError,
    TransientError,
    WireTable,
    is_doctype_name,
    is_fieldname,
    ping,
    probe,
    read_changes,
    read_children,
    read_deleted,
    read_metas,
    read_named,
)
from connectors.frappe.metadata import decode_metas
from connectors.frappe.pages import ShiftedRows, decode_arrays, decode_objects
from connectors.frappe.refusals import read_refusal

HEADS = WireTable("Customer", ("name", "modified"), ("text", "text"))

REFUSALS = [
    ("v15/a_auth/04", SatelliteError, "API key or secret is wrong"),
    ("v15/a_auth/05", SatelliteError, "API key or secret is wrong"),
    ("v15/a_auth/06", SatelliteError, "API key or secret is wrong"),
    ("v15/a_auth/07", SatelliteError, "API key or secret is wrong"),
    ("v15/a_auth/08", SatelliteError, "can't read the API token"),
    ("v15/a_auth/09", DocTypeError, "no permission"),
    ("v15/a_auth/10", DocTypeError, "no permission"),
    ("v15/a_auth/12", DocTypeError, "no permission"),
    ("v15/a_auth/13", DocTypeError, "No permission for Customer"),
    ("v15/a_auth/15", DocTypeError, "no permission"),
    ("v15/a_auth/17", DocTypeError, "DocType No Such DocType not found"),
    ("v15/a_auth/18", DocTypeError, "App no is not installed"),
    ("v15/a_auth/19", DocTypeError, "not found"),
    ("v15/a_auth/23", SatelliteError, "no Frappe site answers under this host name"),
    ("v15/a_auth/25", SatelliteError, "API key or secret is wrong"),
    ("v15/a_auth/26", DocTypeError, "no permission"),
    ("v15/b_list/18", DocTypeError, "Field not permitted in query: no_such_field"),
    ("v15/b_list/19", DocTypeError, "Field not permitted in query: no_such_field"),
    ("v15/b_list/33", DocTypeError, "Illegal SQL Query"),
    ("v15/b_list/35", DocTypeError, "not found"),
    ("v15/b_list/36", DocTypeError, "an error of its own"),
    ("v15/c_children/01", DocTypeError, "no permission"),
    ("v15/c_children/04", DocTypeError, "no permission"),
    ("v15/e_types/36", DocTypeError, "an error of its own"),
    ("v15/f_deletions/04", DocTypeError, "no permission"),
    ("v15/i_limits/07", TransientError, "rate limit"),
    ("v15/i_limits/09", TransientError, "maintenance"),
    ("v15/i_limits/14", TransientError, "database"),
    ("v14/a_auth/02", SatelliteError, "API key or secret is wrong"),
    ("v14/a_auth/03", SatelliteError, "API key or secret is wrong"),
    ("v14/a_auth/04", DocTypeError, "no permission"),
    ("v14/a_auth/05", DocTypeError, "no permission"),
    ("v14/a_auth/07", DocTypeError, "DocType NoSuch not found"),
    ("v14/b_list/11", DocTypeError, "Field not permitted in query: nofield"),
    ("v13/a_auth/02", SatelliteError, "API key or secret is wrong"),
    ("v13/a_auth/03", DocTypeError, "Frappe 13 says the same when the secret is wrong"),
    ("v13/a_auth/05", DocTypeError, "no permission"),
    ("v13/a_auth/07", DocTypeError, "DocType NoSuch not found"),
    ("v13/b_list/11", DocTypeError, "Field not permitted in query: nofield"),
    ("v13/b_list/13", DocTypeError, "an error of its own"),
    ("v13/c_children/01", DocTypeError, "no permission"),
]


@pytest.mark.parametrize(("name", "error", "words"), REFUSALS)
def test_a_recorded_refusal_calls_for_its_reaction(name, error, words):
    site = Playback(name)
    with pytest.raises(error) as caught:
        list(read_changes(site.session(), HEADS))
    assert words in str(caught.value)
    assert type(caught.value) is error
    assert caught.value.status == recording(name)["response"]["status"]
    assert (len(site.requests) > 1) == (error is TransientError), "only what can pass is asked again"
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("folder", ["v13", "v14", "v15"])
def test_every_recorded_refusal_has_a_reaction(folder):
    refused = [path for path in sorted((FOLDER / folder).glob("*/*.json")) if path.parent.name != "meta"]
    seen = 0
    for path in refused:
        name = f"{folder}/{path.parent.name}/{path.stem}"
        response = recording(name).get("response", {})
        if isinstance(response.get("status"), int) and response["status"] >= 300:
            seen += 1
            refusal = read_refusal(response["status"], recorded_body(name))
            assert refusal.cause not in ("not Frappe", "redirect") or response["status"] == 409, name
    assert seen > 10


def test_a_rate_limit_is_waited_out_as_long_as_the_site_says():
    site = Playback("v15/i_limits/07", "v15/b_list/13")
    (page,) = read_named(
        site.session(), WireTable("Customer", ("name", "customer_type", "modified"), ("text",) * 3), ["x", "y", "z"]
    )
    assert page.rows == 3
    assert site.pauses == [27.0]


def test_a_wait_beyond_the_budget_is_not_begun():
    site = Playback("v15/i_limits/07")
    with pytest.raises(TransientError) as caught:
        list(read_changes(site.session(retry_seconds=20), HEADS))
    assert caught.value.retry_after == 27
    assert (len(site.requests), site.pauses) == (1, [])


def test_maintenance_is_asked_again_with_growing_pauses_and_then_reported():
    site = Playback("v15/i_limits/10")
    with pytest.raises(TransientError, match="maintenance"):
        ping(site.session(retry_attempts=4))
    assert len(site.requests) == 4
    assert all(0 <= pause <= 0.5 * 2**number for number, pause in enumerate(site.pauses))


def test_the_recorded_keyset_page_is_read():
    names = [row["name"] for row in recording("v15/b_list/49")["response"]["body"]["data"]]
    rows = decode_objects(recorded_body("v15/b_list/49"), ("name", "modified"))
    assert rows.columns[0] == tuple(names)
    assert names[2:4] == ["東京商店 North 0110", "مؤسسة North 0111"]


@pytest.mark.parametrize("name", ["v13/b_list/07", "v14/b_list/07", "v14/b_list/13"])
def test_arrays_of_every_version_are_read(name):
    body = recording(name)["response"]["body"]
    rows = decode_arrays(recorded_body(name), ("text", "text"))
    assert list(map(list, zip(*rows.columns, strict=True))) == body.get("data", body.get("message"))


def test_arrays_narrower_than_asked_are_told_from_the_recorded_permlevel_case():
    with pytest.raises(ShiftedRows):
        decode_arrays(recorded_body("v15/e_types/46"), ("text", "text", "integer"))
    rows = decode_objects(recorded_body("v15/e_types/45"), ("name", "f_secret", "f_int"))
    assert rows.absent == {"f_secret"}
    assert rows.columns[2] == (2147483647,)


def test_a_field_without_a_column_is_named_by_the_site():
    assert read_refusal(500, recorded_body("v15/e_types/33")).refused_field == "rows"
    assert read_refusal(417, recorded_body("v13/b_list/11")).refused_field == "nofield"
    assert read_refusal(417, recorded_body("v14/b_list/09")).refused_field is None


def test_counted_names_come_as_numbers_and_odd_text_as_it_was():
    rows = decode_objects(recorded_body("v15/e_types/27"), ("name", "title"))
    assert rows.columns[0] == (1, 2, 3)
    wire = decode_objects(recorded_body("v15/e_types/43"), ("name", "f_text", "f_int", "f_float"))
    assert wire.columns[0] == ("wire-1 üñí😀東",)
    assert "\u0001" in wire.columns[1][0]


def test_children_are_asked_for_with_their_parents_doctype_and_filtered_by_it():
    site = Playback("v15/c_children/10")
    table = WireTable("Sales Invoice Item", ("name", "parent", "item_code"), ("text",) * 3)
    parents = ["ACC-SINV-2026-00001", "ACC-SINV-2026-00002"]
    (page,) = read_children(site.session(), table, "Sales Invoice", parents)
    assert set(page.column("parent")) == set(parents)
    query = parse_qs(urlsplit(site.requests[0].url).query)
    assert query["parent"] == ["Sales Invoice"]
    assert json.loads(query["filters"][0]) == [["parenttype", "=", "Sales Invoice"], ["parent", "in", parents]]
    assert query["limit_page_length"] == ["5000"]


def test_an_answer_that_holds_no_rows_is_garbage():
    with pytest.raises(DocTypeError, match="no list of rows"):
        list(read_changes(Playback("v15/a_auth/22").session(), HEADS))


@pytest.mark.parametrize("version", ["v13", "v14", "v15"])
def test_recorded_metadata_is_read(version):
    for path in sorted((FOLDER / version / "meta").glob("*.json")):
        recorded = json.loads(path.read_text(encoding="utf-8"))
        body = recorded.get("response", recorded).get("body", recorded)
        if not isinstance(body, dict) or "docs" not in body:
            continue
        doctype = body["docs"][0]["name"]
        metas = decode_metas(json.dumps(body).encode(), doctype)
        assert metas[0].name == doctype
        assert all(meta.is_child for meta in metas[1:])
        assert all(meta.refused_fields == () for meta in metas), path
        assert [field.fieldname for field in metas[0].fields] == [
            field["fieldname"] for field in body["docs"][0]["fields"]
        ]
        children = {field.options for field in metas[0].fields if field.fieldtype in ("Table", "Table MultiSelect")}
        assert len(metas) == 1 or children == {meta.name for meta in metas[1:]}, path


def test_metadata_is_asked_for_by_the_route_that_any_user_may_take():
    site = Playback("v14/meta/User")
    metas = read_metas(site.session(), "User")
    assert (metas[0].name, metas[0].module, metas[0].is_single) == ("User", "Core", False)
    assert urlsplit(site.requests[0].url).path == "/api/method/frappe.desk.form.load.getdoctype"


def test_the_metadata_of_another_doctype_is_refused():
    with pytest.raises(DocTypeError, match="it describes User"):
        read_metas(Playback("v14/meta/User").session(), "ToDo")


def test_every_name_on_the_recorded_site_is_valid():
    listed = recording("v15/d_meta/15")["response"]["body"]["data"]
    assert all(is_doctype_name(row["name"]) for row in listed)
    fields = recording("v15/d_meta/16")["response"]["body"]["data"]
    assert all(is_fieldname(row["fieldname"]) for row in fields)


def test_a_probe_tells_user_versions_and_zone():
    site = Playback("v15/a_auth/11", "v15/b_list/69", "v15/a_auth/22")
    facts = probe(site.session())
    assert facts.user == recording("v15/a_auth/11")["response"]["body"]["message"]
    assert facts.time_zone == "Asia/Kolkata"
    assert facts.versions == {"frappe": "15.44.2", "erpnext": "15.90.0"}
    assert facts.clock_skew is None


def test_a_site_without_a_zone_says_so():
    facts = probe(Playback("v15/a_auth/11", "v13/b_list/16", "v13/a_auth/09").session())
    assert (facts.time_zone, facts.versions) == (None, {"frappe": "13.58.21"})


def test_a_guest_has_wrong_credentials():
    with pytest.raises(SatelliteError):
        probe(Playback("v15/a_auth/09").session())


def test_the_recorded_deletion_notices_are_read():
    site = Playback("v15/f_deletions/03")
    (page,) = read_deleted(site.session(), after=Position("2026-01-01 00:00:00", ""))
    assert [(gone.doctype, gone.name) for gone in page.deletions] == [("Customer", "DelMe 1")] * 2
    assert page.last.modified == recording("v15/f_deletions/03")["response"]["body"]["data"][-1]["modified"]


def test_deletion_notices_may_be_forbidden():
    with pytest.raises(DocTypeError) as caught:
        list(read_deleted(Playback("v15/f_deletions/04").session()))
    assert caught.value.status == 403
