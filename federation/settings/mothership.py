"""The section `mothership`: which database, how it is reached, and who may read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictStr,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from sqlalchemy.engine import URL

from federation.settings.errors import echo
from federation.settings.mistakes import Mistake, mistake, mistakes
from federation.settings.mothership_url import Engine, engine_of, is_account, is_loopback, mothership_url, shown
from federation.settings.places import PlaceError
from federation.settings.values import CaFile, Name, Secret, Section, Switch, as_text, folder_of

_ONLY_ON_A_SERVER: Final = ("password", "ca", "tls", "analysts", "indexes")


def _url(value: object, info: ValidationInfo) -> URL:
    try:
        return mothership_url(as_text(value), folder_of(info))
    except PlaceError as error:
        raise mistake(error.what, error.fix) from None


def _account_name(value: str) -> str:
    if not is_account(value):
        raise mistake(
            f"`{echo(value)}` is no account's name", "begin with a letter, go on with a-z, 0-9, _ . or -, 64 at most"
        )
    return value


def _spelled_out(value: object) -> object:
    return value if isinstance(value, Mapping | Analyst) else {"password": value}


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


MothershipUrl = Annotated[URL, PlainValidator(_url), PlainSerializer(shown), WithJsonSchema({"type": "string"})]
AccountName = Annotated[StrictStr, AfterValidator(_account_name)]
IndexColumns = Annotated[
    tuple[Name, ...], Field(min_length=1), BeforeValidator(_as_list, json_schema_input_type=str | list[str])
]


class Analyst(Section):
    """An account that only reads."""

    password: Secret = Field(examples=["env:ANALYST_PASSWORD"])
    """Its password: env:NAME or file:PATH."""
    jurisdiction: Name | None = Field(default=None, examples=["EU"])
    """It sees the satellites of this jurisdiction alone; all of them when absent."""


class MothershipSettings(Section):
    """The central database: a DuckDB file, or a database on a MariaDB server."""

    url: MothershipUrl = Field(examples=["mariadb://federation@db.example.com:3306/mothership"])
    """duckdb:/// and a file, or mariadb://user@host:port/database, without a password."""
    password: Secret | None = Field(default=None, examples=["env:MOTHERSHIP_PASSWORD"])
    """The password of the user in `url`: env:NAME or file:PATH."""
    ca: CaFile | None = Field(default=None, examples=["tls/ca.pem"])
    """PEM file of the authority that signed the server's certificate: every connection is encrypted, and verified."""
    tls: Switch | None = Field(default=None, examples=[False])
    """false: connect without encryption to a server elsewhere, in a network that nobody else listens to."""
    analysts: dict[
        AccountName,
        Annotated[Analyst, BeforeValidator(_spelled_out, json_schema_input_type=str | Analyst)],
    ] = Field(default={}, examples=[{"analyst": "env:ANALYST_PASSWORD"}])
    """Read-only accounts that `federation mothership init` makes: name → password, or password and jurisdiction."""
    indexes: dict[Name, tuple[IndexColumns, ...]] = Field(
        default={}, examples=[{"GL Entry": [["account", "posting_date"], "voucher_no"]}]
    )
    """DocType → the columns of its indexes, in place of those that are chosen by rule."""

    @property
    def engine(self) -> Engine:
        """Which database it is."""
        return engine_of(self.url)

    @property
    def place(self) -> str:
        """Where it is, as a reader knows it; holds no secret."""
        return shown(self.url)

    def secret(self) -> str:
        """Return the password, "" where none is set; `SettingsError` if it can't be had."""
        return self.password.reveal("mothership.password") if self.password else ""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        found = list(_on_duckdb(self) if self.engine == "duckdb" else _on_mariadb(self))
        if found:
            raise mistakes(found)
        return self


def _on_duckdb(written: MothershipSettings) -> list[Mistake]:
    return [
        ((key,), "has no meaning with DuckDB, which is a file", "remove it, or write the URL of a MariaDB server")
        for key in _ONLY_ON_A_SERVER
        if key in written.model_fields_set
    ]


def _on_mariadb(written: MothershipSettings) -> list[Mistake]:
    found: list[Mistake] = []
    if written.tls is False and written.ca:
        found.append((("tls",), "is off, but `ca` asks for TLS", "remove one of the two"))
    if written.tls and not written.ca:
        found.append((("tls",), "needs the authority to verify the server by", "add `ca: tls/ca.pem`"))
    if written.tls is None and not written.ca and not is_loopback(written.url):
        what = f"reaches {echo(str(written.url.host))} over a network without TLS"
        fix = (
            "add `ca: tls/ca.pem` (the authority of the server's certificate) to the section `mothership:`, or say "
            "`tls: false` there if nobody else is in that network"
        )
        found.append(((), what, fix))
    if written.url.username in written.analysts:
        what = f"`{written.url.username}` is the user that writes"
        found.append((("analysts", written.url.username), what, "give the analyst another name"))
    return found


def section_of(value: object, info: ValidationInfo) -> Any:  # noqa: ANN401 - what pydantic goes on with
    """Spell out the short form: a URL alone."""
    if isinstance(value, Mapping | MothershipSettings):
        return value
    _url(value, info)  # a mistake in it is one of the key `mothership`; there is no `url` to name
    return {"url": value}
