"""Probe: is it a Frappe site, who are we there, which versions run, and what time is it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.frappe.errors import failure
from connectors.frappe.message import optional_message, read_message
from connectors.frappe.names import shown
from connectors.frappe.request import method_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.frappe.session import Answer, FrappeSession


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What a site says about itself.

    Attributes:
        user: whose key we hold.
        versions: app → version, such as {"frappe": "15.44.2"}; empty where the user may not ask.
        time_zone: the IANA name of the zone of its local times, None where none is set [v13/b_list/16].
        clock_skew: the site's clock minus ours, to about a second; None without a `Date` header.
    """

    user: str
    versions: Mapping[str, str]
    time_zone: str | None
    clock_skew: timedelta | None


def ping(session: FrappeSession) -> None:
    """Return if the site is up; takes no permission.

    Raises:
        TransientError, SatelliteError: it isn't.
    """
    read_message(session, method_call("ping"))


def probe(session: FrappeSession) -> SiteFacts:
    """Return what the site says about itself, after checking that the credentials are good.

    Raises:
        SatelliteError: it isn't a Frappe site, or the credentials are wrong: Frappe 13 and a malformed header make
            us a guest without saying so [v13/a_auth/03, a_auth/26].
        TransientError: by the table of reactions.
    """
    user, answer = read_message(session, method_call("frappe.auth.get_logged_user"))
    if not isinstance(user, str) or user == "Guest":
        raise failure(401, site=session.url)
    zone = optional_message(session, method_call("frappe.client.get_time_zone"))
    named = zone.get("time_zone") if isinstance(zone, dict) else None
    return SiteFacts(
        shown(user, 140), _versions(session), shown(named) if isinstance(named, str) and named else None, _skew(answer)
    )


def _versions(session: FrappeSession) -> dict[str, str]:
    apps = optional_message(session, method_call("frappe.utils.change_log.get_versions"))
    if not isinstance(apps, dict):
        return {}
    return {shown(app): shown(told.get("version", "")) for app, told in apps.items() if isinstance(told, dict)}


def _skew(answer: Answer) -> timedelta | None:
    """The header is cut to whole seconds, so half a second is added; it was set somewhere during the call."""
    if answer.site_clock is None:
        return None
    ours = answer.observed + timedelta(seconds=answer.seconds / 2)
    return answer.site_clock + timedelta(milliseconds=500) - ours
