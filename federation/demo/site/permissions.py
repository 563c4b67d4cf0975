"""Who asks, and what they may read: API keys, roles, permission levels and User Permissions, as Frappe judges them."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from federation.demo.site.errors import AuthenticationFailedError, ForbiddenError, UndecodableTokenError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from federation.demo.site.meta import SiteMeta
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
        only: User Permissions: allowed names by DocType; lists shrink to them without a sign.
    """

    name: str
    roles: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: bool = False
    levels: tuple[int, ...] = ()
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def may_read(self, meta: SiteMeta) -> bool:
        """Whether lists and documents of the DocType are open to the user."""
        return meta.name in self.reads or EVERYTHING in self.reads or 0 in self._role_levels(meta)

    def readable_levels(self, meta: SiteMeta) -> set[int]:
        """Permission levels whose fields the user gets; fields of other levels are left out silently."""
        return {0, *self.levels} | self._role_levels(meta)

    def _role_levels(self, meta: SiteMeta) -> set[int]:
        roles = {GUEST, *self.roles} | (set() if self.name == GUEST else {"All"})
        rules = meta.wire.get("permissions") or ()
        return {int(rule.get("permlevel") or 0) for rule in rules if rule.get("read") and rule["role"] in roles}


def add_user(store: SiteStore, user: SiteUser, *, api_key: str | None = None, api_secret: str | None = None) -> None:
    """Add a user, or replace the one of this name. `Guest` needs no key: it is who asks without one."""
    grants = {name: value for name, value in vars(user).items() if name != "name"}
    with store.writing() as connection:
        connection.execute(
            'INSERT OR REPLACE INTO "~user" VALUES (?, ?, ?, ?)', (user.name, api_key, api_secret, json.dumps(grants))
        )


def authenticate(store: SiteStore, authorization: str | None) -> SiteUser:
    """The user of an Authorization header; Guest without one, and with one that is not two words.

    Raises:
        AuthenticationFailedError: any other header that names no user by the right secret.
        UndecodableTokenError: Basic without base64.
    """
    words = (authorization or "").split(" ")
    if len(words) != 2:  # noqa: PLR2004
        return _load(store, "name", GUEST) or SiteUser(GUEST)
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
    if user is None or not hmac.compare_digest(str(stored[0]).encode(), secret.encode()):
        raise AuthenticationFailedError
    return user


def check_readable(user: SiteUser, meta: SiteMeta, *, asked: Literal["list", "document"] = "list") -> None:
    """Refuse a DocType that the user may not read.

    Raises:
        ForbiddenError: always with the user's name in it, as Frappe does.
    """
    if not user.may_read(meta):
        raise ForbiddenError(user.name, meta.name, asked=asked)


def check_child_readable(user: SiteUser, store: SiteStore, child: SiteMeta, parent: str | None) -> None:
    """Refuse a child list without `parent`, with a parent DocType that has no such table, or one the user may not read.

    Raises:
        ForbiddenError: without any reason in the first two cases [c_children/01, 04].
    """
    if not parent or parent not in store.doctypes() or child.name not in store.meta(parent).tables.values():
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
