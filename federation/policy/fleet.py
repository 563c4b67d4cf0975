"""Fleet: the policies of all satellites at once, as the union of their contracts asks for them."""

from __future__ import annotations

from federation.policy.rules import Drop, Hash, SatellitePolicy, policy_for
from federation.settings.model import Settings


class FleetPolicy:
    """What happens to each field of each satellite.

    A satellite that the settings no longer name keeps the columns it had: nothing new arrives from it.
    """

    def __init__(self, settings: Settings) -> None:
        self._policies = {name: policy_for(settings, satellite) for name, satellite in settings.satellites.items()}

    def of(self, satellite: str) -> SatellitePolicy | None:
        """Return the policy of one satellite, None where the settings don't name it."""
        return self._policies.get(satellite)

    def keeps(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> bool:
        """Return whether the field leaves the satellite, as it is or hashed."""
        policy = self.of(satellite)
        return policy is None or not isinstance(policy.action(doctype, fieldname, fieldtype), Drop)

    def hashes(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> bool:
        """Return whether the field leaves the satellite as a hash."""
        policy = self.of(satellite)
        return policy is not None and isinstance(policy.action(doctype, fieldname, fieldtype), Hash)

    def explain(self, satellite: str, doctype: str, fieldname: str, fieldtype: str) -> str:
        """Return what happens to the field and the rule that says so."""
        policy = self.of(satellite)
        return (
            "keep: the satellite is not in the settings"
            if policy is None
            else policy.explain(doctype, fieldname, fieldtype)
        )
