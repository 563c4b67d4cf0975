"""Who asks, and what they may read: API keys, roles, permission levels and User Permissions, as Frappe judges them."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from federation.demo.site.collation import collation_key
from federation.demo.site.errors import (
    AuthenticationFailedError,
    ForbiddenError,
    UndecodableTokenError,
    UnknownKeyError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from federation.demo.site.meta import SiteMeta
    from federation.demo.site.rows import Document
    from federation.demo.site.store import SiteStore

GUEST = "Guest"
EVERYTHING = "*"


@dataclass(frozen=True)
class SiteUser:
    """A user of the site. Disabled users are not told apart: with a valid key they still read [a_auth/11].

    Attributes:
        name: the user's id, an e-mail address.
        roles: role names; they, and `All` and `Guest` of themselves, give what a DocType's `permissions` say.
        reads: DocTypes readable beyond the roles; `*` is every DocType.
        writes: whether documents of readable DocTypes may be changed.
        levels: permission levels readable beyond 0 and what the roles give.
        only: User Permissions: allowed names by DocType; lists shrink to them without a sign, to documents that link
            to an allowed name or to none.
    """

    name: str
    roles: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: bool = False
    levels: tuple[int, ...] = ()
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def may_read(self, meta: SiteMeta) -> bool:
        """Whether lists and documents of the DocType are open to the user."""
        return self._reads_beyond_roles(meta) or any(True for _ in self._rules(meta, "read"))

    def may(self, right: str, meta: SiteMeta) -> bool:
        """Whether the user has a right, such as `read`, `write`, `create` or `delete`, to the DocType."""
        if right == "read":
            return self.may_read(meta)
        return (self.writes and self.may_read(meta)) or any(True for _ in self._rules(meta, right))

    def reads_own_only(self, meta: SiteMeta) -> bool:
        """Whether only documents that the user owns may be read: every rule that gives `read` says `if_owner`."""
        return not self._reads_beyond_roles(meta) and all(rule.get("if_owner") for rule in self._rules(meta, "read"))

    def restricted_fields(self, meta: SiteMeta) -> Iterator[tuple[str, Sequence[str]]]:
        """Fields under a User Permission, with the names that they may hold; `name` among them where it is under one.

        Rows of child tables are under none [c_children/30].
        """
        for doctype, names in self.only.items():
            if meta.name == doctype:
                yield "name", names
            elif not meta.is_table:
                for fieldname, f in meta.fields.items():
                    is_link = f["fieldtype"] == "Link" and f.get("options") == doctype
                    if is_link and not f.get("ignore_user_permissions"):
                        yield fieldname, names

    def may_read_document(self, meta: SiteMeta, document: Document) -> bool:
        """Whether one document of a readable DocType is open to the user: its owner's, and under User Permissions."""
        if self.reads_own_only(meta) and document.get("owner") != self.name:
            return False
        held = ((document.get(field), set(map(collation_key, names))) for field, names in self.restricted_fields(meta))
        return all(value in (None, "") or collation_key(value) in names for value, names in held)

    def all_roles(self) -> list[str]:
        """The user's roles, with those that nobody grants."""
        return [*self.roles, *([] if self.name == GUEST else ["All"]), GUEST]

    def readable_levels(self, meta: SiteMeta) -> set[int]:
        """Permission levels whose fields the user gets; fields of other levels are left out silently."""
        return {0, *self.levels} | self._role_levels(meta)

    def _reads_beyond_roles(self, meta: SiteMeta) -> bool:
        return meta.name in self.reads or EVERYTHING in self.reads

    def _role_levels(self, meta: SiteMeta) -> set[int]:
        roles, rules = self.all_roles(), meta.wire.get("permissions") or ()
        return {int(rule.get("permlevel") or 0) for rule in rules if rule.get("read") and rule["role"] in roles}

    def _rules(self, meta: SiteMeta, right: str) -> Iterator[Mapping[str, Any]]:
        """The DocType's rules at level 0 that give one of the user's roles a right."""
        roles = self.all_roles()
        for rule in meta.wire.get("permissions") or ():
            if rule["role"] in roles and rule.get(right) and not int(rule.get("permlevel") or 0):
                yield rule


def add_user(store: SiteStore, user: SiteUser, *, api_key: str | None = None, api_secret: str | None = None) -> None:
    """Add a user, or replace the one of this name. `Guest` needs no key: it is who asks without one."""
    grants = {name: value for name, value in vars(user).items() if name != "name"}
    with store.writing() as connection:
        connection.execute(
            'INSERT OR REPLACE INTO "~user" VALUES (?, ?, ?, ?)', (user.name, api_key, api_secret, json.dumps(grants))
        )


def authenticate(store: SiteStore, authorization: str | None) -> SiteUser:
    """The user of an Authorization header; Guest without one, and with one that is not two words.

    In version 13 a known key with a wrong secret is Guest too [v13/a_auth/03].

    Raises:
        AuthenticationFailedError: any other header that names no user by the right secret.
        UndecodableTokenError: Basic without base64.
    """
    words = (authorization or "").split(" ")
    if len(words) != 2:  # noqa: PLR2004
        return find_user(store, GUEST) or SiteUser(GUEST)
    scheme, token = words
    if scheme.lower() == "basic":
        try:
            token = base64.b64decode(token).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise UndecodableTokenError from None
    elif scheme.lower() != "token":
        raise AuthenticationFailedError
    key, _, secret = token.partition(":")
    stored = store.connection().execute('SELECT api_secret FROM "~user" WHERE api_key = ?', (key,)).fetchone()
    user = _load(store, "api_key", key)
    knows_secrets = store.manners.knows_wrong_secrets
    if user is None:
        raise AuthenticationFailedError if knows_secrets else UnknownKeyError
    if hmac.compare_digest(str(stored[0]).encode(), secret.encode()):
        return user
    if knows_secrets:
        raise AuthenticationFailedError
    return find_user(store, GUEST) or SiteUser(GUEST)


def find_user(store: SiteStore, name: str) -> SiteUser | None:
    """The user of this name, if there is one."""
    return _load(store, "name", name)


def check_readable(user: SiteUser, meta: SiteMeta, *, asked: Literal["list", "document"] = "list") -> None:
    """Refuse a DocType that the user may not read.

    Raises:
        ForbiddenError: always with the user's name in it, as Frappe does.
    """
    if not user.may_read(meta):
        raise ForbiddenError(user.name, meta.name, asked=asked)


def check_child_readable(user: SiteUser, store: SiteStore, child: SiteMeta, parent: str | None) -> None:
    """Refuse a child list without `parent`, with a parent DocType that has no such table, or one the user may not read.

    Version 13 doesn't see tables that are Custom Fields.

    Raises:
        ForbiddenError: without any reason in the first two cases [c_children/01, 04].
    """
    if not parent or parent not in store.doctypes():
        raise ForbiddenError
    holder = store.meta(parent)
    holding = [holder.fields[fieldname] for fieldname, name in holder.tables.items() if name == child.name]
    if not store.manners.lists_custom_tables:
        holding = [field for field in holding if not field.get("is_custom_field")]
    if not holding:
        raise ForbiddenError
    if not user.may_read(store.meta(parent)):
        raise ForbiddenError(user.name, parent, asked="child list")


def _load(store: SiteStore, column: str, value: str) -> SiteUser | None:
    sql = f'SELECT name, grants FROM "~user" WHERE {column} = ?'
    row = store.connection().execute(sql, (value,)).fetchone()
    if row is None:
        return None
    grants = json.loads(row[1])
    many = {name: tuple(grants[name]) for name in ("roles", "reads", "levels")}
    return SiteUser(row[0], writes=grants["writes"], only=grants["only"], **many)
