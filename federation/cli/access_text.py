"""Access text: the access plan of a satellite for an administrator of its site, step by step."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from federation.cli.access_plan import RIGHTS_NOT_TAKEN, AccessPlan, Rule
from federation.cli.holes import some
from federation.cli.screen import plain, table

_VERSIONS = (
    "Frappe 13 and 14 apply permission levels to the API only where `apply_perm_level_on_api_calls` is on in the "
    "System Settings; giving them does no harm. Frappe 13 refuses the rows of child tables that are Custom Fields in "
    "lists: they are read with each document."
)


def show_plan(plan: AccessPlan, console: Console) -> None:
    """Print one satellite's plan."""
    console.rule(Text(plan.satellite, "bold"), style="dim", align="left")
    console.print(plain(f"{plan.url}: a user who may read what is selected, and change nothing."))
    console.print(plain(_source(plan)), style="dim")
    for position, (title, *body) in enumerate(_steps(plan), 1):
        console.print()
        console.print(Text(f"{position}. ", "dim") + Text(str(title), "bold"))
        for part in body:
            console.print(Padding(part, (0, 0, 0, 3), expand=False))
    console.print()
    console.print(Text("What this user does without", "bold"))
    for doctypes, lost in _lost(plan):
        console.print(Padding(plain(f"{doctypes}: {lost}."), (0, 0, 0, 3), expand=False))
    console.print(Padding(_system_manager(), (0, 0, 0, 3), expand=False))
    console.print()
    console.print(Text("Or all of it at once", "bold"))
    console.print(Padding(_at_once(plan), (0, 0, 0, 3), expand=False))
    console.print()


def _source(plan: AccessPlan) -> str:
    where = f"The DocTypes are as {plan.source}."
    return f"{where} {plan.why_not_asked}" if plan.why_not_asked else where


def _steps(plan: AccessPlan) -> Iterator[tuple[RenderableType, ...]]:
    """Yield the title of each step, and what is to be done."""
    yield (
        f"Make the role: Role List, Add Role, Role Name `{plan.role}`",
        plain("Nothing else on the form matters. It gets no right before the next step."),
    )
    yield "Give it read: Role Permissions Manager, Add A New Rule, for each line", *_rules(plan)
    yield (
        f"Make the user: User List, Add User, Email `{plan.user}`, First Name `Federation`",
        plain(
            f"Untick Send Welcome Email. Under Roles tick `{plan.role}` alone, and set no Role Profile: it would bring "
            "others. The user needs no password. Then see in the User Permission List that it has none there, also "
            "none that an app made by itself: they shrink lists without a sign."
        ),
    )
    yield (
        "Make its key: in the user, Settings, API Access, Generate Keys",
        plain(
            "The secret is shown once. To end the access later, generate new keys or delete the user: a user who is "
            "merely disabled still reads with the old key."
        ),
    )
    yield (
        "Keep it where the settings say, and look",
        plain(f"federation check -s {plan.satellite}"),
    )


def _rules(plan: AccessPlan) -> list[RenderableType]:
    grid = table("Document Type", "Level", "brings")
    for rule in plan.rules:
        for level in rule.levels:
            grid.add_row(plain(rule.doctype), str(level), plain(_brings(rule, level)))
    for own in plan.own_lists:
        grid.add_row(plain(own.doctype), "0", plain(f"without it {own.lost}"))
    parts: list[RenderableType] = [
        plain(f"Leave Read ticked, and untick all else: {', '.join(RIGHTS_NOT_TAKEN)}. Frappe ticks Export by itself."),
        grid,
        plain(
            "The manager keeps the rules of all other roles. From then on the DocType's rules are the site's own: "
            "an update of its app no longer changes them."
        ),
        plain(_VERSIONS),
    ]
    parts.extend(plain(f"{own.doctype}: {own.care}.") for own in plan.own_lists if own.care)
    if plan.unresolved:
        names = some(plan.unresolved)
        parts.append(
            plain(f"Not in this list, because only the site can resolve them: {names}. Name their DocTypes instead.")
        )
    return parts


def _brings(rule: Rule, level: int) -> str:
    if level:
        return f"the fields {some((rule.fields or {}).get(level, ()))}"
    return f"with the rows of {some(rule.tables)}" if rule.tables else ""


def _lost(plan: AccessPlan) -> Iterator[tuple[str, str]]:
    for lost in dict.fromkeys(plan.lost.values()):
        yield ", ".join(doctype for doctype, told in plan.lost.items() if told == lost), lost


def _system_manager() -> Text:
    return plain(
        "Frappe lets System Managers alone list DocTypes, and takes no rule of another role for them. Giving the user "
        "the role System Manager brings all that back; but a System Manager may change the whole site, so it is left "
        "out here. Counts, its own roles and its own User Permissions, which a check needs, any user may ask for."
    )


def _at_once(plan: AccessPlan) -> Text:
    return plain(
        f"federation access {plan.satellite} --script\n"
        "prints Python that does steps 1 to 4. Paste it into the console of the site's bench "
        "(bench --site SITE console); it prints the key and the secret. Run again, it makes a new secret.",
        lines=True,
    )
