"""Fleet: the policies of all satellites at once, as the union of their contracts asks for them."""

from __future__ import annotations

from federation.contract.asked_field import AskedField
from federation.policy.rules import Action, Drop, Hash, Keep, Mask, SatellitePolicy, policy_for
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
        self._actions: dict[tuple[int, AskedField], Action] = {}

    def of(self, satellite: str) -> SatellitePolicy | None:
        """Return the policy of one satellite, None where the settings don't name it."""
        return self._policies.get(satellite)

    def keeps(self, satellite: str, asked: AskedField) -> bool:
        """Return whether the field leaves the satellite, as it is, masked or hashed."""
        return not isinstance(self._action(satellite, asked), Drop)

    def keeps_whole(self, satellite: str, asked: AskedField) -> bool:
        """Return whether the field leaves the satellite as it is."""
        return isinstance(self._action(satellite, asked), Keep)

    def hashes(self, satellite: str, asked: AskedField) -> bool:
        """Return whether the field leaves the satellite as a hash."""
        return isinstance(self._action(satellite, asked), Hash)

    def masks(self, satellite: str, asked: AskedField) -> bool:
        """Return whether only a part of the field's values leaves the satellite."""
        return isinstance(self._action(satellite, asked), Mask)

    def _action(self, satellite: str, asked: AskedField) -> Action:
        policy = self.of(satellite)
        if policy is None:
            return Keep()
        question = (id(policy), asked)
        if question not in self._actions:
            self._actions[question] = policy.action(asked)
        return self._actions[question]
