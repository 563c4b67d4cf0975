"""Errors of erasure: each says what happened, to what, and what to do."""

from __future__ import annotations

from federation.lake.errors import LakeError
from federation.settings.errors import Problem, SettingsError


class SuppressionDamaged(LakeError):
    """A satellite's suppression list can't be trusted, so nothing is read from the satellite."""

    def __init__(self, satellite: str, place: str, reason: str) -> None:
        super().__init__(
            f"{satellite}: {place} {reason}, so it is not known which documents are to be kept away, and nothing is "
            "read. If `erasure.key` was changed, give it back the value that it had; else restore the folder "
            f"{satellite}/erasure from a backup of the lake."
        )


class ErasureInterrupted(LakeError):
    """Another run took the log over while documents were erased: something of them may have been copied on."""

    def __init__(self, satellite: str) -> None:
        super().__init__(
            f"{satellite}: another machine began a run of this satellite while documents were erased. They are kept "
            "away already, but what that run took over from the log may name them. Let it end, then run the same "
            "command again."
        )


class ErasedCameBack(LakeError):
    """The lake holds an erased document again, so nothing of the satellite is merged."""

    def __init__(self, satellite: str, doctype: str) -> None:
        super().__init__(
            f"{satellite}: packages hold a document of {doctype} that was erased, or lead to it, so nothing is merged. "
            "Files from before the erasure were put back, as out of a backup. Run "
            f"`federation erase {satellite} --again`, which erases anew whatever is back."
        )


class ErasedMeanwhile(LakeError):
    """A rebuild has merged what was erased since."""

    def __init__(self, satellite: str) -> None:
        super().__init__(
            f"{satellite}: documents were erased while the mothership was rebuilt, and may be in the new one, so it "
            "was given up; the mothership stays as it was. Run `federation rebuild` again."
        )


class NothingKnown(LakeError):
    """A satellite was never synced: nothing tells which DocTypes it has."""

    def __init__(self, satellite: str) -> None:
        super().__init__(
            f"{satellite}: it was never synced: nothing of it is on the lake, and there is nothing to erase."
        )


def key_absent() -> SettingsError:
    """Return the error that tells of an erasure without a key."""
    what = "is missing: what is erased is remembered by keyed names, and the key is yours"
    fix = "make one (openssl rand -hex 32), keep it for ever, and add `erasure: {key: env:FEDERATION_ERASURE_KEY}`"
    return SettingsError([Problem(what, fix, "erasure.key")])


def key_missing(satellite: str) -> SettingsError:
    """Return the error that tells of a suppression list without the key that it takes."""
    what = f"documents of {satellite} were erased, and without the key nothing tells which ones to keep away"
    fix = "add `erasure: {key: env:FEDERATION_ERASURE_KEY}`, with the key that they were erased with"
    return SettingsError([Problem(what, fix, "erasure.key")])
