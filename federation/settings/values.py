"""The values of the settings: text → checked, typed value, with a mistake that says how to fix it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictStr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic import BaseModel as PydanticModel
from pydantic.json_schema import SkipJsonSchema

from federation.settings.cron import cron_mistake
from federation.settings.errors import did_you_mean, echo
from federation.settings.mistakes import mistake
from federation.settings.places import PlaceError, absolute, proxy_address, site_url
from federation.settings.secrets import SecretReference

SATELLITE_NAME: Final = r"[a-z][a-z0-9_-]{0,62}"
_SITE_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}"
_SHOW: Final = r"last [1-9][0-9]?|domain|year"
_LONGEST_NAME: Final = 140
"""Characters; the length of Frappe's `name` columns."""
_LARGEST_CA_FILE: Final = 4 * 1024 * 1024
"""Bytes; all authorities that a system trusts are a quarter of it."""


class Section(PydanticModel):
    """A mapping of the settings: immutable, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, arbitrary_types_allowed=True)


def folder_of(info: ValidationInfo) -> Path:
    """Return the folder that relative paths are relative to: that of the settings file, else the current one."""
    context: dict[str, Any] = info.context or {}
    folder: Path = context.get("folder", Path())
    return folder.absolute()


def as_text(value: object) -> str:
    """Return a value that has to be text; a mistake where it is none."""
    if not isinstance(value, str | Path):
        raise mistake("must be text", "write it as text, in quotes if need be")
    return str(value)


def _site_url(value: str) -> str:
    try:
        return site_url(value)
    except PlaceError as error:
        raise mistake(error.what, error.fix) from None


def _folder(value: object, info: ValidationInfo) -> Path:
    path = absolute(as_text(value), folder_of(info))
    if path is None:
        raise mistake("is not a folder", "write a path, relative to this file or absolute (`~` is not expanded)")
    return path


def _verify(value: object, info: ValidationInfo) -> Path | bool:
    if value is True:
        return True
    path = absolute(value, folder_of(info)) if isinstance(value, str) else None
    if path is None:
        raise mistake(
            "must be true or the path of a file of CA certificates",
            "certificates are always verified; for a private CA name its PEM file",
        )
    return path


def _ca_file(value: object, info: ValidationInfo) -> Path:
    path = absolute(as_text(value), folder_of(info))
    fix = "name the PEM file of the certificate authority, relative to this file or absolute"
    if path is None:
        raise mistake("is not a file", fix)
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_CA_FILE)
    except OSError as error:
        raise mistake(f"cannot be read: {echo(str(path))} ({error.strerror})", fix) from None
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise mistake(f"holds no certificate: {echo(str(path))}", fix)
    return path


def _secret(value: object, info: ValidationInfo) -> SecretReference:
    if isinstance(value, SecretReference):
        return value
    reference = SecretReference.parse(value, folder_of(info)) if isinstance(value, str) else None
    if reference is None:
        raise mistake(
            "is not a reference to a secret (the value is not shown)",
            "write env:NAME (an environment variable) or file:PATH, never the secret itself",
        )
    return reference


def _proxy(value: object, info: ValidationInfo) -> SecretReference | str:
    if isinstance(value, SecretReference):
        return value
    if isinstance(value, str) and (reference := SecretReference.parse(value, folder_of(info))):
        return reference
    try:
        return proxy_address(as_text(value), may_hold_credentials=False)
    except PlaceError as error:
        raise mistake(error.what, error.fix) from None


def _site_name(value: str) -> str:
    if not re.fullmatch(_SITE_NAME, value, re.ASCII):
        raise mistake(
            "is not a site's name", "write the folder's name under `sites` on the server, for example north.example.com"
        )
    return value


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _time_zone(value: str) -> str:
    zones = _time_zones()
    if value not in zones or value in {"localtime", "Factory"}:
        raise mistake(
            f"`{echo(value)}` is not an IANA time zone", did_you_mean(value, zones, "write one such as Europe/Berlin")
        )
    return value


def _cron(value: str) -> str:
    if wrong := cron_mistake(value):
        raise mistake(f"is not a cron line: it {wrong}", 'write five fields, for example "0 * * * *" (hourly)')
    return value


def _name(value: str) -> str:
    if not value.strip() or value != value.strip() or not value.isprintable() or len(value) > _LONGEST_NAME:
        raise mistake(
            "is not a name or pattern",
            f"write 1 to {_LONGEST_NAME} printable characters without spaces at the ends, for example Sales Invoice",
        )
    return value


def _satellite_name(value: str) -> str:
    if not re.fullmatch(SATELLITE_NAME, value, re.ASCII):
        raise mistake(
            "is not a satellite's name", "start with a-z, go on with a-z, 0-9, _ or -, 63 characters at most: north"
        )
    return value


def _show(value: str) -> str:
    if not re.fullmatch(_SHOW, value, re.ASCII):
        raise mistake(
            f"`{echo(value)}` is nothing that a mask can show",
            'write "last 4" (of texts, any number up to 99), "domain" (of e-mail addresses) or "year" (of dates)',
        )
    return value


def _switch(value: object) -> object:
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


_REFERENCE_SCHEMA: Final = {"type": "string", "pattern": r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"}
_VERIFY_SCHEMA: Final = {"anyOf": [{"const": True}, {"type": "string"}]}
_SWITCH_SCHEMA: Final = {"enum": [True, False, "on", "off"]}
_PATH_SCHEMA: Final = {"type": "string"}

Secret = Annotated[SecretReference, PlainValidator(_secret), PlainSerializer(str), WithJsonSchema(_REFERENCE_SCHEMA)]
Proxy = Annotated[
    SecretReference | str,
    PlainValidator(_proxy),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|https?://[^@]+)$"}),
]
SiteUrl = Annotated[StrictStr, AfterValidator(_site_url)]
Show = Annotated[StrictStr, AfterValidator(_show), WithJsonSchema({"type": "string", "pattern": f"^({_SHOW})$"})]
SiteName = Annotated[StrictStr, AfterValidator(_site_name), WithJsonSchema({"pattern": f"^{_SITE_NAME}$"})]
Folder = Annotated[Path, PlainValidator(_folder), WithJsonSchema(_PATH_SCHEMA)]
CaFile = Annotated[Path, PlainValidator(_ca_file), WithJsonSchema(_PATH_SCHEMA)]
Verify = Annotated[Path | bool, PlainValidator(_verify), WithJsonSchema(_VERIFY_SCHEMA)]
TimeZone = Annotated[StrictStr, AfterValidator(_time_zone)]
Cron = Annotated[StrictStr, AfterValidator(_cron)]
Name = Annotated[StrictStr, AfterValidator(_name)]
SatelliteName = Annotated[
    StrictStr, AfterValidator(_satellite_name), WithJsonSchema({"pattern": f"^{SATELLITE_NAME}$"})
]
ImpliedName = SkipJsonSchema[SatelliteName]
Switch = Annotated[bool, BeforeValidator(_switch), Field(strict=True), WithJsonSchema(_SWITCH_SCHEMA)]
