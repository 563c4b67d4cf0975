"""Renames, as a site notes them in its Comments."""

from __future__ import annotations

import html

import pytest
from frappe_model import ModelSite
from frappe_recordings import Playback, recording
from hypothesis import given
from hypothesis import strategies as st

from connectors.frappe import DocTypeError, Position, Rename, read_renames

names = st.text("ab<>/&;'\" strong東", min_size=1, max_size=12)


def note(number, name, content, doctype="Customer", kind="Edit"):
    return {
        "name": f"c{number}",
        "modified": f"2026-03-01 10:00:{number:02}",
        "comment_type": kind,
        "reference_doctype": doctype,
        "reference_name": name,
        "content": content,
    }


def renames_of(*notes, **options):
    pages = read_renames(ModelSite({"Comment": list(notes)}).session(), **options)
    return [rename for page in pages for rename in page.renames]


@pytest.mark.parametrize(
    "recorded", ["v15/f_deletions/21", "v15/f_deletions/22", "v14/f_deletions/02", "v13/f_deletions/02"]
)
def test_recorded_notes_of_every_version_are_read(recorded):
    rows = recording(recorded)["response"]["body"]["data"]
    for number, row in enumerate(rows):
        (rename,) = renames_of(note(number, row["reference_name"], row["content"]))
        assert rename.new == row["reference_name"]
        assert rename.old in row["content"]
        assert rename.old + "</" in row["content"]


def test_notes_are_walked_as_changes():
    site = ModelSite({
        "Comment": [
            note(1, "Tag_X North 2039 (renamed)",
                 "renamed from <strong>Tag_X North 2039</strong> to <strong>Tag_X North 2039 (renamed)</strong>"),
            note(2, "w0 new", "renamed from <b>w0</b> to <b>w0 new</b>", doctype="Lab Wire"),
        ]
    })  # fmt: skip
    (page,) = read_renames(site.session(), after=Position("2026-01-01 00:00:00", ""), until="2027-01-01 00:00:00")
    assert page.renames == (
        Rename("Customer", "Tag_X North 2039", "Tag_X North 2039 (renamed)"),
        Rename("Lab Wire", "w0", "w0 new"),
    )
    assert page.last == Position("2026-03-01 10:00:02", "c2")


def test_little_more_than_the_notes_is_asked_for():
    site = ModelSite({"Comment": [note(1, "x", "hello"), note(2, "x", "<b>a</b><b>x</b>", kind="Info")]})
    assert list(read_renames(site.session())) == []


@given(names, names, st.booleans(), st.sampled_from(["strong", "b"]))
def test_names_may_hold_anything(old, new, escaped, tag):
    written = [html.escape(name, quote=False) if escaped else name for name in (old, new)]
    content = "geändert von <{0}>{1}</{0}> zu <{0}>{2}</{0}>!".format(tag, *written)
    (rename,) = renames_of(note(1, new, content))
    assert rename.new == new
    if escaped or html.unescape(old) == old:
        assert rename.old == old


def test_a_merge_is_noted_the_same_way():
    assert renames_of(note(1, "kept", "merged <strong>gone</strong> into <strong>kept</strong>")) == [
        Rename("Customer", "gone", "kept")
    ]


def test_a_chain_of_renames_is_told_although_the_site_rewrote_the_first_note():
    first = note(1, "c", "renamed from <b>a</b> to <b>b</b>")
    second = note(2, "c", "renamed from <b>b</b> to <b>c</b>")
    assert renames_of(first, second) == [Rename("Customer", "a", "b"), Rename("Customer", "b", "c")]


@pytest.mark.parametrize(
    "odd",
    [
        note(1, "x", "I think <b>this</b> and <b>that</b> matter"),
        note(1, "x", "<b>x</b> <i>y</i>"),
        note(1, "x", "</ x </"),
        note(1, None, "<b>a</b> <b>x</b>"),
        note(1, "x", "<b>a</b> <b>x</b>", doctype="../../etc"),
        note(1, "x", "<b></b> <b>x</b>"),
    ],
)
def test_a_comment_that_is_no_such_note_is_left_out(odd):
    assert renames_of(odd) == []


def test_comments_may_be_forbidden():
    with pytest.raises(DocTypeError) as caught:
        list(read_renames(Playback("v15/f_deletions/04").session()))
    assert caught.value.status == 403
