"""Errors of a run that are no wire's fault, by the reaction they call for."""

from __future__ import annotations

from collections.abc import Sequence

from federation.quality import Expectation


class ExtractError(Exception):
    """What went wrong in a run: what happened, to what, and what to do."""


class SatelliteBusy(ExtractError):
    """Another run of the satellite is under way: this one declines."""

    def __init__(self, satellite: str) -> None:
        super().__init__(
            f"{satellite}: another sync of this satellite is running; this one declines. Wait for it, or stop it: "
            "the lock is released when its process ends."
        )
        self.satellite = satellite


class LockUnavailable(ExtractError):
    """The lock of a satellite can't be taken, so no run may begin."""

    def __init__(self, satellite: str, file: str, reason: str) -> None:
        super().__init__(
            f"{satellite}: the lock {file} can't be taken: {reason}. Let this user write there, or set `var` in "
            "federation.yaml to a folder where it may."
        )


class DocTypeFailed(ExtractError):
    """One DocType could not be read; others go on."""


class MassDeletion(DocTypeFailed):
    """More documents than the setting allows are gone from the site."""

    def __init__(self, satellite: str, doctype: str, gone: int, known: int) -> None:
        super().__init__(
            f"{satellite}: {gone:,} of {known:,} known documents of {doctype} are gone from the site, which is more "
            "than `max_delete_share` allows. Nothing was deleted. If the site really lost them, run "
            f"`federation sync --full --satellite {satellite} --doctype '{doctype}' --allow-mass-delete`; if not, see "
            "whether its address leads to the right site."
        )


class AnotherSite(ExtractError):
    """The site answers with documents of another one."""

    def __init__(self, satellite: str, doctypes: Sequence[str], anchors: int) -> None:
        super().__init__(
            f"{satellite}: none of the {anchors} documents ({', '.join(doctypes)}) that tell this site are there: "
            "another site answers, or one that was set up anew. Nothing was read. See whether its address leads to the "
            "right site; if it does, run `federation sync --full --allow-mass-delete "
            f"--satellite {satellite}`."
        )


class NamelessDocument(DocTypeFailed):
    """The site sent a document that no name can stand for, so it can't even be set aside."""

    def __init__(self, satellite: str, doctype: str) -> None:
        super().__init__(
            f"{satellite}: a document or child row of {doctype} has a name that isn't text. Nothing of the page is "
            "kept; give it a name on the site."
        )


class UnboundedList(DocTypeFailed):
    """The site sent documents later than the bound: going on from them would pass by all that came before."""

    def __init__(self, satellite: str, doctype: str, until: str) -> None:
        super().__init__(
            f"{satellite}: the list of {doctype} goes on behind {until}, the bound that was asked for. See what stands "
            "between the site and us that changes requests or answers."
        )


class UnfitAggregate(DocTypeFailed):
    """An aggregate can't be made of a satellite's documents; the documents aren't read instead."""

    def __init__(self, satellite: str, aggregate: str, mistakes: Sequence[str]) -> None:
        super().__init__(f"{satellite}: the aggregate {aggregate} can't be made here. {' '.join(mistakes)}")


class HiddenDocuments(DocTypeFailed):
    """Sums over what a user is shown would pass for sums over everything."""

    def __init__(self, satellite: str, aggregate: str, doctype: str, shown: int, counted: int) -> None:
        super().__init__(
            f"{satellite}: the groups of {aggregate} have {shown:,} documents, and the site counts {counted:,} of "
            f"{doctype}: the others are hidden from this user. Nothing was changed. Take the User Permissions off the "
            "API user, or let its role read all documents."
        )


class UnfitExpectations(DocTypeFailed):
    """The user expects something of fields that the satellite doesn't have, or that the policy holds back."""

    def __init__(self, satellite: str, doctype: str, mistakes: Sequence[str]) -> None:
        super().__init__(f"{satellite}: the expectations of {doctype} don't fit this satellite. {' '.join(mistakes)}")


class ExpectationNotJudged(DocTypeFailed):
    """It can't be told whether documents meet an expectation that rejects them or halts, so none may pass."""

    def __init__(self, satellite: str, expectation: Expectation, reason: str) -> None:
        super().__init__(
            f"{satellite}: {expectation.type} of {expectation.doctype}.{expectation.fieldname} could not be judged: "
            f"{reason.rstrip('.')}. Documents may not pass it unseen, so nothing of this batch is kept. Correct it, or "
            "let it warn."
        )


class NoTimeZone(ExtractError):
    """Neither the site nor the settings tell the zone of the site's times."""

    def __init__(self, satellite: str, told: str = "") -> None:
        said = f"calls its time zone {told!r}, which nobody knows" if told else "doesn't tell its time zone"
        super().__init__(
            f"{satellite}: the site {said}, so its times can't be placed. Set "
            f"`satellites.{satellite}.time_zone` (such as Europe/Berlin) in federation.yaml."
        )


class ClockAstray(ExtractError):
    """The site's clock is so wrong that what it calls now can't be placed."""

    def __init__(self, satellite: str, days: int) -> None:
        super().__init__(f"{satellite}: the site's clock is {days:,} days off. Set it right on the site.")


class RunStopped(ExtractError):
    """The run ends before this walk did; the next run goes on from its last commit."""

    def __init__(self, doctype: str) -> None:
        super().__init__(f"{doctype}: the run was stopped before its end; the next run goes on from its last commit.")
