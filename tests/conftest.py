"""What all tests share: examples of a property may take their time, because machines are busy."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.services.fixtures"]

settings.register_profile("federation", deadline=None)
settings.load_profile("federation")
