"""The program: modules read on demand, names resolved to definitions, classes with their linearised bases."""

from __future__ import annotations

import builtins
import os
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickleball_generate.facts.closure import absolute
from pickleball_generate.facts.parts import imports
from pickleball_generate.inference.homes import home
from pickleball_generate.inference.questions import Questions
from pickleball_generate.inference.scopes import Scope, callee_name
from pickleball_generate.sources import module_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pickleball_generate.facts import Environment

AUGMENTED = re.compile(rb"(\*\*|//|>>|<<|[-+*/%@&|^])=")
STAR = re.compile(rb"import\s*\(?\s*\*")
# A value is a tuple: ("cls", Scope), ("fun", Scope, receiver), ("mod", name), ("ext", dotted name without source), ...
Value = tuple[Any, ...]

CLASS_MAKERS = frozenset({"namedtuple", "NamedTuple", "Enum", "IntEnum", "Flag", "IntFlag", "StrEnum"})
CLASS_BASES = {"collections.namedtuple": "builtins.tuple", "typing.NamedTuple": "builtins.tuple"}
TOOLING = frozenset({"tests", "test", "testing", "conftest", "setup", "_build_utils", "f2py", "distutils"})


class Program:
    """Resolves names over all packages of an environment. Reads only modules that a name leads to."""

    def __init__(self, environment: Environment, opaque: frozenset[str] = frozenset()) -> None:
        self.environment = environment
        self.opaque = opaque
        self.loaded: dict[str, Scope] = {}
        self._names: Questions[Value] = Questions(self._find_attribute)
        self._modules: dict[str, bool] = {}
        self._sources: dict[str, bool] = {}
        self._resolving: set[tuple[Scope, str]] = set()
        self._mro: dict[Scope, list[Value]] = {}
        self._bases: dict[Scope, list[Value]] = {}
        self._made: dict[int, Scope] = {}
        self._canonical: dict[Scope, str] = {}
        self._lines: dict[str, list[bytes]] = {}
        self._unique: dict[str, dict[str, list[str]]] = {}
        self._hands_out: dict[Scope, bool] = {}
        self._hides_names: dict[str, bool] = {}
        self._exports: dict[str, frozenset[str]] = {}
        self._methods: dict[tuple[Scope, str, Scope | None], tuple[Scope, Scope] | None] = {}
        self.plain: dict[Scope, bool] = {}  # kept by signatures.py
        self.definitions_called: dict[Scope, list[Value]] = {}  # kept by construction.py

    # Modules

    def has_source(self, module: str) -> bool:
        """Tell whether the module's statements are known; a stub beside machine code does not count."""
        known = self._sources.get(module)
        if known is None:
            hidden = module.partition(".")[0] in self.opaque
            package = None if hidden else self.environment.package_of(module)
            known = package is not None and package.modules.get(module, "").endswith(".py")
            self._sources[module] = known
        return known

    def is_module(self, module: str) -> bool:
        """Tell whether a dotted name is a module of any kind, or a folder of modules."""
        if module not in self._modules:
            package = self.environment.package_of(module)
            if package is None:
                self._modules[module] = module in sys.stdlib_module_names or is_stdlib(module)
            else:
                self._modules[module] = (
                    module in package.modules or module in package.extensions or module in package.folders
                )
        return self._modules[module]

    def may_exist(self, name: str, owner: str) -> bool:
        """Tell whether the module of a name is there; beside an `owner` that is no package here, nobody knows."""
        module, _, _ = name.rpartition(".")
        packages = self.environment.library
        if packages.package(module.partition(".")[0]) is None:
            return is_stdlib_top(module) or packages.package(owner) is None
        return self.is_module(module) or self.is_module(module.rpartition(".")[0])

    def scope(self, module: str) -> Scope | None:
        """Give the body of a module with source."""
        if module not in self.loaded:
            facts = self.environment.parted(module) if self.has_source(module) else self._lowered(module)
            if facts is None:
                return None
            self.loaded[module] = Scope(module, "module", facts, None, facts["file"])
        return self.loaded[module]

    def _lowered(self, module: str) -> dict[str, Any] | None:
        """Give the facts of a module of machine code, as far as its Cython source is Python."""
        return None if module.partition(".")[0] in self.opaque else self.environment.lowered(module)

    def machine_classes(self, name: str) -> list[Scope]:
        """A class of machine code and those that it descends from, as far as a Cython source shows their bodies."""
        found: dict[Scope, None] = {}
        waiting = [name]
        while waiting:
            module, _, last = waiting.pop(0).rpartition(".")
            scope = self.scope(module) if module and not self.has_source(module) else None
            for cls in scope.classes if scope is not None else ():
                if cls.name == last and cls not in found:
                    found[cls] = None
                    waiting += [base[1] for base in self.bases(cls) if base[0] == "ext"]
        return list(found)

    def _body(self, module: str, name: str) -> Scope | None:
        """The body that says what a name of a module is; types of machine code stand for themselves."""
        if not self.has_source(module):
            extension = self.environment.extension(module)
            if extension is None or extension.has_class(name):
                return None
        return self.scope(module)

    def absolute(self, origin: str, module: str) -> str:
        """Resolve the dots of a relative import."""
        return absolute(origin, module, package=self.environment.is_package(module))

    # Names

    def attribute(self, module: str, name: str) -> list[Value]:
        """Resolve `module.name` to definitions: classes, functions, modules, or names without source."""
        return self._names(module, name)

    def _find_attribute(self, module: str, name: str) -> list[Value]:
        scope = self._body(module, name)
        if scope is None:
            return self.without_source(module, name)
        found = unique(self._bindings(scope, name))
        if not found and self.is_module(f"{module}.{name}"):
            found = [("mod", f"{module}.{name}")]
        for star in scope.stars if not found else ():
            origin = self.absolute(star["from"], module)
            if not origin or origin == module or not self._may_bind(origin, name):
                continue
            if self.has_source(origin) or name in self._exported(origin):
                found += self.attribute(origin, name)
        if not found and "__getattr__" in scope.bound:
            found = self._lazy(module, name)
        if not (found or name in scope.bound or hasattr(builtins, name) or self.has_source(module)):
            found = self.without_source(module, name)
        return found

    def without_source(self, module: str, name: str) -> list[Value]:
        """A name of a module that is not analysed; of a package that is not there, nothing."""
        inner = f"{module}.{name}"
        if self.is_module(inner):
            return [("mod", inner)]
        return [("ext", inner)] if self.is_there(module) else []

    def is_there(self, module: str) -> bool:
        """Tell whether the package of a module is a part of Python or of the environment."""
        top = module.partition(".")[0]
        return top in sys.stdlib_module_names or self.environment.library.package(top) is not None

    def _may_bind(self, module: str, name: str) -> bool:
        """Tell from its text whether a module can have a name: facts of those that cannot are not read."""
        text = self.environment.text(module)
        if text is None or not name.isascii() or self.is_module(f"{module}.{name}"):
            return True
        if module not in self._hides_names:
            self._hides_names[module] = b"__getattr__" in text or STAR.search(text) is not None
        return self._hides_names[module] or name.encode() in text

    def _exported(self, module: str) -> frozenset[str]:
        """Names that a module without source is known to have, by its stub or as classes of its Cython source."""
        if module not in self._exports:
            extension = self.environment.extension(module)
            classes = frozenset(extension.cython.classes) if extension is not None else frozenset[str]()
            facts = self.environment.parted(module)
            bound = frozenset(Scope(module, "module", facts, None, "").bound) if facts is not None else frozenset()
            self._exports[module] = classes | bound
        return self._exports[module]

    def _lazy(self, module: str, name: str) -> list[Value]:
        """Find what a module's `__getattr__` would give: the only definition of that name under the package."""
        top = module.partition(".")[0]
        places = [m for m in self.definitions(top).get(name, ()) if m.startswith(f"{module}.")]
        return self.attribute(places[0], name) if len(places) == 1 else []

    def definitions(self, package: str) -> dict[str, list[str]]:
        """List the classes of a package by their names, with the modules that define one at their top level."""
        if package not in self._unique:
            found: dict[str, list[str]] = {}
            known = self.environment.library.package(package)
            headers = self.environment.classes(known) if known and package not in self.opaque else {}
            for file, classes in sorted(headers.items()):
                module = module_name(file)
                if module is None or tooling(module) or not self.has_source(module):
                    continue
                for name, _, _ in classes:
                    if "." not in name:
                        found.setdefault(name, []).append(module)
            self._unique[package] = found
        return self._unique[package]

    def sign(self, module: str, line: int) -> str | None:
        """Give the operator of the augmented assignment in a line; None where the line does not tell."""
        lines = self._lines_of(module)
        found = set(AUGMENTED.findall(lines[line - 1])) if 0 < line <= len(lines) else set()
        return found.pop().decode() if len(found) == 1 else None

    def source(self, function: Scope) -> str | None:
        """Give the text of a function that no decorator changes; None where it is not plain where it ends."""
        lines = self._lines_of(function.module)[function.line - 1 :]
        if not lines or not lines[0].lstrip().startswith((b"def ", b"async def ")):
            return None
        depth = indentation(lines[0])
        end = next((at for at, line in enumerate(lines) if at and _is_code(line) and indentation(line) <= depth), None)
        return textwrap.dedent(b"\n".join(lines[:end]).decode(errors="replace"))

    def _lines_of(self, module: str) -> list[bytes]:
        lines = self._lines.get(module)
        if lines is None:
            lines = self._lines[module] = (self.environment.text(module) or b"").splitlines()
        return lines

    def packages(self) -> list[str]:
        """The packages that modules read so far import, theirs included, as far as they have source."""
        found: set[str] = set()
        for module, scope in self.loaded.items():
            found.add(module.partition(".")[0])
            for item in imports(scope.facts):
                name = item.get("import") or item.get("from", "")
                if name and not name.startswith("."):
                    found.add(name.partition(".")[0])
        return sorted(name for name in found if self.environment.library.package(name) and name not in self.opaque)

    def pickling_modules(self, package: str) -> list[str]:
        """Modules of a package that define a class by the name of some pickler."""
        known = self.environment.library.package(package)
        if known is None or package in self.opaque or not self.environment.may_name_class(known, "Pickler"):
            return []
        places = self.definitions(package)
        found = {module for name, where in places.items() if name.endswith("Pickler") for module in where}
        return sorted(found)

    def serializing_modules(self) -> set[str]:
        """Modules right below the packages of the environment that are about pickles by their name."""
        files = {file for root in self.environment.library.roots for file in root.glob("*/*pickl*.py")}
        found = {f"{file.parent.name}.{file.stem}" for file in files}
        return {module for module in found if self.has_source(module) and not tooling(module)}

    def _bindings(self, scope: Scope, name: str) -> Iterator[Value]:
        for kind, what in scope.bound.get(name, ()):
            if kind == "class":
                yield ("cls", what) if self.has_source(what.module) else ("ext", what.dotted)
            elif kind == "function":
                yield ("fun", what, None)
            elif kind == "from":
                yield from self.imported(what, scope.module)
            elif kind == "import":
                yield ("mod", what["import"] if "as" in what else what["import"].partition(".")[0])
            elif kind == "assign" and "op" not in what:
                yield from self.resolve(what.get("v"), scope, skip=name)

    def imported(self, item: dict[str, Any], module: str) -> list[Value]:
        """Resolve `from origin import name`."""
        origin = self.absolute(item["from"], module)
        if not origin:
            return []
        found = self.attribute(origin, item["name"])
        inner = f"{origin}.{item['name']}"
        return found or ([("mod", inner)] if self.is_module(inner) else [])

    def resolve(self, expression: object, scope: Scope, skip: str = "") -> list[Value]:
        """Resolve an expression that names definitions, without following values."""
        if isinstance(expression, dict):
            if "call" in expression:
                return self.made_class(expression, scope)
            if "or" in expression:
                return unique(v for part in expression["or"] for v in self.resolve(part, scope, skip))
            if "sub" in expression:
                return self.resolve(expression["sub"], scope, skip)
            if "attr" in expression:
                return [
                    w for v in self.resolve(expression["of"], scope, skip) for w in self.member(v, expression["attr"])
                ]
            return []
        if not isinstance(expression, str):
            return []
        first, *rest = expression.split(".")
        if first == skip and not rest:
            return []
        found = self.name(first, scope)
        for part in rest:
            found = unique(w for v in found for w in self.member(v, part))
        return found

    def hands_out(self, function: Scope) -> bool:
        """Tell whether a function returns instances of classes that it names itself."""
        if function not in self._hands_out:
            named = (value for callee in function.returned_callees for value in self.resolve(callee, function))
            self._hands_out[function] = any(value[0] == "cls" for value in named)
        return self._hands_out[function]

    def made_class(self, call: dict[str, Any], scope: Scope) -> list[Value]:
        """The class that a call makes: `namedtuple("X", ...)`, `Enum("X", ...)`."""
        arguments = call.get("args", ())
        title = arguments[0].get("str") if arguments and isinstance(arguments[0], dict) else None
        callee = callee_name(call)
        if not title or callee.rpartition(".")[2] not in CLASS_MAKERS:
            return []
        found = [v for v in self.resolve(callee, scope) if v[0] == "ext"]
        base = next((CLASS_BASES.get(v[1], v[1]) for v in found), None)
        if base is None:
            return []
        if id(call) not in self._made:
            facts = {"name": title, "line": scope.line, "assigns": _fields(arguments[1:2])}
            self._made[id(call)] = made = Scope(scope.module, "class", facts, scope, scope.file)
            self._bases[made] = [("ext", base)]
        return [("cls", self._made[id(call)])]

    def name(self, name: str, scope: Scope) -> list[Value]:
        """Resolve a plain name as a body sees it."""
        where: Scope | None = scope
        while where is not None and where.parent is not None:
            if (where.kind == "function" or where is scope) and name in where.bound:
                return self._local(where, name)
            where = where.parent
        found = self.attribute(scope.module, name) if where is not None and self._is_python(name, where) else []
        if not found and hasattr(builtins, name):
            return [("ext", f"builtins.{name}")]
        return found

    def _is_python(self, name: str, module: Scope) -> bool:
        """Tell whether a name of a module is not one of C (`NULL`), which a Cython source uses without saying more."""
        if self.has_source(module.module) or name in module.bound or module.stars:
            return True
        extension = self.environment.extension(module.module)
        return extension is not None and extension.has_class(name)

    def _local(self, where: Scope, name: str) -> list[Value]:
        """Resolve a name of a function or class body; one that is defined by itself gives no more."""
        if (where, name) in self._resolving:
            return []
        self._resolving.add((where, name))
        try:
            return unique(self._bindings(where, name))
        finally:
            self._resolving.discard((where, name))

    def member(self, value: Value, name: str) -> list[Value]:
        """Resolve an attribute of a module, class or name without source."""
        if value[0] == "mod":
            return self.attribute(value[1], name)
        if value[0] == "cls":
            return [w for owner in self.mro(value[1]) if owner[0] == "cls" for w in self._bindings(owner[1], name)][:1]
        if value[0] == "ext":
            return [("ext", f"{value[1]}.{name}")]
        return []

    # Classes

    def bases(self, cls: Scope) -> list[Value]:
        """Resolve the bases of a class: classes with source, and names of those without."""
        if cls not in self._bases:
            self._bases[cls] = []
            where = cls.parent or cls
            found: list[Value] = []
            for base in cls.facts.get("bases", ()):
                found += self._base(base, where)
            self._bases[cls] = [v for v in unique(found) if v != ("cls", cls)]
        return self._bases[cls]

    def lost_bases(self, cls: Scope) -> list[str]:
        """Name the bases of a class, and of its bases, that lead to nothing."""
        found = []
        for owner in self.mro(cls):
            if owner[0] == "cls":
                where = owner[1].parent or owner[1]
                found += [str(b) for b in owner[1].facts.get("bases", ()) if not self._base(b, where)]
        return found

    def _base(self, base: object, where: Scope) -> list[Value]:
        if isinstance(base, dict) and "call" in base:
            callee = callee_name(base)
            if callee.rpartition(".")[2] in {"namedtuple", "NamedTuple"}:
                return [("ext", "builtins.tuple")]
            return [v for a in base.get("args", ()) for v in self._base(a, where)]
        return [
            ("ext", CLASS_BASES.get(v[1], v[1])) if v[0] == "ext" else v
            for v in self.resolve(base, where)
            if v[0] in {"cls", "ext"}
        ]

    def mro(self, cls: Scope) -> list[Value]:
        """Linearise: the class, its bases; names without source where a base has none."""
        if cls not in self._mro:
            self._mro[cls] = [("cls", cls)]
            lists = [list(self.mro(b[1])) if b[0] == "cls" else [b] for b in self.bases(cls)]
            self._mro[cls] = [("cls", cls), *linearise([*lists, list(self.bases(cls))])]
        return self._mro[cls]

    def method(self, cls: Scope, name: str, after: Scope | None = None) -> tuple[Scope, Scope] | None:
        """Find the function that a class gives for a name, and the class that has it; after a class for `super()`."""
        key = (cls, name, after)
        if key not in self._methods:
            self._methods[key] = self._find_method(cls, name, after)
        return self._methods[key]

    def _find_method(self, cls: Scope, name: str, after: Scope | None) -> tuple[Scope, Scope] | None:
        owners = [v[1] for v in self.mro(cls) if v[0] == "cls"]
        if after is not None and after in owners:
            owners = owners[owners.index(after) + 1 :]
        for owner in owners:
            for kind, what in owner.bound.get(name, ()):
                if kind == "function" and not what.decorated_by("overload"):
                    return what, owner
                if kind == "assign" and isinstance(what.get("v"), str) and "." not in what["v"]:
                    for inner, function in owner.bound.get(what["v"], ()):
                        if inner == "function":
                            return function, owner
        return None

    def roots(self, cls: Scope) -> list[str]:
        """The names without source that a class descends from."""
        return [v[1] for v in self.mro(cls) if v[0] == "ext"]

    def canonical(self, scope: Scope) -> str:
        """The dotted name that pickle writes: `__module__` and `__qualname__`."""
        if scope not in self._canonical:
            self._canonical[scope] = f"{home(scope)}{scope.dotted[len(scope.module) :]}"
        return self._canonical[scope]


def indentation(line: bytes) -> int:
    """Count the blanks that a line begins with."""
    return len(line) - len(line.lstrip())


def _is_code(line: bytes) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(b"#")


def is_stdlib_top(module: str) -> bool:
    """Tell whether a dotted name lies in the standard library."""
    return module.partition(".")[0] in sys.stdlib_module_names


def is_stdlib(module: str) -> bool:
    """Tell whether a dotted name is a module inside a package of the standard library."""
    top, _, rest = module.partition(".")
    if not rest or top not in sys.stdlib_module_names:
        return False
    folder = Path(os.__file__).parent.joinpath(*module.split("."))
    return module == "os.path" or folder.is_dir() or folder.with_suffix(".py").is_file()


def tooling(module: str) -> bool:
    """Tell whether a module belongs to tests or to the building of its package."""
    return not TOOLING.isdisjoint(module.split("."))


def unique(values: Any) -> list[Value]:
    """Drop repetitions, keep the order."""
    return list(dict.fromkeys(values))


def linearise(lists: list[list[Value]]) -> list[Value]:
    """Merge linearisations as C3 does; where it has no answer, in the order of appearance."""
    result: list[Value] = []
    rest = [list(row) for row in lists if row]
    while rest:
        for row in rest:
            head = row[0]
            if not any(head in other[1:] for other in rest):
                break
        else:
            head = rest[0][0]
        result.append(head)
        rest = [[v for v in row if v != head] for row in rest]
        rest = [row for row in rest if row]
    return unique(result)


def _fields(arguments: Sequence[Any]) -> list[dict[str, Any]]:
    """Declare the fields that a call names, in a text or in a row of texts or of pairs, without their types."""
    texts: list[Any] = []
    for argument in arguments:
        row = argument.get("list") or argument.get("tuple") or [argument] if isinstance(argument, dict) else ()
        pairs = [each["tuple"][0] if isinstance(each, dict) and each.get("tuple") else each for each in row]
        texts += [each.get("str") for each in pairs if isinstance(each, dict)]
    names = [name for text in texts if text for name in text.replace(",", " ").split()]
    return [{"to": name, "ann": None} for name in names]
