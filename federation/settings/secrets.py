"""Secrets by reference: `env:NAME` or `file:PATH`, read when they are used and shown nowhere."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from federation.settings.errors import Problem, SettingsError
from federation.settings.places import absolute

ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LARGEST_SECRET: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is kept. Holds no secret itself, so it may be shown.

    Attributes:
        kind: an environment variable or a file.
        where: the variable's name, or the file's absolute path.
    """

    kind: Literal["env", "file"]
    where: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"

    @classmethod
    def parse(cls, text: str, folder: Path) -> SecretReference | None:
        """Return the reference that `text` states, or None if it is none (it may then be a secret: don't show it).

        Args:
            text: `env:NAME` or `file:PATH`.
            folder: what a relative PATH is relative to.
        """
        kind, _, where = text.partition(":")
        if kind == "env" and ENVIRONMENT_NAME.fullmatch(where):
            return cls("env", where)
        if kind == "file" and (path := absolute(where, folder)):
            return cls("file", str(path))
        return None

    def reveal(self, purpose: str) -> str:
        """Return the secret, without the line break that ends a file.

        Args:
            purpose: the key of the settings that asks for it (`satellites.north.credentials.key`).

        Raises:
            SettingsError: it is missing, empty, unreadable or more than one line of text. Names the reference and
                the purpose, never the value.
        """
        secret = self._from_environment(purpose) if self.kind == "env" else self._from_file(purpose)
        if not secret.isprintable():
            raise self._error(purpose, "does not hold one line of text", "store the secret alone, as one line")
        return secret

    def _from_environment(self, purpose: str) -> str:
        secret = os.environ.get(self.where, "").strip()
        if not secret:
            state = "is empty" if self.where in os.environ else "is not set"
            raise self._error(purpose, state, f"set it before you start: export {self.where}=…")
        return secret

    def _from_file(self, purpose: str) -> str:
        try:
            with Path(self.where).open("rb") as file:
                content = file.read(_LARGEST_SECRET + 1)
            secret = content.decode("utf-8-sig").strip()
        except OSError as error:
            raise self._error(
                purpose, f"cannot be read ({error.strerror})", "create the file and let this user read it"
            ) from error
        except UnicodeDecodeError:
            # `from None`: the original error carries the bytes of the secret.
            raise self._error(purpose, "is not UTF-8 text", "store the secret as plain text") from None
        if not secret or len(content) > _LARGEST_SECRET:
            raise self._error(
                purpose, "is too large for a secret" if secret else "is empty", "store the secret alone, as one line"
            )
        return secret

    def _error(self, purpose: str, state: str, fix: str) -> SettingsError:
        subject = f"the environment variable {self.where}" if self.kind == "env" else f"the file {self.where}"
        return SettingsError([Problem(f"{subject} {state}", fix, purpose)])
