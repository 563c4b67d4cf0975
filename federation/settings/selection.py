"""Selection: which DocTypes of a site are wanted, by name, by pattern and by module."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

_WILDCARDS: Final = frozenset("*?[")


def is_pattern(text: str) -> bool:
    """Return whether `text` stands for many names (`Sales *`) rather than for itself."""
    return not _WILDCARDS.isdisjoint(text)


@dataclass(frozen=True, slots=True)
class Selection:
    """The DocTypes wanted from one satellite.

    Attributes:
        names: exact DocType names: wanted without asking the site what it has.
        patterns: shell-style patterns of DocType names, case-sensitive; resolved against the site's own list.
        modules: Frappe modules (`Accounts`), all of whose DocTypes are wanted; may be patterns too.
        aggregates: aggregates of this satellite's documents, which are DocTypes of ours.
        held_back: DocTypes whose documents stay at the site, whatever names, patterns and modules say.
    """

    names: tuple[str, ...]
    patterns: tuple[str, ...]
    modules: tuple[str, ...]
    aggregates: tuple[str, ...] = ()
    held_back: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        doctypes: tuple[str, ...],
        modules: tuple[str, ...],
        aggregates: tuple[str, ...] = (),
        held_back: frozenset[str] = frozenset(),
    ) -> Selection:
        """Sort the settings' `doctypes` and `modules` into names and patterns, each once, in the order given."""
        distinct = tuple(name for name in dict.fromkeys(doctypes) if name not in held_back)
        return cls(
            names=tuple(name for name in distinct if not is_pattern(name)),
            patterns=tuple(name for name in distinct if is_pattern(name)),
            modules=tuple(dict.fromkeys(modules)),
            aggregates=aggregates,
            held_back=held_back,
        )

    @property
    def named(self) -> tuple[str, ...]:
        """What is wanted by its name, so that it is known without asking the site: DocTypes and aggregates."""
        return (*self.names, *self.aggregates)

    def holds_back(self, doctype: str) -> bool:
        """Return whether the documents of a DocType stay at the site, whatever else is selected."""
        return doctype in self.held_back and doctype not in self.aggregates

    def matches(self, doctype: str, module: str) -> bool:
        """Return whether an aggregate, or a DocType that the site has in that module, is wanted."""
        if self.holds_back(doctype):
            return False
        return (
            doctype in self.named
            or any(fnmatchcase(doctype, pattern) for pattern in self.patterns)
            or any(fnmatchcase(module, pattern) for pattern in self.modules)
        )
