"""Rules on partials: what they call, and what they give to it, is judged as if the stream called that (rule 8)."""

from __future__ import annotations

from . import names
from .received import Received
from .report import Import
from .tags import Container, Object, Tag, Tuple, is_method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LEVELS = 4  # of partials that partials give to what they call
_STATE = 4  # what a state holds: the function, its arguments, its keyword arguments, a namespace


class Partials(Received):
    """Judges partials, which hand on their arguments, and what may hold them."""

    def may_be_held(self, callee: Import, item: Tag) -> bool:
        """Whether it is a method, or a partial of what `reduces` lists: its state says of what, and is set once.

        What a partial gives to its function was judged with that state. A partial of a callable that holds its
        arguments may be held by what calls it without any: a default dict.
        """
        if is_method(item):
            return True
        if type(item) is not Object or not 0 < item.level <= LEVELS or self.settings.renames:
            return False
        maker, called = item.origin, item.state.items[0]
        if maker is None or maker.decision != "allow" or called.decision != "allow" or not self.may_call(called.path):
            return False
        holds = called.path in names.HOLDERS
        if names.hands_on(called.path, held=callee.path not in names.PARTIALS):
            return False
        called.uses.add("call")
        if not holds:
            self.oblige(called, "handed")
        return True

    def check_handed_on(self, maker: Import, items: Iterable[Tag], values: Iterable[Tag] = ()) -> None:
        """Judge what a partial hands on: `items` are its function and the arguments, `values` those with keywords."""
        if maker.path not in names.PARTIALS:
            return
        given, named = list(items), list(values)
        for _ in range(LEVELS):
            called = given.pop(0) if given else None
            if type(called) is not Import or called.decision == "stub":
                return
            self.oblige(called, "callee")
            self.check_received(called, given)
            self.check_received(called, named, named=True)
            if called.path not in names.PARTIALS:
                return
        sentence = f"The stream makes a partial of partials, more than {LEVELS} in one another."
        self.refuse("calls-argument", maker.path, sentence)

    def check_partial(self, target: Object, state: Tag) -> None:
        """Judge the state of a partial: all that it hands on has to be written in the stream."""
        maker = target.origin
        if maker is None or maker.path not in names.PARTIALS or type(state) is not Tuple or len(state.items) != _STATE:
            return
        called, given, named, _ = state.items
        values = () if named is None else _values(named)
        if type(given) is not Tuple or values is None:
            sentence = f"The state of the result of {maker.path} holds arguments that are not written in the stream."
            self.refuse("arguments-not-literal", maker.path, sentence)
            return
        self.check_handed_on(maker, (called, *given.items), values)
        if type(called) is Import and target.how == "call":
            inner = (item.level for item in (*given.items, *values) if type(item) is Object)
            target.level = min(1 + max(inner, default=0), LEVELS + 1)


def _values(named: Tag) -> tuple[Tag, ...] | None:
    """Give the values of keyword arguments; None where they are not in a dict of this stream, or not all known."""
    if type(named) is not Container or named.kind != "dict" or not named.texts or named.overflow:
        return None
    return tuple((named.entries or {}).values())
