"""Canaries: what the policy holds back is planted everywhere it could stand, and looked for in every byte written.

The command does all that it can do: loads, reads again in full, reconciles, patches, follows deletions and renames,
sets documents aside, judges them; a Dagster job does the same. Then the lake with its Data Docs, the mothership, the
run-time files, Dagster's storage and what was printed are searched, as they are and with every table read out.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from extract_world import SHOP, Shop, doctype, open_shop
from typer.testing import CliRunner

from federation.cli.app import app
from federation.definitions import run_job
from federation.demo.site import app as site_app
from federation.demo.site.lists import Page
from federation.extract.outcome import Unwatched

SECRETIVE, LINE, SINGLE = "Secretive", "Secretive Line", "Secretive Settings"
TEXTS = (
    "Data", "Small Text", "Text", "Long Text", "Text Editor", "HTML Editor", "Markdown Editor", "Code", "JSON",
    "Geolocation", "Read Only", "Autocomplete", "Color", "Barcode", "Phone", "Icon", "Select", "Link", "Signature",
    "Attach", "Attach Image",
)  # fmt: skip
ACTIONS = ("drop", "hash", "last", "domain")
FIELDS = {f"{action}_{kind.lower().replace(' ', '_')}": kind for action in ACTIONS for kind in TEXTS}
FILES = {
    f"plain_{kind.lower().replace(' ', '_')}": kind for kind in ("Attach", "Attach Image", "Signature", "Password")
}
DATES = {"year_date": "Date", "year_datetime": "Datetime"}
LEVELLED = {"level_data": "Data"}
ALL = FIELDS | FILES | DATES | LEVELLED
CANARY, DAY, MOMENT = "CANARY", "1987-06-05", "1987-06-05 04:03:02.123457"
WRONG: tuple[Any, ...] = (
    4_711_471_147_114_711, -4711471147.4711, [f"{CANARY} in a list"], {"mail": f"{CANARY} in a mapping"},
    f"{CANARY} \ud800",
)  # fmt: skip
FORBIDDEN = (CANARY, "4711471147", DAY, "04:03:02", "1987, 6, 5", "19870605")


def described(name: str, *more: str, **options: Any) -> dict[str, Any]:
    meta = doctype(
        name, "told: Data", "due: Date", *(f"{field}: {kind}" for field, kind in ALL.items()), *more, **options
    )
    for field in meta["fields"]:
        field["permlevel"] = 2 if field["fieldname"] == "level_data" else 0
    return meta


METAS = (
    *SHOP,
    described(LINE, istable=1),
    described(SECRETIVE, f"lines: Table | {LINE}", autoname="Prompt"),
    described(SINGLE, issingle=1),
)
RULES = f"""
- {{expect: expect_column_values_to_not_be_in_set, field: told, value_set: [told badly], severity: reject}}
- {{expect: expect_column_values_to_not_be_in_set, table: {LINE}, field: told, value_set: [worse], severity: reject}}
- {{expect: expect_column_values_to_not_be_null, field: hash_data, severity: halt}}
"""
POLICY = [
    {"field": "drop_*", "action": "drop"},
    {"field": "hash_*", "action": "hash"},
    {"field": "last_*", "action": "mask", "show": "last 4"},
    {"field": "domain_*", "action": "mask", "show": "domain"},
    {"field": "year_*", "action": "mask", "show": "year"},
    {"permlevel": 1, "action": "drop"},
]


JUDGED = f"""
- {{expect: expect_column_values_to_not_match_regex, field: told, regex: aloud}}
- {{expect: expect_column_values_to_not_match_regex, field: told, regex: aloud, table: {LINE}}}
- {{expect: expect_column_values_to_be_null, field: due}}
"""
"""What every row fails, so that all of them are examples of something."""


class Onlooker(Unwatched):
    def merging(self, satellite: str) -> None:
        """Say nothing."""


@pytest.fixture(params=[13, 15])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    policy = [{**rule, "key": f"file:{tmp_path}/hash"} if rule["action"] == "hash" else rule for rule in POLICY]
    with open_shop(tmp_path, *METAS, version=request.param) as shop:
        wanted = {
            "doctypes": [SECRETIVE, SINGLE],
            "satellites": {
                "shop": {
                    "url": shop.site.url,
                    "credentials": {"key": f"file:{tmp_path}/key", "secret": f"file:{tmp_path}/secret"},
                }
            },
            "lake": "lake",
            "mothership": "duckdb:///mothership.duckdb",
            "publish_seconds": 0,
            "policy": policy,
        }
        (tmp_path / "federation.yaml").write_text(json.dumps(wanted))
        (tmp_path / "expectations").mkdir()
        (tmp_path / "expectations" / "secretive.yaml").write_text(RULES + JUDGED)
        yield shop.with_settings(doctypes=[SECRETIVE, SINGLE], policy=policy, var="var")


def planted(**other: Any) -> dict[str, Any]:
    """A row with a canary in every field that the policy is asked about, each of them a different one."""
    texts = {
        field: f"{CANARY} {number} of {field}" + ("@shown.example" if field.startswith("domain_") else " tail")
        for number, field in enumerate([*FIELDS, *FILES, *LEVELLED])
    }
    return {"told": "said aloud", **texts, "year_date": DAY, "year_datetime": MOMENT, **other}


def send_wrong_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The site sends numbers, lists and mappings in the texts of the document `wrong`, and texts in its dates."""
    rows_as_they_are = site_app.SiteApp._rows

    def rows_twisted(site: site_app.SiteApp, answer: object, call: Any, fault: Any) -> object:
        rows: Any = rows_as_they_are(site, answer, call, fault)
        fields = json.loads(call.params.get("fields", "[]"))
        if not isinstance(answer, Page) or "told" not in fields or "name" not in fields:
            return rows
        name = fields.index("name")
        return [
            tuple(_wrong(field, cell, at) for at, (field, cell) in enumerate(zip(fields, row, strict=True)))
            if row[name] == "wrong"
            else row
            for row in rows
        ]

    monkeypatch.setattr(site_app.SiteApp, "_rows", rows_twisted)
    monkeypatch.setattr(site_app, "encode", lambda answer: json.dumps(answer).encode())


def _wrong(field: str, cell: object, at: int) -> object:
    if field in ALL:
        return WRONG[at % len(WRONG)]
    return cell


def everything_written(folder: Path) -> Iterator[tuple[str, str]]:
    """What lies in the files of the federation, as bytes and as the rows of every table."""
    for path in sorted(folder.rglob("*")):
        kept = path.relative_to(folder).parts[0]
        if not path.is_file() or kept.startswith("site.sqlite") or kept in {"key", "secret", "hash", "federation.yaml"}:
            continue
        yield str(path), path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            yield str(path), str(duckdb.sql(f"FROM read_parquet('{path}')").fetchall())
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    yield f"{path} {table}", str(connection.execute(f'FROM "{table}"').fetchall())


def test_no_canary_stands_anywhere(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    documents, printed = shop.documents, []

    def federation(*arguments: str) -> None:
        ran = CliRunner().invoke(app, ["--settings", str(tmp_path / "federation.yaml"), *arguments])
        printed.append(ran.output)
        assert ran.exit_code in (0, 1), ran.output

    for name in ("good", "vanishing", "renamed", "wrong", "misfit", "late"):
        documents.insert(SECRETIVE, {"name": name, **planted(), "lines": [planted(), planted()]})
    documents.insert(SECRETIVE, {"name": "bad", **planted(told="told badly"), "lines": [planted(told="worse")]})
    documents.save(SINGLE, SINGLE, planted())
    documents.sql_update(SECRETIVE, {"name": "misfit"}, {"due": "no date"})
    documents.sql_update(
        SECRETIVE, {"name": "late"}, {"year_date": f"{CANARY} for a date", "year_datetime": f"{CANARY} for a time"}
    )
    documents.sql_update(LINE, {"parent": "late"}, {"year_date": f"{CANARY} for a date"})
    send_wrong_kinds(monkeypatch)
    federation("sync")
    documents.delete(SECRETIVE, "vanishing")
    documents.rename(SECRETIVE, "renamed", "renamed since")
    shop.site.store.add_custom_field(SECRETIVE, {"fieldname": "last_new", "fieldtype": "Data"})
    documents.sql_update(SECRETIVE, {"name": "good"}, {"last_new": f"{CANARY} in a new field"})
    federation("sync", "--json")
    federation("sync", "--reconcile", "--all")
    federation("sync", "--full", "--json")
    federation("integrity", "--json")
    federation("docs", "--json")
    documents.save(SECRETIVE, "good", {"due": "2026-01-02"})
    assert run_job(tmp_path / "federation.yaml", "sync", "shop", Onlooker(), tmp_path / "dagster")
    federation("check", "--json")
    federation("status", "--json")
    federation("query", "FROM federation_quarantine", "--json")
    federation("query", "FROM federation_dictionary", "--json")

    everything = [*everything_written(tmp_path), ("the log", caplog.text), ("the output", "".join(printed))]
    for place, kept in (("docs", "html"), ("dagster", "db")):
        shown = [text for where, text in everything if f"/{place}/" in where and where.endswith(kept)]
        assert any("said aloud" in text for text in shown), f"no example stands in {place}"
    for where, text in everything:
        for forbidden in FORBIDDEN:
            assert forbidden not in text, (where, text[max(0, text.index(forbidden) - 60) :][:120])

    with duckdb.connect(str(tmp_path / "mothership.duckdb"), read_only=True) as connection:
        [good] = connection.execute("FROM secretive WHERE name = 'good'").to_arrow_table().to_pylist()
        aside = connection.execute("SELECT name, fieldname, value FROM federation_quarantine ORDER BY ALL").fetchall()
    assert good["told"] == "said aloud"
    assert {good[field] for field in good if field.startswith("last_")} == {"…tail", "…ield"}
    assert {good[field] for field in good if field.startswith("domain_")} == {"shown.example"}
    assert {len(good[field]) for field in good if field.startswith("hash_")} == {64}
    assert not [field for field in good if field.startswith(("drop_", "plain_", "level_"))]
    assert {str(good[field]) for field in ("year_date", "year_datetime", "year_datetime_utc")} == {
        "1987-01-01",
        "1987-01-01 00:00:00",
    }
    assert {name for name, _, _ in aside} == {"bad", "late", "misfit", "wrong"}
    assert {value for name, _, value in aside if name in ("late", "wrong")} == {"…"}
    assert ("misfit", "due", "no date") in aside
