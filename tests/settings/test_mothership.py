"""Specification of `mothership`: a DuckDB file or a MariaDB database, and how mistakes in it are told."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.settings.errors import SettingsError
from federation.settings.mothership_url import jurisdiction_database, mothership_url, rebuild_database, server_url
from federation.settings.places import PlaceError
from federation.settings.schema import settings_schema
from federation.settings.starter import starter_files

REPOSITORY = Path(__file__).parents[2]
SITES = """
doctypes: [Customer]
satellites:
  north: {url: https://north.example.com, credentials: env:NORTH, jurisdiction: IN}
  south: {url: https://south.example.com, credentials: env:SOUTH, jurisdiction: EU}
"""
LOCAL = "mariadb://federation@127.0.0.1:3306/mothership"
ELSEWHERE = "mariadb://federation@db.example.com/mothership"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n"


def section(**lines: str) -> str:
    return "mothership:\n" + "".join(f"  {key}: {value}\n" for key, value in lines.items()) + SITES


@pytest.fixture
def ca(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text(CERTIFICATE)
    return file


def test_the_whole_section_is_read(load, ca, monkeypatch):
    monkeypatch.setenv("MOTHERSHIP_PASSWORD", "s3cret")
    read = load(
        section(
            url=ELSEWHERE,
            password="env:MOTHERSHIP_PASSWORD",
            ca="ca.pem",
            analysts="{analyst: env:ANALYST, analyst_eu: {password: env:EU, jurisdiction: EU}}",
            indexes="{GL Entry: [[account, posting_date], voucher_no], Customer: []}",
        )
    ).mothership
    assert (read.engine, read.place) == ("mariadb", "mariadb://federation@db.example.com:3306/mothership")
    assert (read.url.drivername, read.url.port, read.ca, read.tls) == ("mariadb+pymysql", 3306, ca, None)
    assert read.secret() == "s3cret"
    assert {name: one.jurisdiction for name, one in read.analysts.items()} == {"analyst": None, "analyst_eu": "EU"}
    assert read.indexes == {"GL Entry": (("account", "posting_date"), ("voucher_no",)), "Customer": ()}
    assert "s3cret" not in f"{read!r}{read.model_dump_json()}"


@pytest.mark.parametrize("scheme", ["mariadb", "mariadb+pymysql", "mysql+pymysql"])
def test_a_url_alone_is_enough_on_this_machine(load, scheme):
    read = load(f"mothership: {scheme}://federation@localhost/mothership{SITES}").mothership
    assert (read.url.drivername, read.place) == ("mariadb+pymysql", "mariadb://federation@localhost:3306/mothership")
    assert read.secret() == ""


def test_duckdb_may_be_written_as_a_section_too(load, tmp_path):
    read = load(section(url="duckdb:///var/m.duckdb"))
    assert (read.mothership.engine, read.mothership_file) == ("duckdb", tmp_path / "var" / "m.duckdb")
    assert read.mothership.place == str(tmp_path / "var" / "m.duckdb")


def test_a_server_elsewhere_needs_tls_or_a_word_that_it_does_not(load, refused, ca):
    for text in (f"mothership: {ELSEWHERE}{SITES}", section(url=ELSEWHERE)):
        (found,) = refused(text).problems
        assert (found.line, found.key) == (1, "mothership")
        assert "db.example.com over a network without TLS" in found.what
        assert "`ca: tls/ca.pem`" in found.fix
        assert "`tls: false`" in found.fix
    assert load(section(url=ELSEWHERE, tls="false")).mothership.ca is None
    assert load(section(url=ELSEWHERE, ca="ca.pem")).mothership.ca == ca
    for host in ("localhost", "127.0.0.1", "127.8.8.8", "'[::1]'"):
        text = f"mothership: mariadb://f@{host.strip(chr(39))}/m{SITES}"
        assert load(text.replace("mariadb:", "'mariadb:").replace("/m\n", "/m'\n")).mothership.ca is None


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mariadb://federation:s3cret@127.0.0.1/mothership", "holds a password (it is not shown)"),
        ("mariadb://federation:@127.0.0.1/mothership", "holds a password"),
        ("mariadb://federation@127.0.0.1/mothership?password=s3cret", "holds options"),
        ("mariadb://federation@127.0.0.1", "names no database"),
        ("mariadb://federation@127.0.0.1/", "names no database"),
        ("mariadb://127.0.0.1/mothership", "names no user"),
        ("mariadb:///mothership", "names no host"),
        ("mariadb://feder%27ation@127.0.0.1/mothership", "no plain name"),
        ("mariadb://federation@127.0.0.1/mother-ship", "characters beyond letters, digits and _"),
        ("mariadb://federation@127.0.0.1/mother%60ship", "characters beyond letters, digits and _"),
        ("mariadb://federation@127.0.0.1/mother/ship", "characters beyond letters, digits and _"),
        ("mariadb://federation@127.0.0.1/mysql", "the server's own database"),
        (f"mariadb://federation@127.0.0.1/{'m' * 57}", "57 characters, which is too long"),
        ("mariadb://federation@127.0.0.1:s3cret/mothership", "not a database URL"),
        ("mariadb+mysqldb://federation@127.0.0.1/mothership", "`mariadb+mysqldb`, which is not supported"),
        ("mysql://federation:s3cret@127.0.0.1/mothership", "`mysql`, which is not supported"),
        ("oracle://federation:s3cret@127.0.0.1/mothership", "`oracle`, which is not supported"),
    ],
)
def test_a_mistaken_url_is_named_with_its_place_and_without_its_secret(refused, url, what):
    for text, key, line in (
        (f"mothership: '{url}'{SITES}", "mothership", 1),
        (section(url=f"'{url}'"), "mothership.url", 2),
    ):
        error = refused(text)
        (found,) = error.problems
        assert (found.line, found.key) == (line, key)
        assert what in found.what
        assert found.fix
        assert "s3cret" not in f"{error}{error!r}{error.__cause__}"


def test_the_longest_database_name_leaves_room_for_the_rebuilt_one(load):
    read = load(
        f"mothership: mariadb://f@127.0.0.1/{'m' * 56}\n"
        + SITES.replace("jurisdiction", "time_zone").replace(": IN}", ": UTC}").replace(": EU}", ": UTC}")
    )
    assert len(rebuild_database(str(read.mothership.url.database))) == 64


@pytest.mark.parametrize(
    ("key", "value", "at", "what"),
    [
        ("password", "s3cret", "password", "not a reference to a secret"),
        ("ca", "nowhere.pem", "ca", "cannot be read"),
        ("ca", "federation.yaml", "ca", "holds no certificate"),
        ("ca", ".", "ca", "cannot be read"),
        ("ca", "[]", "ca", "must be text"),
        ("tls", "true", "tls", "needs the authority"),
        ("tls", "sometimes", "tls", "true or false"),
        ("analysts", "[analyst]", "analysts", "must be a mapping"),
        ("analysts", "{analyst: s3cret}", "analysts.analyst.password", "not a reference to a secret"),
        ("analysts", "{analyst: {jurisdiction: EU}}", "analysts.analyst.password", "is missing"),
        ("analysts", "{analyst: {password: env:A, jurisdiction: EN}}", "analysts.analyst.jurisdiction", "`EN`"),
        ("analysts", "{analyst: {pasword: env:A, password: env:A}}", "analysts.analyst.pasword", "unknown key"),
        ("analysts", '{"a\'b": env:A}', "analysts.a'b", "no account's name"),
        ("analysts", "{federation: env:A}", "analysts.federation", "the user that writes"),
        ("indexes", "[account]", "indexes", "must be a mapping"),
        ("indexes", "{GL Entry: account}", "indexes.GL Entry", "must be a list"),
        ("indexes", "{GL Entry: [[]]}", "indexes.GL Entry[1]", "must not be empty"),
        ("indexes", "{GL Entry: [7]}", "indexes.GL Entry[1]", "must be a list"),
        ("pasword", "env:A", "pasword", "unknown key"),
    ],
)
def test_a_mistaken_line_of_the_section_is_named_with_its_place(refused, key, value, at, what):
    error = refused(section(url=LOCAL, **{key: value}))
    (found,) = error.problems
    assert (found.line, found.key) == (3, f"mothership.{at}")
    assert what in found.what
    assert found.fix
    assert "s3cret" not in f"{error}{error!r}"


def test_what_is_misspelt_is_met_with_what_was_meant(refused):
    assert "`password`" in refused(section(url=LOCAL, pasword="env:A")).problems[0].fix
    assert (
        "`jurisdiction`"
        in refused(section(url=LOCAL, analysts="{a: {password: env:A, juristiction: EU}}")).problems[0].fix
    )
    near = refused(section(url=LOCAL, analysts="{a: {password: env:A, jurisdiction: eu}}"))
    assert near.problems[0].fix == "did you mean `EU`?"
    assert "add url: mariadb://" in refused(section(password="env:A")).problems[0].fix


def test_tls_and_an_authority_may_not_contradict_each_other(refused, ca):
    assert "`ca` asks for TLS" in refused(section(url=ELSEWHERE, ca="ca.pem", tls="false")).problems[0].what


@pytest.mark.parametrize("key", ["password", "tls", "analysts", "indexes"])
def test_what_only_a_server_has_is_no_key_of_a_file(refused, key):
    value = {"password": "env:A", "tls": "false", "analysts": "{}", "indexes": "{}"}[key]
    (found,) = refused(section(url="duckdb:///var/m.duckdb", **{key: value})).problems
    assert found.key == f"mothership.{key}"
    assert "no meaning with DuckDB" in found.what


def test_every_jurisdiction_has_a_database_of_its_own(load, refused):
    read = load(f"mothership: {LOCAL}{SITES}")
    assert read.jurisdictions() == {"IN": ("north",), "EU": ("south",)}
    assert jurisdiction_database("mothership", "EU") == "mothership_eu"
    assert jurisdiction_database("mothership", "Norway / EEA") == "mothership_norway_eea"
    clash = refused(f"mothership: {LOCAL}{SITES}".replace("jurisdiction: IN", "jurisdiction: eu"))
    assert "`mothership_eu`, which is that of the jurisdiction `EU`" in clash.problems[0].what
    rebuilt = refused(f"mothership: {LOCAL}{SITES}".replace("jurisdiction: IN", "jurisdiction: Rebuild"))
    assert "is that of `federation rebuild`" in rebuilt.problems[0].what
    long = refused(f"mothership: {LOCAL}{SITES}".replace("jurisdiction: IN", f"jurisdiction: {'x' * 60}"))
    assert "longer than 64 characters" in long.problems[0].what


def test_duckdb_asks_nothing_of_jurisdictions(load):
    assert load(SITES.replace("jurisdiction: IN", "jurisdiction: eu")).mothership.engine == "duckdb"


def test_an_administrators_url_names_a_server_and_nothing_else():
    assert (
        server_url("mariadb://root@db.example.com").render_as_string() == "mariadb+pymysql://root@db.example.com:3306"
    )
    for text, what in (
        ("mariadb://root:s3cret@db", "holds a password"),
        ("mariadb://root@db/mothership", "the server alone"),
        ("duckdb:///x", "not mariadb"),
        ("root@db", "not a database URL"),
        ("mariadb://db", "names no user"),
    ):
        with pytest.raises(PlaceError, match=what.replace("(", r"\(")) as raised:
            server_url(text)
        assert "s3cret" not in str(raised.value)


def test_the_schema_takes_both_forms_and_refuses_what_the_loader_refuses():
    schema = settings_schema()
    base = {"satellites": {"n": {"url": "https://n.example.com", "credentials": "env:N"}}}
    whole = {
        "url": ELSEWHERE,
        "password": "env:P",
        "tls": False,
        "analysts": {"a": "env:A", "b": {"password": "env:B", "jurisdiction": "EU"}},
        "indexes": {"GL Entry": [["account", "posting_date"], "voucher_no"]},
    }
    for good in (LOCAL, whole, {"url": "duckdb:///x"}):
        jsonschema.validate(base | {"mothership": good}, schema)
    for bad in ({"password": "env:P"}, {"url": LOCAL, "pasword": "env:P"}, {"url": LOCAL, "password": "plain"}, 3):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(base | {"mothership": bad}, schema)
    assert "s3cret" not in json.dumps(schema)


def test_the_section_of_the_documented_example_is_right_too(load, tmp_path):
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text(CERTIFICATE)
    text = (REPOSITORY / "examples" / "federation.yaml").read_text()
    before, section = text.replace("mothership: duckdb", "# duckdb").split("# mothership:\n")
    read = load(before + "mothership:\n" + re.sub(r"^#(?=   )", " ", section, flags=re.MULTILINE)).mothership
    assert read.place == "mariadb://federation@db.example.com:3306/mothership"
    assert (list(read.analysts), list(read.indexes)) == (["analyst", "analyst_eu"], ["GL Entry"])


def test_the_section_that_the_starter_tells_of_is_right_too(load, ca):
    told = re.search(r"`(mothership: .*)`;", starter_files()["federation.yaml"])
    assert told
    assert load(f"{told[1]}{SITES}").mothership.ca == ca


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.one_of(st.text(max_size=60), st.text(max_size=40).map("mariadb://{}".format)))
def test_any_text_is_a_url_or_a_readable_mistake(tmp_path, text):
    with contextlib.suppress(PlaceError):
        mothership_url(text, tmp_path)
    with contextlib.suppress(PlaceError):
        server_url(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=20))
def test_no_password_of_a_url_is_ever_repeated(load, password):
    secret = f"{password}-s3cret-{password}"
    quoted = f"mariadb://federation:{secret}@127.0.0.1/mothership".replace("'", "''")
    with pytest.raises(SettingsError) as raised:
        load(f"mothership: '{quoted}'{SITES}")
    assert "s3cret" not in f"{raised.value}{raised.value!r}{raised.value.__cause__}"
