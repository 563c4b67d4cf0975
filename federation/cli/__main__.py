"""`python -m federation.cli` is the command too."""

from __future__ import annotations

from federation.cli import main

main()
