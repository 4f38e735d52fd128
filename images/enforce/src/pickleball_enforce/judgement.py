"""What every rule of the verifier works with: the policy's answers, violations, predicted imports, obligations."""

from __future__ import annotations

from . import names
from .opcodes import NAMES
from .report import Import, Obligation, Violation
from .tags import HELPER, OPERAND, STUB, Tag, Tuple, describe, flags_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .policy import Policy
    from .settings import Settings


class Judgement:
    """The state that the rules share."""

    settings: Settings

    def __init__(
        self,
        policy: Policy | None,
        settings: Settings,
        on_obligation: Callable[[Import, Obligation], None] | None,
    ) -> None:
        self.settings = settings
        self.tracing = policy is None
        self._globals = policy.globals if policy else frozenset[str]()
        self._reduces = policy.reduces if policy else frozenset[str]()
        self._instances = policy.instances if policy else frozenset[str]()
        self._owners = {name.rpartition(".")[0] for name in self._globals | self._reduces}
        self._on_obligation = on_obligation
        self.violations: list[Violation] = []
        self.suppressed = 0
        self.imports: list[Import] = []
        self.needs: list[Import] = []
        self.late: list[tuple[Import, Obligation]] = []
        self.persistent: dict[int, Import] = {}
        self._first_identified = 0  # of this load
        self._opcode = 0
        self._at = 0

    # ---- answers of the policy --------------------------------------------------------------------------------------

    def may_reference(self, path: str) -> bool:
        """Whether the policy lists the name at all."""
        return self.tracing or path in self._globals or path in self._reduces

    def may_call(self, path: str) -> bool:
        """Whether the policy lists the name in `reduces`."""
        return self.tracing or path in self._reduces

    def identifiable(self, index: int) -> bool:
        """Whether the driver proves what a persistent_load gave: one of this load, with a driver that does so."""
        return self.settings.persistent_classes and index >= self._first_identified

    # ---- findings ---------------------------------------------------------------------------------------------------

    def refuse(self, rule: str, name: str, sentence: str, allow: tuple[str, str] | None = None) -> None:
        """Note a violation at the current opcode."""
        if len(self.violations) >= self.settings.max_violations:
            self.suppressed += 1
            return
        opcode = NAMES.get(self._opcode, "?")
        self.violations.append(Violation(rule, name, opcode, self._at, sentence, allow))

    def oblige(self, target: Import, kind: str, detail: str = "") -> None:
        """Attach an obligation to an import, once for each kind and detail."""
        key = (kind, detail)
        fresh = key not in target.seen
        if not fresh and not (self._on_obligation and kind.startswith(("result", "persistent"))):
            return
        obligation = Obligation(kind, detail, NAMES.get(self._opcode, "?"), self._at)
        if kind == "persistent" and not self._on_obligation:
            return  # Verdict.persistent says it
        if fresh:
            guarded = target.sealed and kind.startswith("result") and target.guarded and kind != "result-method"
            target.seen.add(key)
            target.obligations.append(obligation)
            if target.sealed and not guarded:
                self.late.append((target, obligation))
        if self._on_obligation:
            self._on_obligation(target, obligation)

    def work(self, amount: int) -> None:
        """Count what judging costs (machine.py)."""
        raise NotImplementedError

    # ---- imports ----------------------------------------------------------------------------------------------------

    def predict(self, module: str, name: str, proto: int, *, below: tuple[Tag, Tag], code: int = 0) -> Import:
        """Decide on an import; `below` holds the two values under it, which may be a helper that takes it."""
        path = names.canonical(module, name, proto, fix_imports=self.settings.fix_imports)
        found = Import(
            index=len(self.imports),
            offset=self._at,
            opcode=NAMES.get(self._opcode, "?"),
            module=module,
            name=name,
            proto=proto,
            canonical=path,
            decision="allow",
            optional=code > 0,
            code=code,
            fix_imports=self.settings.fix_imports,
        )
        if "." in name and proto < 4:
            sentence = f"The stream imports {found.path} by a dotted name, which protocol {proto} does not walk."
            self.refuse("dotted-name", found.path, sentence)
        self._decide(found, below)
        self.imports.append(found)
        self.needs.append(found)
        return found

    def derive(self, owner: Import, attribute: str) -> Import:
        """Make the import that a getattr in the stream amounts to; no find_class call belongs to it."""
        module, qualname = owner.canonical
        found = Import(
            index=-1,
            offset=self._at,
            opcode=NAMES.get(self._opcode, "?"),
            module=module,
            name=f"{qualname}.{attribute}",
            proto=owner.proto,
            canonical=(module, f"{qualname}.{attribute}"),
            decision="allow",
        )
        found.parent = owner
        found.attribute = attribute
        found.unkept = self.tracing or found.path in self._instances
        found.sealed = owner.sealed  # the owner of an earlier load has been checked: what comes now is told apart
        owner.children.append(found)
        self.needs.append(found)
        return found

    def _decide(self, found: Import, below: tuple[Tag, Tag]) -> None:
        path = found.path
        listed = path in self._globals or path in self._reduces
        if not listed and not found.optional:
            if path in names.HELPERS:
                found.helper = True
            elif self._is_operand(path, below):
                found.helper = found.operand = True
        if found.helper or self.tracing:
            found.decision = "allow"
        elif self.settings.renames:
            found.decision = "ask"
        elif listed:
            found.decision = "allow"
        else:
            found.decision = "stub"
        if not found.helper:
            found.unkept = self.tracing or found.decision == "ask" or path in self._instances

    def _is_operand(self, path: str, below: tuple[Tag, Tag]) -> bool:
        """Whether the import stands where a helper takes it as an operand."""
        under, top = below
        if type(top) is not Import:
            return False
        if type(under) is Import and under.path == names.RECONSTRUCTOR:
            return path in names.BASES
        if top.path == names.TYPE:
            return path in names.SINGLETONS
        return top.path == names.GETATTR and (self.tracing or path in self._owners)

    # ---- values that go somewhere -----------------------------------------------------------------------------------

    def release(self, tag: Tag) -> None:
        """Note that a value becomes data: `instances` is not enough for that, nor to be a helper or its operand."""
        flags = flags_of(tag)
        if flags & (HELPER | OPERAND):
            for item in self._helpers(tag):
                self.reference(item)
            if type(tag) is Tuple:
                tag.flags &= ~(HELPER | OPERAND)  # told once; so that no tuple is walked through twice

    @staticmethod
    def keep(tag: Tag) -> None:
        """Note that an import is kept as it is, outside any container."""
        if type(tag) is Import:
            tag.uses.add("data")

    def reference(self, found: Import) -> None:
        """Require an entry for an import that was let through for a helper's sake, or for instances of it only."""
        if self.tracing:
            found.helper = found.operand = found.unkept = False
            return
        if found.unkept:
            self._keep_instances_only(found)
            return
        sentence = f"The stream keeps {found.path} as data, which the policy does not allow."
        self.refuse("import-not-allowed", found.path, sentence, ("globals", found.path))

    def _keep_instances_only(self, found: Import) -> None:
        if found.decision == "ask":
            found.unkept = False
            self.oblige(found, "kept")
            return
        sentence = f"The stream keeps {found.path} as data; the policy allows instances of it only."
        self.refuse("instances-only", found.path, sentence, ("globals", found.path))

    def _helpers(self, tag: Tag) -> list[Import]:
        found: list[Import] = []
        pending: list[Any] = [tag]
        seen: set[int] = set()
        while pending:
            item = pending.pop()
            if id(item) in seen:
                continue
            seen.add(id(item))
            if type(item) is Import and (item.helper or item.unkept):
                found.append(item)
            elif type(item) is Tuple and item.flags & (HELPER | OPERAND):
                pending.extend(item.items)
        return found

    def check_persistent(self, tag: Tag) -> None:
        """Check an id that goes to the application's persistent_load: what it holds counts as used."""
        self.release(tag)
        self.keep(tag)
        if flags_of(tag) & STUB and len(self.violations) < self.settings.max_violations:
            found = _stubs(tag)
            self.work(len(found))
            for item in found:
                sentence = f"A persistent id holds {describe(item)}, which the policy does not allow."
                self.refuse("persistent-import", describe(item), sentence, ("globals", describe(item)))


def candidate(pid: Tag) -> Import | None:
    """Give the one import that a persistent id holds, if there is one that resolves."""
    if type(pid) is not Tuple:
        return None
    held = [item for item in pid.items if type(item) is Import]
    return held[0] if len(held) == 1 and held[0].decision != "stub" and not held[0].helper else None


def _stubs(tag: Tag) -> list[Tag]:
    if type(tag) is Import:
        return [tag]
    if type(tag) is not Tuple:
        return [tag]
    found: list[Tag] = []
    seen: set[int] = set()
    pending: list[Any] = list(tag.items)
    while pending:
        item = pending.pop()
        if id(item) in seen or not flags_of(item) & STUB:
            continue
        seen.add(id(item))
        if type(item) is Tuple:
            pending.extend(item.items)
        else:
            found.append(item)
    return found
