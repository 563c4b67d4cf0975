"""A shop that is brought together whole, the command that erases, and a search of every byte that we keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from typer.testing import CliRunner, Result

from federation.cli.app import app
from federation.compaction import compact_satellite
from federation.erasing import Erased, erase
from federation.extract.outcome import Unwatched
from federation.extract.satellite import RunOptions
from federation.merging import open_reader
from federation.rebuilding import RebuiltSatellite
from federation.sync import SatelliteOutcome, sync_satellite
from tests.extract.extract_world import CUSTOMER, SHOP, Shop, doctype, open_shop

KEY = "a key for what is erased, long enough"
VERSION = doctype("Version", "ref_doctype: Link | DocType", "docname: Data", "data: Code", autoname="hash")
GUEST = doctype("Note Guest", "guest: Link | Customer", "seat: Int", istable=1)
NOTE = doctype(
    "Note",
    "about: Link | DocType",
    "of: Dynamic Link | about",
    "text: Data",
    "rating: Int",
    "guests: Table | Note Guest",
    autoname="Prompt",
)
SETTINGS: dict[str, Any] = {
    "doctypes": ["Customer", "Order", "Punch", "Note", "Version"],
    "erasure": {"key": "env:FEDERATION_ERASURE_KEY"},
    "publish_seconds": 0,
}


@dataclass
class Erasures:
    """The shop, and what is done with it.

    Attributes:
        shop: the site and the settings.
    """

    shop: Shop

    def sync(self, **options: Any) -> SatelliteOutcome:
        outcome = sync_satellite(self.shop.settings, self.shop.satellite, RunOptions(**options), Unwatched())
        assert outcome.ok, outcome
        return outcome

    def compact(self) -> None:
        assert compact_satellite(self.shop.settings, self.shop.satellite) == ()

    def erase(self, *names: str, doctype: str = CUSTOMER, reason: str = "asked for") -> Erased:
        erased = erase(self.shop.settings, self.shop.satellite, doctype, names, reason=reason)
        assert erased.receipt.proven, erased.receipt.traces
        return erased

    def note(self, name: str, of: str, **values: object) -> None:
        self.shop.documents.insert("Note", {"name": name, "about": CUSTOMER, "of": of, "rating": 1} | values)

    def version(self, of: str, data: str) -> str:
        made = self.shop.documents.insert("Version", {"ref_doctype": CUSTOMER, "docname": of, "data": data})
        return str(made["name"])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with open_reader(self.shop.settings) as mothership:
            assert mothership is not None
            return [tuple(row.values()) for row in mothership.query(sql).read_all().to_pylist()]

    def found(self, text: str) -> list[str]:
        """Every file below the test's folder that holds a text, Parquet and DuckDB decoded, but for the site's own."""
        return sorted({str(path.relative_to(self.shop.folder)) for path in self._holding(text)})

    def _holding(self, text: str) -> Iterator[Path]:
        for path in self.shop.folder.rglob("*"):
            if not path.is_file() or path.name.startswith("site.sqlite"):
                continue
            if text.encode() in path.read_bytes() or json.dumps(text)[1:-1].encode() in path.read_bytes():
                yield path
            elif path.suffix == ".parquet":
                if any(text in str(row) for row in pq.read_table(path).to_pylist()):
                    yield path
            elif path.name.endswith((".duckdb", ".writer")):
                with duckdb.connect(str(path), read_only=True) as connection:
                    for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                        if text in str(connection.execute(f'FROM "{table}"').fetchall()):
                            yield path


class Quiet:
    """A rebuild that nobody watches."""

    def merging(self, satellite: str) -> None: ...

    def merged(self, satellite: RebuiltSatellite) -> None: ...

    def swapping(self) -> None: ...


@contextmanager
def open_world(folder: Path, **settings: Any) -> Iterator[Erasures]:
    with open_shop(folder, *SHOP, VERSION, GUEST, NOTE, **(SETTINGS | settings)) as shop:
        yield Erasures(shop)


def command(world: Erasures, *arguments: str, stdin: str | None = None) -> Result:
    """Run `federation` with the shop's settings."""
    shop = world.shop
    file = shop.folder / "federation.yaml"
    file.write_text(
        json.dumps(
            SETTINGS
            | {
                "satellites": {
                    "shop": {
                        "url": shop.site.url,
                        "credentials": {"key": f"file:{shop.folder}/key", "secret": f"file:{shop.folder}/secret"},
                    }
                },
                "lake": "lake",
                "mothership": "duckdb:///mothership.duckdb",
                "var": "var",
                "validation": False,
            }
        )
    )
    return CliRunner().invoke(app, ["--settings", str(file), *arguments], input=stdin, catch_exceptions=False)
