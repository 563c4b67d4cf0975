"""Two sites with other words for the same: one table each in the mothership, on every database of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from extract_world import Shop, doctype, open_shop

from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.merging import open_reader, publish
from federation.rebuilding import RebuiltSatellite, rebuild
from federation.sync import sync_satellite

GERMAN = (
    doctype("Kunde", "kundenname: Data", "stand: Select | Aktiv\nGesperrt", autoname="Prompt"),
    doctype("Zeile", "artikel: Data", istable=1),
    doctype("Bestellung", "kunde: Link | Kunde", "zeilen: Table | Zeile", autoname="B-.####"),
)
HOME = (
    doctype(
        "Customer", "customer_name: Data", "status: Select | Active\nDisabled", "territory: Data", autoname="Prompt"
    ),
    doctype("Order Line", "item: Data", istable=1),
    doctype("Order", "customer: Link | Customer", "lines: Table | Order Line", autoname="O-.####"),
)
MAPPING: list[dict[str, Any]] = [
    {
        "doctype": "Kunde",
        "becomes": "Customer",
        "fields": {"kundenname": "customer_name", "stand": "status"},
        "values": {"status": {"Aktiv": "Active", "Gesperrt": "Disabled"}},
        "constants": {"territory": "Germany"},
    },
    {"doctype": "Bestellung", "becomes": "Order", "fields": {"kunde": "customer", "zeilen": "lines"}},
    {"doctype": "Zeile", "becomes": "Order Line", "fields": {"artikel": "item"}},
]


class Untold:
    """Nobody watches the rebuild."""

    def merging(self, satellite: str) -> None:
        pass

    def merged(self, satellite: RebuiltSatellite) -> None:
        pass

    def swapping(self) -> None:
        pass


@pytest.fixture(params=["duckdb", "mariadb"])
def mothership(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[object]:
    if request.param == "duckdb":
        yield "duckdb:///mothership.duckdb"
        return
    url = sa.make_url(request.getfixturevalue("mariadb_url"))
    (tmp_path / "password").write_text(str(url.password))
    address = f"mariadb://{url.username}@{url.host}:{url.port}/{url.database}"
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE `{url.database}_rebuild`")
        yield {"url": address, "password": f"file:{tmp_path}/password"}
        connection.exec_driver_sql(f"DROP DATABASE `{url.database}_rebuild`")
    engine.dispose()


def satellite(shop: Shop, **more: Any) -> dict[str, Any]:
    folder = shop.folder
    return {
        "url": shop.site.url,
        "credentials": {"key": f"file:{folder}/key", "secret": f"file:{folder}/secret"},
        **more,
    }


def test_both_are_one_table(tmp_path: Path, mothership: object) -> None:
    for name in ("german", "home"):
        (tmp_path / name).mkdir()
    with open_shop(tmp_path / "german", *GERMAN) as german, open_shop(tmp_path / "home", *HOME) as home:
        german.documents.insert("Kunde", {"name": "Ada", "kundenname": "Ada AG", "stand": "Aktiv"})
        made = german.documents.insert("Bestellung", {"kunde": "Ada", "zeilen": [{"artikel": "Mutter"}]})
        home.documents.insert("Customer", {"name": "Bob", "customer_name": "Bob Ltd", "status": "Disabled"})
        home.documents.insert("Order", {"customer": "Bob", "lines": [{"item": "Bolt"}]})
        both = german.with_settings(
            satellites={"german": satellite(german, mapping=MAPPING), "home": satellite(home)},
            doctypes=["Customer", "Order"],
            mothership=mothership,
        ).settings

        def sync() -> None:
            for each in both.satellites.values():
                outcome = sync_satellite(both, each, RunOptions(), Unwatched())
                assert outcome.ok, outcome
            publish(both, force=True)

        def told(query: str) -> list[tuple[object, ...]]:
            with open_reader(both) as reader:
                assert reader is not None
                return [tuple(row.values()) for row in reader.query(query).read_all().to_pylist()]

        sync()
        customers = "SELECT satellite, customer_name, status, territory FROM customer ORDER BY satellite"
        expected = [("german", "Ada AG", "Active", "Germany"), ("home", "Bob Ltd", "Disabled", None)]
        lines = "SELECT parenttype, parentfield, item FROM order_line ORDER BY item"
        rows = [("Order", "lines", "Bolt"), ("Order", "lines", "Mutter")]
        assert told(customers) == expected
        assert told(lines) == rows
        german.documents.save("Kunde", "Ada", {"stand": "Gesperrt"})
        german.documents.rename("Kunde", "Ada", "Eve")
        sync()
        assert told("SELECT name, status FROM customer WHERE satellite = 'german'") == [("Eve", "Disabled")]
        assert told("""SELECT customer FROM "order" WHERE satellite = 'german'""") == [("Eve",)]
        german.documents.delete("Bestellung", str(made["name"]))
        sync()
        assert told(lines) == rows[:1]
        before = told(customers)
        assert rebuild(both, Untold()).swapped
        assert told(customers) == before
