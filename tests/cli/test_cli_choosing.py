"""What the user names on the command line: satellites and DocTypes, held against the settings."""

from __future__ import annotations

import pytest
import typer
from cli_process import Command, Write

from federation.cli.choosing import chosen_doctypes, chosen_names, chosen_satellites
from federation.settings.load import load_settings
from federation.settings.model import Settings

TEXT = """
satellites:
  north: {url: "http://north.invalid", credentials: env:NORTH}
  south: {url: "http://south.invalid", credentials: env:SOUTH, doctypes: [Student], modules: [Education]}
  west: {url: "http://west.invalid", credentials: env:NORTH, enabled: false}
doctypes: [Customer, "Sales *"]
"""


@pytest.fixture
def settings(write: Write) -> Settings:
    return load_settings(write(TEXT))


def names(settings: Settings, *chosen: str) -> list[str]:
    return [satellite.name for satellite in chosen_satellites(settings, chosen)]


def test_without_names_all_enabled_satellites_are_chosen(settings: Settings) -> None:
    assert names(settings) == ["north", "south"]


def test_satellites_come_once_and_in_the_order_of_the_settings(settings: Settings) -> None:
    assert names(settings, "south", "north", "south") == ["north", "south"]


def test_every_wrong_name_is_told_with_the_nearest_right_one(settings: Settings) -> None:
    with pytest.raises(typer.BadParameter, match=r"`nort`: did you mean `north`\?.*`west` is switched off"):
        names(settings, "nort", "west")


def test_a_pattern_stands_for_all_that_are_switched_on(settings: Settings) -> None:
    assert names(settings, "*th") == ["north", "south"]
    assert names(settings, "*") == ["north", "south"]
    with pytest.raises(typer.BadParameter, match=r"no satellite that is switched on matches `we\*`"):
        names(settings, "we*")


def test_names_are_chosen_among_those_known_whether_the_settings_have_them_or_not() -> None:
    assert chosen_names(["north", "gone"], []) == {"north", "gone"}
    assert chosen_names(["north", "gone"], ["g*", "north"]) == {"north", "gone"}
    with pytest.raises(typer.BadParameter, match=r"`nort`: did you mean `north`\?"):
        chosen_names(["north", "gone"], ["nort"])


def test_a_satellite_gets_the_doctypes_that_its_own_selection_has(settings: Settings) -> None:
    satellites = chosen_satellites(settings, ())
    known = {"south": {"Room": "Education"}}
    assert chosen_doctypes(settings, satellites, ("Customer", "Sales Order", "Room"), known) == {
        "north": ("Customer", "Sales Order"),
        "south": ("Room",),
    }


def test_a_satellite_without_any_of_the_doctypes_is_left_out(settings: Settings) -> None:
    assert chosen_doctypes(settings, chosen_satellites(settings, ()), ("Student",), {}) == {"south": ("Student",)}


def test_without_doctypes_each_satellite_brings_its_selection(settings: Settings) -> None:
    assert chosen_doctypes(settings, chosen_satellites(settings, ()), (), {}) == {"north": None, "south": None}


def test_a_doctype_that_nobody_brings_is_told_with_the_nearest_that_somebody_does(settings: Settings) -> None:
    with pytest.raises(typer.BadParameter, match=r"`Custmer`: did you mean `Customer`\?"):
        chosen_doctypes(settings, chosen_satellites(settings, ()), ("Custmer",), {})


@pytest.mark.parametrize(
    "arguments",
    [("sync", "-s", "nort"), ("sync", "-d", "Custmer"), ("check", "-s", "nort")],
)
def test_a_wrong_name_starts_nothing(arguments: tuple[str, ...], write: Write, federation: Command) -> None:
    folder = write(TEXT).parent
    ended = federation(*arguments)
    assert ended.exit_code == 2
    assert "did you mean" in ended.stderr
    assert not (folder / "var").exists()


def test_names_may_hold_anything(write: Write, federation: Command) -> None:
    write(TEXT)
    ended = federation("sync", "-s", "[/]\x1b[2J" + "x" * 10_000)
    assert ended.exit_code == 2
    assert "\x1b[2J" not in ended.stderr
    assert len(ended.stderr) < 3_000
