"""Variables, copies between them, and watchers: a propagation of what is new.

A variable holds a set of values, kept as the bits of a number. A copy passes on what its source gets, a watcher is
shown each value once. Nothing runs twice for the same value, and sets only ever grow, so the order does not matter.
What must wait until nothing grows any more (`unless`) is decided for all that waits at once.
What still grows after `STEPS` is left where it is, nearest first: sets are too small then, never too large.

Variables in a cycle of copies hold the same: they become one, which stands for the others from then on (`root`).
"""

from __future__ import annotations

from collections import deque
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.cycles import cycles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from pickleball_generate.inference.frames import Statement
    from pickleball_generate.inference.program import Value

    See = Callable[[Value], None]


STEPS = 1_000_000  # less than half a minute, mostly
MORE = 100_000  # each time that something is added afterwards
REST = 15_000  # copies of something new before cycles are looked for again, and for each copy that there is:
OFTEN = 3
MANY = 64  # bits: more are read off their digits, all at once
DIGITS = bytes.maketrans(b"01", b"\0\1")


class Variable:
    """A set of values that grows."""

    __slots__ = ("assigned", "field", "flowing", "held", "into", "targets", "unseen", "watchers", "why")

    def __init__(self, field: tuple[Value, str] | None = None) -> None:
        self.field = field  # the owner and the name, of an attribute or element
        self.assigned = False  # some statement stores into it, if only a plain value
        self.held = 0
        self.flowing = 0  # held, not copied yet
        self.unseen = 0  # held, not shown to the watchers yet
        # Most of some hundred thousand variables have none of these: None stands for it.
        self.targets: dict[Variable, None] | None = None
        self.watchers: list[tuple[Statement | None, See]] | None = None
        self.why: list[tuple[Variable | int, Statement | None, str]] | None = None  # where from, or which bits
        self.into = self  # the variable that it has become part of

    @property
    def root(self) -> Variable:
        """The variable that stands for this one."""
        root = self.into
        while root is not root.into:
            root = root.into
        self.into = root
        return root

    @property
    def values(self) -> int:
        """The bits of the values that it holds."""
        return self.root.held

    def absorb(self, other: Variable) -> None:
        """Stand for another variable that holds the same."""
        other.into = self
        if other.targets:
            self.targets = {**(self.targets or {}), **other.targets}
        if other.watchers:
            self.watchers = [*(self.watchers or ()), *other.watchers]
        other.targets, other.watchers, other.held = None, None, 0


class Graph:
    """Variables and what connects them."""

    def __init__(self, shuffle: Random | None = None) -> None:
        self.shuffle = shuffle
        self.current: Statement | None = None  # the statement on whose behalf something runs
        self.steps = 0
        self.cut = False  # it would go on growing
        self.most = STEPS
        self.nothing = Variable()  # never holds a value
        self._bits: dict[Value, int] = {}  # numbers as long as there are values: each is made once
        self._values: list[Value] = []
        self._masks: dict[Value, int] = {}
        self._read: dict[int, list[Value]] = {}  # sets of many values that were read last
        self._growing: deque[Variable] = deque()
        self._queue: deque[tuple[Statement | None, Callable[[], None]]] = deque()
        self._copied = 0
        self._sources: dict[Variable, None] = {}
        self._waiting: list[tuple[Statement | None, Callable[[], bool], Callable[[], None]]] = []

    def bit(self, value: Value) -> int:
        """Give the bit that stands for a value."""
        bit = self._bits.get(value)
        if bit is None:
            bit = self._bits[value] = 1 << len(self._values)
            self._values.append(value)
        return bit

    def values(self, bits: int) -> list[Value]:
        """Give the values that bits stand for, each once."""
        if not bits & (bits - 1):
            return [self._values[bits.bit_length() - 1]] if bits else []
        if bits.bit_count() <= MANY:
            return self._each_once(self._few(bits))
        known = self._read.get(bits)
        if known is None:
            if len(self._read) >= MANY:
                self._read.clear()
            places = f"{bits:b}".encode().translate(DIGITS)[::-1]
            known = self._read[bits] = self._each_once(compress(self._values, places))
        return known

    def _each_once(self, found: Iterable[Value]) -> list[Value]:
        return list({id(value): value for value in found}.values()) if self._masks else list(found)

    def _few(self, bits: int) -> list[Value]:
        """Give the values at the places of a few bits, lowest first."""
        found = []
        while bits:
            low = bits & -bits
            found.append(self._values[low.bit_length() - 1])
            bits ^= low
        return found

    def replace(self, value: Value, other: Value) -> None:
        """Show another value from now on where this one is held."""
        self._read.clear()
        bits = self.mask(value)
        other = self._values[self.bit(other).bit_length() - 1]  # the same object each time: `values` tells by that
        self._masks[other] = self.mask(other) | bits
        while bits:
            low = bits & -bits
            self._values[low.bit_length() - 1] = other
            bits ^= low

    def mask(self, value: Value) -> int:
        """Give the bits of a value and of those that it stands for."""
        return self._masks.get(value) or self.bit(value)

    def add(self, variable: Variable, value: Value, rule: str = "") -> None:
        """Let a variable hold a value."""
        bit = self._bits.get(value) or self.bit(value)
        root = variable if variable.into is variable else variable.root
        if not root.held & bit:
            if variable.why is None:
                variable.why = [(bit, self.current, rule)]
            else:
                variable.why.append((bit, self.current, rule))
            self._receive(root, bit)

    def flow(self, source: Variable, target: Variable, rule: str = "") -> None:
        """Let a variable hold all that another one holds."""
        if source.into is not source:
            source = source.root
        if target.into is not target:
            target = target.root
        if source is target or source is self.nothing:
            return
        if source.targets is None:
            source.targets = {target: None}
            self._sources[source] = None
        elif target in source.targets:
            return
        else:
            source.targets[target] = None
        if target.why is None:
            target.why = [(source, self.current, rule)]
        else:
            target.why.append((source, self.current, rule))
        if source.held:
            self._receive(target, source.held & ~source.flowing if source.flowing else source.held)

    def watch(self, source: Variable, see: See) -> None:
        """Show each value of a variable once."""
        if source.into is not source:
            source = source.root
        if source is self.nothing:
            return
        if source.watchers is None:
            source.watchers = [(self.current, see)]
        else:
            source.watchers.append((self.current, see))
        shown = source.held
        if source.flowing or source.unseen:
            shown &= ~(source.flowing | source.unseen)
        if shown:
            self._queue.append((self.current, partial(self._show, see, shown)))

    def later(self, task: Callable[[], None], statement: Statement | None) -> None:
        """Queue a task on behalf of a statement."""
        self._queue.append((statement, task))

    def unless(self, happened: Callable[[], bool], task: Callable[[], None]) -> None:
        """Run a task when nothing grows any more and something has not happened until then."""
        self._waiting.append((self.current, happened, task))

    def announce(self, variable: Variable) -> None:
        """Take note that an attribute or element holds something for the first time (store.py)."""

    def merge_objects(self) -> bool:
        """Make one object of several, where that is called for (store.py); tells whether there were any."""
        return False

    def settle(self) -> None:
        """Run until nothing grows, and nothing that waited for that has to run."""
        while True:
            self._exhaust()
            if self.cut:
                return
            if self.merge_objects():
                continue
            waiting, self._waiting = self._waiting, []
            due = [(statement, task) for statement, happened, task in waiting if not happened()]
            if not due:
                return
            for self.current, task in due:
                task()
            self.current = None

    def _exhaust(self) -> None:
        growing, queue = self._growing, self._queue
        while growing or queue:
            if self.steps >= self.most:
                self._leave()
                return
            if not growing and self._copied > REST:
                self._merge_cycles()
                self.merge_objects()
            if self.shuffle is not None:
                first: deque[Any] = growing or queue
                first.rotate(self.shuffle.randrange(len(first)))
            self.steps += 1
            if growing:
                self._propagate(growing.popleft())
            else:
                self.current, task = queue.popleft()
                task()
                self.current = None

    def _leave(self) -> None:
        """Forget what is still to be done: it has taken too long."""
        self.cut = True
        for variable in self._growing:
            variable.flowing = 0
        for left in (self._growing, self._queue, self._waiting):
            left.clear()
        self.most = self.steps + MORE

    def _receive(self, variable: Variable, bits: int) -> None:
        if variable.into is not variable:
            variable = variable.root
        held = variable.held
        if not held:  # numbers of thousands of bits are shared where they can be
            if not bits:
                return
            self._growing.append(variable)
            variable.held = variable.flowing = bits
            if variable.field is not None:
                self.announce(variable)
            return
        there = bits & held
        if there == bits:
            return
        new = bits ^ there
        variable.held = held | new
        if variable.flowing:
            variable.flowing |= new
        else:
            self._growing.append(variable)
            variable.flowing = new

    def _propagate(self, variable: Variable) -> None:
        new, variable.flowing = variable.flowing, 0
        if targets := variable.targets:
            self._copied += len(targets)
            growing = self._growing
            for each in targets:
                target = each if each.into is each else each.root
                there = new & target.held
                if there == new:
                    continue
                if not target.held:
                    self._receive(target, new)
                    continue
                more = new ^ there
                target.held |= more
                if target.flowing:
                    target.flowing |= more
                else:
                    growing.append(target)
                    target.flowing = more
        if variable.watchers:
            if variable.unseen:
                variable.unseen |= new
            else:
                self._queue.append((None, partial(self._show_all, variable)))
                variable.unseen = new

    def _merge_cycles(self) -> None:
        """Make one variable of each cycle; nothing is on its way, so they hold the same."""
        self._sources = dict.fromkeys(variable.root for variable in self._sources)
        for found in list(cycles((v for v in self._sources if v.held), _leading)):
            first, *others = found
            for variable in found:
                self._show_apart(variable)
            for variable in others:
                first.absorb(variable)
            roots = (target.root for target in first.targets or ())
            first.targets = dict.fromkeys(root for root in roots if root is not first)
        self._sources = dict.fromkeys(variable for variable in self._sources if variable.root is variable)
        copies = sum(len(variable.targets or ()) for variable in self._sources)
        self._copied = min(0, REST - OFTEN * copies)

    def _show_apart(self, variable: Variable) -> None:
        """Queue what is not shown yet for each watcher by itself."""
        bits, variable.unseen = variable.unseen, 0
        for statement, see in variable.watchers or () if bits else ():
            self.later(partial(self._show, see, bits), statement)

    def _show_all(self, variable: Variable) -> None:
        values, variable.unseen = self.values(variable.unseen), 0
        for self.current, see in list(variable.watchers or ()):
            for value in values:
                see(value)

    def _show(self, see: See, bits: int) -> None:
        for value in self.values(bits):
            see(value)


def _leading(variable: Variable) -> list[Variable]:
    """Give what a variable is copied to, without what is copied nowhere: it stands in no cycle."""
    return [root for target in variable.targets or () if (root := target.root).targets]
