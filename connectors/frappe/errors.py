"""Errors: what went wrong, grouped by the reaction that it calls for, and the one table that says which is which.

FrappeError
├── TransientError   the site is busy or restarting: the next run will do
├── SatelliteError   nothing can be read from this site until somebody acts
└── DocTypeError     one DocType can't be read; the others can
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from connectors.frappe.names import shown

if TYPE_CHECKING:
    from collections.abc import Mapping


TooLarge = Literal["never", "maybe", "surely"]


class FrappeError(Exception):
    """A site didn't give what it was asked for.

    Attributes:
        status: the HTTP status, None where no answer came.
        doctype: the DocType that was asked for, if it was one.
        retry_after: seconds after which asking again makes sense, where they are known.
        retry: asking again soon can help; `FrappeSession` has already done so within its budget.
        at_once: asking again needs no pause, because the site never saw the request.
        refused_field: the one field that the site refuses, where it said so.
        too_large: whether asking for less at once may be what helps.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        doctype: str | None = None,
        retry_after: float | None = None,
        retry: bool = False,
        at_once: bool = False,
        refused_field: str | None = None,
        too_large: TooLarge = "never",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.doctype = doctype
        self.retry_after = retry_after
        self.retry = retry
        self.at_once = at_once
        self.refused_field = refused_field
        self.too_large = too_large


class TransientError(FrappeError):
    """The site is busy, restarting or in maintenance, and stayed so for the whole retry budget."""


class SatelliteError(FrappeError):
    """The site can't be reached, refuses the credentials, or isn't a Frappe site."""


class DocTypeError(FrappeError):
    """One DocType can't be read: missing, forbidden, failing on the site, or answered with garbage."""


class Trouble(StrEnum):
    """What can go wrong without a status of its own, or with one that says too little."""

    UNREACHABLE = "unreachable"
    PROXY = "proxy"
    LEFT_ALONE = "left alone"
    CERTIFICATE = "certificate"
    CLOSED = "closed"
    BROKEN = "broken"
    TIMEOUT = "timeout"
    OVERDUE = "overdue"
    OVERSIZE = "oversize"
    TRUNCATED = "truncated"
    REDIRECT = "redirect"
    NOT_FRAPPE = "not Frappe"
    UNKNOWN_SITE = "unknown site"
    BAD_TOKEN = "bad token"  # noqa: S105
    MAINTENANCE = "maintenance"
    DATABASE = "database"
    WORKER_KILLED = "worker killed"
    SERVER_ERROR = "server error"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a failure means.

    Attributes:
        error: what is raised when it stays; without a DocType in the request a `DocTypeError` is a `SatelliteError`.
        retry: whether the session asks again within its budget first.
        happened: what happened, for a reader.
        remedy: what to do about it.
        at_once: the first retry needs no pause.
        too_large: whether the site may fail because it was asked for too many rows at once; "maybe" if it fails so
            twice in a row.
    """

    error: type[FrappeError]
    retry: bool
    happened: str
    remedy: str
    at_once: bool = False
    too_large: TooLarge = "never"


_WAIT: Final = "Nothing to do: the next run asks again."

REACTIONS: Final[Mapping[int | Trouble, Reaction]] = MappingProxyType(
    {
        400: Reaction(DocTypeError, False, "the request was refused as malformed", "Read the site's words below."),
        401: Reaction(SatelliteError, False, "the API key or secret is wrong", "Check the satellite's credentials."),
        403: Reaction(
            DocTypeError,
            False,
            "no permission",
            "Give the API user's role read permission; Frappe 13 says the same when the secret is wrong.",
        ),
        404: Reaction(DocTypeError, False, "not found", "Remove it from the settings or install its app on the site."),
        407: Reaction(
            SatelliteError, False, "the proxy wants other credentials", "Check the proxy's address and credentials."
        ),
        408: Reaction(TransientError, True, "the site gave up waiting for the request", _WAIT),
        413: Reaction(DocTypeError, False, "the request is too large for the site", "Ask for fewer names at once."),
        414: Reaction(DocTypeError, False, "the address is too long for the site", "Ask for fewer fields at once."),
        417: Reaction(DocTypeError, False, "the site refused the query", "Read the site's words below."),
        429: Reaction(TransientError, True, "the site's rate limit is reached", "Lower the load or raise its limit."),
        502: Reaction(
            TransientError, True, "the proxy before the site got no answer from it", _WAIT, too_large="maybe"
        ),
        503: Reaction(TransientError, True, "the site is unavailable", _WAIT),
        504: Reaction(
            TransientError,
            True,
            "the proxy before the site waited in vain",
            "Lower the page size.",
            too_large="surely",
        ),
        Trouble.UNREACHABLE: Reaction(
            SatelliteError, True, "the site can't be reached", "Check its address, its DNS name and the network."
        ),
        Trouble.PROXY: Reaction(
            SatelliteError,
            True,
            "the proxy on the way to the site can't be reached or refuses",
            "Check the proxy's address and credentials.",
        ),
        Trouble.LEFT_ALONE: Reaction(
            TransientError, False, "the site failed too often in a row and is left alone for a while", _WAIT
        ),
        Trouble.CERTIFICATE: Reaction(
            SatelliteError, False, "the site's TLS certificate isn't trusted", "Name its CA file in the settings."
        ),
        Trouble.CLOSED: Reaction(
            TransientError,
            True,
            "the site closed the connection before it answered",
            _WAIT,
            at_once=True,
            too_large="maybe",
        ),
        Trouble.BROKEN: Reaction(
            TransientError, True, "the connection broke in the middle of an answer", _WAIT, too_large="maybe"
        ),
        Trouble.TIMEOUT: Reaction(
            TransientError,
            True,
            "the site didn't answer in time",
            "Lower the page size or raise the read time-out.",
            too_large="surely",
        ),
        Trouble.OVERDUE: Reaction(
            TransientError,
            False,
            "the answer trickled in too slowly to wait for its end",
            "Lower the page size.",
            too_large="surely",
        ),
        Trouble.OVERSIZE: Reaction(
            DocTypeError,
            False,
            "the answer is larger than the limit",
            "Lower the page size or raise the limit.",
            too_large="surely",
        ),
        Trouble.TRUNCATED: Reaction(TransientError, True, "the answer ends in the middle", _WAIT, too_large="maybe"),
        Trouble.REDIRECT: Reaction(
            SatelliteError, False, "the site redirects elsewhere", "Give its final address; redirects aren't followed."
        ),
        Trouble.NOT_FRAPPE: Reaction(
            SatelliteError, False, "the answer isn't Frappe's JSON", "Check the address: a proxy or login page answers."
        ),
        Trouble.UNKNOWN_SITE: Reaction(
            SatelliteError, False, "no Frappe site answers under this host name", "Check the satellite's address."
        ),
        Trouble.BAD_TOKEN: Reaction(
            SatelliteError, False, "the site can't read the API token", "Check the satellite's credentials."
        ),
        Trouble.MAINTENANCE: Reaction(TransientError, True, "the site is in maintenance", _WAIT),
        Trouble.DATABASE: Reaction(TransientError, True, "the site's database or cache is in trouble", _WAIT),
        Trouble.WORKER_KILLED: Reaction(
            DocTypeError, True, "the site's worker died over the request", "Lower the page size.", too_large="surely"
        ),
        Trouble.SERVER_ERROR: Reaction(
            DocTypeError, False, "the site failed with an error of its own", "See the site's Error Log."
        ),
        Trouble.GARBAGE: Reaction(
            DocTypeError, False, "the answer isn't a list of rows as asked for", "Read the DocType on the site itself."
        ),
    }
)


def failure(
    cause: int | Trouble,
    *,
    site: str,
    doctype: str | None = None,
    said: str = "",
    status: int | None = None,
    retry_after: float | None = None,
    refused_field: str | None = None,
) -> FrappeError:
    """Return the error that `cause` calls for.

    Args:
        cause: a key of `REACTIONS`.
        site: the site's address, without credentials.
        doctype: the DocType asked for, None for a request about the site.
        said: the site's own words, untrusted; shown in at most 200 printable characters.
        status: the HTTP status, if there was one.
        retry_after: seconds that the site asked to wait.
        refused_field: the one field that the site named.
    """
    reaction = REACTIONS[cause]
    error = SatelliteError if doctype is None and reaction.error is DocTypeError else reaction.error
    about = f"{site}, DocType {shown(doctype)}" if doctype else site
    code = f" (HTTP {status})" if status else ""
    words = f' The site said: "{shown(said, 200)}"' if said else ""
    return error(
        f"{about}: {reaction.happened}{code}. {reaction.remedy}{words}",
        status=status,
        doctype=doctype,
        retry_after=retry_after,
        retry=reaction.retry,
        at_once=reaction.at_once,
        refused_field=refused_field,
        too_large=reaction.too_large,
    )
