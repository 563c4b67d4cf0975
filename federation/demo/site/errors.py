"""What goes wrong on a Frappe site, and the status and body that Frappe answers with [a_auth, b_list, e_types]."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from federation.demo.site.manners import Manners

_TRACEBACK = "Traceback (most recent call last):\n  (the simulated site has none)\n"


class FrappeProblem(Exception):
    """A request that Frappe refuses. A subclass fixes the HTTP status and the Python exception that Frappe names."""

    status = 500
    exception = "frappe.exceptions.ValidationError"
    shown_to_user = False
    """Whether the message comes in `_server_messages` too: Frappe's `frappe.throw`."""

    causes: tuple[str, ...] = ()
    """Messages shown before its own."""

    @property
    def exc_type(self) -> str:
        """The exception's name without its module."""
        return self.exception.rpartition(".")[2]

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that come with it."""
        return {}

    def body(self, manners: Manners) -> dict[str, Any]:
        """The answer of /api/resource and /api/method; a 404 carries no exception text and no traceback."""
        message = str(self)
        is_shown = self.shown_to_user and bool(message)
        body: dict[str, Any] = {"exc_type": self.exc_type} if manners.tells_every_error or is_shown else {}
        if self.status != 404:  # noqa: PLR2004
            exception = f"{self.exception}: {message}" if message else self.exception
            body |= {"exception": exception, "exc": json.dumps([_TRACEBACK])}
        if is_shown:
            with_id = manners.tells_every_error
            body["_server_messages"] = json.dumps([_shown(text, with_id=with_id) for text in (*self.causes, message)])
        return body

    def body_v2(self) -> dict[str, Any]:
        """The answer of /api/v2 [j_v2/14-17]."""
        error: dict[str, Any] = {"type": self.exc_type}
        if self.status != 404:  # noqa: PLR2004
            error["exception"] = _TRACEBACK
        if self.shown_to_user and str(self):
            error |= {"message": str(self), "title": "Message", "indicator": "red"}
        return {"errors": [error]}


class AuthenticationFailedError(FrappeProblem):
    """401: a wrong key or secret, or a token that Frappe cannot take apart."""

    status = 401
    exception = "frappe.exceptions.AuthenticationError"


class UnknownKeyError(AuthenticationFailedError):
    """401: version 13 says more of a key that it doesn't know [v13/a_auth/02]."""

    shown_to_user = True

    def __init__(self) -> None:
        super().__init__("Password not found")


class UndecodableTokenError(FrappeProblem):
    """400: a Basic token that is not base64."""

    status = 400
    exception = "frappe.exceptions.InvalidAuthorizationToken"
    shown_to_user = True

    def __init__(self) -> None:
        super().__init__("Failed to decode token, please provide a valid base64-encoded token.")


class ForbiddenError(FrappeProblem):
    """403: the user may not read the DocType.

    Args:
        user: who asked; empty when Frappe gives no reason at all (a child list without its parent DocType).
        doctype: what was refused; the parent DocType for a child list.
        asked: what for; each of them is worded in its own way [a_auth/12, c_children/26, d_meta/02].
    """

    status = 403
    exception = "frappe.exceptions.PermissionError"

    def __init__(
        self, user: str = "", doctype: str = "", *, asked: Literal["list", "child list", "document"] = "list"
    ) -> None:
        super().__init__()
        self._user, self._doctype, self._asked = user, doctype, asked

    def body(self, manners: Manners) -> dict[str, Any]:
        """The reason is among the messages only; in version 13 it stands beside the DocType's name."""
        body = super().body(manners)
        if manners.names_refused_doctypes:
            if self._user and self._asked == "list":
                body["exception"] += f": {self._doctype}"
                body["_error_message"] = f"Insufficient Permission for <b>{self._doctype}</b>"
            elif self._user and self._asked == "document":
                body["_error_message"] = f"Insufficient Permission for {self._doctype}"
        elif self._user:
            body["_server_messages"] = json.dumps([json.dumps({"message": self._reason, "title": "Message"})])
            if self._asked == "list":
                body["_error_message"] = f"No permission for {self._doctype}"
        return body

    def body_v2(self) -> dict[str, Any]:
        """The reason is the message."""
        body = super().body_v2()
        if self._user:
            body["errors"][0] |= {"message": self._reason, "title": "Message"}
        return body

    @property
    def _reason(self) -> str:
        user = f"User <strong>{self._user}</strong> does not have"
        reason = f"{user} doctype access via role permission for document <strong>{self._doctype}</strong>"
        return f"{reason}<br>{user} access to this document" if self._asked == "document" else reason


class NotWhitelistedError(FrappeProblem):
    """403: a method that the user may not call: Guest, mostly."""

    status = 403
    exception = "frappe.exceptions.PermissionError"
    shown_to_user = True

    def __init__(self, method: str) -> None:
        super().__init__(
            "<details><summary>You are not permitted to access this resource.</summary>"
            f"Function <strong>{method}</strong> is not whitelisted.</details>"
        )


class MissingError(FrappeProblem):
    """404: no such route; by its subclasses: no such DocType or document."""

    status = 404
    exception = "frappe.exceptions.DoesNotExistError"
    shown_to_user = True


class MissingDocTypeError(MissingError):
    """404: the site has no such DocType. Only the message tells it from a missing document."""

    def __init__(self, doctype: str) -> None:
        super().__init__(f"DocType {doctype} not found")


class MissingDocumentError(MissingError):
    """404: there is no document of this name."""

    def __init__(self, doctype: str, name: str | int) -> None:
        super().__init__(f"{doctype} {name} not found")


class DuplicateNameError(FrappeProblem):
    """409: the name exists already, in any case or accent [e_types/19-21]."""

    status = 409
    exception = "frappe.exceptions.DuplicateEntryError"

    def __init__(self, doctype: str, name: str | int) -> None:
        cause = f"IntegrityError(1062, \"Duplicate entry '{name}' for key 'PRIMARY'\")"
        super().__init__(f"({doctype!r}, {name!r}, {cause})")
        self._shown = f"{doctype} <strong>{name}</strong> already exists"

    def body(self, manners: Manners) -> dict[str, Any]:
        """The message that a user sees is a kinder one."""
        shown = {"message": self._shown, "title": "Duplicate Name", "indicator": "red"}
        return super().body(manners) | {"_server_messages": json.dumps([json.dumps(shown)])}


class InvalidError(FrappeProblem):
    """417: the request or the change is not allowed."""

    status = 417
    shown_to_user = True

    def __init__(self, message: str, *causes: str) -> None:
        super().__init__(message)
        self.causes = causes


class FieldRefusedError(FrappeProblem):
    """417: a field that the DocType does not have."""

    status = 417
    exception = "frappe.exceptions.DataError"
    shown_to_user = True

    def __init__(self, field: str) -> None:
        super().__init__(f"Field not permitted in query: {field}")


class CrashedError(FrappeProblem):
    """500: an exception that Frappe did not foresee, under its Python name."""

    def __init__(self, exception: str, message: str) -> None:
        super().__init__(message)
        self.exception = exception


class TooManyRequestsError(FrappeProblem):
    """429: the site's share of server time is used up [i_limits/07].

    Args:
        retry_after: seconds to wait.
        limit: server time of a window, in microseconds.
    """

    status = 429
    exception = "frappe.exceptions.TooManyRequestsError"

    def __init__(self, retry_after: int, limit: int = 300_000) -> None:
        super().__init__()
        self._retry_after, self._limit = retry_after, limit

    @property
    def headers(self) -> dict[str, str]:
        """Seconds to wait, and the limit in microseconds."""
        return {
            "X-RateLimit-Reset": str(self._retry_after),
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": "0",
            "Retry-After": str(self._retry_after),
        }


class MaintenanceError(FrappeProblem):
    """503: the site is in maintenance mode [i_limits/09]."""

    status = 503
    exception = "frappe.exceptions.SessionStopped"

    def __init__(self) -> None:
        super().__init__("Session Stopped")


class ReadOnlyError(FrappeProblem):
    """503: the site is in maintenance mode and lets only reads through."""

    status = 503
    exception = "frappe.exceptions.InReadOnlyMode"
    shown_to_user = True

    def __init__(self) -> None:
        super().__init__("This site is in read only mode, full functionality will be restored soon.")


class UnknownColumnError(CrashedError):
    """500: a field of the metadata whose column was dropped, as Frappe only finds out in the database."""

    def __init__(self, column: str) -> None:
        super().__init__("pymysql.err.OperationalError", f"(1054, \"Unknown column '{column}' in 'SELECT'\")")


def _shown(message: str, *, with_id: bool) -> str:
    """One entry of `_server_messages`."""
    shown: dict[str, Any] = {"message": message, "title": "Message", "indicator": "red", "raise_exception": 1}
    if with_id:
        shown["__frappe_exc_id"] = hashlib.sha224(message.encode()).hexdigest()
    return json.dumps(shown)
