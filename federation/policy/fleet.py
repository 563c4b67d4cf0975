"""Fleet: the policies of all satellites at once, as the union of their contracts asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from federation.contract.asked_field import AskedField
from federation.policy.rules import Action, Destination, Drop, Hash, HashLinked, Keep, Mask, SatellitePolicy, policy_for
from federation.settings.model import Settings

_WORDS: Final[Mapping[type[Action], str]] = {Keep: "", Hash: "hash", HashLinked: "hash", Drop: "drop"}


class FleetPolicy:
    """What happens to each field of each satellite.

    A satellite that the settings no longer name keeps the columns it had: nothing new arrives from it.

    Args:
        settings: they have the rules.
        destination: how far the fields are asked about.
    """

    def __init__(self, settings: Settings, destination: Destination = "lake") -> None:
        self._destination: Destination = destination
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
        """Return whether the field gets to the destination, as it is, masked or hashed."""
        return not isinstance(self._action(satellite, asked), Drop)

    def keeps_whole(self, satellite: str, asked: AskedField) -> bool:
        """Return whether the field gets there as it is."""
        return isinstance(self._action(satellite, asked), Keep)

    def hashes(self, satellite: str, asked: AskedField) -> bool:
        """Return whether the field leaves the satellite as a hash."""
        return isinstance(self._action(satellite, asked), Hash | HashLinked)

    def masks(self, satellite: str, asked: AskedField) -> bool:
        """Return whether only a part of the field's values leaves the satellite."""
        return isinstance(self._action(satellite, asked), Mask)

    def withholds(self, satellite: str, asked: AskedField) -> bool:
        """Return whether the field is kept on the satellite's lake, and doesn't go on to the mothership."""
        policy = self.of(satellite)
        if policy is None or isinstance(policy.action(asked), Drop):
            return False
        return isinstance(policy.action(asked, "mothership"), Drop)

    def treatment(self, satellite: str, asked: AskedField) -> str | None:
        """Return what is made of the field, in the words of `policy/treatment.py`; of a hash not by which key.

        None where the settings don't name the satellite, and so say nothing.
        """
        if self.of(satellite) is None:
            return None
        action = self._action(satellite, asked)
        return f"mask {action.show}" if isinstance(action, Mask) else _WORDS[type(action)]

    def _action(self, satellite: str, asked: AskedField) -> Action:
        policy = self.of(satellite)
        if policy is None:
            return Keep()
        question = (id(policy), asked)
        if question not in self._actions:
            self._actions[question] = policy.action(asked, self._destination)
        return self._actions[question]
