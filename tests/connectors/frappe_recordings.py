"""Recorded exchanges with real sites, played back to the connector by a `requests` adapter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from frappe_model import KEY, answer
from requests.adapters import BaseAdapter

from connectors.frappe import FrappeSession, Limits

FOLDER = Path(__file__).parent.parent / "recordings"


def recording(name: str) -> dict[str, Any]:
    """The exchange recorded as `v15/b_list/49`."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def recorded_body(name: str) -> bytes:
    body = recording(name)["response"]["body"]
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


class Playback(BaseAdapter):
    """Answers each request with the next recording and keeps what was asked; the last recording is repeated."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = list(names)
        self.requests: list[Any] = []
        self.pauses: list[float] = []

    def session(self, **limits: Any) -> FrappeSession:
        return FrappeSession(
            "https://north.test",
            KEY,
            Limits(**limits),
            transport=lambda connections: self,
            wait=lambda abandoned, seconds: self.pauses.append(seconds),
        )

    def send(self, request, **options):
        name = self.names[min(len(self.requests), len(self.names) - 1)]
        self.requests.append(request)
        response = recording(name)["response"]
        headers = (
            {"Content-Type": response["headers"]["Content-Type"], **response["headers"]}
            if "headers" in response
            else {}
        )
        return answer(request, response["status"], recorded_body(name), headers)

    def close(self) -> None:
        pass
