"""Rules on what a stream may change: BUILD and the item operations."""

from __future__ import annotations

from . import names
from .calls import Calls
from .report import Import
from .tags import (
    KEYS_KEPT,
    LISTED,
    LIVE,
    NOT_LITERAL,
    Container,
    Object,
    Opaque,
    Tag,
    Tuple,
    callable_like,
    describe,
    flags_of,
    literal,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ITEMS = {"list": "append", "dict": "setitem", "set": "add"}
_UNCHANGEABLE_LITERALS = "only an object that the stream created can be given a state"


class Targets(Calls):
    """Judges what is changed, and with what."""

    # ---- BUILD ------------------------------------------------------------------------------------------------------

    def build(self, target: Tag, state: Tag) -> None:
        """Judge BUILD: the target, that it is the only one, and the state."""
        self.release(state)
        self.keep(state)
        if type(target) is not Object:
            if state is None and not flags_of(target) & NOT_LITERAL:
                return  # None as the state of builtin data does nothing
            name = describe(target)
            sentence = f"The stream gives {name} a state; {_UNCHANGEABLE_LITERALS}."
            allow = ("globals", name) if type(target) is Import and target.decision == "stub" else None
            self.refuse("build-target", name, sentence, allow)
            return
        if target.built:
            sentence = f"The stream changes {describe(target)} after its state was set."
            self.refuse("build-twice", describe(target), sentence)
            return
        target.built = True
        target.state = state
        if target.origin is None:
            return  # what made it is refused already
        self._oblige_instance(target, "build")
        self._check_state(target, state)
        self.check_partial(target, state)

    def _oblige_instance(self, target: Object, kind: str, detail: str = "") -> None:
        """Attach an obligation on an instance: to its class, or to the results of the callee that gave it."""
        if target.origin is not None:
            self.oblige(target.origin, kind if target.how == "new" else f"result-{kind}", detail)

    def _check_state(self, target: Object, state: Tag) -> None:
        if state is None:
            return
        if type(state) is Container and state.kind == "dict":
            self._check_attributes(target, state)
        elif type(state) is Tuple and len(state.items) == 2 and _slots(state.items):
            first, second = state.items
            if first is not None:
                self._check_attributes(target, first)
            self._check_slots(target, second)
        elif state is target and self._is_own_state(target):
            self._check_own_state(target)
        else:
            self._oblige_instance(target, "setstate")
            if type(state) is Container or type(state) is Object:
                state.frozen = True
            if type(state) in (Object, Opaque) and target.origin is not None:
                self.check_received(target.origin, (state,))
        if type(state) is Tuple:
            self._check_parts(target, state.items)

    @staticmethod
    def _is_own_state(target: Object) -> bool:
        """Whether all items of an object are known that is given itself as its state."""
        origin = target.origin
        return origin is not None and target.how == "new" and not origin.odd_items and origin.path not in names.CALLERS

    def _check_own_state(self, target: Object) -> None:
        """Judge the state of a dict that is its own namespace (`self.__dict__ = self`): its items become attributes.

        Where they were put they were checked for special names; what else may be called must replace no method. That is
        obliged for all instances of the class at once.
        """
        self._oblige_instance(target, "own-state")
        if target.origin is None:
            return
        self.work(len(target.origin.items))
        for key in target.origin.items:
            self._oblige_instance(target, "shadow", key)
        target.origin.items.clear()

    def _check_attributes(self, target: Object, state: Container, *, inner: bool = False) -> None:
        state.frozen = True
        if self._is_checked(target, state, "attributes"):
            return
        space = None if inner else (state.entries or {}).get("__dict__")
        if type(space) is Container and space.kind == "dict":
            self._oblige_instance(target, "setstate")  # a namespace as pydantic's models write it
            self._check_attributes(target, space, inner=True)
        if state.obscure:
            self._oblige_instance(target, "setstate")
        if state.cost == 1:
            self._oblige_instance(target, "empty-state")
        self._check_keys(target, state, space=not inner)
        for key, value in (state.entries or {}).items():
            if callable_like(value):
                self._check_replacement(target, key, value)
        if target.origin is not None and target.origin.path in names.CALLERS:
            imports = [value for value in (state.entries or {}).values() if type(value) is Import]
            self.check_received(target.origin, imports, named=True)

    def _check_replacement(self, target: Object, key: str, value: Tag) -> None:
        """Oblige what may stand where a method does: only what `reduces` lists, and calls nothing that it is given.

        An array is none: it cannot be called. What gave it is obliged to be numpy's own where a find_class of the
        application answers.
        """
        if value is LISTED:
            return
        sources = _array_sources(value)
        if sources:
            for item in sources:
                if item.decision == "ask":
                    self.oblige(item, "array", names.ARRAY if item.path == names.ARRAY else "")
            return
        known = type(value) is Import and value.decision == ("ask" if self.settings.renames else "allow")
        if known and self.may_call(value.path) and not names.hands_on(value.path) and not self.tracing:
            if self.settings.renames:
                self.oblige(value, "called")
            self.oblige(value, "handed")
            return
        entry = value if type(value) is Import else value.bound if type(value) is Opaque else None
        if self.tracing and entry is not None and target.origin is not None:
            self.oblige(entry, "replaces", f"{target.origin.path}.{key}")
        self._oblige_instance(target, "shadow", key)

    def _is_checked(self, target: Object, state: Container, part: str) -> bool:
        """Whether this state was checked before for instances of this import: a frozen dict does not change."""
        if target.origin is None:
            return False
        key = (target.origin, part)
        if state.checked is None:
            state.checked = set()
        if key in state.checked and (target.how == "new" or self._on_obligation is None):
            return True  # in lockstep, each result of a call is looked at
        state.checked.add(key)
        self.work(4 * state.kept)  # an obligation for each key, and more
        return False

    def _check_slots(self, target: Object, state: Container) -> None:
        state.frozen = True
        if self._is_checked(target, state, "slots"):
            return
        if state.obscure or state.overflow:
            self._oblige_instance(target, "setstate")
        self._check_keys(target, state)
        for key, value in (state.entries or {}).items():
            if _refused(key, value):
                continue
            self._oblige_instance(target, "slot", key)
            if callable_like(value):
                self._check_replacement(target, key, value)
        if target.origin is not None:
            live = [value for value in (state.entries or {}).values() if callable_like(value)]
            self.check_received(target.origin, live, named=True)

    def _check_keys(self, target: Object, state: Container, *, space: bool = False) -> None:
        """Refuse names of Python's protocols, but for those that literal data cannot harm."""
        for key, value in (state.entries or {}).items():
            if key == "__dict__" and space and type(value) is Container and value.kind == "dict":
                continue  # judged as attributes
            if _refused(key, value):
                sentence = f"The state of {describe(target)} sets {key} to {describe(value)}."
                self.refuse("state-key", key, sentence)

    def _check_parts(self, target: Object, items: Iterable[Tag]) -> None:
        """Check what a tuple holds that the class's own __setstate__ takes apart."""
        received = list(items)
        for item in received:
            if type(item) is Container and item.kind == "dict" and not item.frozen:
                item.frozen = True
                self.work(item.kept)
                self._check_keys(target, item)
        if target.origin is None:
            return
        self.check_received(target.origin, received)
        if target.origin.path in names.PARTIALS:
            return  # check_partial
        for item in received:
            if type(item) is Tuple and item.flags & LIVE:  # a partial under another name holds its arguments so
                self.check_received(target.origin, item.items)

    # ---- items ------------------------------------------------------------------------------------------------------

    def add_items(self, target: Tag, kind: str, items: list[Tag]) -> None:
        """Judge APPEND(S), SETITEM(S) and ADDITEMS; `kind` names the container that they are for."""
        for item in items:
            self.release(item)
        if type(target) is Container and target.kind == kind:
            if target.frozen:
                sentence = f"The stream changes a {kind} after it became the state of an object."
                self.refuse("state-frozen", kind, sentence)
            return
        name = describe(target)
        if type(target) is not Object:
            sentence = f"The stream puts items into {name}; only containers that it created take items."
            allow = ("globals", name) if type(target) is Import and target.decision == "stub" else None
            self.refuse("items-target", name, sentence, allow)
        elif target.built or target.frozen:
            sentence = f"The stream puts items into {name} after its state was set."
            self.refuse("items-after-build", name, sentence)
        elif not items and kind != "dict":
            sentence = f"The stream puts no items into {name}, which C and Python do not do alike."
            self.refuse("items-target", name, sentence)
        elif target.origin is not None:
            for item in items:
                self.keep(item)
            if kind == "dict":
                pairs = zip(items[::2], items[1::2])  # noqa: B905 - Python 3.9
                self.check_names(target.origin, {key: value for key, value in pairs if type(key) is str})
            origin = target.origin
            if target.how == "new":
                _note_items(origin, kind, items)
            if target.how == "new" and origin.decision != "ask" and self.may_call(origin.path):
                origin.uses.add("callable")
            self._oblige_instance(target, "items", _ITEMS[kind])


def _note_items(origin: Import, kind: str, items: list[Tag]) -> None:
    """Keep the keys of items that may be called, for the case that the object becomes its own state."""
    if kind != "dict":
        origin.odd_items = True
        return
    for key, value in zip(items[::2], items[1::2]):  # noqa: B905 - Python 3.9
        if origin.odd_items:
            return
        if type(key) is not str:
            origin.odd_items = type(key) not in (bool, int, type(None))
        elif _refused(key, value):
            origin.odd_items = True
        elif callable_like(value) and not _is_array(value) and key not in origin.items:
            origin.odd_items = len(origin.items) >= KEYS_KEPT
            origin.items[key] = None


def _refused(key: str, value: Tag) -> bool:
    """Whether a state may not hold this name with this value, whatever the class."""
    if names.looked_up(key):
        return not literal(value) or key in ("__class__", "__dict__")
    return names.special(key) and callable_like(value)


def _is_array(value: Tag) -> bool:
    """Whether a call gave a plain array of numpy, under names that no application changes."""
    sources = _array_sources(value)
    return bool(sources) and all(item.decision == "allow" for item in sources)


def _array_sources(value: Tag) -> tuple[Import, ...]:
    """Give maker and class of what is a plain array of numpy, if they are what they are called; else nothing."""
    if type(value) is not Object or value.how != "call" or type(value.args) is not Tuple or not value.args.items:
        return ()
    maker, first = value.origin, value.args.items[0]
    if maker is None or maker.path not in names.ARRAY_MAKERS or not _stands_for_itself(maker):
        return ()
    if type(first) is Import:
        return (maker, first) if first.path == names.ARRAY and _stands_for_itself(first) else ()
    return () if callable_like(first) else (maker,)


def _stands_for_itself(found: Import) -> bool:
    """Whether an import is neither a stub nor an attribute of another one."""
    return found.decision != "stub" and found.parent is None


def _slots(items: tuple[Tag, ...]) -> bool:
    """Whether both parts of a state are those that stock sets as attributes."""
    first, second = items
    return (first is None or (type(first) is Container and first.kind == "dict")) and (
        type(second) is Container and second.kind == "dict"
    )
