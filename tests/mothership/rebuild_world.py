"""What the tests of rebuilding and verifying share: settings that name a place, and what analysts see there."""

from __future__ import annotations

from pathlib import Path

from places import DuckdbPlace, MariadbPlace, Place

from federation.merging import open_reader
from federation.mothership.system_tables import META, SYSTEM_TABLES
from federation.settings.load import load_settings
from federation.settings.model import Settings

Content = dict[str, list[dict[str, object]]]


def settings_at(folder: Path, place: Place) -> Settings:
    """Settings with two satellites, whose mothership is at a place."""
    if isinstance(place, MariadbPlace):
        (folder / "password").write_text(place.address.password)
        url = f"mariadb://{place.url.username}@{place.url.host}:{place.url.port}/{place.url.database}"
        mothership = f'{{url: "{url}", password: "file:password"}}'
    else:
        assert isinstance(place, DuckdbPlace)
        mothership = f"duckdb:///{place.file}"
    (folder / "federation.yaml").write_text(
        f"""
satellites:
  north: {{url: "http://127.0.0.1:9", credentials: env:NORTH}}
  south: {{url: "http://127.0.0.1:10", credentials: env:SOUTH}}
doctypes: [Sales Invoice]
publish_seconds: 0
mothership: {mothership}
"""
    )
    return load_settings(folder / "federation.yaml")


def content(settings: Settings) -> Content:
    """Every row of every table that analysts see, but for instants of merging and counts of publications."""
    with open_reader(settings) as mothership:
        assert mothership is not None
        system = [table.name for table in SYSTEM_TABLES if table != META]
        found = {}
        for table in (*mothership.tables().values(), *system):
            rows = mothership.query(f'SELECT * FROM "{table}"').read_all().to_pylist()
            told = [{name: row[name] for name in sorted(row) if name != "merged_at"} for row in rows]
            found[table] = sorted(told, key=repr)
        return found
