"""Specification of secrets by reference: read on use, shown never."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.settings.errors import SettingsError
from federation.settings.secrets import SecretReference

TEXT = """
doctypes: [Customer]
satellites:
  north:
    url: https://north.example.com
    credentials: {key: env:NORTH_KEY, secret: file:secrets/north}
"""


@pytest.fixture
def north(load, tmp_path, monkeypatch):
    (tmp_path / "secrets").mkdir()
    monkeypatch.delenv("NORTH_KEY", raising=False)
    return load(TEXT).satellites["north"]


def test_a_missing_secret_is_a_mistake_only_when_it_is_used(north):
    with pytest.raises(SettingsError) as caught:
        north.api_key()
    found = caught.value.problems[0]
    assert found.key == "satellites.north.credentials.key"
    assert "NORTH_KEY is not set" in found.what
    with pytest.raises(SettingsError, match=r"satellites\.north\.credentials\.secret: the file .*north cannot be read"):
        north.api_secret()


def test_secrets_come_from_the_environment_and_from_a_file_beside_the_settings(north, tmp_path, monkeypatch):
    monkeypatch.setenv("NORTH_KEY", "abc")
    (tmp_path / "secrets" / "north").write_bytes(b"\xef\xbb\xbfs3cret\r\n")
    assert (north.api_key(), north.api_secret()) == ("abc", "s3cret")


@pytest.mark.parametrize("content", [b"", b"\n", b"s3cret\nmore", b"s3cret\x00", b"s3cret\xff", b"s3cret" * 20_000])
def test_a_file_that_holds_no_secret_is_refused_without_showing_it(north, tmp_path, content):
    (tmp_path / "secrets" / "north").write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        north.api_secret()
    assert "s3cret" not in f"{caught.value}{caught.value.__cause__}"
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_an_empty_variable_is_said_to_be_empty(north, monkeypatch):
    monkeypatch.setenv("NORTH_KEY", " ")
    with pytest.raises(SettingsError, match="NORTH_KEY is empty"):
        north.api_key()


def test_no_value_shows_in_the_settings(load, monkeypatch, tmp_path):
    monkeypatch.setenv("NORTH_KEY", "s3cret")
    read = load(TEXT)
    assert read.satellites["north"].api_key() == "s3cret"
    assert "s3cret" not in f"{read!r}{read}{read.model_dump()}{read.model_dump_json()}"


@pytest.mark.parametrize("text", ["NORTH", "env:", "env:A B", "env:1A", "file:", "vault:x", "", "file:~/x", "env:Ä"])
def test_what_is_no_reference_is_none(text):
    assert SecretReference.parse(text, Path("/")) is None
