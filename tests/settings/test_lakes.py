"""A lake for all satellites, or one for each jurisdiction: each satellite has one, and none holds another's."""

from __future__ import annotations

import pytest

from federation.lake.place import LakePlace
from federation.settings.errors import SettingsError

FLEET = """
doctypes: [Item]
satellites:
  north: {url: https://north.example.com, credentials: env:NORTH, jurisdiction: IN}
  south: {url: https://south.example.com, credentials: env:SOUTH, jurisdiction: EU}
  spain: {url: https://spain.example.com, credentials: env:SPAIN, jurisdiction: EU}
"""
HOME = "  home: {url: https://home.example.com, credentials: env:HOME}\n"


def test_one_place_is_that_of_all_satellites(load, tmp_path):
    read = load(f"lake: kept{FLEET}{HOME}")
    assert read.lakes() == (LakePlace(str(tmp_path / "kept")),)
    assert {read.lake_of(name) for name in ("north", "south", "home", "nobody")} == {*read.lakes()}


def test_a_jurisdiction_has_a_place_of_its_own_and_the_others_share_the_default(load, tmp_path):
    read = load(f"lake: {{default: kept, EU: 'memory://eu/lake'}}{FLEET}{HOME}")
    eu, others = LakePlace("memory://eu/lake"), LakePlace(str(tmp_path / "kept"))
    assert (read.lake_of("south"), read.lake_of("spain")) == (eu, eu)
    assert (read.lake_of("north"), read.lake_of("home")) == (others, others)
    assert read.lakes() == (others, eu)
    assert str(eu) in read.model_dump_json()


def test_where_each_jurisdiction_has_a_place_there_need_be_no_default(load, tmp_path):
    read = load(f"lake: {{IN: a, EU: b}}{FLEET}")
    assert (read.lake_of("north"), read.lake_of("south")) == tuple(LakePlace(str(tmp_path / one)) for one in "ab")


def test_a_satellite_that_nobody_names_has_no_place_where_there_are_several(load):
    with pytest.raises(SettingsError, match="did you mean `north`"):
        load(f"lake: {{IN: a, EU: b}}{FLEET}").lake_of("nort")


@pytest.mark.parametrize(
    ("lake", "where", "what", "fix"),
    [
        ("{default: a, eu: b}", (3, "lake.eu"), "no satellite has the jurisdiction `eu`", "did you mean `EU`?"),
        ("{default: a, Mars: b}", (3, "lake.Mars"), "no satellite has", "known is: EU, IN; remove it"),
        ("{EU: a}", (1, "lake"), "no place for the jurisdiction `IN`", "`default:`"),
        ("{default: a, EU: ./a}", (3, "lake.EU"), "is the same place as `default`", "a place apart"),
        ("{IN: a, EU: a/eu}", (3, "lake.EU"), "lies in the place of `IN`", "a place apart"),
        ("{IN: a/b/../in, EU: a}", (3, "lake.EU"), "holds the place of `IN`", "a place apart"),
        ("{IN: 'memory://x', EU: 'memory:///x//y/'}", (3, "lake.EU"), "lies in the place of `IN`", "apart"),
        ("{IN: s4://bucket, EU: a}", (2, "lake.IN"), "unknown protocol", "use file, s3"),
        ("{IN: a, EU: ~/lake}", (3, "lake.EU"), "is not a folder", "write a folder"),
        ("{IN: a, EU: [b]}", (3, "lake.EU"), "must be text", "write a folder"),
        ("{IN: a, EU: }", (3, "lake.EU"), "has no value", "give it one"),
        ("{IN: a, EU: 'memory://me:s3cret@x/y'}", (3, "lake.EU"), "holds credentials", "take them out"),
        ("{}", (1, "lake"), "must not be empty", "EU: var/lake-eu"),
    ],
)
def test_a_mistaken_lake_is_named_with_its_line_its_key_and_the_fix(refused, lake, where, what, fix):
    one_a_line = lake.replace("{", "{\n  ").replace(", ", ",\n  ")
    (found,) = refused(f"lake: {one_a_line}{FLEET}").problems
    assert (found.line, found.key) == where
    assert what in found.what
    assert fix in found.fix
    assert "s3cret" not in str(found)


def test_a_file_url_and_a_path_are_one_place(refused, tmp_path):
    (found,) = refused(f"lake: {{IN: kept, EU: 'file://{tmp_path}/kept/eu'}}{FLEET}").problems
    assert "lies in the place of `IN`" in found.what


def test_places_apart_may_begin_alike(load):
    assert len(load(f"lake: {{IN: lake, EU: lake-eu}}{FLEET}").lakes()) == 2


def test_a_satellite_without_a_jurisdiction_needs_a_default(refused):
    (found,) = refused(f"lake: {{IN: a, EU: b}}{FLEET}{HOME}").problems
    assert found.key == "lake"
    assert "no place for satellites that state no jurisdiction: home" in found.what
    assert "or `default:` here" in found.fix


def test_a_jurisdiction_spelt_in_two_ways_is_a_mistake_before_it_lands_elsewhere(refused):
    stray = "  stray: {url: https://stray.example.com, credentials: env:STRAY, jurisdiction: Eu}\n"
    (found,) = refused(f"lake: {{default: a, EU: b}}{FLEET}{stray}").problems
    assert (found.key, found.fix) == ("lake.EU", "write `EU` everywhere")
    assert "satellites state the jurisdiction `Eu` too" in found.what


def test_no_jurisdiction_is_called_default(refused):
    odd = "  odd: {url: https://odd.example.com, credentials: env:ODD, jurisdiction: default}\n"
    (found,) = refused(f"lake: {{default: a, EU: b}}{FLEET}{odd}").problems
    assert (found.key, found.fix) == ("lake.default", "give that jurisdiction another name")


def test_data_docs_lie_with_the_packages_unless_they_have_a_place_of_their_own(load, tmp_path):
    fleet = f"lake: {{default: kept, EU: eu}}{FLEET}"
    read = load(fleet)
    assert {name: read.data_docs_of(name) for name in read.satellites} == {
        name: read.lake_of(name) for name in read.satellites
    }
    read = load(f"data_docs: {{default: pages, EU: 'memory://eu/pages'}}\n{fleet}")
    assert read.data_docs_of("south") == LakePlace("memory://eu/pages")
    assert read.data_docs_of("north") == LakePlace(str(tmp_path / "pages"))


def test_data_docs_never_leave_a_region_whose_documents_stay_in_it(refused):
    (found,) = refused(f"lake: {{default: kept, EU: eu}}\ndata_docs: pages{FLEET}").problems
    assert found.key == "data_docs"
    assert "would hold examples of the jurisdiction `EU`, whose documents have a lake of their own" in found.what
    assert found.fix == "add a place for `EU:`, or remove `data_docs`"
