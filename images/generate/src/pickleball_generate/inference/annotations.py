"""The instances that annotations speak of."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.store import Store

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value
    from pickleball_generate.inference.scopes import Scope

CONTAINER_HINTS = frozenset(
    (
        "list tuple set frozenset dict List Tuple Set FrozenSet Dict Sequence Iterable Mapping "
        "MutableMapping Collection Iterator Generator MutableSequence DefaultDict OrderedDict deque"
    ).split()
)
WRAPPING_HINTS = frozenset(("Optional Union Final Annotated ClassVar Required NotRequired InitVar").split())


@cache
def written(text: str) -> object:
    """Read an annotation that stands in a text, as the facts have those that do not; the same object each time."""
    try:
        return _form(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _form(node: ast.expr) -> object:
    """Write an expression as facts do; what no annotation is made of says nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = _form(node.value)
        return f"{owner}.{node.attr}" if isinstance(owner, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return {"bin": "BitOr", "of": [_form(node.left), _form(node.right)]}
    if isinstance(node, ast.Subscript):
        return {"sub": _form(node.value), "ix": _form(node.slice)}
    if isinstance(node, (ast.Tuple, ast.List)):
        return {"tuple": [_form(part) for part in node.elts]}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {"str": node.value}
    return {"lit": "Ellipsis"} if isinstance(node, ast.Constant) and node.value is ... else None


class Annotations(Store):
    """Reads annotations."""

    def declared(self, annotation: object, scope: Scope, site: int) -> list[Value]:
        """Give the instances that an annotation speaks of; those that keep objects are others at each site."""
        if isinstance(annotation, dict):
            return self._declared_form(annotation, scope, site)
        if not isinstance(annotation, str):
            return []
        return [w for v in self.program.resolve(annotation, scope) for w in self.instance_of(v, site)]

    def _declared_form(self, annotation: dict[str, Any], scope: Scope, site: int) -> list[Value]:
        """Read a text, `A | B`, `A, B`, `Optional[A]`, `list[A]`."""
        if "str" in annotation:
            return self.declared(written(annotation["str"]), scope, site)
        if "bin" in annotation or "tuple" in annotation:
            parts = annotation["of"] if "bin" in annotation else annotation["tuple"]
            return [v for part in parts for v in self.declared(part, scope, site)]
        if "sub" not in annotation:
            return []
        name = annotation["sub"] if isinstance(annotation["sub"], str) else ""
        last = name.rpartition(".")[2]
        if last in WRAPPING_HINTS:
            return self.declared(annotation.get("ix"), scope, site)
        if last not in CONTAINER_HINTS:
            return self.declared(annotation["sub"], scope, site)
        inside = annotation.get("ix")
        if last in {"tuple", "Tuple"} and isinstance(inside, dict) and "tuple" in inside:
            return [self._declared_tuple(inside["tuple"], scope, self.number(site, id(annotation)))]
        kind = "dict" if "ict" in last or "Mapping" in last else "list" if last in {"list", "List"} else "collection"
        box: Value = ("box", self.number(site, id(annotation)), kind)
        for value in self.declared(annotation.get("ix"), scope, site):
            self.put(box, "[]", value, "annotation")
        return [box]

    def _declared_tuple(self, parts: list[Any], scope: Scope, site: int) -> Value:
        """Read `tuple[A, B]` and `tuple[A, ...]`."""
        box: Value = ("box", site, "tuple")
        fixed = not any(isinstance(part, dict) and part.get("lit") == "Ellipsis" for part in parts)
        for at, part in enumerate(parts):
            for value in self.declared(part, scope, self.number(site, at)):
                self.put(box, f"[{at}]" if fixed else "[]", value, "annotation")
        return box

    def box(self, frame: Frame | None, site: object, kind: str, part: str = "") -> Value:
        """The container that an expression or call makes in a frame."""
        return ("box", self.site(frame, site, part), kind)

    def site(self, frame: Frame | None, site: object, part: str = "") -> int:
        """The number of the place of an expression or call in a frame."""
        return self.number(frame.key if frame else None, id(site) if isinstance(site, dict) else site, part)

    def instance_of(self, value: Value, site: int) -> list[Value]:
        """The instance that a declared class stands for; abstract and protocol classes stand for none."""
        if value[0] == "cls":
            described = self.packs.type_name(self.program.canonical(value[1]))
            if described:
                return [self.described_instance(described, site)]
            if any(root.rpartition(".")[2] in {"Protocol", "TypedDict"} for root in self.program.roots(value[1])):
                return []
            self.bounds.setdefault(value[1], self.reason("annotation"))
            return [("obj", value[1])]
        if value[0] == "ext":
            return self.foreign_instance(value[1], site)
        return []

    def foreign_instance(self, name: str, site: int) -> list[Value]:
        """An instance of a class without source, as far as something is known of it."""
        known = self.packs.type_name(name)
        if known:
            return [self.described_instance(known, site)]
        module, _, last = name.rpartition(".")
        extension = self.program.environment.extension(module)
        return [("inst", name)] if extension is not None and extension.has_class(last) else []

    def described_instance(self, name: str, site: int) -> Value:
        """An instance of a type that a pack describes; where it keeps elements, that of one site."""
        return ("inst", name, site) if "elements" in self.packs.keeps(name) else ("inst", name)
