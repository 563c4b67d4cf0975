"""Histories: acts on a site, interleaved with syncs, faults and kills, and played from the first to the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from hypothesis import strategies as st
from model_acts import ACTS, SHIFTS, UNSEEN, perform
from model_federation import CRASHED, KILLED, Federation, Outcome, Victim
from model_judge import Verdict, judge_rest, judge_sync
from model_site import DOCUMENTS, ModelSite, open_site

from federation.demo.site.faults import Fault, FaultPlan

Depth = Literal["changes", "reconcile", "full"]
_FAULTS: Final[dict[str, dict[str, Any]]] = {
    "reset": {"kind": "reset"},
    "truncate": {"kind": "truncate"},
    "busy": {"kind": "status", "status": 429, "retry_after": 0},
    "closed": {"kind": "status", "status": 503},
    "crash": {"kind": "status", "status": 500},
    "gateway": {"kind": "gateway", "status": 502},
    "hang": {"kind": "hang", "seconds": 0.05},
}
_NIGHTS: Final = 60
"""More than any pass needs to go round twice."""
_BEFORE: Final = (
    "add_region", "add_party", "add_order", "add_offer", "add_punches", "add_note", "post", "submit_order", "add_party",
    "add_region", "add_order", "save_preferences", "name_ledger_rows", "post", "add_party", "add_note", "add_offer",
)  # fmt: skip
"""What happened before a history begins."""


@dataclass(frozen=True)
class Happens:
    """An act.

    Attributes:
        act: its name.
        picks: what decides its details.
        at: the request of the next sync before which it happens; 0 for at once.
    """

    act: str
    picks: tuple[int, ...]
    at: int = 0


@dataclass(frozen=True)
class Sync:
    """A sync.

    Attributes:
        depth: how deep it looks.
        faults: kind, the request that it hits first, and how many it hits.
        kill_at: the effect at which its process dies; 0 for never.
    """

    depth: Depth = "changes"
    faults: tuple[tuple[str, int, int], ...] = ()
    kill_at: int = 0


Step = Happens | Sync


class Wrong(AssertionError):
    """The mothership contradicts the site, or itself."""

    def __init__(self, verdict: Verdict, told: Sequence[str]) -> None:
        super().__init__("\n".join([*verdict.said, "what happened:", *told]))
        self.verdict = verdict


@dataclass
class Meanwhile(FaultPlan):
    """Lets acts happen before the n-th request of a sync."""

    due: list[tuple[int, Happens]] = field(default_factory=list)
    site: ModelSite | None = None
    count: int = 0
    happened: list[Happens] = field(default_factory=list)

    def take(self, request: str) -> Fault | None:
        with self._lock:
            self.count += 1
            now = [entry for entry in self.due if entry[0] <= self.count]
            self.due = [entry for entry in self.due if entry[0] > self.count]
        for _, step in now:
            assert self.site is not None
            if perform(self.site, step.act, step.picks):
                self.happened.append(step)
        return super().take(request)


@dataclass
class Counts:
    """What a history consisted of."""

    changes: int = 0
    faults: int = 0
    kills: int = 0
    syncs: int = 0
    acts: Counter[str] = field(default_factory=Counter)


@dataclass
class History:
    """A site and its federation while a history is played."""

    site: ModelSite
    federation: Federation
    counts: Counts
    told: list[str] = field(default_factory=list)
    _waiting: list[Happens] = field(default_factory=list)

    def play(self, steps: Sequence[Step], *, by_night: bool) -> None:
        """Play the steps, let everything come to rest, and compare.

        Args:
            steps: what happens.
            by_night: at the end, budgeted passes find what changes don't tell, instead of one full sync.

        Raises:
            Wrong: something contradicts.
        """
        for number, act in enumerate(_BEFORE):
            perform(self.site, act, (number, 7 * number + 1, 5 * number + 3))
        for step in steps:
            if isinstance(step, Sync):
                self._sync(step)
            elif step.at and step.act not in UNSEEN:
                self._waiting.append(step)
            elif perform(self.site, step.act, step.picks):
                self._note(step)
        self._come_to_rest(by_night=by_night)

    def _note(self, step: Happens) -> None:
        self.told.append(str(step))
        self.counts.changes += 1
        self.counts.acts[step.act] += 1

    def _sync(self, step: Sync) -> Outcome:
        plan = Meanwhile(site=self.site, due=[(each.at, each) for each in self._waiting])
        for kind, first, times in step.faults:
            plan.add(Fault(**_FAULTS[kind], after=first, times=times))
        self.site.running.app.faults = plan
        outcome = self.federation.sync(step.depth, kill_at=step.kill_at)
        self.site.running.app.faults = FaultPlan()
        self._waiting = []
        for each in plan.happened:
            self._note(each)
        self.told.append(f"{step} -> {outcome} after {plan.count} requests")
        self.counts.syncs += 1
        self.counts.kills += outcome.status == KILLED
        self.counts.faults += len(plan.hits)
        self._check_outcome(step, outcome, bool(plan.hits))
        verdict = judge_sync(self.federation)
        if not verdict.good:
            raise Wrong(verdict, self.told)
        if outcome.status == 0 and SHIFTS.isdisjoint(each.act for each in plan.happened):
            self.site.shifted = False
        return outcome

    def _check_outcome(self, step: Sync, outcome: Outcome, disturbed: bool) -> None:
        """A sync that nothing disturbs succeeds, unless the site isn't to be recognised any more."""
        if outcome.status == 1 and "come from another site" in outcome.error and self.federation.is_another_site():
            again = self.federation.sync(step.depth, allow_mass_delete=True)
            self.told.append(f"believed: {again}")
            outcome = again
        expected = outcome.status == 0 or (outcome.status == KILLED and step.kill_at) or disturbed
        if outcome.status == CRASHED or not expected:
            raise Wrong(Verdict(said=[f"a sync failed: {outcome}"]), self.told)

    def _come_to_rest(self, *, by_night: bool) -> None:
        """No faults, nothing changes: what changes tell is read, and all is gone through once more from now on."""
        self.site.set_reader_levels(1)
        self._sync(Sync())
        if by_night:
            self._go_round()
        else:
            self._sync(Sync("full"))
        verdict = judge_rest(self.federation)
        if not verdict.good:
            raise Wrong(verdict, self.told)

    def _go_round(self) -> None:
        """Sync by night until every DocType's rolling pass has ended twice: the second one began at rest."""
        ended: Counter[str] = Counter()
        for _ in range(_NIGHTS):
            self._sync(Sync("reconcile"))
            ended.update(set(DOCUMENTS) - self.federation.passing())
            if all(ended[doctype] > 1 for doctype in DOCUMENTS):
                return
        raise Wrong(Verdict(said=[f"passes don't go round in {_NIGHTS} nights"]), self.told)


def play(
    folder: Path, version: int, steps: Sequence[Step], victim: Victim, counts: Counts, *, by_night: bool = False
) -> None:
    """Play a history on a new site of a version of Frappe; see `History.play`.

    Raises:
        Wrong: the mothership contradicts the site, or itself.
    """
    with open_site(folder, version) as site:
        History(site, Federation(folder, site, victim), counts).play(steps, by_night=by_night)


def histories(longest: int) -> st.SearchStrategy[list[Step]]:
    """Histories of up to `longest` steps, after some documents were made."""
    picks = st.tuples(*[st.integers(0, 30)] * 4)
    acts = sorted(ACTS)
    now = st.builds(Happens, st.sampled_from(acts), picks)
    during = st.builds(Happens, st.sampled_from(acts), picks, st.integers(8, 60))
    fault = st.tuples(st.sampled_from(sorted(_FAULTS)), st.integers(0, 60), st.integers(1, 6))
    faults = st.lists(fault, max_size=2).map(tuple)
    depths = st.sampled_from(("changes", "changes", "reconcile", "full"))
    syncs = st.one_of(
        st.builds(Sync, depths),
        st.builds(Sync, depths, faults),
        st.builds(Sync, depths, st.just(()), st.integers(1, 80)),
    )
    return st.lists(st.one_of(*[now] * 12, *[during] * 3, syncs), min_size=longest // 2, max_size=longest)
