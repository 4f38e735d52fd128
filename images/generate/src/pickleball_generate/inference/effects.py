"""Effect grades: what the code that runs while an object is unpickled can reach.

A walk over the call graph from the methods that pickle runs (`__new__`, `__setstate__`, `__del__`, attribute hooks,
hashing), and for what may be called also from the body or `__init__`. It says one of

    trivial    no code of its own runs
    resolved   code runs, every call leads to source or to a known name, and none has an effect
    effects    some call leads to a sink; the path there is kept
    unknown    some call leads nowhere that the sources show, and no sink was found

Inert means trivial or resolved.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks
from pickleball_generate.inference.bodytypes import BY_NAME
from pickleball_generate.inference.callgraph import CallGraph
from pickleball_generate.inference.sites import Question, Reached, Site
from pickleball_generate.inference.stored import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.sites import Ask, Element
    from pickleball_generate.packs import Packs

AT_LOAD = ("__new__", "__setstate__", "__setattr__", "__del__", "__getattr__", "__getattribute__")
AS_KEY = ("__hash__", "__eq__")
AT_CALL = ("__init__", "__post_init__", "_missing_")
ITEMS = ("__setitem__", "append", "extend", "add", "update")
TEXTS = frozenset({"builtins.str", "enum.StrEnum", "numpy.str_"})
INERT = frozenset({"trivial", "resolved"})
LARGEST = 1500  # bodies; a walk that passes more says unknown
NEAR = 150  # bodies; what is called in the place of a method is followed as far
NOT_NEAR = ("reflection", "code: ctypes.cast", "code: ctypes.pointer")  # what gives nothing to the stream
MORE = "more code than is followed"
TOLD = 8  # calls that could not be followed, in a provenance
ENOUGH = 6  # effects; a walk that found more of them stops


@dataclass(frozen=True)
class Grade:
    """What was found: the effects with a path to each, what could not be followed, what is asked of other objects."""

    word: str
    effects: dict[str, list[str]] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)
    asks: frozenset[tuple[Ask, str]] = frozenset()  # each with the place that asks
    open: frozenset[str] = frozenset()  # of `unknown`: calls that only what a stream gives can answer, also in `asks`
    elements: frozenset[tuple[Element, str]] = frozenset()  # calls of what nothing put where they look; with the place
    bodies: frozenset[Scope] = field(default=frozenset(), compare=False)  # that were followed
    wanted: frozenset[Question] = field(default=frozenset(), compare=False)  # what `open` is about
    stores: frozenset[str] = field(default=frozenset(), compare=False)  # attributes in which something is stored
    makes: frozenset[Scope] = field(default=frozenset(), compare=False)  # classes of which instances are made

    @property
    def inert(self) -> bool:
        """Whether nothing that counts can happen."""
        return self.word in INERT

    @property
    def grave(self) -> bool:
        """Whether there is an effect that gives something to a stream which only chose what is called."""
        return any(not effect.startswith(NOT_NEAR) for effect in self.effects)

    @property
    def asking(self) -> bool:
        """Whether nothing that counts can happen, unless an object that a stream gives answers with it."""
        return self.word == "unknown" and self.unknown.keys() <= self.open

    def to_dict(self) -> dict[str, Any]:
        """Give the grade as the provenance holds it."""
        document: dict[str, Any] = {"grade": self.word}
        if self.effects:
            document["effects"] = self.effects
        if self.unknown:
            document["unknown"] = list(self.unknown)[:TOLD]
        if self.open:
            document["open"] = sorted(self.open)[:TOLD]
        return document


class Grader:
    """Grades definitions over one call graph; what was graded once is kept."""

    def __init__(self, program: Program, packs: Packs) -> None:
        self.program = program
        self.packs = packs
        self.graph = CallGraph(program, packs)
        self._known: dict[tuple[Scope, bool], Grade] = {}
        self._methods: dict[tuple[Scope, str, bool, bool], Grade | None] = {}
        self._calls: dict[tuple[Scope, bool], Grade] = {}
        self._changes: dict[tuple[Scope, str, str], Grade] = {}

    def grade(self, scope: Scope, *, called: bool) -> Grade:
        """Grade a class or function; `called` when a stream may call it."""
        key = (scope, called)
        if key not in self._known:
            self._known[key] = self._grade(scope, called=called)
        return self._known[key]

    def method(self, cls: Scope, name: str, *, near: bool = False, named: bool = False) -> Grade | None:
        """Grade what other code reaches that asks a class, or instances of it, for a method; None where it has none.

        `near` follows no more than what stands in the place of a method. Code that is `named` gives an attribute hook
        the name that it writes out.
        """
        key = (cls, name, near, named)
        if key not in self._methods:
            self._methods[key] = self._method(cls, name, near=near, named=named)
        return self._methods[key]

    def _method(self, cls: Scope, name: str, *, near: bool, named: bool) -> Grade | None:
        owner = next((v[1] for v in self.program.mro(cls) if v[0] == "cls" and name in v[1].bound), None)
        if owner is None:
            found = {f"{root}.{name}": sinks.effect(f"{root}.{name}") for root in self.program.roots(cls)}
            place = f"{cls.file}:{cls.line} {cls.dotted}"
            effects = {f"{effect}: {root}": [place] for root, effect in found.items() if effect}
            return Grade("effects", effects) if effects else None
        site = self.graph.method(cls, name)
        if site is None or site.owner is not owner:
            return self._member(owner, name)
        site = replace(site, by_anything=name in BY_NAME and not named)
        return self._walk([site], {}, called=not near, near=near)

    def change(self, cls: Scope, attribute: str, hook: str) -> Grade:
        """Grade what a class runs, beside the hook itself, where other code changes an attribute of its instances."""
        key = (cls, attribute, hook)
        if key not in self._changes:
            found = self.graph.changed(cls, None if attribute == ANY else attribute, hook)
            self._changes[key] = self._reaching(found, cls, called=False)
        return self._changes[key]

    def _member(self, owner: Scope, name: str) -> Grade:
        """Grade what a class has under a name, and does not define itself: `get = staticmethod(os.mkdir)`."""
        return self._reaching(self.graph.member(owner, name), owner, called=True)

    def _reaching(self, found: Reached, owner: Scope, *, called: bool) -> Grade:
        """Grade what the body of a class leads to."""
        if not found.sites and not found.effects and not found.unknown:
            return Grade("trivial")
        place = f"{owner.file}:{owner.line} {owner.dotted}"
        inner = self._walk(found.sites, {what: [place] for what in found.unknown}, called=called)
        effects = {what: [place] for what in found.effects} | inner.effects
        return replace(inner, word="effects" if effects else inner.word, effects=effects)

    def call(self, scope: Scope, *, kept: bool) -> Grade:
        """Grade what runs when code calls what stands in the place of a method: an instance, or what may be kept.

        The code gets the result, not the stream: reflection counts as nothing there. One effect is enough to know.
        """
        key = (scope, kept)
        if key not in self._calls:
            self._calls[key] = self._call(scope, kept=kept)
        return self._calls[key]

    def _call(self, scope: Scope, *, kept: bool) -> Grade:
        if scope.kind != "class":
            owner = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
            return self._walk([Site(scope, owner, owner)] if kept else [], {}, called=False, near=True)
        called = self.graph.method(scope, "__call__")
        starts = [called] if called else []
        if not kept:
            return self._walk(starts, {}, called=False, near=True)
        starts = [*self.graph.constructors(scope), *starts]
        place = f"{scope.file}:{scope.line} {scope.dotted}"
        bases = [found for root in self.program.roots(scope) if (found := self.graph.foreign(root)) is not None]
        if effects := {what: [place] for kind, what in bases if kind == "effect"}:
            return Grade("effects", effects)
        return self._walk(starts, {}, called=False, near=True)

    def _grade(self, scope: Scope, *, called: bool) -> Grade:
        if scope.kind != "class":
            owner = scope.parent if scope.parent is not None and scope.parent.kind == "class" else None
            return self._walk([Site(scope, owner, owner)] if called else [], {}, called=called)
        roots = self.program.roots(scope)
        takes_items = called or any(self.packs.container(root) for root in roots)
        names = (
            *AT_LOAD, *(AS_KEY if self.hashable(scope) else ()), *(ITEMS if takes_items else ()),
            *(AT_CALL if called else ()),
        )  # fmt: skip
        starts = [site for name in names if (site := self.graph.method(scope, name)) is not None]
        members = [found for name in names if (found := self._bound(scope, name)) is not None]
        starts += [site for found in members for site in found.sites]
        if called:
            starts += [site for site in self.graph.constructors(scope) if site not in starts]
        foreign = [
            root
            for root in roots
            if root != "builtins.object" and (self.packs.subclass(root) is None or sinks.effect(root))
        ]
        place = f"{scope.file}:{scope.line} {scope.dotted}"
        unknown = {f"the base {root}": [place] for root in (*foreign, *self.program.lost_bases(scope))}
        unknown |= {what: [place] for found in members for what in found.unknown}
        graded = self._walk(starts, unknown, called=called)
        effects = {what: [place] for found in members for what in found.effects} | graded.effects
        return replace(graded, word="effects" if effects else graded.word, effects=effects)

    def _bound(self, cls: Scope, name: str) -> Reached | None:
        """Give what a call reaches of what a class has under a name, and does not define: `__setattr__ = keep`."""
        owner = next((v[1] for v in self.program.mro(cls) if v[0] == "cls" and name in v[1].bound), None)
        site = self.graph.method(cls, name)
        if owner is None or (site is not None and site.owner is owner):
            return None
        return self.graph.member(owner, name)

    def builds_itself(self, cls: Scope) -> bool:
        """Tell whether instances pickle by calling their class: enumerations, exceptions, container subclasses."""
        if self.program.method(cls, "__reduce__") or self.program.method(cls, "__reduce_ex__"):
            return False
        described = map(self.packs.subclass, self.program.roots(cls))
        return any(found is not None and found[0] == "reduces" for found in described)

    def is_text(self, cls: Scope) -> bool:
        """Tell whether instances may be texts, as far as the bases of a class tell."""
        roots = self.program.roots(cls)
        unknown = (root for root in roots if root != "builtins.object" and self.packs.subclass(root) is None)
        lost = bool(self.program.lost_bases(cls)) or any(self.packs.package_of(root) is None for root in unknown)
        return lost or not TEXTS.isdisjoint(roots)

    def hashable(self, cls: Scope) -> bool:
        """Tell whether instances can be keys: a class with an `__eq__` and no `__hash__` of its own makes them not."""
        for owner in self.program.mro(cls):
            if owner[0] == "cls" and not owner[1].bound.keys().isdisjoint(AS_KEY):
                return "__hash__" in owner[1].bound
        return True

    def _walk(
        self, starts: Iterable[Site], unknown: dict[str, list[str]], *, called: bool, near: bool = False
    ) -> Grade:
        """Walk breadth first, so that the paths which are kept are short.

        An attribute by a computed name counts where a stream calls: it gets what is read. Code at load that only reads
        gives it to nobody; calling it would be a call that leads nowhere.
        """
        waiting: deque[tuple[Site, tuple[str, ...]]] = deque((site, ()) for site in starts)
        seen = {site for site, _ in waiting}
        ran = bool(seen)
        effects: dict[str, list[str]] = {}
        blind = set(unknown)  # calls that lead nowhere, whatever a stream gives
        asked: dict[Question, str] = {}
        makes: set[Scope] = set()
        stores: set[str] = set()
        asks: set[tuple[Ask, str]] = set()
        elements: dict[Element, tuple[str, ...]] = {}
        answered: dict[tuple[str, str], tuple[str, ...]] = {}
        while waiting and len(effects) < (1 if near else ENOUGH):
            site, path = waiting.popleft()
            if len(seen) > (NEAR if near else LARGEST):
                unknown.setdefault(MORE, [*path])
                blind.add(MORE)
                break
            if not self.program.has_source(site.function.module):  # of whose text lines may be lost
                what = f"machine code of {site.function.dotted}"
                unknown.setdefault(what, [*path, _step(site, site.function.line)])
                blind.add(what)
            reached = self.graph.reached(site)
            asks |= {(ask, _step(site, line)) for ask, line in reached.asks.items()}
            for element, line in reached.elements.items():
                elements.setdefault(element, (*path, _step(site, line)))
            for ask, line in reached.asks.items():
                if (what_asked := (ask.method, ask.attribute)) in reached.answered:
                    answered.setdefault(what_asked, (*path, _step(site, line)))
            for question, line in reached.questions.items():
                unknown.setdefault(question.text, [*path, _step(site, line)])
                asked.setdefault(question, _step(site, line))
            blind |= reached.unknown.keys()
            makes |= reached.makes
            stores |= reached.stores
            reads = reached.reads if called else {}
            for found, kept in ((reached.effects, effects), (reads, effects), (reached.unknown, unknown)):
                for what, line in found.items():
                    if near and what.startswith(NOT_NEAR):
                        continue
                    kept.setdefault(what, [*path, _step(site, line)])
            following = [(inner, site.function.line) for inner in self.graph.decorators(site.function)]
            for inner, line in (*reached.sites.items(), *following):
                if inner not in seen:
                    seen.add(inner)
                    waiting.append((inner, (*path, _step(site, line))))
            if not waiting:
                for answer, steps in self._answers(answered, makes):
                    waiting += [(inner, steps) for inner in answer.sites if inner not in seen]
                    seen |= answer.sites.keys()
                    for what in answer.effects:
                        if not (near and what.startswith(NOT_NEAR)):
                            effects.setdefault(what, [*steps])
                    for what in answer.unknown:
                        unknown.setdefault(what, [*steps])
                    blind |= answer.unknown.keys()
        bodies = frozenset(site.function for site in seen)
        for element in [*elements]:
            if self.graph.empty.filled(element) or any(self.graph.empty.fills(element, body) for body in bodies):
                unknown.setdefault(element.text, [*elements[element]])
                blind.add(element.text)
                del elements[element]
        blind |= {each.text for each in asked if self._may_answer(each, makes, stores)}
        asks |= {(each.ask, place) for each, place in asked.items()}
        word = "effects" if effects else "unknown" if unknown else "resolved" if ran else "trivial"
        left = frozenset((each, steps[-1]) for each, steps in elements.items())
        return Grade(
            word,
            effects,
            unknown,
            asks=frozenset(asks),
            open=frozenset(unknown.keys() - blind),
            elements=left,
            bodies=bodies,
            wanted=frozenset(asked),
            stores=frozenset(stores),
            makes=frozenset(makes),
        )

    def _answers(
        self, asked: dict[tuple[str, str], tuple[str, ...]], makes: set[Scope]
    ) -> Iterator[tuple[Reached, tuple[str, ...]]]:
        """Give what runs of classes of which the code itself makes instances, where any object may be asked."""
        for (method, attribute), steps in asked.items():
            for cls in sorted(makes, key=lambda cls: cls.identity):
                if attribute:
                    yield self.graph.changed(cls, None if attribute == ANY else attribute, method), steps
                elif (site := self.graph.method(cls, method)) is not None:
                    yield Reached({site: 0}), steps

    def _may_answer(self, question: Question, makes: set[Scope], stores: set[str]) -> bool:
        """Tell whether something else than what a stream gives may be asked: what the code itself makes or stores."""
        return not stores.isdisjoint({question.attribute, ANY}) or self.makes_answer(question, makes)

    def makes_answer(self, question: Question, makes: Iterable[Scope]) -> bool:
        """Tell whether one of some classes has the method that is asked for."""
        return any(self.graph.method(cls, question.ask.method) for cls in makes)


def _step(site: Site, line: int) -> str:
    return f"{site.function.file}:{line} {site.function.dotted}"
