"""Mistakes of meaning: what a validator of the model raises, with its fix, for one place or several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import PydanticCustomError

from federation.settings.document import KeyPath

if TYPE_CHECKING:
    from collections.abc import Iterable

MISTAKES: Final = "federation_mistakes"
Mistake = tuple[KeyPath, str, str]
"""Path below the value under validation, what is wrong, how to fix it."""


def mistake(what: str, fix: str) -> PydanticCustomError:
    """Return the error that says: this value is wrong, and so it gets right."""
    return mistakes([((), what, fix)])


def mistakes(found: Iterable[Mistake]) -> PydanticCustomError:
    """Return one error for several places below the value under validation."""
    listed = list(found)
    return PydanticCustomError(MISTAKES, "{text}", {"found": listed, "text": "; ".join(what for _, what, _ in listed)})


def found_in(context: dict[str, Any]) -> list[Mistake]:
    """Return the mistakes that `mistakes` put into an error."""
    found: list[Mistake] = context["found"]
    return found
