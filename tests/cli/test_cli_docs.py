"""`federation docs`: where Great Expectations' pages stand, and what the newest of them say."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cli_process import Command


def test_before_the_first_sync_it_says_what_to_do(settings_file: Path, federation: Command) -> None:
    shown = federation("docs")
    assert shown.exit_code == 0
    assert "Nothing was judged yet: run `federation sync`." in shown.output


def test_the_index_of_each_satellite_is_told_and_leads_to_every_page(settings_file: Path, federation: Command) -> None:
    settings_file.write_text(settings_file.read_text().replace("validation: off", "validation: on"))
    folder = settings_file.with_name("expectations")
    folder.mkdir()
    (folder / "company.yaml").write_text(
        "- {expect: expect_column_values_to_be_null, field: default_currency, reason: Money is for others.}\n"
    )
    assert federation("sync").exit_code == 0
    told = {each["satellite"]: each for each in json.loads(federation("docs", "--json").stdout)}
    assert set(told) == {"north", "south"}
    index = Path(told["north"]["index"])
    pages = re.findall(r'href="([^"]+)"', index.read_text())
    assert len(pages) == told["north"]["pages"] == 3
    assert any("Money is for others." in (index.parent / page).read_text() for page in pages)
    assert told["north"]["unmet"] >= 1
    shown = federation("docs", "-s", "south")
    assert told["south"]["index"] in shown.stdout
    assert told["north"]["index"] not in shown.stdout
