"""What the environment says of a process: which policy is in force, and in which mode.

It imports nothing: it is read at the start of every interpreter.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

ENFORCE, AUDIT = "enforce", "audit"
DEFAULT_PATH = "/root/policies/policy.json"


def policy_path(environment: Mapping[str, str]) -> str:
    """The policy file: PICKLEBALL_POLICY, else /root/policies/policy.json."""
    return environment.get("PICKLEBALL_POLICY") or DEFAULT_PATH


def mode(environment: Mapping[str, str]) -> str:
    """The mode as it is written: PICKLEBALL_MODE, else enforce."""
    return environment.get("PICKLEBALL_MODE") or ENFORCE
