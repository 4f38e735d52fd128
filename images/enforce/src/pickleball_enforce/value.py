"""Values that are nothing but their fields, as dataclasses are.

Importing `dataclasses`, and making a class by it, costs more than all else at the start of a hooked process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: bool) -> Any:
        """Tell type checkers only."""
        return lambda cls: cls


class Value:
    """Is equal to another of its class whose fields are equal."""

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({fields})"

    def changed(self, **fields: Any) -> Self:
        """Give a copy with other values in some fields."""
        made = type(self).__new__(type(self))
        vars(made).update(vars(self), **fields)
        return made


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Options(Value):
    """A value whose fields, with their defaults, are declared in its class."""

    _defaults: dict[str, Any]

    def __init_subclass__(cls) -> None:
        cls._defaults = {name: vars(cls)[name] for name in cls.__annotations__}

    def __init__(self, **fields: Any) -> None:
        unknown = fields.keys() - self._defaults.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        vars(self).update(self._defaults, **fields)
