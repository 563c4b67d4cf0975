"""Absence: proof that documents are gone, and not merely hidden from the API user."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from connectors.frappe.counting import count_request, read_count
from connectors.frappe.errors import DocTypeError
from connectors.frappe.lists import fits_request_line
from connectors.frappe.pages import text_table
from connectors.frappe.reading import read_named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connectors.frappe.session import FrappeSession

_LOOKED_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class AbsenceProof:
    """What became of documents that a read by name didn't return; a name in neither tuple has come back.

    Attributes:
        absent: names that no document of the site bears in exactly this spelling.
        hidden: names that the site counts but doesn't list for this user, or won't count.
        observed: our clock (UTC) before the first look.
    """

    absent: tuple[str, ...]
    hidden: tuple[str, ...]
    observed: datetime


def prove_absent(session: FrappeSession, doctype: str, names: Sequence[str]) -> AbsenceProof:
    """Return which of `names` are gone for certain.

    A list leaves out what User Permissions hide, with status 200 [c_children/29]; `frappe.client.get_count` counts
    it all the same, in every version [c_children/31]. A site that won't count proves nothing.

    Raises:
        TransientError, SatelliteError, DocTypeError: by the table of reactions.
    """
    observed = session.now()
    proof = _Proof(session, doctype)
    for start in range(0, len(names), _LOOKED_AT_ONCE):
        proof.settle(names[start : start + _LOOKED_AT_ONCE])
    return AbsenceProof(tuple(proof.absent), tuple(proof.hidden), observed)


@dataclass
class _Proof:
    session: FrappeSession
    doctype: str
    absent: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    def settle(self, names: Sequence[str]) -> None:
        """Count all at once, and halve only where some are there and some aren't."""
        request = count_request(self.session.names.doctype(self.doctype), {"name": ("in", list(names))})
        if not fits_request_line(request) and len(names) > 1:
            self._halve(names)
            return
        try:
            count = read_count(self.session, request)
        except DocTypeError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            self.hidden.extend(names)
            return
        if count == 0:
            self.absent.extend(names)
            return
        listed = self._list(names)
        if not listed and count >= len(names):
            self.hidden.extend(names)
        elif len(names) > 1:
            self._halve([name for name in names if name not in listed])
        elif names[0] not in listed:
            # One row matches a name, and this one bears it in another case or with other accents.
            self.absent.extend(names)

    def _halve(self, names: Sequence[str]) -> None:
        middle = (len(names) + 1) // 2
        for half in (names[:middle], names[middle:]):
            if half:
                self.settle(half)

    def _list(self, names: Sequence[str]) -> set[str]:
        pages = read_named(self.session, text_table(self.doctype, "name"), names)
        return {str(name) for page in pages for name in page.column("name")}
