"""Policy page: the policy report as one HTML page on its own, to be read, printed and filed by who answers for it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from federation.cli.policy_report import ACTIONS, PolicyReport


def page_of(report: PolicyReport) -> str:
    """Return the report as HTML; it loads nothing from anywhere, and runs no script. Words of a site are escaped."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("policy_page.html").render(report=report, actions=ACTIONS)
