"""The model of `federation.yaml`: its sections, their defaults, and what must agree between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, StrictInt, ValidationInfo, field_validator, model_validator

from federation.lake.place import LakePlace
from federation.settings.aggregates import Aggregate, disagreements_of_aggregates
from federation.settings.agreement import (
    disagreements_of_drift,
    disagreements_of_jurisdictions,
    disagreements_of_lakes,
    disagreements_of_policy,
    disagreements_of_satellites,
)
from federation.settings.errors import Problem, SettingsError, did_you_mean
from federation.settings.lakes import Lakes, LakeSetting
from federation.settings.mapping import DocTypeMapping, disagreements_of_mapping
from federation.settings.mistakes import Mistake, mistake, mistakes
from federation.settings.mothership import MothershipSettings, section_of
from federation.settings.places import PlaceError, proxy_address
from federation.settings.secrets import ENVIRONMENT_NAME, SecretReference
from federation.settings.selection import Selection, is_pattern
from federation.settings.values import (
    Cron,
    Folder,
    ImpliedName,
    Name,
    Proxy,
    SatelliteName,
    Secret,
    Section,
    Show,
    SiteName,
    SiteUrl,
    Switch,
    TimeZone,
    Verify,
)

IDENTITY_FIELDS: Final = frozenset(
    {"name", "modified", "creation", "docstatus", "idx", "parent", "parentfield", "parenttype"}
)
"""What a document is known, found and ordered by: the policy never withholds them."""

MetadataRule = Literal["mandatory", "options", "negative", "rating", "order"]
"""What a site's metadata promises and Frappe may once have let pass: a kind of expectation."""


class CredentialReferences(Section):
    """Where the API key and the API secret of a read-only user of the site are kept."""

    key: Secret = Field(examples=["env:NORTH_API_KEY"])
    """The API key: env:NAME or file:PATH."""
    secret: Secret = Field(examples=["env:NORTH_API_SECRET"])
    """The API secret: env:NAME or file:PATH."""


def _both_references(value: object) -> object:
    """Spell out the short form: `env:NORTH` is NORTH_API_KEY and NORTH_API_SECRET."""
    if isinstance(value, Mapping | CredentialReferences):
        return value
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind != "env" or not ENVIRONMENT_NAME.fullmatch(name):
        raise mistake(
            "are no references to secrets (the value is not shown)",
            "write env:NORTH (for NORTH_API_KEY and NORTH_API_SECRET), or key: and secret:, each env:… or file:…",
        )
    return {"key": f"env:{name}_API_KEY", "secret": f"env:{name}_API_SECRET"}


class Satellite(Section):
    """One Frappe site. Three lines are enough: its name, url and credentials."""

    name: ImpliedName
    """The key in `satellites`; it stands in every row of the mothership and never changes."""
    url: SiteUrl = Field(examples=["https://north.example.com"])
    """The site's address, with the sub-path it is served under, if any; without credentials."""
    site: SiteName | None = Field(default=None, examples=["north.example.com"])
    """The site's own name, where `url` leads to a server of several sites: sent as Host and X-Frappe-Site-Name."""
    proxy: Proxy | None = Field(default=None, examples=["http://proxy.example.com:3128"])
    """The HTTP proxy on the way to the site: its address, or env:NAME or file:PATH where that holds a password."""
    credentials: Annotated[
        CredentialReferences, BeforeValidator(_both_references, json_schema_input_type=str | CredentialReferences)
    ] = Field(examples=["env:NORTH"])
    """env:NORTH (the variables NORTH_API_KEY and NORTH_API_SECRET), or `key` and `secret` by reference."""
    enabled: Switch = True
    """Off: nothing is read from the site; what the mothership has of it stays, and gets stale."""
    time_zone: TimeZone | None = Field(default=None, examples=["Europe/Berlin"])
    """IANA name of the site's time zone; asked from the site when absent."""
    jurisdiction: Name | None = Field(default=None, examples=["EU"])
    """What policy rules with a `jurisdiction` match."""
    page_rows: Annotated[StrictInt, Field(ge=1, le=50_000)] = 5_000
    """Rows asked for with one request."""
    connections: Annotated[StrictInt, Field(ge=1, le=16)] = 2
    """Requests at one time."""
    read_timeout_seconds: Annotated[StrictInt, Field(ge=1, le=3_600)] = 120
    """Seconds without an answer after which a request is given up and tried again."""
    verify: Verify = True
    """true, or the PEM file of a private CA. Certificates are always verified."""
    doctypes: tuple[Name, ...] | None = Field(default=None, examples=[["Customer", "Sales Invoice"]])
    """This satellite's own DocTypes; with `modules` they replace the common selection."""
    modules: tuple[Name, ...] | None = Field(default=None, examples=[["Accounts"]])
    """This satellite's own modules; with `doctypes` they replace the common selection."""
    mapping: tuple[DocTypeMapping, ...] = Field(default=(), examples=[[{"doctype": "Client", "becomes": "Customer"}]])
    """What this site calls otherwise: DocTypes, fields, values; and constants for fields that it hasn't got."""

    @field_validator("mapping")
    @classmethod
    def _mapping_agrees(cls, mapping: tuple[DocTypeMapping, ...]) -> tuple[DocTypeMapping, ...]:
        if found := list(disagreements_of_mapping(mapping)):
            raise mistakes(found)
        return mapping

    def api_key(self) -> str:
        """Return the API key; `SettingsError` if it can't be had."""
        return self.credentials.key.reveal(f"satellites.{self.name}.credentials.key")

    def api_secret(self) -> str:
        """Return the API secret; `SettingsError` if it can't be had."""
        return self.credentials.secret.reveal(f"satellites.{self.name}.credentials.secret")

    def proxy_url(self) -> str | None:
        """Return the proxy's address, with its credentials if it has some; `SettingsError` if it can't be had."""
        if not isinstance(self.proxy, SecretReference):
            return self.proxy
        purpose = f"satellites.{self.name}.proxy"
        try:
            return proxy_address(self.proxy.reveal(purpose), may_hold_credentials=True)
        except PlaceError as error:
            raise SettingsError([Problem(f"what {self.proxy} holds {error.what}", error.fix, purpose)]) from None


class PolicyRule(Section):
    """What happens to fields. A selector that is absent matches everything; all texts may be patterns.

    The most specific rule wins: an exact `field` beats a pattern, a pattern beats none; then `fieldtype`, the higher
    `permlevel`, `doctype`, `satellite` and `jurisdiction` decide in the same way, in this order. Of two equally
    specific rules the later one wins. Attach, Attach Image and Signature are dropped unless a rule that selects by
    `field` or `fieldtype` says otherwise.
    """

    jurisdiction: Name | None = Field(default=None, examples=["EU"])
    """Jurisdiction of the satellite."""
    satellite: Name | None = Field(default=None, examples=["north"])
    """Name of the satellite."""
    doctype: Name | None = Field(default=None, examples=["Customer"])
    """Name of the DocType; a field of a child table belongs to the child's DocType."""
    field: Name | None = Field(default=None, examples=["email_id"])
    """Fieldname."""
    fieldtype: Name | None = Field(default=None, examples=["Small Text"])
    """Frappe's fieldtype, today's or an earlier one of the field."""
    permlevel: Annotated[StrictInt, Field(ge=0, le=99)] | None = Field(default=None, examples=[1])
    """Frappe's permission level: matches fields of this level or above."""
    action: Literal["keep", "drop", "hash", "mask"] = Field(examples=["drop"])
    """keep; drop: never requested from the site; hash: keyed HMAC-SHA256 of text; mask: only what `show` says. What
    can't be hashed or masked so is dropped."""
    at: Literal["mothership"] | None = Field(default=None, examples=["mothership"])
    """mothership: the rule is about what goes on from the lake: `drop` leaves the field on the satellite's own lake.
    Absent: it holds from the site on, for the lake and the mothership."""
    show: Show | None = Field(default=None, examples=["last 4"])
    """What `mask` lets be seen: "last 4" characters of texts, the "domain" of e-mail addresses, the "year" of dates."""
    key: Secret | None = Field(default=None, examples=["env:FEDERATION_HASH_KEY"])
    """The key of `hash`, by reference."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        found: list[Mistake] = []
        if self.action == "hash" and self.key is None:
            found.append((("key",), "is missing: hash needs a key", "add `key: env:FEDERATION_HASH_KEY`"))
        if self.action != "hash" and self.key is not None:
            found.append((("key",), f"has no meaning with {self.action}", "remove it, or write `action: hash`"))
        if self.action == "mask" and self.show is None:
            found.append(
                (("show",), "is missing: what may be seen of the values", "add `show: last 4`, domain or year")
            )
        if self.action != "mask" and self.show is not None:
            found.append((("show",), f"has no meaning with {self.action}", "remove it, or write `action: mask`"))
        if self.at is not None and self.action in ("hash", "mask"):
            what = f"can't be combined with {self.action}: values are altered as they leave the site, not later"
            found.append((("at",), what, "remove `at`, so that the lake has them so too, or write `action: drop`"))
        if self.field == "name" and self.action == "hash":
            found.extend(_mistakes_of_name_rule(self))
        elif self.action != "keep" and self.field in IDENTITY_FIELDS:
            found.append(
                (
                    ("field",),
                    f"`{self.field}` identifies documents and cannot be withheld",
                    "remove the rule, or select other fields",
                )
            )
        if found:
            raise mistakes(found)
        return self


class DriftRule(Section):
    """What is done when a site changes what its DocTypes are.

    A selector that is absent matches everything; all texts may be patterns. The most specific rule wins: an exact
    `change` beats a pattern, a pattern beats none; then `doctype` and `satellite` decide in the same way. Of two
    equally specific rules the later one wins. Without a rule the site is followed.
    """

    satellite: Name | None = Field(default=None, examples=["north"])
    """Name of the satellite."""
    doctype: Name | None = Field(default=None, examples=["Sales Invoice"])
    """Name of the DocType; a field of a child table belongs to the child's DocType."""
    change: Name | None = Field(default=None, examples=["field_added"])
    """field_added, field_returned, field_removed, retyped, options, length, precision, label, mandatory, permlevel,
    table_added or table_removed."""
    reaction: Literal["evolve", "freeze", "ignore"] = Field(examples=["freeze"])
    """evolve: the site is followed, and the check warns; ignore: followed without a word; freeze: what was accepted
    last stays, and the check fails, until `federation contract accept`. What is gone, and permission levels, are always
    followed."""


def _mistakes_of_name_rule(rule: PolicyRule) -> Iterator[Mistake]:
    """Yield what is wrong with a rule that hashes the names of documents."""
    if rule.doctype is None or is_pattern(rule.doctype):
        what = "must be the one DocType whose names are hashed, and with them every link to it"
        yield ("doctype",), what, "write one rule a DocType: {doctype: Customer, field: name, action: hash, key: …}"
    elif rule.doctype in ("DocType", "Module Def"):
        yield ("doctype",), f"`{rule.doctype}` has names that everything else is called by", "remove the rule"
    for key in ("fieldtype", "permlevel"):
        if getattr(rule, key) is not None:
            yield (key,), "has no meaning for `name`", "remove it"


class Erasure(Section):
    """How `federation erase` remembers what is to be kept away for good."""

    key: Secret = Field(examples=["env:FEDERATION_ERASURE_KEY"])
    """The key of the pseudonyms that stand for erased documents, by reference; it never changes."""


class Schedules(Section):
    """The cron lines of the runs that start by themselves."""

    incremental: Cron = "0 * * * *"
    """What changed since the last run: a cron line, hourly by default."""
    reconcile: Cron = "30 2 * * *"
    """The whole walk that finds silent changes: a cron line, nightly by default."""
    time_zone: TimeZone = "UTC"
    """IANA time zone of the cron lines."""


class Reconcile(Section):
    """How much of a DocType one nightly run may read where only reading finds a change; the next one goes on there."""

    compare_rows: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] = 1_000_000
    """Rows of a DocType whose name and time of change one run compares: finds deletions and renames without a trace."""
    reread_rows: Annotated[StrictInt, Field(ge=1, le=1_000_000_000)] = 100_000
    """Rows of a DocType that one run reads again in full: finds values changed without a trace."""


_ByName = Annotated[dict[SatelliteName, Satellite], Field(min_length=1)]


def _named(value: object) -> object:
    """Give every satellite its name: the key it stands under."""
    if not isinstance(value, Mapping):
        return value
    return {name: {"name": name, **entry} if isinstance(entry, Mapping) else entry for name, entry in value.items()}


class Settings(Section):
    """Everything that `federation.yaml` says. Paths are absolute; secrets are references."""

    doctypes: tuple[Name, ...] = Field(default=(), examples=[["Customer", "Sales Invoice"]])
    """DocTypes to bring together: exact names (Sales Invoice) and patterns ("Sales *"). Child tables come along."""
    modules: tuple[Name, ...] = Field(default=(), examples=[["Accounts"]])
    """Frappe modules all of whose DocTypes are brought together (Accounts)."""
    satellites: Annotated[_ByName, BeforeValidator(_named, json_schema_input_type=_ByName)] = Field(
        examples=[{"north": {"url": "https://north.example.com", "credentials": "env:NORTH"}}]
    )
    """The sites, by name."""
    policy: tuple[PolicyRule, ...] = Field(default=(), examples=[[{"field": "email_id", "action": "drop"}]])
    """What leaves a site as it is, masked, hashed, or not at all."""
    drift: tuple[DriftRule, ...] = Field(default=(), examples=[[{"change": "field_added", "reaction": "freeze"}]])
    """What is done when a site changes what its DocTypes are."""
    aggregates: tuple[Aggregate, ...] = Field(
        default=(),
        examples=[[{"name": "Salary by company", "doctype": "Salary Slip", "by": ["company"], "at_least": 5}]],
    )
    """DocTypes that leave a site as counts and sums alone, never as documents."""
    lake: LakeSetting = Field(default="var/lake", validate_default=True, examples=["var/lake"])
    """Folder or fsspec URL (s3://bucket/lake) of the packages; or one for each jurisdiction, and a `default`."""
    mothership: Annotated[
        MothershipSettings, BeforeValidator(section_of, json_schema_input_type=str | MothershipSettings)
    ] = Field(
        default="duckdb:///var/mothership.duckdb",
        validate_default=True,
        examples=["duckdb:///var/mothership.duckdb"],
    )
    """The central database: duckdb:/// and a file; or for MariaDB a section with `url` and what belongs to it."""
    var: Folder = Field(default="var", validate_default=True)
    """Folder of run-time files such as locks."""
    batch_rows: Annotated[StrictInt, Field(ge=1, le=10_000_000)] = 250_000
    """Rows held in memory at once, and in one commit."""
    max_delete_share: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.2
    """Share of a DocType's documents that one run may find gone (beyond 50); more needs --allow-mass-delete."""
    quarantine_warn_share: Annotated[float, Field(ge=0, le=1, strict=True)] = 0.0
    """Share of a DocType's documents above which those in quarantine are a warning; 0: any is."""
    overlap_seconds: Annotated[StrictInt, Field(ge=0, le=86_400)] = 600
    """How much later than its time of change a row may be committed on a site; so much is read again each run."""
    reconcile: Reconcile = Field(default=Reconcile(), examples=[{"reread_rows": 100_000}])
    """How much of a DocType one nightly run may read."""
    publish_seconds: Annotated[StrictInt, Field(ge=0, le=86_400)] = 60
    """Least time between two publications of the mothership."""
    validation: Switch = True
    """Whether packages are held against expectations."""
    expectations: Folder = Field(default="expectations", validate_default=True)
    """Folder of your own expectations, one file a DocType (expectations/sales_invoice.yaml)."""
    data_docs: LakeSetting | None = Field(default=None, examples=["var/data-docs"])
    """Folder or fsspec URL of Great Expectations' pages; or one for each jurisdiction. By default with the packages."""
    reject_by_metadata: tuple[MetadataRule, ...] = Field(default=(), examples=[["mandatory", "options"]])
    """Rules that follow from the sites' metadata and set a document aside instead of warning."""
    erasure: Erasure | None = Field(default=None, examples=[{"key": "env:FEDERATION_ERASURE_KEY"}])
    """What `federation erase` needs, and from then on every sync."""
    schedules: Schedules = Field(default=Schedules(), examples=[{"incremental": "0 * * * *"}])
    """When the pipeline runs by itself."""

    @field_validator("satellites")
    @classmethod
    def _satellites_agree(cls, satellites: dict[str, Satellite], info: ValidationInfo) -> dict[str, Satellite]:
        selections = [info.data.get(key) for key in ("doctypes", "modules")]
        common = None if None in selections else any(selections)
        if found := list(disagreements_of_satellites(satellites, common)):
            raise mistakes(found)
        return satellites

    @field_validator("policy")
    @classmethod
    def _policy_agrees(cls, policy: tuple[PolicyRule, ...], info: ValidationInfo) -> tuple[PolicyRule, ...]:
        satellites = info.data.get("satellites")
        if satellites is not None and (found := list(disagreements_of_policy(policy, satellites))):
            raise mistakes(found)
        return policy

    @field_validator("drift")
    @classmethod
    def _drift_agrees(cls, drift: tuple[DriftRule, ...], info: ValidationInfo) -> tuple[DriftRule, ...]:
        satellites = info.data.get("satellites")
        if satellites is not None and (found := list(disagreements_of_drift(drift, satellites))):
            raise mistakes(found)
        return drift

    @field_validator("aggregates")
    @classmethod
    def _aggregates_agree(cls, aggregates: tuple[Aggregate, ...], info: ValidationInfo) -> tuple[Aggregate, ...]:
        satellites: Mapping[str, Satellite] | None = info.data.get("satellites")
        if satellites is not None:
            selected = [*info.data.get("doctypes", ()), *(n for one in satellites.values() for n in one.doctypes or ())]
            if found := list(disagreements_of_aggregates(aggregates, satellites, selected)):
                raise mistakes(found)
        return aggregates

    @field_validator("lake")
    @classmethod
    def _lakes_agree(cls, lake: Lakes, info: ValidationInfo) -> Lakes:
        satellites = info.data.get("satellites")
        if satellites is not None and (found := list(disagreements_of_lakes(lake, satellites))):
            raise mistakes(found)
        return lake

    @field_validator("data_docs")
    @classmethod
    def _data_docs_stay_in_their_region(cls, data_docs: Lakes | None, info: ValidationInfo) -> Lakes | None:
        satellites, lake = info.data.get("satellites"), info.data.get("lake")
        if data_docs is None or satellites is None or lake is None:
            return data_docs
        found = list(disagreements_of_lakes(data_docs, satellites))
        for jurisdiction in lake.by_jurisdiction.keys() - data_docs.by_jurisdiction.keys():
            what = f"would hold examples of the jurisdiction `{jurisdiction}`, whose documents have a lake of their own"
            found.append(((), what, f"add a place for `{jurisdiction}:`, or remove `data_docs`"))
        if found:
            raise mistakes(found)
        return data_docs

    @field_validator("mothership")
    @classmethod
    def _jurisdictions_agree(cls, mothership: MothershipSettings, info: ValidationInfo) -> MothershipSettings:
        satellites = info.data.get("satellites")
        if satellites is not None and (found := list(disagreements_of_jurisdictions(mothership, satellites))):
            raise mistakes(found)
        return mothership

    @property
    def mothership_file(self) -> Path:
        """The file that analysts open, where the mothership is one."""
        return Path(str(self.mothership.url.database))

    def lake_of(self, satellite: str) -> LakePlace:
        """Return where a satellite's packages are kept.

        Raises:
            SettingsError: they don't name the satellite, and there are several places.
        """
        named, places = self.satellites.get(satellite), self.lakes()
        shared = places[0] if len(places) == 1 else None
        place = self.lake.of(named.jurisdiction) if named else shared
        if place is None:
            fix = did_you_mean(satellite, self.satellites, "add it; its lake is that of its jurisdiction")
            raise SettingsError([Problem("the settings name no such satellite", fix, f"satellites.{satellite}")])
        return place

    def data_docs_of(self, satellite: str) -> LakePlace:
        """Return where Great Expectations' pages about a satellite are kept: with its packages unless the settings say.

        Raises:
            SettingsError: they don't name the satellite, and there are several places.
        """
        named = self.satellites.get(satellite)
        place = self.data_docs.of(named.jurisdiction if named else None) if self.data_docs else None
        return place or self.lake_of(satellite)

    def lakes(self) -> tuple[LakePlace, ...]:
        """Return all places that packages are kept in."""
        return self.lake.places()

    def jurisdictions(self) -> dict[str, tuple[str, ...]]:
        """Return jurisdiction → its satellites, switched off ones too: what is there of them stays."""
        by_name: dict[str, tuple[str, ...]] = {}
        for satellite in self.satellites.values():
            if satellite.jurisdiction is not None:
                by_name[satellite.jurisdiction] = (*by_name.get(satellite.jurisdiction, ()), satellite.name)
        return by_name

    def enabled_satellites(self) -> tuple[Satellite, ...]:
        """Return the satellites to read from, in the order of the file."""
        return tuple(satellite for satellite in self.satellites.values() if satellite.enabled)

    def aggregates_of(self, satellite: Satellite) -> tuple[Aggregate, ...]:
        """Return the aggregates that are made of a satellite's documents; these leave it no other way."""
        return tuple(aggregate for aggregate in self.aggregates if aggregate.applies_to(satellite))

    def selection(self, satellite: Satellite) -> Selection:
        """Return the DocTypes wanted from a satellite: its own, or else the common ones, and its aggregates."""
        own = satellite.doctypes is not None or satellite.modules is not None
        doctypes, modules = (satellite.doctypes, satellite.modules) if own else (self.doctypes, self.modules)
        aggregates = self.aggregates_of(satellite)
        return Selection.of(
            doctypes or (),
            modules or (),
            tuple(aggregate.name for aggregate in aggregates),
            # A DocType of the site that is called like an aggregate would share its table.
            frozenset({*(one.doctype for one in aggregates), *(one.name for one in self.aggregates)}),
        )
