"""What goes wrong on a Frappe site, and the status and body that Frappe 15 answers with [a_auth, b_list, e_types]."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

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

    def body(self) -> dict[str, Any]:
        """The answer of /api/resource and /api/method; a 404 carries no exception text and no traceback."""
        message = str(self)
        body: dict[str, Any] = {"exc_type": self.exc_type}
        if self.status != 404:  # noqa: PLR2004
            exception = f"{self.exception}: {message}" if message else self.exception
            body = {"exception": exception, "exc_type": self.exc_type, "exc": json.dumps([_TRACEBACK])}
        if self.shown_to_user and message:
            body["_server_messages"] = json.dumps([_shown(text) for text in (*self.causes, message)])
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

    def body(self) -> dict[str, Any]:
        """The reason is among the messages only."""
        body = super().body()
        if self._user:
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

    def body(self) -> dict[str, Any]:
        """The message that a user sees is a kinder one."""
        shown = {"message": self._shown, "title": "Duplicate Name", "indicator": "red"}
        return super().body() | {"_server_messages": json.dumps([json.dumps(shown)])}


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
    """429: the site's share of server time is used up [i_limits/07]."""

    status = 429
    exception = "frappe.exceptions.TooManyRequestsError"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self._retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Seconds to wait, and the limit in microseconds."""
        return {
            "X-RateLimit-Reset": str(self._retry_after),
            "X-RateLimit-Limit": "300000",
            "X-RateLimit-Remaining": "0",
            "Retry-After": str(self._retry_after),
        }


class MaintenanceError(FrappeProblem):
    """503: the site is in maintenance mode [i_limits/09]."""

    status = 503
    exception = "frappe.exceptions.SessionStopped"

    def __init__(self) -> None:
        super().__init__("Session Stopped")


def _shown(message: str) -> str:
    """One entry of `_server_messages`."""
    shown = {"message": message, "title": "Message", "indicator": "red", "raise_exception": 1}
    shown["__frappe_exc_id"] = hashlib.sha224(message.encode()).hexdigest()
    return json.dumps(shown)
