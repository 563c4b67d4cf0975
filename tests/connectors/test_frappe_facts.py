"""The facts of Frappe's API that the connector rests on, one test each, against what real sites answered.

Facts that are tested where they belong:

| fact | test |
|---|---|
| a: 401, 400, 403, 404, 417, 500 and what each means | recordings: test_a_recorded_refusal_calls_for_its_reaction |
| a: cookies of every answer | session: test_cookies_are_never_kept |
| b: no order by default; keyset by (modified, name) | keyset: test_the_query_is_the_one_that_was_proved_on_real_sites |
| b: limit 0 means all | lists: test_all_rows_at_once_are_never_asked_for |
| b: request lines over 4,094 bytes | lists: test_a_request_line_never_exceeds_what_gunicorn_takes |
| b: fields above permlevel shift arrays | recordings: test_arrays_narrower_than_asked_are_told_… |
| b: a worker killed answers 500 in HTML | page_size: test_a_page_that_a_site_fails_at_is_asked_for_again_by_half |
| c: `parent` doesn't filter `parenttype` | recordings: test_children_are_asked_for_with_their_parents_doctype_… |
| d: getdoctype is for every user | recordings: test_metadata_is_asked_for_by_the_route_that_any_user_may_take |
| d: Custom Fields move no `modified` | metadata: the fingerprint's tests |
| e: Singles have no list, their numbers come as text | document: test_a_single_is_read_as_one_row_… |
| e: odd names round-trip | document: test_any_name_reaches_the_site_as_it_is |
| f: Deleted Documents are for System Managers | recordings: test_deletion_notices_may_be_forbidden |
| f: renames leave a Comment | renames: all |
| i: rate limits, maintenance, keep-alive, gzip | rate_limit, recordings, session, ways |
| j: v13 coalesces filters | manners, newest_first |
"""

from __future__ import annotations

import json
import threading
from urllib.parse import parse_qs, urlsplit

import pytest
from frappe_model import ModelSite
from frappe_raw_server import respond, serving, then_hang_up
from frappe_recordings import FOLDER, Playback, recorded_body, recording

from connectors.frappe import (
    DocTypeError,
    Position,
    SatelliteError,
    WireTable,
    detect_manners,
    ping,
    probe,
    prove_absent,
    read_catalogue,
    read_changes,
    read_changes_newest_first,
    read_children,
    read_deleted,
    read_document,
    read_heads,
    read_listed,
    read_metas,
    read_named,
    read_names,
    read_renames,
)
from connectors.frappe.pages import WireKind, decode_arrays, decode_objects, decode_rows, text_table
from connectors.frappe.refusals import read_refusal

HEADS = text_table("ToDo", "name", "modified")
NOW = "2026-03-01 10:00:00"


def every_list() -> list[str]:
    """All recorded answers that are lists of rows."""
    found = []
    for path in sorted(FOLDER.glob("v1*/*/*.json")):
        if path.parent.name != "meta":
            response = json.loads(path.read_text(encoding="utf-8")).get("response", {})
            body = response["body"] if response.get("status") == 200 else None
            rows = (body.get("data") or body.get("message")) if isinstance(body, dict) else None
            if isinstance(rows, list) and rows and isinstance(rows[0], dict | list):
                found.append(f"{path.parts[-3]}/{path.parts[-2]}/{path.stem}")
    return found


def recorded_rows(name: str) -> list[object]:
    body = recording(name)["response"]["body"]
    return body.get("data") or body["message"]


def kind_of(cells: list[object]) -> WireKind:
    """The kind that all of these cells are of, text where there is none."""
    types = {type(cell) for cell in cells if cell is not None}
    if types and types <= {int}:
        return "integer"
    return "number" if types and types <= {int, float} else "text"


@pytest.mark.parametrize("name", every_list())
def test_a_recorded_list_of_any_version_is_decoded_cell_by_cell(name):
    rows = recorded_rows(name)
    if isinstance(rows[0], list):
        columns = list(zip(*rows, strict=True))
        decoded = decode_arrays(recorded_body(name), tuple(kind_of(column) for column in columns))
        assert decoded.columns == tuple(columns)
        return
    fields = tuple(dict.fromkeys(field for row in rows for field in row))
    columns = [tuple(row.get(field) for row in rows) for field in fields]
    decoded = decode_rows(recorded_body(name), fields, tuple(kind_of(column) for column in columns))
    assert decoded == decode_objects(recorded_body(name), fields)
    assert (decoded.columns, decoded.count) == (tuple(columns), len(rows))
    swapped = decode_rows(recorded_body(name), fields, ("integer",) * len(fields))
    assert swapped.columns == tuple(columns), "what isn't of its kind comes as it is"


def test_enough_lists_were_recorded_of_each_version():
    names = every_list()
    assert [sum(name.startswith(version) for name in names) for version in ("v13", "v14", "v15")] >= [18, 20, 170]


# a. Authentication


def test_a_disabled_user_is_still_let_in_with_its_key():
    facts = probe(Playback("v15/a_auth/11", "v15/b_list/69", "v15/a_auth/22").session())
    assert facts.user != "Guest"


def test_a_wrong_secret_makes_us_a_guest_on_version_13_and_the_probe_tells():
    guest = respond(b'{"message":"Guest"}')
    with serving(guest) as server, pytest.raises(SatelliteError, match="API key or secret is wrong"):
        probe(server.session())
    with pytest.raises(DocTypeError, match="Frappe 13 says the same when the secret is wrong"):
        list(read_changes(Playback("v13/a_auth/03").session(), HEADS))


def test_a_missing_document_and_a_missing_doctype_look_alike():
    document, doctype = recording("v15/a_auth/16")["response"], recording("v15/a_auth/17")["response"]
    assert document["body"]["exc_type"] == doctype["body"]["exc_type"] == "DoesNotExistError"
    for name in ("v15/a_auth/16", "v15/a_auth/17"):
        assert read_refusal(404, recorded_body(name)).cause == 404


@pytest.mark.parametrize("name", ["v13/a_auth/03", "v13/a_auth/05", "v14/a_auth/02", "v14/a_auth/05"])
def test_refusals_without_exc_type_are_told_by_their_status(name):
    assert "exc_type" not in recording(name)["response"]["body"]
    assert read_refusal(recording(name)["response"]["status"], recorded_body(name)).cause in (401, 403)


def test_versions_are_asked_for_by_the_one_route_that_all_versions_have():
    for version in ("v13", "v14", "v15"):
        known = "v15/a_auth/22" if version == "v15" else f"{version}/a_auth/09"
        site = Playback("v15/a_auth/11", "v15/b_list/69", known)
        assert probe(site.session()).versions["frappe"].startswith(version.removeprefix("v"))
        assert urlsplit(site.requests[2].url).path == "/api/method/frappe.utils.change_log.get_versions"


# b. Lists, c. child tables, j. versions: what is never sent


def everything_asked() -> list[tuple[str, str, dict[str, str]]]:
    """Method, path and parameters of every kind of request that the connector makes of a site that answers all."""
    row = {"name": "a", "modified": NOW, "parent": "p", "parenttype": "P", "comment_type": "Edit", "content": ""}
    row |= {"deleted_doctype": "X", "deleted_name": "x", "reference_doctype": "X", "reference_name": "x"}
    row |= {"module": "m", "istable": 0, "issingle": 0, "is_virtual": 0, "options": "", "fieldtype": "Table"}
    row |= {"dt": "X", "doc_type": "X"}
    doctypes = ("ToDo", "Row", "Comment", "Deleted Document", "DocType", "DocField", "Custom Field", "Property Setter")

    class Site(ModelSite):
        def _answer(self, path, params):
            try:
                return super()._answer(path, params)
            except (KeyError, IndexError, ValueError):
                return 404, {"exception": "x"}

    site = Site({doctype: [{**row, "name": f"a{n}"} for n in range(5)] for doctype in doctypes})
    session = site.session(page_rows=2)
    wide = text_table("ToDo", "name", "modified", *(f"a_rather_long_fieldname_{n}" for n in range(150)))
    site.unknown = set(wide.fields[2:])
    rows = text_table("Row", "name", "parent", "parenttype")
    for call in (
        lambda: ping(session),
        lambda: probe(session),
        lambda: detect_manners(session),
        lambda: read_catalogue(session),
        lambda: read_metas(session, "ToDo"),
        lambda: list(read_changes(session, HEADS, after=Position(NOW, ""), until=NOW)),
        lambda: list(read_changes(session, text_table("ToDo", "name", "modified", "x" * 60))),
        lambda: list(read_changes_newest_first(session, HEADS, since=NOW, until=NOW)),
        lambda: list(read_names(session, "ToDo")),
        lambda: list(read_listed(session, HEADS, after="a1")),
        lambda: list(read_named(session, HEADS, [f"n{n}" for n in range(600)])),
        lambda: read_heads(session, "ToDo", ["a1"]),
        lambda: list(read_children(session, rows, "P", ["p"])),
        lambda: list(read_deleted(session)),
        lambda: list(read_renames(session)),
        lambda: read_document(session, HEADS, {}, "a1"),
        lambda: prove_absent(session, "ToDo", ["gone"]),
    ):
        try:
            call()
        except (DocTypeError, SatelliteError):
            continue
    assert len(site.requests) > 30
    return site.requests


@pytest.fixture(scope="module")
def asked() -> list[tuple[str, str, dict[str, str]]]:
    return everything_asked()


@pytest.fixture(scope="module")
def lists(asked) -> list[dict[str, str]]:
    return [params for _, _, params in asked if "fields" in params]


def test_a_page_length_of_zero_or_none_is_never_sent(lists):
    assert all(int(params["limit_page_length"]) > 0 for params in lists)


def test_the_alias_limit_is_never_sent_because_get_list_ignores_it(lists):
    assert not any("limit" in params for params in lists)


def test_offsets_are_never_sent(asked):
    assert not any({"limit_start", "start"} & params.keys() for _, _, params in asked)


def test_every_list_has_an_order_of_plain_columns(lists):
    for params in lists:
        for key in params["order_by"].split(", "):
            assert key.rsplit(" ", 1)[0].isidentifier()


def test_fields_are_always_named_and_never_a_star_a_function_or_a_join(lists):
    for params in lists:
        assert all(field.isidentifier() for field in json.loads(params["fields"]))


def test_filters_are_triples_and_never_between(lists):
    for params in lists:
        for condition in json.loads(params.get("filters", "[]")) + json.loads(params.get("or_filters", "[]")):
            assert len(condition) == 3
            assert condition[1] in ("=", "in", ">", ">=", "<", "<=", "like")


def test_fields_and_filters_are_json_in_strings_also_in_a_post(asked):
    posted = [params for method, _, params in asked if method == "POST"]
    assert posted
    assert all(isinstance(params[key], str) for params in posted for key in ("fields", "filters") if key in params)


def test_a_post_never_goes_to_the_resource_route_where_it_would_create(asked):
    assert {path for method, path, _ in asked if method == "POST"} == {"/api/method/frappe.client.get_list"}
    assert {method for method, _, _ in asked} == {"GET", "POST"}, "HEAD and OPTIONS tell nothing"


def test_version_2_routes_which_only_some_versions_have_are_never_taken(asked):
    assert not any(path.startswith(("/api/v1", "/api/v2")) for _, path, _ in asked)


def test_child_rows_are_asked_for_by_parent_and_never_by_their_modified(lists):
    (children,) = [params for params in lists if params.get("parent") == "P" and "or_filters" not in params]
    assert children["order_by"] == "parent asc, name asc", "version 15 has no index on a child table's modified"
    assert [name for name, _, _ in json.loads(children["filters"])] == ["parenttype", "parent"]


def test_the_whole_deleted_document_is_never_asked_for(lists):
    assert not any("data" in json.loads(params["fields"]) for params in lists)


def test_no_conditional_request_is_sent_because_sites_ignore_them():
    site = Playback("v15/b_list/13")
    ping(Playback("v15/a_auth/20").session())
    list(read_named(site.session(), text_table("Customer", "name", "customer_type", "modified"), ["x", "y", "z"]))
    assert not any(header.startswith("If-") for request in site.requests for header in request.headers)


# b. Lists: what comes


def test_objects_where_arrays_were_asked_cost_no_second_request():
    """Version 13 answers a POST with objects, whatever `as_dict` says."""
    names = [f"NOTE-{number:04}" for number in range(400)]
    rows = [{"name": name, "modified": NOW} for name in names]
    with serving(respond(json.dumps({"message": rows}).encode())) as server:
        (page,) = read_named(server.session(), HEADS, names)
    assert page.column("name") == tuple(names)
    assert len(server.requests) == 1
    assert not page.refused


def test_objects_without_a_refused_field_cost_no_second_request_either():
    body = b'{"message":[{"name":"a","modified":"2026-01-01"},{"name":"b","modified":"2026-01-01"}]}'
    table = text_table("ToDo", "name", "modified", "secret")
    with serving(respond(body)) as server:
        (page,) = read_named(server.session(), table, ["a", "b"])
    assert (page.refused, page.column("secret"), len(server.requests)) == ({"secret"}, (None, None), 1)


def test_a_refused_field_is_told_on_version_13_where_every_table_has_parents():
    rows = recorded_rows("v13/c_children/06")
    assert rows[0]["parent"] is None
    decoded = decode_rows(recorded_body("v13/c_children/06"), ("name", "parent", "nothing"), ("text",) * 3)
    assert decoded.absent == {"nothing"}


def test_list_rows_keep_nulls_and_a_document_drops_them():
    listed = recorded_rows("v15/e_types/05")[0]
    document = recording("v15/e_types/06")["response"]["body"]["data"]
    assert None in listed.values()
    assert None not in document.values()
    table = text_table("Lab Wire", *(field for field in listed if listed[field] is None))
    page = read_document(Playback("v15/e_types/06").session(), table, {}, document["name"])["Lab Wire"]
    assert page.columns == ((None,),) * len(table.fields)


def test_null_and_empty_text_are_two_things():
    row = {"name": "a", "modified": ""}
    with serving(respond(json.dumps({"data": [[row["name"], None], ["b", ""]]}).encode())) as server:
        (page,) = read_named(server.session(), HEADS, ["a", "b"])
    assert page.column("modified") == (None, "")


def test_names_are_never_compared_by_us_whose_collation_is_another():
    names = ["a", "B", "ä", "Z", "z1", "É", "東"]
    replies = [respond(json.dumps({"data": [[name, NOW]]}).encode()) for name in names]
    with serving(*replies, respond(b'{"data":[]}')) as server:
        pages = list(read_changes(server.session(), HEADS, page_rows=1))
    assert [page.column("name")[0] for page in pages] == names


def test_a_site_that_ignores_the_fraction_or_leaves_it_out_is_still_in_order():
    stamps = ["2026-03-01 10:00:00", "2026-03-01 10:00:00.000001", "2026-03-01 10:00:01"]
    with serving(respond(json.dumps({"data": [[str(n), stamp] for n, stamp in enumerate(stamps)]}).encode())) as server:
        (page,) = read_changes(server.session(), HEADS)
    assert page.column("modified") == tuple(stamps)


# c. Child tables


@pytest.mark.parametrize("name", ["v13/c_children/01", "v14/c_children/01", "v15/c_children/01", "v15/c_children/04"])
def test_a_child_list_without_its_parents_permission_is_the_doctypes_trouble(name):
    with pytest.raises(DocTypeError) as caught:
        list(read_children(Playback(name).session(), text_table("Row", "name", "parent"), "Wrong", ["p"]))
    assert caught.value.status == 403


def test_rows_of_other_parents_that_share_the_table_are_filtered_out_on_the_site():
    assert {row["parenttype"] for row in recorded_rows("v15/c_children/20")} > {"User"}
    shared = [{"name": str(n), "parent": "same", "parenttype": kind} for n, kind in enumerate(["User", "Page", "User"])]
    pages = read_children(
        ModelSite({"Has Role": shared}).session(),
        text_table("Has Role", "name", "parent", "parenttype"),
        "User",
        ["same"],
    )
    assert [name for page in pages for name in page.column("name")] == ["0", "2"]


# d. Metadata


def test_links_to_doctypes_that_do_not_exist_are_only_words():
    meta = {
        "docs": [
            {"doctype": "DocType", "name": "A", "fields": [{"fieldname": "x", "fieldtype": "Link", "options": "../No"}]}
        ]
    }
    with serving(respond(json.dumps(meta).encode())) as server:
        ((field,),) = [meta.fields for meta in read_metas(server.session(), "A")]
    assert field.options == "../No"


# e. Types on the wire


def test_every_fieldtype_comes_as_the_site_wrote_it():
    row = recorded_rows("v15/e_types/43")[0]
    kinds = tuple(kind_of([cell]) for cell in row.values())
    decoded = decode_rows(recorded_body("v15/e_types/43"), tuple(row), kinds)
    cells = {field: column[0] for field, column in zip(row, decoded.columns, strict=True)}
    assert cells["f_time"] == "8:30:0.5"
    assert (cells["f_duration"], cells["f_rating"]) == (93784.5, 0.7)
    assert cells["f_nonneg"] == 9007199254740993
    assert cells["f_currency"] == 1234567890.1234567
    assert cells["f_json"] == '{"a":[1,2.50,null,"ü"],"b":12345678901234567890}'
    assert "\u0001" in cells["f_text"]
    assert "\r\n" in cells["f_small_text"]
    assert cells["f_long_text"] == row["f_long_text"]
    assert set(cells["f_password"]) == {"*"}


def test_ratings_are_whole_on_version_13_and_shares_later():
    old, new = recorded_rows("v13/c_children/06")[0], recorded_rows("v14/c_children/06")[0]
    assert isinstance(old["f_rating"], int)
    for name in ("v13/c_children/06", "v14/c_children/06"):
        (column,) = decode_rows(recorded_body(name), ("f_rating",), ("number",)).columns
        assert column[0] == recorded_rows(name)[0]["f_rating"]
    assert new["f_rating"] != old["f_rating"]


def test_counted_names_are_walked_and_resumed_as_numbers():
    table = WireTable("Auto", ("name", "title"), ("integer", "text"))

    class Counting(ModelSite):
        """MariaDB compares a BIGINT with text as numbers."""

        def _select(self, doctype, params):
            ((_, _, after),) = json.loads(params.get("filters", '[["name",">","0"]]'))
            return [row for row in self.tables[doctype] if row["name"] > int(after)]

    site = Counting({"Auto": [{"name": n, "title": str(n)} for n in (1, 2, 9, 10, 11, 100)]})
    pages = read_listed(site.session(), table, after=2, page_rows=2)
    assert [name for page in pages for name in page.column("name")] == [9, 10, 11, 100]
    assert recorded_rows("v15/e_types/29")[0]["name"] > 1


def test_a_walk_by_name_is_resumed_behind_any_name():
    site = ModelSite({"ToDo": [{"name": name, "modified": NOW} for name in ("a", "b%", "c'\"", "d\\", "é", "東")]})
    names = ["a", "b%", "c'\"", "d\\", "é", "東"]
    for place, name in enumerate(names):
        pages = read_listed(site.session(), HEADS, after=name, page_rows=2)
        assert [each for page in pages for each in page.column("name")] == names[place + 1 :]


@pytest.mark.parametrize("name", ["v15/e_types/20", "v15/e_types/22", "v15/e_types/23"])
def test_a_get_by_another_case_returns_the_stored_name_which_is_not_the_one_asked_for(name):
    asked_for = "WIRE-2 EMPTIES" if name != "v15/e_types/22" else "wire-2 emptiés"
    if recording(name)["response"]["status"] == 200:
        assert recording(name)["response"]["body"]["data"]["name"] != asked_for
        assert read_document(Playback(name).session(), text_table("Lab Wire", "name"), {}, asked_for) is None


def test_a_list_of_a_single_is_the_doctypes_trouble():
    with pytest.raises(DocTypeError, match="an error of its own"):
        list(read_names(Playback("v15/e_types/36").session(), "Lab Single"))


# f. Deletions and renames


@pytest.mark.parametrize("name", ["v15/f_deletions/07", "v15/f_deletions/17", "v15/f_deletions/39"])
def test_child_rows_raw_deletes_and_ledger_renames_leave_no_notice(name):
    assert list(read_deleted(Playback(name).session())) == []


def test_a_merge_leaves_a_notice_and_a_comment():
    assert recorded_rows("v15/f_deletions/26")
    row = recorded_rows("v15/f_deletions/27")[0]
    note = {"name": "c", "modified": NOW, "comment_type": "Edit", "reference_doctype": "Customer", **row}
    (page,) = read_renames(ModelSite({"Comment": [note]}).session())
    assert page.renames[0].new == row["reference_name"]


def test_a_reused_name_is_there_although_a_notice_says_it_was_deleted():
    notices = [{"name": "d", "modified": NOW, "deleted_doctype": "Lab Series", "deleted_name": "LS-1"}]
    site = ModelSite({"Deleted Document": notices, "Lab Series": [{"name": "LS-1", "modified": NOW}]})
    (page,) = read_deleted(site.session())
    name = page.deletions[0].name
    assert read_heads(site.session(), "Lab Series", [name]) == {"LS-1": NOW}
    assert prove_absent(site.session(), "Lab Series", [name]).absent == ()


def test_a_ledger_entrys_temporary_name_is_gone_without_a_trace():
    assert (
        read_document(Playback("v15/f_deletions/38").session(), text_table("GL Entry", "name"), {}, "44bcb632dc")
        is None
    )
    before, after = recorded_rows("v15/f_deletions/36"), recorded_rows("v15/f_deletions/37")
    assert {row["creation"] for row in before} & {row["creation"] for row in after}
    assert not {row["name"] for row in before} & {row["name"] for row in after}


# g. Writes that leave `modified`


def test_a_silent_write_is_seen_by_a_walk_by_name_and_not_by_one_by_modified():
    before, after = recorded_rows("v15/g_unmodified/03")[0], recorded_rows("v15/g_unmodified/04")[0]
    assert before["modified"] == after["modified"]
    assert before["status"] != after["status"]
    table = text_table("Sales Invoice", "name", "modified", "status")
    site = ModelSite({"Sales Invoice": [{**after, "name": "SI"}]})
    position = Position(before["modified"], "SI")
    assert list(read_changes(site.session(), table, after=position)) == []
    (page,) = read_listed(site.session(), table)
    assert page.column("status") == (after["status"],)


# i. Limits and headers


@pytest.mark.parametrize("name", ["v15/i_limits/11", "v15/i_limits/12"])
def test_a_site_that_allows_reads_during_maintenance_is_read(name):
    (page,) = read_names(Playback(name).session(), "Customer")
    assert page.column("name") == ("Acme South 0000",)


def test_a_connection_that_was_closed_after_two_idle_seconds_costs_neither_a_wait_nor_the_budget():
    pong = then_hang_up(respond(b'{"message":"pong"}'))
    with serving(*[pong] * 60) as server:
        session = server.session()
        for _ in range(60):
            ping(session)
            threading.Event().wait(0.001)
    assert len(server.requests) == 60
    assert all(pause == 0 for pause in server.pauses)


# j. Versions


@pytest.mark.parametrize("name", ["v13/d_meta/03", "v13/d_meta/04", "v14/d_meta/03", "v14/d_meta/04"])
def test_routes_that_older_versions_lack_are_told_as_not_found(name):
    assert recording(name)["response"]["status"] == 404
    assert read_refusal(404, recorded_body(name)).cause in (404, "unknown site")


def test_only_version_13_coalesces_its_filters():
    recorded = {"v13": "v13/b_list/08", "v14": "v14/b_list/08", "v15": "v15/b_list/49"}
    found = {version: detect_manners(Playback(name).session()).coalesced_filters for version, name in recorded.items()}
    assert found == {"v13": True, "v14": False, "v15": False}


def test_a_post_with_lists_instead_of_strings_fails_on_version_13_so_strings_are_sent():
    assert recording("v13/b_list/13")["response"]["status"] == 500
    names = [f"a rather long name of a document {number}" for number in range(200)]
    site = ModelSite({"ToDo": []})
    list(read_named(site.session(), HEADS, names))
    assert isinstance(site.requests[0][2]["fields"], str)


def test_the_debug_sql_of_the_manners_is_asked_for_once_and_of_no_other_list():
    site = Playback("v14/b_list/08")
    detect_manners(site.session())
    list(read_named(site.session(), HEADS, list("abcdefghi")))
    debug = ["debug" in parse_qs(urlsplit(request.url).query) for request in site.requests]
    assert debug[0]
    assert not any(debug[1:])
