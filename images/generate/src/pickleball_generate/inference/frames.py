"""Bodies that are reached, and their statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_generate.inference.graph import Variable
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope


@dataclass(frozen=True)
class Reason:
    """Why a variable holds a value: the statement, and the rule that was applied to it."""

    file: str
    line: int
    rule: str
    what: str


class Frame:
    """The body of a function for one receiver; the body of a module or class."""

    __slots__ = ("blocked", "callees", "depth", "expressions", "key", "opened", "owner", "receiver", "scope")

    def __init__(self, scope: Scope, receiver: Value | None, owner: Scope | None) -> None:
        self.scope = scope
        self.receiver = receiver
        self.owner = owner
        self.key = (scope, receiver)
        self.opened = False
        self.depth = 0
        self.callees: dict[Frame, int] = {}  # with how much farther they are than this
        self.blocked: list[tuple[Statement | None, Callable[[], None]]] = []  # calls that lead too far from here
        self.expressions: dict[Any, Variable] = {}


class Statement:
    """One statement of one frame."""

    __slots__ = ("frame", "item", "kind")

    def __init__(self, frame: Frame, kind: str, item: Any) -> None:
        self.frame = frame
        self.kind = kind
        self.item = item
