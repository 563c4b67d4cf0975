"""Lists of the simulated site, over HTTP: order, paging, filters, digests, permissions."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from small_site import CLERK, READER, shop

from federation.demo.site.collation import collation_key
from federation.demo.site.permissions import SiteUser, add_user
from federation.demo.site.server import RunningSite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NAMES = [
    "Zoë",
    "apple",
    "Äpfel",
    "Ωmega",
    "東京",
    "😀 smile",
    "مؤسسة",
    "O'Neil",
    'a "quote"',
    "back\\slash",
    "A&B",
    "10",
    "9",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    path = tmp_path_factory.mktemp("lists") / "shop.db"
    with RunningSite(path, documents=shop(path)) as running:
        yield running


@pytest.fixture(autouse=True)
def empty(site: RunningSite) -> None:
    with site.store.writing() as connection:
        for doctype in ("Customer", "Order", "Order Line", "Punch"):
            connection.execute(f'DELETE FROM "tab{doctype}"')


def fill(site: RunningSite, rows: Sequence[tuple[Any, ...]], *columns: str, doctype: str = "Customer") -> None:
    site.store.insert_rows(doctype, ["name", "modified", *columns], rows)


def ask(
    site: RunningSite, doctype: str = "Customer", *, who: dict[str, str] = READER, **params: Any
) -> requests.Response:
    asked = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in params.items()}
    return requests.get(f"{site.url}/api/resource/{doctype}", params=asked, headers=who, timeout=20)


def rows(answer: requests.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def walk(site: RunningSite, page_rows: int) -> list[tuple[str, str]]:
    """All customers, by keyset."""
    seen: list[tuple[str, str]] = []
    after: dict[str, Any] = {}
    while True:
        page = rows(
            ask(
                site,
                fields=["modified", "name"],
                order_by="modified asc, name asc",
                limit_page_length=page_rows,
                as_dict="False",
                **after,
            )
        )
        seen += [tuple(row) for row in page]
        if len(page) < page_rows:
            return seen
        modified, name = page[-1]
        after = {
            "filters": [["modified", ">=", modified]],
            "or_filters": [["modified", ">", modified], ["name", ">", name]],
        }


@settings(deadline=None, max_examples=25)
@given(
    names=st.lists(
        st.one_of(
            st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6)
        ),
        unique_by=collation_key,
        max_size=30,
    ),
    stamps=st.lists(st.integers(0, 3), min_size=30, max_size=30),
    page_rows=st.integers(1, 7),
)
def test_a_keyset_walk_reads_every_document_once_whatever_the_ties(
    site: RunningSite, names: list[str], stamps: list[int], page_rows: int
) -> None:
    with site.store.writing() as connection:
        connection.execute('DELETE FROM "tabCustomer"')
    names = [name for name in names if collation_key(name)]
    fill(site, [(name, f"2026-01-01 00:00:0{stamp}") for name, stamp in zip(names, stamps, strict=False)])
    seen = walk(site, page_rows)
    assert sorted(name for _, name in seen) == sorted(names)
    assert seen == sorted(seen, key=lambda row: (row[0], str(collation_key(row[1]))))


def test_a_stamp_without_fraction_comes_before_those_with_one(site: RunningSite) -> None:
    stamps = ["2026-01-01 00:00:01", "2026-01-01 00:00:01.000001", "2026-01-01 00:00:01.500000", "2026-01-01 00:00:02"]
    fill(site, [(f"c{place}", stamp) for place, stamp in enumerate(stamps)])
    assert [row["modified"] for row in rows(ask(site, fields=["modified"], order_by="modified asc"))] == stamps
    later = rows(ask(site, fields=["name"], filters=[["modified", ">", "2026-01-01 00:00:01.000000"]]))
    assert [row["name"] for row in later] == ["c1", "c2", "c3"]


def test_names_compare_without_case_and_accents(site: RunningSite) -> None:
    fill(site, [("Zoë", "2026-01-01 00:00:00"), ("Bob", "2026-01-01 00:00:00")])
    assert rows(ask(site, filters={"name": "ZOE"})) == [{"name": "Zoë"}]
    assert rows(ask(site, filters=[["name", "in", ["zoe", "nobody"]]])) == [{"name": "Zoë"}]
    assert rows(ask(site, filters=[["name", "like", "%OE"]])) == [{"name": "Zoë"}]


def test_all_rows_means_that_the_offset_is_ignored(site: RunningSite) -> None:
    fill(site, [(f"c{place:02}", "2026-01-01 00:00:00") for place in range(30)])
    assert len(rows(ask(site))) == 20
    assert len(rows(ask(site, limit_page_length=0, limit_start=10))) == 30
    assert len(rows(ask(site, limit=5))) == 5
    assert len(rows(ask(site, limit=5, limit_page_length=7))) == 7
    assert rows(ask(site, limit_start=28, limit_page_length=5, order_by="name asc")) == [
        {"name": "c28"},
        {"name": "c29"},
    ]


def test_integer_names_page_as_numbers(site: RunningSite) -> None:
    fill(site, [(number, "2026-01-01 00:00:00") for number in (2, 9, 10, 100)], doctype="Punch")
    asked = ask(site, "Punch", fields=["name"], filters=[["name", ">", "9"]], order_by="name asc")
    assert rows(asked) == [{"name": 10}, {"name": 100}]


def test_nulls_count_as_empty_where_frappe_counts_them(site: RunningSite) -> None:
    stamp = "2026-01-01 00:00:00"
    fill(site, [("null", stamp, None), ("blank", stamp, ""), ("set", stamp, "x")], "group")
    by_name = {"order_by": "name asc"}
    assert rows(ask(site, filters=[["group", "=", ""]], **by_name)) == [{"name": "blank"}, {"name": "null"}]
    assert rows(ask(site, filters=[["group", "is", "not set"]], **by_name)) == [{"name": "blank"}, {"name": "null"}]
    assert rows(ask(site, filters=[["group", "!=", "x"]], **by_name)) == [{"name": "blank"}, {"name": "null"}]
    assert rows(ask(site, filters=[["group", "not in", ["x"]]], **by_name)) == [{"name": "blank"}, {"name": "null"}]


def test_a_digest_is_the_one_that_mariadb_would_compute(site: RunningSite) -> None:
    stamps = ["2026-01-01 00:00:00", "2026-01-01 00:00:00.120000"]
    fill(site, [(name, stamps[place % 2], place * 1.5) for place, name in enumerate(NAMES)], "credit")

    def crc(text: str) -> int:
        return zlib.crc32(text.encode())

    printed = {stamps[0]: f"{stamps[0]}.000000", stamps[1]: stamps[1]}
    sums = [crc(name + printed[stamps[place % 2]]) for place, name in enumerate(NAMES)]
    money = sum(crc(f"{name}{place * 1.5:.9f}") for place, name in enumerate(NAMES))
    fields = ["sum(crc32(concat(name,modified))) as h", "sum(crc32(concat(name,credit))) as m", "count(name) as n"]
    add_user(site.store, SiteUser("all@shop.test", reads=("*",), levels=(1,)), api_key="all", api_secret="secret")
    (whole,) = rows(ask(site, fields=fields, who={"Authorization": "token all:secret"}))
    assert whole == {"h": float(sum(sums)), "m": float(money), "n": len(NAMES)}
    buckets = rows(
        ask(
            site,
            fields=["mod(crc32(name),4) as k", "count(name) as n", "bit_xor(crc32(concat(name,modified))) as x"],
            group_by="mod(crc32(name),4)",
            limit_page_length=0,
        )
    )
    assert sum(bucket["n"] for bucket in buckets) == len(NAMES)
    for bucket in buckets:
        folded = 0
        for name, value in zip(NAMES, sums, strict=True):
            folded ^= value if crc(name) % 4 == bucket["k"] else 0
        assert bucket["x"] == folded


@pytest.mark.parametrize(
    ("params", "status", "exc_type"),
    [
        ({"fields": ["name", "nonsense"]}, 417, "DataError"),
        ({"fields": ['name" FROM "~user" --']}, 500, "ProgrammingError"),
        ({"fields": ["(select api_secret from `~user`) as x"]}, 417, "ValidationError"),
        ({"fields": ["load_extension(name)"]}, 500, "OperationalError"),
        ({"fields": ["count(*) as n"]}, 417, "DataError"),
        ({"order_by": "modified desc; drop table x"}, 417, "ValidationError"),
        ({"order_by": "nonsense"}, 417, "DataError"),
        ({"filters": {"name' or 1=1 --": "x"}}, 417, "DataError"),
        ({"filters": [["name", "= '' or 1 =", "x"]]}, 417, "ValidationError"),
        ({"filters": [["name", "between", [1, 2]]]}, 500, "ParserError"),
        ({"group_by": "crc32(name) % 8"}, 417, "ValidationError"),
    ],
)
def test_nothing_unchecked_reaches_the_database(
    site: RunningSite, params: dict[str, Any], status: int, exc_type: str
) -> None:
    fill(site, [("Zoë", "2026-01-01 00:00:00")])
    answer = ask(site, **params)
    assert (answer.status_code, answer.json()["exc_type"]) == (status, exc_type)


def test_a_value_is_never_read_as_sql(site: RunningSite) -> None:
    fill(site, [("x' or '1'='1", "2026-01-01 00:00:00"), ("y", "2026-01-01 00:00:00")])
    assert rows(ask(site, filters={"name": "x' or '1'='1"})) == [{"name": "x' or '1'='1"}]
    assert rows(ask(site, filters={"group": "' or 1=1 --"})) == []


def test_a_field_above_the_users_level_shifts_the_columns_silently(site: RunningSite) -> None:
    fill(site, [("Zoë", "2026-01-01 00:00:00", 9.5, "vip")], "credit", "group")
    fields = ["name", "credit", "group"]
    assert rows(ask(site, fields=fields, as_dict="False")) == [["Zoë", "vip"]]
    assert rows(ask(site, fields=fields)) == [{"name": "Zoë", "group": "vip"}]
    assert "credit" not in rows(ask(site, fields=["*"]))[0]


def test_user_permissions_shrink_lists_without_a_sign_and_counts_not_at_all(site: RunningSite) -> None:
    restricted = SiteUser("some@shop.test", reads=("*",), only={"Customer": ("Zoë",)})
    add_user(site.store, restricted, api_key="some", api_secret="secret")
    fill(
        site, [("o1", "2026-01-01 00:00:00", "Zoë"), ("o2", "2026-01-01 00:00:00", "Bob")], "customer", doctype="Order"
    )
    who = {"Authorization": "token some:secret"}
    assert rows(ask(site, "Order", who=who)) == [{"name": "o1"}]
    counted = requests.get(
        f"{site.url}/api/method/frappe.client.get_count", params={"doctype": "Order"}, headers=who, timeout=20
    )
    assert counted.json() == {"message": 2}


def test_children_come_in_bulk_for_who_may_read_the_parent(site: RunningSite, tmp_path: Path) -> None:
    names = [site.documents.insert("Order", {"lines": [{"item": i, "qty": 1} for i in "ab"]})["name"] for _ in range(3)]
    body = {
        "doctype": "Order Line",
        "parent": "Order",
        "fields": json.dumps(["parent", "item", "idx"]),
        "filters": json.dumps([["parent", "in", names[:2]], ["parenttype", "=", "Order"]]),
        "order_by": "parent asc, idx asc",
        "limit_page_length": 0,
        "as_dict": 0,
    }
    url = f"{site.url}/api/method/frappe.client.get_list"
    expected = [[name, item, idx] for name in names[:2] for idx, item in enumerate("ab", start=1)]
    for form in ({"json": body}, {"data": body}):
        assert requests.post(url, headers=CLERK, timeout=20, **form).json() == {"message": expected}
    for parent in (None, "Customer", "Nothing"):
        refused = requests.post(url, json=body | {"parent": parent}, headers=CLERK, timeout=20)
        assert (refused.status_code, "_server_messages" in refused.json()) == (403, False)


def test_lists_answer_while_the_site_is_written_to(site: RunningSite) -> None:
    with site.store.writing():
        fill(site, [("new", "2026-01-01 00:00:00")])
        assert rows(ask(site)) == []
    assert rows(ask(site)) == [{"name": "new"}]
