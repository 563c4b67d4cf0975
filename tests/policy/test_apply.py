"""Specification of hashing: equal values stay equal, nothing else stays."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.policy.apply import hash_cells

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
