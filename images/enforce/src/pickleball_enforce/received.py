"""Rules on what callables may be given: nothing that turns `globals` into calls (rule 8), no special names (rule 7)."""

from __future__ import annotations

from . import names
from .judgement import Judgement
from .report import Import
from .tags import SPECIAL, Container, Object, Opaque, Tag, Tuple, callable_like, describe, is_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BOUND_DETAIL = "a bound method"  # of an obligation `receives`


class Received(Judgement):
    """Judges arguments, and the parts of states, by what takes them."""

    def check_received(self, callee: Import, received: Iterable[Tag], *, named: bool = False) -> None:
        """Keep a `globals`-only function from callables that call their arguments."""
        items = list(received)
        self.work(len(items))
        holder = callee.path in names.HOLDERS
        caller = callee.path in names.CALLERS
        positions = None if named else names.FUNCTION_POSITIONS.get(callee.path)
        for position, item in enumerate(items):
            kind = type(item)
            if kind is Container:
                self._check_container(callee, item)
            elif kind is Tuple:
                if item.flags & SPECIAL:
                    self._refuse_special(callee)
            elif kind is Import:
                if callee.path in names.BOUNDED:
                    self.oblige(item, "subclass", names.BOUNDED[callee.path])
                if holder or caller:
                    self._check_given(callee, item, holder=holder)
                elif not self.may_call(item.path) or self.settings.renames:
                    self.oblige(callee, "receives", item.path)
            elif kind is Object or (kind is Opaque and item.flags):
                if not (holder or caller):
                    self.oblige(callee, "receives", _BOUND_DETAIL if is_method(item) else "")
                elif (positions is None or position in positions) and not (holder and self.may_be_held(callee, item)):
                    sentence = f"The stream gives {describe(item)} to {callee.path}, which would call it."
                    self.refuse("calls-argument", callee.path, sentence)

    # ---- special names ----------------------------------------------------------------------------------------------

    def _check_container(self, callee: Import, item: Container) -> None:
        if item.given is None and item.entries:
            self.work(item.kept)
            self.check_names(callee, item.entries)
        elif item.flags & SPECIAL:
            self._refuse_special(callee)
        item.given = callee
        item.nested = True

    def check_names(self, origin: Import, items: Mapping[str, Tag]) -> None:
        """Refuse special names with callable values in a dict that an object may make its namespace."""
        for key, value in items.items():
            if names.special(key) and callable_like(value):
                sentence = f"The stream gives {origin.path} the special name {key} as {describe(value)}."
                self.refuse("state-key", key, sentence)

    def _refuse_special(self, callee: Import) -> None:
        sentence = f"The stream gives {callee.path} a dict with a special name whose value may be called."
        self.refuse("state-key", callee.path, sentence)

    def check_nested(self, target: Container) -> None:
        """Refuse a special name that is written into a dict which something else holds already."""
        if target.nested and target.flags & SPECIAL:
            sentence = f"The stream writes a special name into a {target.kind} after it was put into another object."
            self.refuse("state-key", target.kind, sentence)

    # ---- callables that call what they are given --------------------------------------------------------------------

    def may_be_held(self, callee: Import, item: Tag) -> bool:
        """Whether what holds its arguments may hold what this tag stands for (partials.py)."""
        raise NotImplementedError

    def _check_given(self, callee: Import, item: Import, *, holder: bool) -> None:
        """Judge an import that a callable of the tables gets: one that holds it takes a class, too."""
        special = names.hands_on(item.path, held=holder)
        if holder and item.decision == "stub":
            return
        if holder and (self.tracing or not special):
            item.uses.add("held")
            if item.decision == "ask":
                self.oblige(item, "called-or-type")
            elif not self.tracing and not self.may_call(item.path):
                self.oblige(item, "type")
        elif not special and item.decision == "ask":
            self.oblige(item, "called")
            self.oblige(item, "handed")
        elif special or not self.may_call(item.path):
            sentence = f"The stream gives {item.path} to {callee.path}, which calls what it is given."
            allow = None if special else ("reduces", item.path)
            self.refuse("calls-argument", item.path, sentence, allow)
        else:
            item.uses.add("call")
            self.oblige(item, "handed")
