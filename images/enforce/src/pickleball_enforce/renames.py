"""Imports that the application renames: judged by the name that reaches the base class (`Settings.renames`)."""

from __future__ import annotations

from . import names
from .report import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .policy import Policy
    from .report import Import, Obligation


def decide(prediction: Import, module: str, name: str, policy: Policy) -> list[Violation]:
    """Judge a renamed import (`decision` "ask"): `module` and `name` are those that reach the base class, canonical.

    A violation of rule `import-not-allowed` alone means: give a stub.
    """
    path = f"{module}.{name}"
    listed = path in policy.globals or path in policy.reduces
    found = []
    if path in policy.reduces:
        prediction.uses.add("callable")
    for obligation in prediction.obligations:
        refused = _judge_asked(path, obligation, policy, listed=listed)
        if refused:
            found.append(refused)
    if path != prediction.path and (path in names.HELPERS or prediction.helper):
        found.append(_renamed(prediction, path, "helper-arguments", "renamed from or to a helper", None))
    if found or listed or prediction.helper:
        return found
    rule = "extension-not-allowed" if prediction.optional else "import-not-allowed"
    return [_renamed(prediction, path, rule, "not in the policy", ("globals", path))]


def _renamed(prediction: Import, path: str, rule: str, what: str, allow: tuple[str, str] | None) -> Violation:
    sentence = f"The stream imports {path} (written as {prediction.module}.{prediction.name}), which is {what}."
    return Violation(rule, path, prediction.opcode, prediction.offset, sentence, allow)


def _judge_asked(path: str, obligation: Obligation, policy: Policy, *, listed: bool) -> Violation | None:
    kind = obligation.kind
    place = (obligation.opcode, obligation.offset)
    if kind in ("called", "result-build", "result-items") and path not in policy.reduces:
        sentence = f"The stream calls {path}, which the policy does not allow."
        return Violation("reduce-not-allowed", path, *place, sentence, ("reduces", path))
    if kind in ("instantiated", "build", "items") and not listed:
        sentence = f"The stream instantiates {path}, which the policy does not allow."
        return Violation("instance-not-allowed", path, *place, sentence, ("globals", path))
    if kind == "kept" and path in policy.instances:
        sentence = f"The stream keeps {path} as data; the policy allows instances of it only."
        return Violation("instances-only", path, *place, sentence, ("globals", path))
    dotted = f"{path}.{obligation.detail}"
    if kind == "method-called" and (dotted not in policy.reduces or names.hands_on(dotted)):
        sentence = f"The stream takes {dotted}, which the policy does not let it call."
        return Violation("reduce-not-allowed", dotted, *place, sentence, ("reduces", dotted))
    listed = dotted in policy.globals - policy.instances or dotted in policy.reduces
    if kind in ("attribute-asked", "method-asked") and not listed:
        sentence = f"The stream takes {dotted}, which the policy does not allow."
        return Violation("import-not-allowed", dotted, *place, sentence, ("globals", dotted))
    return None
