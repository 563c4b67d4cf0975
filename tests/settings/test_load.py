"""Specification of reading `federation.yaml`: what it gives, and how mistakes are told."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.settings.document import read_document
from federation.settings.errors import SettingsError
from federation.settings.load import load_settings
from federation.settings.model import Settings

THREE_LINES = """
doctypes: [Customer]
satellites:
  north:
    url: https://north.example.com
    credentials: env:NORTH
"""
ALIASES_THAT_MULTIPLY = "".join(
    f"{name}: &{name} [{', '.join([f'*{before}' if before else 'x'] * 10)}]\n"
    for before, name in itertools.pairwise(["", *"abcdefghij"])
).encode()
EXAMPLE = Path(__file__).parents[2] / "examples" / "federation.yaml"


def problem(error: SettingsError, key: str):
    return next(problem for problem in error.problems if problem.key == key)


def south(line: str) -> str:
    """Settings whose second satellite has one line more, at line 10."""
    return f"{THREE_LINES}  south:\n    url: https://south.example.com\n    credentials: env:SOUTH\n    {line}\n"


def test_three_lines_for_a_satellite_are_enough(load, tmp_path):
    read = load(THREE_LINES)
    north = read.satellites["north"]
    assert (north.name, north.url) == ("north", "https://north.example.com")
    assert (str(north.credentials.key), str(north.credentials.secret)) == ("env:NORTH_API_KEY", "env:NORTH_API_SECRET")
    assert (north.page_rows, north.connections, north.verify, north.time_zone) == (5000, 2, True, None)
    assert (str(read.lake_of("north")), read.mothership_file) == (
        str(tmp_path / "var/lake"),
        tmp_path / "var/mothership.duckdb",
    )
    assert (read.var, read.batch_rows, read.publish_seconds, read.validation) == (tmp_path / "var", 250_000, 60, True)
    assert (read.schedules.incremental, read.schedules.reconcile) == ("0 * * * *", "30 2 * * *")


def test_the_documented_example_is_read_without_a_mistake():
    read = load_settings(EXAMPLE)
    assert [satellite.name for satellite in read.enabled_satellites()] == ["north", "south", "east", "west"]
    assert read.satellites["south"].verify == EXAMPLE.parent / "ca/south.pem"
    assert read.satellites["south"].credentials.secret.where == "/run/secrets/south"


def test_several_sites_behind_one_address_are_told_apart_by_their_names(load, refused):
    shared = "https://press.example.com"
    east = f"{{url: '{shared}', site: east.example.com, credentials: env:E}}"
    west = f"{{url: '{shared}', site: west.example.com, credentials: env:W}}"
    read = load(f"doctypes: [Item]\nsatellites: {{east: {east}, west: {west}}}\n")
    assert [satellite.site for satellite in read.satellites.values()] == ["east.example.com", "west.example.com"]
    twice = refused(f"doctypes: [Item]\nsatellites: {{east: {east}, west: {east}}}\n")
    assert "name each under `site`" in problem(twice, "satellites.west.url").fix


def test_a_site_may_be_served_under_a_path(load):
    assert load(south("site: erp")).satellites["south"].site == "erp"
    below = THREE_LINES.replace("north.example.com", "example.com/universities/north/")
    assert load(below).satellites["north"].url == "https://example.com/universities/north"


def test_a_proxy_is_an_address_or_a_reference_to_one_with_a_password(load, monkeypatch):
    assert load(THREE_LINES).satellites["north"].proxy_url() is None
    plain = load(south("proxy: HTTP://Proxy.example.com:3128/")).satellites["south"]
    assert plain.proxy_url() == "http://proxy.example.com:3128"
    secret = load(south("proxy: env:SOUTH_PROXY")).satellites["south"]
    monkeypatch.setenv("SOUTH_PROXY", "http://me:s3cret@proxy.example.com:3128")
    assert secret.proxy_url() == "http://me:s3cret@proxy.example.com:3128"
    assert "s3cret" not in f"{secret!r}{secret.model_dump_json()}"
    monkeypatch.setenv("SOUTH_PROXY", "socks5://me:s3cret@proxy.example.com")
    with pytest.raises(SettingsError, match=r"what env:SOUTH_PROXY holds needs the scheme") as raised:
        secret.proxy_url()
    assert "s3cret" not in f"{raised.value}{raised.value.__cause__}"


def test_a_proxys_password_written_into_the_file_is_refused_and_never_repeated(refused):
    error = refused(south("proxy: http://me:s3cret@proxy.example.com:3128"))
    assert "env:NAME" in problem(error, "satellites.south.proxy").fix
    assert "s3cret" not in f"{error}{error!r}"


def test_overlap_and_reconciliation_have_defaults_and_bounds(load, refused):
    read = load(f"reconcile: {{reread_rows: 5000}}\n{THREE_LINES}")
    assert read.overlap_seconds == 600
    assert (read.reconcile.compare_rows, read.reconcile.reread_rows) == (1_000_000, 5_000)
    error = refused(f"overlap_seconds: -1\nreconcile: {{reread: 0}}\n{THREE_LINES}")
    assert "0 or more" in problem(error, "overlap_seconds").what
    assert "`reread_rows`" in problem(error, "reconcile.reread").fix


def test_three_hundred_satellites_are_read_as_one_is(load):
    sites = "".join(
        f"  campus-{number}: {{url: 'https://erp{number}.example.edu', credentials: env:CAMPUS_{number}, "
        "jurisdiction: EU, time_zone: Europe/Berlin, doctypes: [Student, Fees]}\n"
        for number in range(300)
    )
    read = load(f"satellites:\n{sites}policy: [{{jurisdiction: EU, field: '*phone*', action: drop}}]\n")
    assert len(read.enabled_satellites()) == 300


def test_a_satellites_own_selection_replaces_the_common_one():
    read = load_settings(EXAMPLE)
    own = read.selection(read.satellites["campus-3"])
    assert (own.names, own.patterns, own.modules) == (("Company", "Customer"), ("Student*",), ("Education",))
    common = read.selection(read.satellites["north"])
    assert common.patterns == ("Sales *",)
    assert common.matches("Sales Invoice", "Accounts")
    assert common.matches("Bin", "Stock")
    assert not common.matches("sales invoice", "Accounts")
    assert not own.matches("Bin", "Stock")


def test_every_mistake_is_told_at_once_in_the_order_of_the_file(refused):
    error = refused(
        """
satellites:
  north:
    urll: https://north.example.com
    credentials: env:NORTH
    page_rows: many
schedules:
  incremental: hourly
polcy: []
"""
    )
    assert [(found.line, found.key) for found in error.problems] == [
        (3, "satellites.north.url"),
        (4, "satellites.north.urll"),
        (6, "satellites.north.page_rows"),
        (8, "schedules.incremental"),
        (9, "polcy"),
    ]
    text = str(error)
    assert text.startswith("5 mistakes in /")
    assert "line 4, satellites.north.urll: unknown key\n    -> did you mean `url`?" in text
    assert "did you mean `policy`?" in text


@pytest.mark.parametrize(
    ("line", "key", "what"),
    [
        ("time_zone: Europe/Berln", "time_zone", "not an IANA time zone"),
        ("time_zone: localtime", "time_zone", "not an IANA time zone"),
        ("page_rows: 0", "page_rows", "1 or more"),
        ("page_rows: 1000000", "page_rows", "50000 or less"),
        ('page_rows: "500"', "page_rows", "whole number"),
        ("page_rows: 5e3", "page_rows", "whole number"),
        ("connections: true", "connections", "whole number"),
        ("connections: 99", "connections", "16 or less"),
        ("enabled: maybe", "enabled", "true or false"),
        ("enabled: 1", "enabled", "true or false"),
        ("verify: false", "verify", "must be true or the path"),
        ('site: "a\\nHost: b"', "site", "not a site's name"),
        ("site: https://x", "site", "not a site's name"),
        ("proxy: proxy.example.com", "proxy", "needs the scheme http"),
        ("proxy: socks5://proxy.example.com", "proxy", "needs the scheme http"),
        ("proxy: http://proxy.example.com/path", "proxy", "more than the proxy's address"),
        ("proxy: 3128", "proxy", "must be text"),
        ("doctypes: Customer", "doctypes", "must be a list"),
        ("doctypes: []", "", "selects no DocType"),
        ('doctypes: [" "]', "doctypes[1]", "not a name"),
        (f"doctypes: [{'x' * 141}]", "doctypes[1]", "not a name"),
        ("doctypes: [7]", "doctypes[1]", "must be text"),
        ("jurisdiction:", "jurisdiction", "has no value"),
        ("name: berlin", "name", "not a key here"),
        ("password: hunter2", "password", "unknown key"),
    ],
)
def test_a_mistaken_line_of_a_satellite_is_named_with_its_place(refused, line, key, what):
    error = refused(south(line))
    assert len(error.problems) == 1
    found = problem(error, f"satellites.south{'.' if key else ''}{key}")
    assert what in found.what
    assert found.line == (10 if key else 7)
    assert found.fix


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("south.example.com", "needs the scheme"),
        ("ftp://south.example.com", "needs the scheme"),
        ("https://", "has no host"),
        ("https:///app", "has no host"),
        ("https://south.example.com/app/home", "leads to a page of the site (`/app`)"),
        ("https://south.example.com/erp/api/method/ping", "leads to a page of the site (`/api`)"),
        ("https://south.example.com/../x", "its path is malformed"),
        ("https://south.example.com//x", "its path is malformed"),
        ("https://south.example.com/a%2fb", "its path is malformed"),
        ("https://south.example.com?x=1", "more than the site's address"),
        ("https://south.example.com:99999", "malformed"),
        ("'https://south.example.com:'", None),
        ("https://[::1", "malformed"),
        ("https://[::1]:8000", None),
        ("https://so uth.example.com", "spaces"),
        ('"https://south\\n.example.com"', "control characters"),
        ("https://sou*th.example.com", "malformed"),
        (f"https://{'s' * 70}.example.com", "malformed"),
        ("https://süd.example.com/", None),
        ("http://127.0.0.1:8001", None),
        ("HTTPS://NORTH.example.com:443/", "is the address of `north` too"),
    ],
)
def test_a_url_is_the_plain_address_of_one_site(load, refused, url, what):
    text = f"{THREE_LINES}  south:\n    url: {url}\n    credentials: env:SOUTH\n"
    if what is None:
        assert load(text).satellites["south"].url.startswith("http")
    else:
        assert what in problem(refused(text), "satellites.south.url").what


@pytest.mark.parametrize(
    ("credentials", "key"),
    [
        ("s3cretkey:s3cretword", ""),
        ("file:/run/secrets/s3cret", ""),
        ("'env:'", ""),
        ("env:S3CRET-KEY", ""),
        ("{key: s3cretkey, secret: env:SOUTH}", ".key"),
        ("{key: env:SOUTH, secret: 's3cretword'}", ".secret"),
        ('{key: env:SOUTH, secret: "file:\\0s3cret"}', ".secret"),
        ("{key: env:SOUTH}", ".secret"),
        ("[s3cretkey, s3cretword]", ""),
    ],
)
def test_a_secret_written_into_the_file_is_refused_and_never_repeated(refused, credentials, key):
    error = refused(f"{THREE_LINES}  south:\n    url: https://south.example.com\n    credentials: {credentials}\n")
    assert problem(error, f"satellites.south.credentials{key}").line == 9
    assert "s3cret" not in f"{error}{error!r}{error.__cause__}"


def test_credentials_in_a_url_are_refused_and_never_repeated(refused):
    error = refused(
        "satellites: {north: {url: 'https://me:s3cret@north.example.com', credentials: env:N}}\n"
        "doctypes: [Item]\nlake: s3://me:s3cret@bucket/lake\nmothership: mysql://me:s3cret@host/db\n"
    )
    assert [found.key for found in error.problems] == ["satellites.north.url", "lake", "mothership"]
    assert "s3cret" not in f"{error}{error!r}"


@pytest.mark.parametrize(
    "name", ["North", "1st", "../x", "north.south", "n" * 64, '"nor th"', '"a\\nb"', "_a", "''", "'`'", "é"]
)
def test_a_satellites_name_has_to_be_plain(refused, name):
    error = refused(f"doctypes: [Item]\nsatellites:\n  {name}: {{url: 'https://n.example.com', credentials: env:N}}\n")
    assert [found.what for found in error.problems] == ["is not a satellite's name"]
    assert error.problems[0].line == 3


def test_a_key_given_twice_is_a_mistake(refused):
    error = refused(
        f"{THREE_LINES}  north:\n    url: https://other.example.com\n    credentials: env:OTHER\nlake: a\nlake: b\n"
    )
    assert [(found.line, found.key) for found in error.problems] == [(7, "satellites.north"), (11, "lake")]
    assert "first on line 4" in error.problems[0].what


@pytest.mark.parametrize(
    ("line", "key", "what"),
    [
        ("mothership: postgresql://db/mothership", "mothership", "`postgresql`, which is not supported"),
        ("mothership: 'duckdb:///:memory:'", "mothership", "names no file"),
        ("mothership: duckdb://", "mothership", "names no file"),
        ("mothership: duckdb:///folder/", "mothership", "names no file"),
        ("mothership: duckdb://host/x", "mothership", "DuckDB is a file"),
        ("mothership: var/m.duckdb", "mothership", "not a database URL"),
        ("mothership: 3", "mothership", "must be text"),
        ("lake: s4://bucket", "lake", "unknown protocol"),
        ("lake: simplecache::s3://bucket", "lake", "not the URL of a folder"),
        ("lake: ~/lake", "lake", "not a folder"),
        ("lake: []", "lake", "must be text"),
        ("var: ''", "var", "not a folder"),
        ("batch_rows: -1", "batch_rows", "1 or more"),
        ("batch_rows: 99999999999999999999999", "batch_rows", "whole number"),
        ("validation: perhaps", "validation", "true or false"),
        ("publish_seconds: .5", "publish_seconds", "whole number"),
        ("schedules: hourly", "schedules", "must be a mapping"),
        ("schedules: {time_zone: Mars}", "schedules.time_zone", "not an IANA time zone"),
        ("policy: drop", "policy", "must be a list"),
        ("policy: !!python/object:os.system {}", "policy", "must be a list"),
        ("var: !secret x", "var", "tag !secret"),
        ("batch_rows: !!int x", "batch_rows", "not understood"),
        ("? [a, b]\n: 1", "", "a key is not plain text"),
        ("satelites: {}", "satelites", "unknown key"),
    ],
)
def test_a_mistaken_line_at_the_top_is_named_with_its_place(refused, line, key, what):
    error = refused(f"{line}\n{THREE_LINES}")
    found = problem(error, key)
    assert what in found.what
    assert (found.line, len(error.problems)) == (1, 1)


def test_other_databases_are_refused_with_what_is_supported(refused):
    assert "supported are duckdb and mariadb" in refused(f"mothership: mysql://db/x\n{THREE_LINES}").problems[0].fix


def test_a_lake_whose_package_is_missing_says_so_before_anything_starts(refused):
    assert "not installed" in refused(f"lake: s3://bucket/lake\n{THREE_LINES}").problems[0].what


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("schedules: {incremetal: '0 * * * *'}", "incremental"),
        ("policy: [{feild: x, action: drop}]", "field"),
        ("Lake: x", "lake"),
        ("satellites: {n: {url: 'https://n.example.com', credentials: {key: env:A, secert: env:B}}}", "secret"),
        ("satellites: {n: {url: 'https://n.example.com', credentials: env:A, conections: 1}}", "connections"),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_met_with_the_one_that_was_meant(refused, line, meant):
    rest = "doctypes: [Item]\n" if line.startswith("satellites") else THREE_LINES
    assert f"did you mean `{meant}`?" in [found.fix for found in refused(f"{line}\n{rest}").problems]


def test_settings_can_be_made_without_a_file(tmp_path):
    values = {"doctypes": ["Item"], "satellites": {"n": {"url": "http://127.0.0.1:8001", "credentials": "env:N"}}}
    made = Settings.model_validate(values, context={"folder": tmp_path})
    assert (made.satellites["n"].name, made.mothership_file) == ("n", tmp_path / "var/mothership.duckdb")


def test_norway_is_a_jurisdiction_and_on_is_a_satellite(load):
    read = load(
        "doctypes: [Item]\nvalidation: off\n"
        "satellites: {on: {url: 'https://n.example.com', credentials: env:N, jurisdiction: NO}}\n"
    )
    assert read.satellites["on"].jurisdiction == "NO"
    assert read.validation is False


def test_a_file_without_satellites_or_doctypes_says_what_to_add(refused):
    assert problem(refused("doctypes: [Item]"), "satellites").what == "is missing"
    assert problem(refused("satellites: {}"), "satellites").what == "must not be empty"
    none = refused("satellites: {north: {url: 'https://n.example.com', credentials: env:N}}")
    assert "add `doctypes:`" in problem(none, "satellites.north").fix


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"# only a comment\n", "the file is empty"),
        (b"- a\n- b\n", "not a mapping"),
        (b"hello", "not a mapping"),
        (b"a: [1, 2\nb: 3\n", "not readable as YAML"),
        (b"a: b: c\n", "not readable as YAML"),
        (b"a: 1\n---\nb: 2\n", "not readable as YAML"),
        (b"a: *nowhere\n", "not readable as YAML"),
        (b"\tdoctypes: []\n", "not readable as YAML"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
        (b"a: \x00\x01\x02", "characters that YAML does not allow"),
        (b"PAR1" + bytes(range(256)), "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"- " * 100_000, "nested too deeply"),
        (b"{a: " * 100_000, "nested too deeply"),
        (b"a: &a [*a]\n", "nested too deeply"),
        (ALIASES_THAT_MULTIPLY, "too many values"),
        (b"x" * 600_000, "larger than"),
        (b"{}", "is missing"),
    ],
)  # fmt: skip
def test_what_is_no_settings_file_is_refused_with_one_clear_mistake(refused, content, what):
    error = refused(content)
    assert what in error.problems[0].what
    assert error.problems[0].fix


def test_a_missing_file_explains_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FEDERATION_SETTINGS", raising=False)
    with pytest.raises(SettingsError, match=r"federation\.yaml(.|\n)*no such file(.|\n)*federation init"):
        load_settings()
    with pytest.raises(SettingsError, match="this is a folder"):
        load_settings(tmp_path)


def test_the_file_is_the_one_of_the_environment_or_of_this_folder(load, tmp_path, monkeypatch):
    load(THREE_LINES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FEDERATION_SETTINGS", raising=False)
    here = load_settings()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.yaml").write_text(THREE_LINES)
    monkeypatch.setenv("FEDERATION_SETTINGS", "elsewhere/mine.yaml")
    elsewhere = load_settings()
    assert (here.var, elsewhere.var) == (tmp_path / "var", tmp_path / "elsewhere/var")


def test_a_file_full_of_mistakes_stays_readable(refused):
    error = refused("".join(f"key{number}: 1\n" for number in range(20_000)))
    assert len(error.problems) == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: (THREE_LINES + text).encode())))
def test_any_bytes_are_settings_or_a_readable_mistake(tmp_path, content):
    file = tmp_path / "federation.yaml"
    file.write_bytes(content)
    with contextlib.suppress(SettingsError):
        load_settings(file)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_every_mistake_of_any_bytes_is_printable(content):
    text = str(SettingsError(read_document(content).problems))
    assert text.replace("\n", "").isprintable()
