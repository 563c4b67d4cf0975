"""Schema on DuckDB: its own way to write names and texts, and what a hand did to its file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mothership_sites import Document, Site, merge
from places import DuckdbPlace

from federation.mothership.duckdb.sql import widened
from federation.mothership.errors import MothershipUnavailable
from federation.mothership.sql import Fragment, identifier, literal


def test_a_column_changed_by_hand_is_named(file: Path, site: Site) -> None:
    place = DuckdbPlace(file)
    site.commit(documents=[Document("SINV-1", 1)])
    merge(place, site)
    place.alter("ALTER TABLE sales_invoice ALTER COLUMN idx TYPE SMALLINT")
    site.commit(documents=[Document("SINV-2", 1)])
    with pytest.raises(MothershipUnavailable, match=r"sales_invoice\.idx: its type was changed to SMALLINT"):
        merge(place, site)


@settings(deadline=None)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1))
def test_names_and_texts_come_back_as_they_went_in(text: str) -> None:
    with duckdb.connect() as connection:
        (row,) = connection.execute(f"SELECT {literal(text)} AS {identifier(text)}").to_arrow_table().to_pylist()
    assert row == {text: text}


@settings(deadline=None)
@given(st.decimals(-(10**11), 10**11, places=9), st.integers(-(10**11), 10**11))
def test_numbers_are_written_as_text_in_one_form(number: Decimal, whole: int) -> None:
    money, wide = pa.decimal128(21, 9), pa.decimal128(38, 9)
    direct = widened(Fragment(f"{whole}::BIGINT"), pa.int64(), pa.string())
    by_way = widened(Fragment(f"{whole}::BIGINT::DECIMAL(38,9)"), wide, pa.string())
    narrow = widened(Fragment(f"{number:f}::DECIMAL(21,9)"), money, pa.string())
    with duckdb.connect() as connection:
        texts = connection.execute(f"SELECT {direct}, {by_way}, {narrow}").fetchall()[0]
    assert texts[0] == texts[1] == str(whole)
    assert Decimal(texts[2]) == number
