"""Aggregates in the mothership: they tell what the documents would, on both databases."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from extract_world import Shop, open_shop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url
from test_extract_aggregates import BY_DEPARTMENT, RULE, SLIP, SLIPS, slip

from federation.demo.site.collation import collation_key
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.merging import open_reader, publish
from federation.sync import sync_satellite
from federation.verifying import verify_mothership

MANY = RULE | {"by": ["department", "days", {"posting_date": "month"}], "sum": ["net_pay"]}
SLIP_VALUES = st.fixed_dictionaries(
    {
        "department": st.sampled_from([None, "", "a", "A", "a ", "ä", " a", "Ä", "ß", "x" * 140, "'", "\\", "%"]),
        "days": st.integers(-2, 2),
        "posting_date": st.sampled_from([None, "2026-01-01", "2026-01-31", "2026-02-01", "1999-12-31", "9999-12-31"]),
        "net_pay": st.integers(-(10**11), 10**11).map(lambda cents: cents / 100),
    }
)
Key = tuple[Any, Any, Any]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data(), version=st.sampled_from([13, 14, 15]))
def test_groups_tell_what_their_documents_would(data: st.DataObject, version: int) -> None:
    """Documents come, change and go between syncs; texts that the database takes for one may be in one group."""
    with (
        TemporaryDirectory() as folder,
        open_shop(Path(folder), *SLIPS, version=version, doctypes=[SLIP], aggregates=[MANY]) as shop,
    ):
        for _ in range(data.draw(st.integers(1, 3), label="syncs")):
            for values in data.draw(st.lists(SLIP_VALUES, max_size=8), label="new"):
                slip(shop, **values)
            names = sorted(documents(shop))
            for name in data.draw(st.lists(st.sampled_from(names), unique=True, max_size=3) if names else st.just([])):
                if data.draw(st.booleans(), label="delete"):
                    shop.documents.sql_delete(SLIP, {"name": name})
                else:
                    shop.documents.db_set(SLIP, name, data.draw(SLIP_VALUES, label="changed"))
            assert shop.sync()[BY_DEPARTMENT].error == ""
            assert told(shop) == expected(shop)
            assert shop.sync()[BY_DEPARTMENT].status == "unchanged"


def documents(shop: Shop) -> dict[str, dict[str, Any]]:
    found = shop.site.store.connection().execute(
        f'SELECT name, department, days, posting_date, net_pay FROM "tab{SLIP}"'
    )
    columns = [column[0] for column in found.description]
    return {row[0]: dict(zip(columns, row, strict=True)) for row in found}


def expected(shop: Shop) -> dict[Key, tuple[int, Decimal]]:
    groups: defaultdict[Key, list[Decimal]] = defaultdict(list)
    for row in documents(shop).values():
        month = row["posting_date"] and row["posting_date"][:7]
        groups[folded(row["department"]), row["days"], month].append(round(Decimal(repr(row["net_pay"])), 9))
    return {key: (len(values), sum(values, Decimal(0))) for key, values in groups.items()}


def told(shop: Shop) -> dict[Key, tuple[int, Decimal]]:
    found: defaultdict[Key, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    tables = shop.folded(BY_DEPARTMENT)
    for row in tables[BY_DEPARTMENT].to_pylist() if tables else ():
        key = (folded(row["department"]), row["days"], row["posting_date"] and row["posting_date"].isoformat()[:7])
        count, total = found[key]
        found[key] = (count + row["documents"], total + row["net_pay"])
    return dict(found)


def folded(text: str | None) -> Any:
    return None if text is None else collation_key(text)


BY_STAMP = {"name": "Slips by stamp", "doctype": SLIP, "by": [{"creation": "year"}, {"modified": "day"}], "at_least": 1}


@pytest.mark.parametrize("engine", ["duckdb", "mariadb"])
def test_a_mothership_has_the_groups_and_no_document(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    mothership: dict[str, Any] = {}
    if engine == "mariadb":
        url = make_url(request.getfixturevalue("mariadb_url"))
        (tmp_path / "password").write_text(str(url.password))
        plain = url._replace(password=None).render_as_string()
        mothership = {"mothership": {"url": plain, "password": f"file:{tmp_path}/password"}}
    with open_shop(
        tmp_path, *SLIPS, doctypes=["Sal*"], aggregates=[MANY, BY_STAMP], publish_seconds=0, **mothership
    ) as shop:
        first = slip(shop, posting_date="2026-01-01", net_pay=10**9 + 0.12)
        slip(shop, posting_date="2026-01-31", net_pay=10**12 - 0.25)
        slip(shop, posting_date=None, department=None, employee="Bo")
        assert asked(shop) == [
            (None, 20, None, 1, Decimal("10.5")),
            ("Sales", 20, "2026-01-01", 2, Decimal("1000999999999.87")),
        ]
        shop.documents.delete(SLIP, first)
        slip(shop, department="sales ", posting_date="2026-01-15")
        assert asked(shop) == [
            (None, 20, None, 1, Decimal("10.5")),
            ("Sales", 20, "2026-01-01", 2, Decimal("1000000000010.25")),
        ]
        shop.documents.sql_delete(SLIP, {"employee": "Bo"})
        assert [row[0] for row in asked(shop)] == ["Sales"]
        report = verify_mothership(shop.settings)
        assert report.ok, report
        with open_reader(shop.settings) as reader:
            assert reader is not None
            assert SLIP not in reader.tables()


def asked(shop: Shop) -> list[tuple[Any, ...]]:
    """Sync; what the mothership has then."""
    outcome = sync_satellite(shop.settings, shop.satellite, RunOptions(), Unwatched())
    assert outcome.ok, outcome
    publish(shop.settings, force=True)
    sql = "SELECT department, days, posting_date, documents, net_pay FROM salary_by_department ORDER BY documents"
    with open_reader(shop.settings) as reader:
        assert reader is not None
        rows = reader.query(sql).read_all().to_pylist()
    return [
        tuple(str(value) if name == "posting_date" and value else value for name, value in row.items()) for row in rows
    ]
