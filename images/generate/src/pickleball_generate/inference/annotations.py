"""The instances that annotations speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_generate.inference.store import Store

if TYPE_CHECKING:
    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value

CONTAINER_HINTS = frozenset(
    (
        "list tuple set frozenset dict List Tuple Set FrozenSet Dict Sequence Iterable Mapping "
        "MutableMapping Collection Iterator Generator MutableSequence DefaultDict OrderedDict deque"
    ).split()
)
WRAPPING_HINTS = frozenset(("Optional Union Final Annotated ClassVar Required NotRequired InitVar").split())


class Annotations(Store):
    """Reads annotations."""

    def declared(self, annotation: object, frame: Frame) -> list[Value]:
        """Give the instances that an annotation speaks of."""
        if isinstance(annotation, dict):
            return self._declared_form(annotation, frame)
        if not isinstance(annotation, str):
            return []
        return [w for v in self.program.resolve(annotation, frame.scope) for w in self.instance_of(v)]

    def _declared_form(self, annotation: dict[str, Any], frame: Frame) -> list[Value]:
        """Read a text, `A | B`, `A, B`, `Optional[A]`, `list[A]`."""
        if "str" in annotation:
            text = annotation["str"]
            return self.declared(text, frame) if text.replace(".", "").replace("_", "").isalnum() else []
        if "bin" in annotation or "tuple" in annotation:
            parts = annotation["of"] if "bin" in annotation else annotation["tuple"]
            return [v for part in parts for v in self.declared(part, frame)]
        if "sub" not in annotation:
            return []
        name = annotation["sub"] if isinstance(annotation["sub"], str) else ""
        last = name.rpartition(".")[2]
        if last in WRAPPING_HINTS:
            return self.declared(annotation.get("ix"), frame)
        if last not in CONTAINER_HINTS:
            return self.declared(annotation["sub"], frame)
        box = self.box(frame, annotation, "dict" if "ict" in last or "Mapping" in last else "list")
        for value in self.declared(annotation.get("ix"), frame):
            self.put(box, "[]", value, "annotation")
        return [box]

    def box(self, frame: Frame | None, site: object, kind: str, part: str = "") -> Value:
        """The container that an expression or call makes in a frame."""
        return ("box", (frame.key if frame else None, id(site) if isinstance(site, dict) else site, part), kind)

    def instance_of(self, value: Value) -> list[Value]:
        """The instance that a declared class stands for; abstract and protocol classes stand for none."""
        if value[0] == "cls":
            described = self.packs.type_name(self.program.canonical(value[1]))
            if described:
                return [("inst", described)]
            if any(root.rpartition(".")[2] in {"Protocol", "TypedDict"} for root in self.program.roots(value[1])):
                return []
            self.bounds.setdefault(value[1], self.reason("annotation"))
            return [("obj", value[1])]
        if value[0] == "ext":
            return self.foreign_instance(value[1])
        return []

    def foreign_instance(self, name: str) -> list[Value]:
        """An instance of a class without source, as far as something is known of it."""
        known = self.packs.type_name(name)
        if known:
            return [("inst", known)]
        module, _, last = name.rpartition(".")
        extension = self.program.environment.extension(module)
        return [("inst", name)] if extension is not None and extension.has_class(last) else []
