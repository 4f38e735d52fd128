"""What the calls of one body reach."""

from __future__ import annotations

import builtins
import collections
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference import sinks, stored, tested
from pickleball_generate.inference.accessors import ACCESSORS, BY_CALL, DELETE, DESCRIPTORS, SET, Accessors
from pickleball_generate.inference.bodytypes import BY_NAME, PLAIN, TEXT, UNKNOWN, Types, is_super, shown
from pickleball_generate.inference.scopes import root_name
from pickleball_generate.inference.sites import Ask, Element, Given, Question, Site
from pickleball_generate.inference.stored import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.sites import Reached

# Methods of strings, numbers, containers and arrays: on an unknown object they are asked of it, not followed.
_USUAL = """
    add all any append astype ceil clear copy count decode difference discard encode endswith extend extendleft
    appendleft fill find flatten floor format get index insert intersection is_integer isalnum isalpha isdigit
    isdisjoint isidentifier islower isspace issubset issubset issuperset isupper items join keys lower lstrip max mean
    min nonzero partition pop popitem popleft ravel remove removeprefix removesuffix replace reshape reverse rfind
    rindex rotate round rpartition rsplit rstrip setdefault sort split splitlines squeeze startswith std strip sum
    swapcase symmetric_difference title to_bytes tolist toordinal transpose union update upper values zfill
"""
USUAL = frozenset(_USUAL.split())
ASKABLE = frozenset({"unk", "param", "text", "asked", "elem"})  # values that a stream may give
UNBOUND = {SET: 3, DELETE: 2}  # arguments of a hook, the object with them
QUESTIONS = frozenset({"builtins.isinstance", "builtins.issubclass", "builtins.hasattr", "builtins.callable"})


class Body(Types):
    """Reads the calls of one body."""

    def read(self) -> Reached:
        """Read the calls, and the assignments that change state of the process."""
        function = self.site.function
        for call in function.facts.get("reach", ()):
            self.line = call.get("line", function.line)
            self._call(call)
        for inner in function.classes if function.kind == "function" else ():  # its body runs where it stands
            if inner.facts.get("reach") or any(stored.assigned(item["to"]) for item in inner.facts.get("assigns", ())):
                self.out.sites.setdefault(Site(inner), inner.line)
        for item in function.facts.get("assigns", ()):
            self.line = item.get("line", function.line)
            self.out.stores |= stored.assigned(item["to"])
            self._change(item["to"], SET)
            if isinstance(item["to"], dict):
                self._stored(item["to"])
        self.line = function.line  # of what is deleted, the facts give no line
        for target in function.facts.get("dels", ()):
            self._change(target, DELETE)
        for effect, line in self.graph.namespaces.taken(self):
            self.out.effects.setdefault(effect, line)
        for line in self._lost():
            self.out.unknown.setdefault("a line that could not be read", line)
        self._read_rivals(function)
        return self.out

    def _read_rivals(self, function: Scope) -> None:
        """Read what may stand in the place of a method, as its class binds the name more than once."""
        cls = function.parent
        if cls is None:
            return
        for kind, what in cls.rivals.get(function, ()):
            if kind == "function":
                self.out.sites.setdefault(replace(self.site, function=what), what.line)
            else:
                body = Body(self.graph, Site(cls))
                body.out, body.line = self.out, function.line
                body.bind(kind, what, function.name)

    def bound(self, name: str) -> Reached:
        """Read what a call of a name reaches that this body binds."""
        for kind, what in self.site.function.bound.get(name, ()):
            self.bind(kind, what, name)
        return self.out

    def bind(self, kind: str, what: Any, name: str) -> None:
        """Read what a call reaches of what a statement of this body binds."""
        if kind == "assign" and "v" not in what:
            return  # a declaration: nothing stands there
        found: list[Value] = [("cls", what)] if kind == "class" else []
        if kind == "assign" and not what.get("op"):
            found = self._handed(what["v"])
        for value in found or [UNKNOWN]:
            self._value(value, name, {})

    def changed(self, name: str | None, hook: str) -> Reached:
        """Read what the change of an attribute reaches that this class has for it; without a name, of any."""
        cls = self.site.function
        for value in Accessors(self.graph, cls, hook).of(name):
            if value[0] == "obj":
                for found in self._members([value], DESCRIPTORS[hook]):
                    self._value(found, DESCRIPTORS[hook], {})
            else:
                self._value(value, f"what {name or 'an attribute'} of {cls.name} is", {})
        return self.out

    def _handed(self, expression: object) -> list[Value]:
        """Type what a class gives for an expression of its body: `staticmethod(f)` gives f."""
        if not isinstance(expression, dict) or len(expression.get("args", ())) != 1:
            return self.types(expression)
        made = {v[1] for v in self.types(expression.get("call")) if v[0] == "ext"}
        return self._handed(expression["args"][0]) if made & sinks.HANDED else self.types(expression)

    def _lost(self) -> Iterable[int]:
        """Lines of this body that the parser gave up."""
        module = self.site.function.root
        lost = [item["line"] for kind in ("lost", "errors") for item in module.facts.get(kind, ())]
        if not lost:
            return
        for line in lost:
            before = [start for start in module.starts if start <= line]
            if before and before[-1] == self.site.function.line:
                yield line

    def _call(self, call: dict[str, Any]) -> None:
        callee = call.get("f")
        text = shown(callee)
        if callee == "super":
            return
        head = callee.partition(".")[0] if isinstance(callee, str) else ""
        if isinstance(callee, str) and (".__dict__." in callee or callee.startswith(f"super.{self.me}")):
            self.out.stores |= stored.updated(callee.rpartition(".")[2], call)
            if callee.startswith((f"{self.me}.", f"super.{self.me}")):
                return  # reading or changing the object's own attributes
        if isinstance(callee, (str, dict)) and (values := self._callee(callee, call)):
            for value in dict.fromkeys(values):
                self._value(value, text, call)
        elif head and "." not in str(callee):
            self._unknown(text)
        self._arguments(call, callee)

    def _callee(self, callee: str | dict[str, Any], call: dict[str, Any]) -> list[Value]:
        """Give what a callee can be; a method of an unknown object is ("asked", name)."""
        if isinstance(callee, str):
            if "." not in callee:
                return self.types(callee) or [UNKNOWN]
            owner, _, name = callee.rpartition(".")
            found = self._members(self.types(owner), name)
            if found == [("asked", name)] and self._is_of_code(owner):
                return [PLAIN if name in USUAL else UNKNOWN]
            if found == [("asked", name)] and name not in USUAL and (of_test := tested.method(self, owner, call)):
                return of_test
            attribute = owner.removeprefix(f"{self.me}.")
            given = found == [("asked", name)] and owner != attribute and self._from_stream(attribute)
            return [("given", name, attribute)] if given else found
        if "attr" in callee:
            if is_super(callee["of"]):
                return self._super(callee["attr"])
            return self._members(self.types(callee["of"]), callee["attr"])
        return [UNKNOWN]

    def _is_of_code(self, owner: str) -> bool:
        """Tell whether no stream gives what a name stands for: a module's variable, an attribute of the class."""
        first, _, rest = owner.partition(".")
        if first == self.me:
            return bool(rest) and "." not in rest and self._takes_class()
        scope = self.site.function
        while scope.parent is not None:
            if first in scope.bound and scope.kind != "class":
                return False
            scope = scope.parent
        return not rest and first in scope.bound

    def _from_stream(self, attribute: str) -> bool:
        """Tell whether nothing but the state of the object can give an attribute: its class has none of this name."""
        cls = self.site.cls
        if cls is None or not self.me or "." in attribute:
            return False
        owners = [owner[1] for owner in self.program.mro(cls) if owner[0] == "cls"]
        bound = (each for owner in owners for each in owner.bound.get(attribute, ()))
        if any(kind != "assign" or not _declares(what) for kind, what in bound):
            return False
        return not any(_has(root, attribute) for root in self.program.roots(cls))

    def _super(self, name: str) -> list[Value]:
        cls, owner = self.site.cls, self.site.owner
        if cls is None:
            return [UNKNOWN]
        found = self.graph.method(cls, name, after=owner)
        if found:
            return [("site", found)]
        roots = self.program.roots(cls) or (["builtins.object"] if name in ACCESSORS else [])
        return [("ext", f"{root}.{name}") for root in roots] or [PLAIN]

    def _members(self, owners: list[Value], name: str) -> list[Value]:
        found: list[Value] = []
        for value in owners or [UNKNOWN]:
            kind = value[0]
            if kind in {"obj", "cls"}:
                site = self.graph.method(value[1], name)
                found += [("site", site)] if site else self._inherited(value[1], name)
            elif kind == "inst":
                found.append(("ext", f"{value[1]}.{name}"))
            elif kind in {"mod", "ext"}:
                found += self.program.member(value, name) or [UNKNOWN]
            elif kind == "plain":
                found.append(PLAIN)
            elif kind == "elem":
                found.append(value)
            elif kind == "text" and hasattr(str, name):
                found.append(("asked", name, TEXT))
            else:
                found.append(("asked", name))
        return found

    def _inherited(self, cls: Scope, name: str) -> list[Value]:
        """An attribute that is no method with source: of the class body, a builtin base, else asked of the object."""
        bound = self.program.member(("cls", cls), name)
        roots = [root for root in self.program.roots(cls) if _has(root, name)]
        return bound or [("ext", f"{root}.{name}") for root in roots] or [("asked", name)]

    def _value(self, value: Value, text: str, call: dict[str, Any]) -> None:
        kind = value[0]
        if kind == "ext":
            self._foreign(value[1], call)
        elif kind == "site":
            site = value[1]
            if site.function.name in BY_NAME and not self._gives_name(call):
                site = replace(site, by_anything=True)
            if site.function.name in ACCESSORS:
                site = self._hands_on(site, call.get("args", []))
            self.out.sites.setdefault(site, self.line)
        elif kind in {"fun", "meth"}:
            owner = value[1].parent if value[1].parent is not None and value[1].parent.kind == "class" else None
            self.out.sites.setdefault(Site(value[1], owner, owner), self.line)
        elif kind == "cls":
            self._construct(value[1])
        elif kind in {"asked", "given"} and (value[1] in USUAL or value[-1] == TEXT):
            self.out.asks.setdefault(Ask(value[1], Given.of(call), value[-1] == TEXT), self.line)
        elif kind == "given" and not sinks.is_method(value[1]):
            self.out.questions.setdefault(Question(Ask(value[1], Given.of(call)), value[2], text), self.line)
        elif kind == "elem":
            self.out.elements.setdefault(Element(value[1], value[2], text), self.line)
        elif kind == "below":
            self._ask_made(Ask(value[1], Given.of(call), below=value[2]))
        elif kind != "plain":
            self._unknown(text)

    def _ask_made(self, ask: Ask) -> None:
        """Ask what a stream gives, and what the code that runs makes itself."""
        self.out.asks.setdefault(ask, self.line)
        self.out.answered.add((ask.method, ask.attribute))

    def _change(self, target: object, hook: str) -> None:
        """Follow `x.name = v` and `del x.name` into what the class of x has for it."""
        if isinstance(target, str):
            owner, dot, name = target.rpartition(".")
            if dot:
                self._change_attribute(owner, name, hook)
        elif isinstance(target, dict) and "attr" in target:
            self._change_attribute(target["of"], target["attr"], hook)
        elif isinstance(target, dict):
            for part in target.get("tuple") or target.get("list") or [target.get("star")]:
                self._change(part, hook)

    def _change_attribute(self, owner: object, name: str | None, hook: str) -> None:
        """Follow the change of an attribute; without a name, of any."""
        call = {"f": hook, "args": [{"str": name} if name else "", *([{}] if hook == SET else [])], "line": self.line}
        for value in self._receivers(owner):
            if value[0] == "obj":
                for found in self._members([value], hook):
                    if found[0] != "asked":
                        self._value(found, hook, call)
            elif value[0] in ASKABLE:
                self._ask_made(Ask(hook, of_text=value == TEXT, named=name is not None))
        self._access(owner, name, hook)

    def _access(self, owner: object, name: str | None, hook: str) -> None:
        """Follow the change of an attribute into a property of the class, or another descriptor."""
        for value in self._receivers(owner):
            if value[0] == "obj":
                self._access_of(value[1], name, hook)
            elif value[0] in ASKABLE:
                self._ask_made(Ask(hook, attribute=name or ANY))

    def _access_of(self, cls: Scope, name: str | None, hook: str) -> None:
        found = self.graph.changed(cls, name, hook)
        for site in found.sites:
            self.out.sites.setdefault(site, self.line)
        for what in found.effects:
            self.out.effects.setdefault(what, self.line)
        for what in found.unknown:
            self.out.unknown.setdefault(what, self.line)

    def _receivers(self, owner: object) -> list[Value]:
        """Type what an attribute of is changed; a class as an instance of each of its metaclasses with source."""
        found: list[Value] = []
        of = owner["args"][0] if isinstance(owner, dict) and owner.get("call") == "type" and owner.get("args") else None
        if isinstance(owner, str) and owner.endswith(".__class__"):
            of = owner.removesuffix(".__class__")
        for value in self.types(of if of is not None else owner) or [UNKNOWN]:
            if value[0] == "cls" or (of is not None and value[0] == "obj"):
                found += [("obj", meta) for meta in self.graph.metaclasses(value[1])]
            elif of is None:
                found.append(value)
        return found

    def _gives_name(self, call: dict[str, Any]) -> bool:
        """Tell whether a call of an attribute hook gives it a text for the name, as Python does."""
        args = call.get("args", ())
        names = args[1:2] if args and args[0] == self.me else args[:1]
        return bool(names) and not call.get("kw") and all(v in (PLAIN, TEXT) for v in self.types(names[0]) or [UNKNOWN])

    def _construct(self, cls: Scope) -> None:
        self.out.makes.add(cls)
        for site in self.graph.constructors(cls):
            self.out.sites.setdefault(site, self.line)
        for root in self.program.roots(cls):
            self._note(self.graph.foreign(root))

    def _foreign(self, name: str, call: dict[str, Any]) -> None:
        args = call.get("args", [])
        callee = call.get("f")
        by_super = isinstance(callee, dict) and is_super(callee.get("of")) and name.startswith("builtins.object.")
        if not (by_super and self.site.function.name in ACCESSORS):  # what a hook hands on, an assignment gave it
            self.out.stores |= stored.set_by_name(name, args)
        self._change_by_name(name, args)
        if name in sinks.PLAINLY or (name in sinks.BY_NAME and _constant(args, name)):
            return
        if name in sinks.POOLS and _numbers_only(call):
            return
        if name.startswith(sinks.PLAINLY_BELOW):
            self._unknown(f"machine code of {name}")
            return
        if name in sinks.OWN_ATTRIBUTES and args and args[0] == self.me and self.me:
            return
        if name == "builtins.getattr" and args and not self._is_module(args[0]):
            self.out.reads.setdefault(f"{sinks.effect(name)}: {name}", self.line)
            return
        if name in sinks.CALLS_ARGUMENT:
            self._argument_called(name, args)
            return
        if name in sinks.COPIES:
            for each in ("__deepcopy__", "__copy__", "__reduce_ex__"):
                self.out.asks.setdefault(Ask(each), self.line)
            return
        self._note(self.graph.foreign(name))

    def _change_by_name(self, name: str, args: list[Any]) -> None:
        """Follow `setattr(x, "name", v)`, and `object.__setattr__`, which only leaves the class's own one out."""
        last = name.rpartition(".")[2]
        if name in BY_CALL and args:
            self._change_attribute(args[0], _text(args[1:2]), BY_CALL[name])
        elif last in ACCESSORS and not self._hands_own_name_on(last, args):
            if len(args) == UNBOUND[last]:
                self._access(args[0], _text(args[1:2]), last)
            elif self.site.cls is not None:
                self._access_of(self.site.cls, _text(args[:1]), last)

    def _hands_on(self, site: Site, args: list[Any]) -> Site:
        """Follow a call of an attribute hook with source, which may hand on the name that it gets."""
        hook = site.function.name
        unbound = len(args) == UNBOUND[hook]
        if unbound and args[0] == self.me and self.site.cls is not None:
            site = replace(site, cls=self.site.cls)
        if self._hands_own_name_on(hook, args) or site.cls is None:
            return site
        if unbound and args[0] != self.me:
            self._access(args[0], _text(args[1:2]), hook)
        else:
            self._access_of(site.cls, _text(args[1:2] if unbound else args[:1]), hook)
        return site

    def _hands_own_name_on(self, hook: str, args: list[Any]) -> bool:
        """Tell whether a hook hands on the name that it got: what ran it follows that."""
        given = args[1:2] if len(args) == UNBOUND[hook] and args[0] == self.me else args[:1]
        return self.site.function.name == hook and any(map(self._is_own_name, given))

    def _is_own_name(self, argument: object) -> bool:
        """Tell whether an argument is the name that Python gave to this hook."""
        return self.name is not None and argument == self.name and self.types(self.name) == [TEXT]

    def _is_module(self, argument: object) -> bool:
        """Tell whether an argument may be a module, class or function that the source names."""
        if not isinstance(argument, str):
            return True
        return any(value[0] in {"mod", "cls", "ext", "fun"} for value in self.types(argument))

    def _argument_called(self, name: str, args: list[Any]) -> None:
        """`map(f, ...)` and its kin: what is called is an argument; it is followed by `_arguments` when it is named."""
        if name == "builtins.type":
            if len(args) != 1:
                self._note(("effect", f"{sinks.effect(name)}: {name}"))
            return
        first = args[0] if args else None
        values = self.types(first) if isinstance(first, str) else []
        if not values or any(v[0] in {"unk", "asked", "param", "text", "elem"} for v in values):
            self._unknown(f"{name}({shown(first)})")

    def _arguments(self, call: dict[str, Any], callee: object) -> None:
        """Functions that are passed on may be called by whoever gets them."""
        asked = {v[1] for v in self.types(callee) if v[0] == "ext"} if isinstance(callee, str) else set()
        if asked & QUESTIONS:
            return
        for argument in (*call.get("args", ()), *call.get("kw", {}).values()):
            if not isinstance(argument, str):
                continue
            first, _, name = argument.partition(".")
            if self.me and first == self.me and self.site.cls is not None:
                site = self.graph.method(self.site.cls, name)
                if site:
                    self.out.sites.setdefault(site, self.line)
                continue
            for value in self.types(argument):
                if value[0] == "fun":
                    self._value(value, argument, {})
                elif value[0] == "ext" and sinks.effect(value[1]) and value[1] not in sinks.TYPES:
                    self._note(("effect", f"{sinks.effect(value[1])}: {value[1]}"))

    def _stored(self, target: dict[str, Any]) -> None:
        """`os.environ[...] = x`, `sys.modules[...] = x` and the like."""
        root = root_name(target)
        if not root or "sub" not in target:
            return
        for value in self.types(target["sub"]) if isinstance(target["sub"], (str, dict)) else ():
            if value[0] == "ext" and (effect := sinks.effect(f"{value[1]}.__setitem__")):
                self._note(("effect", f"{effect}: {value[1]}"))

    def _note(self, found: tuple[str, str] | None) -> None:
        if found is not None:
            (self.out.effects if found[0] == "effect" else self.out.unknown).setdefault(found[1], self.line)

    def _unknown(self, text: str) -> None:
        self.out.unknown.setdefault(text, self.line)


def _text(args: list[Any]) -> str | None:
    """Give the text that an argument is, where the source writes it out."""
    text = args[0].get("str") if args and isinstance(args[0], dict) else None
    return str(text) if text else None


def _declares(assigned: dict[str, Any]) -> bool:
    """Tell whether an assignment gives an attribute nothing but a plain value: `names = None`, `names: dict`."""
    value = assigned.get("v", {"lit": ""})
    return isinstance(value, dict) and not value.keys().isdisjoint({"lit", "str"})


def _has(root: str, name: str) -> bool:
    """Tell whether a builtin type has an attribute."""
    module, _, last = root.rpartition(".")
    home = {"builtins": builtins, "collections": collections}.get(module)
    return hasattr(getattr(home, last, None), name)


def _numbers_only(call: dict[str, Any]) -> bool:
    """Tell whether a pool is given a number of threads, and nothing that they run."""
    given = Given.of(call)
    return not given.more and given.places <= 1 and sinks.NUMBERS.issuperset(given.names)


def _constant(args: list[Any], name: str) -> bool:
    """Tell whether the name that a reflective call asks for is written in the source."""
    at = 1 if name.endswith("attr") else 0
    if name == "sys.modules.get" and len(args) != 1:
        return False
    return len(args) > at and isinstance(args[at], dict) and "str" in args[at]
