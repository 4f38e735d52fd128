"""Which policy and mode are in force in this process.

The policy is what `install` or `use_policy` gave, else the file that PICKLEBALL_POLICY names, else
/root/policies/policy.json. The mode is what `install` gave, else PICKLEBALL_MODE, else enforce. Where none of these
can be read, every load is refused with that reason.
"""

from __future__ import annotations

import os

from .environment import AUDIT, ENFORCE, mode, policy_path
from .errors import PolicyError, SettingsError
from .evidence import say_start as say
from .policy import Policy
from .value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MODES = (ENFORCE, AUDIT)


class Enforcement(Value):
    """What is in force: a policy, or the fault for which there is none."""

    def __init__(self, mode: str, policy: Policy | None, path: str, fault: str = "") -> None:
        self.mode = mode
        self.policy = policy
        self.path = path
        self.fault = fault

    @property
    def audit(self) -> bool:
        """Whether violations are only recorded."""
        return self.mode == AUDIT


class Lookup:
    """Finds the policy when the first pickle is loaded, and keeps it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._mode = mode(environment)
        self._path = policy_path(environment)
        self._found: Enforcement | None = None

    def current(self) -> Enforcement:
        """Give what is in force. A policy that could not be read is looked for again at the next load."""
        if self._found is not None:
            return self._found
        if self._mode not in MODES:
            fault = f"PICKLEBALL_MODE is {self._mode!r}; there are 'enforce' and 'audit'"
            return Enforcement(ENFORCE, None, self._path, fault)
        try:
            policy = Policy.load(self._path)
        except PolicyError as error:
            return Enforcement(self._mode, None, self._path, f"{error}; name a policy in PICKLEBALL_POLICY")
        self._found = Enforcement(self._mode, policy, self._path)
        return self._found

    def set_policy(self, policy: Policy) -> None:
        """Put a policy in force from now on."""
        mode = self._mode if self._mode in MODES else ENFORCE
        self._path = policy.where
        self._found = Enforcement(mode, policy, policy.where)

    def set_path(self, path: str) -> None:
        """Look for the policy in this file from now on."""
        self._path = path
        self._found = None

    def say_start(self) -> None:
        """Tell the witness of the pod what the program has put in force."""
        say(self._mode, self._path)

    def set_mode(self, mode: str) -> None:
        """Enforce or audit from now on."""
        if mode not in MODES:
            raise SettingsError(f"mode is {mode!r}; there are 'enforce' and 'audit'")
        self._mode = mode
        self._found = None


_lookup = Lookup(os.environ)


def current() -> Enforcement:
    """Give what is in force in this process."""
    return _lookup.current()


def configure(policy: Policy | str | os.PathLike[str] | None, mode: str | None) -> None:
    """Change what is in force: a policy, or a path to look for it; None leaves it as it is."""
    if mode is not None:
        _lookup.set_mode(mode)
    if isinstance(policy, Policy):
        _lookup.set_policy(policy)
    elif policy is not None:
        _lookup.set_path(os.fspath(policy))


def say_start() -> None:
    """Tell the witness of the pod what the program has put in force."""
    _lookup.say_start()
