"""The YAML document: bytes → plain values, the line of every key, and the mistakes of writing.

Read as YAML 1.2, as editors do: `no` is text (Norway's jurisdiction stays `NO`), only `true` and `false` are booleans.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import yaml

from federation.settings.errors import Problem, echo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KeyPath = tuple[str | int, ...]
_T = TypeVar("_T")

LARGEST_FILE: Final = 512 * 1024
"""Bytes. Far above what 300 satellites need."""
_MOST_VALUES: Final = 100_000
"""More than this is an alias that multiplies itself."""
_DEEPEST: Final = 32
"""Sequences and mappings in each other; settings need five."""


@dataclass(slots=True)
class Document:
    """A settings file as it was written.

    Attributes:
        values: the top-level mapping, None when there is none.
        lines: the line (from 1) of each key and list item, by its path.
        problems: the mistakes found while reading.
    """

    values: dict[str, object] | None = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_document(content: bytes) -> Document:
    """Read the bytes of a settings file. Mistakes come back in `problems`; nothing is raised."""
    document = Document()
    root = _compose(content, document)
    if isinstance(root, yaml.MappingNode):
        document.values = _read(document, lambda reading: reading.mapping(root, ()))
    elif root is not None:
        document.problems.append(_NOT_A_MAPPING)
    return document


def read_list(content: bytes) -> tuple[Document, list[object]]:
    """Read the bytes of a file that is a list: its items, and the document without `values`. Nothing is raised."""
    document = Document()
    root = _compose(content, document)
    if isinstance(root, yaml.SequenceNode):
        items = _read(document, lambda reading: reading.value(root, ()))
        return document, items if isinstance(items, list) else []
    if root is not None:
        document.problems.append(Problem("the file is not a list", "write `- expect: …` lines"))
    return document, []


def _compose(content: bytes, document: Document) -> yaml.Node | None:
    if len(content) > LARGEST_FILE:
        document.problems.append(
            Problem(f"the file is larger than {LARGEST_FILE // 1024} KiB", "check that this is the settings file")
        )
        return None
    try:
        text = content.decode("utf-8-sig")
        _refuse_depth(text)
        root: yaml.Node | None = yaml.compose(text, _Loader)
        if root is None:
            document.problems.append(Problem("the file is empty", "run `federation init` to see a commented example"))
    except UnicodeDecodeError as error:
        document.problems.append(Problem(f"byte {error.start + 1} is not UTF-8 text", "save the file as UTF-8 text"))
    except (_TooDeepError, RecursionError):
        document.problems.append(_TOO_DEEP)
    except yaml.reader.ReaderError:
        document.problems.append(
            Problem("the file holds characters that YAML does not allow", "save the file as plain UTF-8 text")
        )
    except yaml.MarkedYAMLError as error:
        document.problems.append(_not_yaml(error))
    else:
        return root
    return None


def _read(document: Document, take: Callable[[_Reading], _T]) -> _T | None:
    try:
        return take(_Reading(document))
    except RecursionError:
        document.problems.append(_TOO_DEEP)
    except _TooManyValuesError:
        document.problems.append(Problem("aliases (`*name`) multiply into too many values", "write the values out"))
    except yaml.MarkedYAMLError as error:
        document.problems.append(_not_yaml(error))
    return None


_TOO_DEEP: Final = Problem("values are nested too deeply", "use the plain structure of the example")
_NOT_A_MAPPING: Final = Problem("the file is not a mapping", "write `key: value` lines, starting with `satellites:`")


def _not_yaml(error: yaml.MarkedYAMLError) -> Problem:
    """Name the place of a YAML error; the line itself is not shown, it may hold a secret."""
    line = error.problem_mark.line + 1 if error.problem_mark else None
    return Problem(
        f"not readable as YAML: {echo(error.problem or 'unknown error')}",
        "check indentation (spaces, no tabs), colons and quotes on this line and the one above",
        line=line,
    )


class _TooManyValuesError(Exception):
    """Aliases make the document larger than any settings file."""


class _TooDeepError(Exception):
    """More sequences and mappings in each other than any settings file has."""


class _Loader(yaml.CSafeLoader):
    """libyaml's parser, 20 times as fast as the one in Python, without YAML 1.1's guesses."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]{1,18}", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]{1,3})?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _refuse_depth(text: str) -> None:
    """Raise where `text` is nested too deeply: libyaml's composer would end the process on it, its parser doesn't."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise _TooDeepError


_NULL: Final = "tag:yaml.org,2002:null"
_SCALARS: Final[Mapping[str, Callable[[str], object]]] = {
    "tag:yaml.org,2002:str": str,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
}


class _Reading:
    """Turns nodes into values and keeps their lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._values = 0

    def value(self, node: yaml.Node, path: KeyPath) -> object:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _TooManyValuesError
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                self._document.lines[(*path, position)] = item.start_mark.line + 1
            return [self.value(item, (*path, position)) for position, item in enumerate(node.value)]
        return self._scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._mistake(path, line, "a key is not plain text", "write `key: value`")
                continue
            here = (*path, key.value)
            if key.value in values:
                first = self._document.lines[here]
                self._mistake(here, line, f"is given twice (first on line {first})", "keep one of the two")
                continue
            self._document.lines[here] = line
            values[key.value] = self.value(value, here)
        return values

    def _scalar(self, node: yaml.Node, path: KeyPath) -> object:
        line = node.start_mark.line + 1
        if node.tag == _NULL:
            self._mistake(path, line, "has no value", "give it one, or remove the line")
            return None
        read = _SCALARS.get(node.tag)
        try:
            if read is not None:
                return read(node.value)
        except ValueError:
            pass  # the same mistake as a tag that is not known: an explicit tag that its text does not fit
        self._mistake(path, line, f"the tag {echo(node.tag)} is not understood here", "write the value without a tag")
        return None

    def _mistake(self, path: KeyPath, line: int, what: str, fix: str) -> None:
        self._document.problems.append(Problem(what, fix, key_text(path), line))


def key_text(path: KeyPath) -> str:
    """Return a path as the user reads it: `policy[2].field`, list positions counted from 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{echo(part)}" if text else echo(part)
    return text
