"""Variables that a module binds to an empty container, and who puts something into them.

Code at load may call what such a variable holds: `for hook in HOOKS.values(): hook(self)`. There is nothing as long as
nobody stores into it. Who may do so is told from the text: whatever names the variable and does more than read it.
A name counts wherever it stands in the package, so that nothing is missed: in texts, for other things too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.mentions import COPYING, READING, VERSION, Mentions, read

if TYPE_CHECKING:
    from pickleball_generate.inference.program import Program
    from pickleball_generate.inference.scopes import Scope
    from pickleball_generate.inference.sites import Element

CONTAINERS = frozenset(
    "builtins.dict builtins.list builtins.set collections.OrderedDict weakref.WeakKeyDictionary "
    "weakref.WeakValueDictionary".split()
)
NAMESPACE = ("globals", "locals", "vars", "__dict__")  # by which a module may find its variables
CALLERS = 3  # functions that call one that fills a variable, one above the other
COMMON = 60  # modules; of a name that more of them have nobody can tell


class Empty:
    """Finds such variables, and the functions that may fill them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._mentions: dict[tuple[str, str, bool, bool], Mentions] = {}
        self._at_import: dict[tuple[str, str], bool] = {}
        self._named: dict[tuple[str, str], frozenset[str]] = {}

    def variable(self, expression: object, function: Scope) -> tuple[str, str] | None:
        """Name the variable, and its module, of which a loop over an expression gives elements."""
        if isinstance(expression, dict) and isinstance(callee := expression.get("call"), str):
            args: list[Any] = expression.get("args", [])
            owner, _, method = callee.rpartition(".")
            if method in READING and not args:
                return self.variable(owner, function)
            return self.variable(args[0], function) if callee in COPYING and len(args) == 1 else None
        if not isinstance(expression, str) or "." in expression:
            return None
        scope = function
        while scope.parent is not None:
            if scope.kind != "class" and expression in scope.bound:
                return None
            scope = scope.parent
        kinds = scope.bound.get(expression, [])
        values = [what.get("v") for kind, what in kinds if kind == "assign" and not what.get("op")]
        single = len(values) == len(kinds) == 1 and not scope.stars and self._is_empty(values[0], scope)
        return (scope.module, expression) if single else None

    def _is_empty(self, value: Any, module: Scope) -> bool:
        if not isinstance(value, dict):
            return False
        if "call" in value and not value.get("args") and not value.get("kw"):
            made = self.program.resolve(value["call"], module)
            return bool(made) and all(v[0] == "ext" and v[1] in CONTAINERS for v in made)
        return value in ({"dict": []}, {"list": []})

    def fills(self, element: Element, function: Scope) -> bool:
        """Tell whether the text of a function names the variable otherwise than by reading it."""
        module, variable = function.module, element.variable
        if module not in self._naming(module, variable):
            return False
        return function.name in self._read(module, variable, home=module == element.module).functions

    def filled(self, element: Element) -> bool:
        """Tell whether importing its package puts something into the variable: statements of modules, or decorators.

        They do it themselves, or by a function that does, or that calls one.
        """
        variable = (element.module, element.variable)
        if variable not in self._at_import:
            self._at_import[variable] = self._is_filled(*variable)
        return self._at_import[variable]

    def _is_filled(self, home: str, variable: str) -> bool:
        if home not in self._naming(home, variable):
            return True
        if any(self._read(home, name, home=True, defined=True).outside for name in NAMESPACE):
            return True
        waiting = {(variable, home)}
        seen: set[tuple[str, str]] = set()  # names, each with a module in which it stands for that
        for above in range(CALLERS + 2):
            seen |= waiting
            fillers: set[tuple[str, str]] = set()
            for name in {name for name, _ in waiting}:
                modules = self._naming(home, name)
                if not name or len(modules) > COMMON:
                    return True
                for module in modules:
                    found = self._read(module, name, home=(name, module) in seen, defined=above > 0)
                    if found.outside:
                        return True
                    fillers |= {(function, module) for function in found.functions}
            waiting = {each for each in fillers - seen if not each[0].startswith("__")}
        return False

    def _naming(self, module: str, name: str) -> frozenset[str]:
        """The modules of the package of a module whose text has a name."""
        key = (module, name)
        if key not in self._named:
            package = self.program.environment.package_of(module)
            found = self.program.environment.naming(package, name) if package is not None else frozenset[str]()
            self._named[key] = found
        return self._named[key]

    def _read(self, module: str, name: str, *, home: bool, defined: bool = False) -> Mentions:
        key = (module, name, home, defined)
        if key not in self._mentions:
            question = f"mentions-{VERSION}-{name}-{home:d}{defined:d}"
            found = self.program.environment.told(
                module, question, lambda text: _read(text, name, home=home, defined=defined)
            )
            self._mentions[key] = Mentions(found[0], frozenset(found[1]))
        return self._mentions[key]


def _read(text: bytes, name: str, *, home: bool, defined: bool) -> tuple[bool, list[str]]:
    found = read(text, name, defined=defined, home=home)
    return found.outside, sorted(found.functions)
