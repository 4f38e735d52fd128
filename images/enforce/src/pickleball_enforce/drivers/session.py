"""What both drivers share: the judgement of one unpickler, and what find_class may give."""

from __future__ import annotations

from pickleball_enforce import engine, lookup, names, obligations, records, renames, sanction, stubs
from pickleball_enforce.errors import MalformedStream, PolicyViolation
from pickleball_enforce.report import UNDECODABLE, Import, Malformed, Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pickleball_enforce.report import Obligation
    from pickleball_enforce.settings import Settings


class TruncatedStream(MalformedStream, EOFError):
    """A pickle that ends before STOP: stock says EOFError, and programs that read to the end of a file wait for it."""


class UndecodableStream(MalformedStream, UnicodeDecodeError):
    """A byte string of Python 2 in another encoding: programs wait for stock's error and try again with latin1."""

    def __init__(self, offset: int, sentence: str, encoding: str) -> None:
        UnicodeDecodeError.__init__(self, encoding, b"", 0, 0, sentence)
        self.offset = offset
        self.sentence = sentence

    def __str__(self) -> str:
        return f"offset {self.offset}: {self.sentence}"


class Session:
    """Judges the loads of one unpickler."""

    def __init__(
        self,
        settings: Settings,
        source: str,
        on_obligation: Callable[[Import, Obligation], None] | None = None,
        *,
        on_stack: bool = False,
    ) -> None:
        self.enforcement = lookup.current()
        self.source = source
        self._on_stack = on_stack or on_obligation is not None  # the driver sees what calls return
        self.digest: Callable[[], str] = str  # of what was read, for records
        policy = self.enforcement.policy
        self.verifier: Any = None
        if policy and on_obligation:
            from pickleball_enforce.verifier import Verifier  # noqa: PLC0415 - most processes never follow a Python unpickler

            self.verifier = Verifier(policy, settings, on_obligation)
        elif policy:
            self.verifier = engine.make(policy, settings)
        self.objects: dict[Import, Any] = {}  # what imports gave, for obligations of later opcodes and loads
        self._reached: dict[Import, tuple[str, str]] = {}  # the names that renamed imports came to
        self._stubs: list[Import] = []

    @property
    def audit(self) -> bool:
        """Whether violations are only recorded."""
        return self.enforcement.audit

    # ---- what was found ---------------------------------------------------------------------------------------------

    def refuse(self, violations: Sequence[Violation]) -> None:
        """Record violations, and end the load unless this is an audit."""
        if not violations:
            return
        records.write(violations, self.enforcement, self.source, self.digest())
        if not self.audit:
            raise PolicyViolation(violations)

    def refuse_fault(self) -> None:
        """Refuse the load because no policy can be read."""
        sentence = f"No pickle may be loaded: {self.enforcement.fault}."
        self.refuse([Violation("no-policy", "", "", 0, sentence)])

    def refuse_malformed(self, error: Malformed, *, truncated: bool) -> None:
        """Refuse bytes that are no pickle, by the errors that programs know from stock."""
        if truncated and error.offset == 0:
            if not self.audit:
                raise EOFError("Ran out of input")
            return
        sentence = f"The stream is malformed: {error.sentence}"
        violation = Violation("malformed", "", "", error.offset, sentence)
        records.write([violation], self.enforcement, self.source, self.digest())
        if self.audit:
            return
        if self.verifier is not None and error.sentence.startswith(UNDECODABLE):
            raise UndecodableStream(error.offset, error.sentence, self.verifier.settings.encoding)
        raise (TruncatedStream if truncated else MalformedStream)(error.offset, error.sentence)

    def refuse_unforeseen(self, module: str, name: str) -> None:
        """Refuse an import that the stream was not judged to make."""
        path = f"{module}.{name}"
        sentence = f"The unpickler imports {path}, which was not foreseen."
        self.refuse([Violation("import-not-foreseen", path, "", 0, sentence)])

    def report_stubs(self) -> None:
        """Record the stubs that the load has left in its result."""
        left = [item for item in self._stubs if item.uses]
        self._stubs = []
        if left:
            found = [_stubbed(item, "would stand" if self.audit else "stands") for item in left]
            records.write(found, self.enforcement, self.source, self.digest())

    # ---- what find_class gives --------------------------------------------------------------------------------------

    def resolve(
        self, prediction: Import, module: str, name: str, find: Callable[[str, str], Any]
    ) -> tuple[Any, Import]:
        """Decide on the name that reaches the base class; give the object and the prediction under that name."""
        reached = names.canonical(module, name, prediction.proto, fix_imports=prediction.fix_imports)
        self._reached[prediction] = reached
        if reached != prediction.canonical and self.verifier is not None and not self.verifier.settings.renames:
            self.refuse_unforeseen(*reached)
        asked = prediction.decision == "ask" or reached != prediction.canonical
        under = prediction
        if reached != prediction.canonical:
            under = prediction.changed(module=module, name=name, canonical=reached)
        refused = prediction.decision == "stub" and not asked
        if asked:
            refused = self._ask(prediction, reached)
        if refused and not self.audit:
            return self.stub(under), under
        if refused:
            self._stubs.append(under)
        return sanctioned(find, module, name), under

    def resolve_alone(self, module: str, name: str, find: Callable[[str, str], Any]) -> Any:
        """Decide on a name that the program itself asks for: the policy has to list it.

        A class of `instances` is given, too: an unpickler inside another one may ask so (joblib), and judges what
        becomes of the class.
        """
        policy = self.enforcement.policy
        if policy is None:
            self.refuse_fault()
            return sanctioned(find, module, name)
        path = f"{module}.{name}"
        old = ".".join(names.canonical(module, name, 0, fix_imports=True))  # stock may take it for a Python 2 name
        if not {path, old} <= policy.globals | policy.reduces:
            sentence = f"The program looks {path} up by find_class, which the policy does not allow."
            self.refuse([Violation("import-not-allowed", path, "", 0, sentence, ("globals", path))])
        return sanctioned(find, module, name)

    def accept(self, prediction: Import, under: Import, obj: Any) -> Any:
        """Check what the import gave, and give what goes on the stack."""
        if type(obj) is not stubs.Stub:
            self.refuse(obligations.discharge(obj, under, on_stack=self._on_stack))
        self.objects[prediction] = obj
        return obj

    def accept_unasked(self, prediction: Import, obj: Any) -> Any:
        """Check what a find_class of the application gave without asking its base class."""
        if self._ask(prediction, prediction.canonical) and not self.audit:
            return self.accept(prediction, prediction, self.stub(prediction))
        return self.accept(prediction, prediction.changed(parent=prediction), obj)  # no path to check

    def refuse_asked(self, prediction: Import, obligation: Obligation) -> None:
        """Judge by its real name what an opcode does with an import that the application renamed."""
        policy = self.enforcement.policy
        if prediction.decision != "ask" or policy is None:
            return
        reached = self._reached.get(prediction, prediction.canonical)
        found = renames.decide(prediction, *reached, policy)
        self.refuse([item for item in found if (item.opcode, item.offset) == (obligation.opcode, obligation.offset)])

    def refuse_registered(self, prediction: Import) -> None:
        """Judge an extension code by its registered name: where its object is cached, find_class is not asked."""
        policy = self.enforcement.policy
        if prediction.decision == "ask" and policy is not None:
            self.refuse(renames.decide(prediction, *prediction.canonical, policy))

    def object_of(self, prediction: Import) -> Any:
        """Give the object of an import; KeyError when the load did not get that far."""
        if prediction.parent is not None:
            return obligations.attribute(self.object_of(prediction.parent), prediction.attribute)
        return self.objects[prediction]

    def stub(self, prediction: Import) -> stubs.Stub:
        """Give a stub for a name that is not allowed."""
        self._stubs.append(prediction)
        return stubs.Stub(prediction.canonical, prediction.offset, self._record)

    def _record(self, violations: Sequence[Violation]) -> None:
        records.write(violations, self.enforcement, self.source, "")

    def _ask(self, prediction: Import, reached: tuple[str, str]) -> bool:
        """Judge a name that the application may have changed; whether a stub is to stand for it."""
        policy = self.enforcement.policy
        if policy is None:
            return False
        if prediction.helper and reached == prediction.canonical:
            return False
        found = renames.decide(prediction, *reached, policy)
        path = ".".join(reached)
        if prediction.helper and not found and path not in policy.reduces:
            sentence = f"The stream calls {path} for {prediction.path}, which the policy does not allow."
            place = (prediction.opcode, prediction.offset)
            found = [Violation("reduce-not-allowed", path, *place, sentence, ("reduces", path))]
        if found and all(item.rule == "import-not-allowed" and item.opcode == prediction.opcode for item in found):
            return True
        self.refuse(found)
        return False


def sanctioned(find: Callable[[str, str], Any], module: str, name: str) -> Any:
    """Call stock's find_class so that the audit hook lets it pass."""
    sanction.grant(module, name)
    try:
        return find(module, name)
    finally:
        sanction.revoke()


def _stubbed(item: Import, stands: str) -> Violation:
    sentence = f"The stream imports {item.path}, which the policy does not allow: an inert stub {stands} for it."
    return Violation("import-not-allowed", item.path, item.opcode, item.offset, sentence, ("globals", item.path))


def substituted(expected: Import) -> Violation:
    """Make the violation of a persistent object that is instantiated and is not the class that its id held."""
    sentence = f"The stream instantiates a persistent object whose id names {expected.path}, and it is something else."
    return Violation("class-not-import", expected.path, expected.opcode, expected.offset, sentence)
