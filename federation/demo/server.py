"""Server: the demo's mothership on a MariaDB server, set up as `federation mothership init` does."""

from __future__ import annotations

import secrets

from sqlalchemy.engine import URL

from federation.mothership.mariadb.address import MariadbAddress
from federation.provisioning import provision
from federation.settings.model import Settings


def loader_of(admin: URL) -> tuple[URL, str]:
    """Return the mothership's URL, with an account of its own in it, and that account's password.

    Args:
        admin: a database, with an account that may make others.
    """
    name = f"{admin.database}_loader"
    return URL.create("mariadb", name, None, admin.host, admin.port, admin.database), secrets.token_urlsafe(24)


def set_up(settings: Settings, admin: URL) -> None:
    """Make what the settings need on the server: databases, the loader's account, and places for views.

    Raises:
        MothershipError: the server can't be reached, or refused.
    """
    without = URL.create("mariadb", admin.username, None, admin.host, admin.port)
    provision(settings, MariadbAddress(without, admin.password or ""))
