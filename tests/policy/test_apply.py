"""Specification of hashes and masks: equal values stay equal, and nothing else is seen but what a mask shows."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.conform.cells import conform_cells
from federation.contract.fieldtypes import DATE, DATETIME, TEXT
from federation.policy.apply import HIDDEN, hash_cells, mask_cells

KEY = b"0123456789abcdef"
TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["", "a@example.com"])), max_size=50)


def expected(text: str | None) -> str | None:
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest() if text else text


@given(TEXTS)
def test_a_hash_is_keyed_sha256_and_what_is_absent_or_empty_stays_so(texts):
    assert hash_cells(texts, KEY) == [expected(text) for text in texts]


def test_another_key_gives_another_hash():
    assert hash_cells(["a@example.com"], KEY) != hash_cells(["a@example.com"], KEY + b"0")


@pytest.mark.parametrize("cell", [0, 1.5, True, ["a@example.com"], {"mail": "a@example.com"}, "\ud800"])
def test_a_cell_of_an_unexpected_kind_does_not_get_through(cell):
    (hashed,) = hash_cells([cell], KEY)
    assert hashed is not None
    assert len(bytes.fromhex(hashed)) == 32


@given(TEXTS, st.integers(1, 9))
def test_the_last_characters_of_a_text_that_has_more_than_twice_as_many(texts, count):
    for text, shown in zip(texts, mask_cells(texts, f"last {count}", TEXT), strict=True):
        if not text:
            assert shown == text
        elif len(text) <= 2 * count:
            assert shown == HIDDEN
        else:
            assert shown == HIDDEN + text[len(text) - count :]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada@example.com", "example.com"),
        ("Ada <ada@mail.example.co.uk>", "mail.example.co.uk"),
        ("a@b@müller.example", "müller.example"),
        ("ada@example.com, or 555 1234", HIDDEN),
        ("secret@hunter2", HIDDEN),
        ("ada@", HIDDEN),
        ("no address", HIDDEN),
        ("x@" + "a." * 500 + "a", HIDDEN),
        ("", ""),
        (None, None),
    ],
)
def test_of_an_address_the_domain_is_shown_and_of_anything_else_nothing(text, shown):
    assert mask_cells([text], "domain", TEXT) == [shown]


@pytest.mark.parametrize("kept", [DATE, DATETIME])
@given(dates=st.lists(st.one_of(st.none(), st.dates()), max_size=20))
def test_a_date_is_cut_to_the_first_of_january_of_its_year(kept, dates):
    texts = [None if day is None else day.isoformat() for day in dates]
    cut = [None if day is None else day.replace(month=1, day=1).isoformat() for day in dates]
    assert mask_cells(texts, "year", kept) == cut


@pytest.mark.parametrize("cell", ["CANARY", "2024-13-41", "0000-00-00", 20_240_305, 1.5, True, ["CANARY"], {"a": 1}])
def test_what_is_no_date_shows_nothing_and_fits_no_date(cell):
    cells = mask_cells(["2024-03-05", cell], "year", DATE)
    assert cells == ["2024-01-01", HIDDEN]
    assert conform_cells(cells, "text", DATE, DATE).misfits == (1,)


@pytest.mark.parametrize("cell", [4_711_471_147, 1.5, True, ["a@example.com"], {"mail": "a@example.com"}, "\ud800x"])
@pytest.mark.parametrize("show", ["last 4", "domain"])
def test_a_cell_of_an_unexpected_kind_is_masked_in_its_json_form(cell, show):
    (shown,) = mask_cells([cell], show, TEXT)
    assert shown is not None
    assert shown[:1] == HIDDEN
    assert len(shown) <= 5
