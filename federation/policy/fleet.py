"""Fleet: the policies of all satellites at once, as the union of their contracts asks for them."""

from __future__ import annotations

from federation.policy.rules import Action, Drop, Hash, Keep, SatellitePolicy, policy_for
from federation.settings.model import Settings


class FleetPolicy:
    """What happens to each field of each satellite.

    A satellite that the settings no longer name keeps the columns it had: nothing new arrives from it.
    """

    def __init__(self, settings: Settings) -> None:
        # A fold over 300 satellites asks the same of policies that are alike: each question is answered once.
        alike: dict[tuple[int, ...], SatellitePolicy] = {}
        self._policies: dict[str, SatellitePolicy] = {}
        for name, satellite in settings.satellites.items():
            policy = policy_for(settings, satellite)
            self._policies[name] = alike.setdefault(policy.numbers, policy)
        self._actions: dict[tuple[int, str, str, str], Action] = {}

    def of(self, satellite: str) -> SatellitePolicy | None:
        """Return the policy of one satellite, None where the settings don't name it."""
        return self._policies.get(satellite)

    def keeps(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> bool:
        """Return whether the field leaves the satellite, as it is or hashed."""
        return not isinstance(self._action(satellite, doctype, fieldname, fieldtype), Drop)

    def hashes(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> bool:
        """Return whether the field leaves the satellite as a hash."""
        return isinstance(self._action(satellite, doctype, fieldname, fieldtype), Hash)

    def _action(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> Action:
        policy = self.of(satellite)
        if policy is None:
            return Keep()
        asked = (id(policy), doctype, fieldname, fieldtype)
        if asked not in self._actions:
            self._actions[asked] = policy.action(doctype, fieldname, fieldtype)
        return self._actions[asked]

    def explain(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> str:
        """Return what happens to the field and the rule that says so."""
        policy = self.of(satellite)
        return (
            "keep: the satellite is not in the settings"
            if policy is None
            else policy.explain(doctype, fieldname, fieldtype)
        )
