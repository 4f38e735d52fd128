"""A call: its arguments, where it stands, what becomes of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pickleball_generate.inference.graph import Variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from pickleball_generate.inference.frames import Frame
    from pickleball_generate.inference.program import Value

    SeeNamed = Callable[[str, Variable], None]


def anywhere(name: str) -> str:
    """Give the name of an argument; of one at a place behind a star, that of one at any place."""
    return "*" if name[:1] == "*" and name != "**" else name


class Named:
    """Arguments by name; more of them can become known, through `**`.

    Under `*` stands what may be given at any position, under `*2` what is given two behind those by position, under
    `**` what may be given by any name.
    """

    __slots__ = ("listeners", "variables")

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.listeners: list[SeeNamed] = []

    def __getitem__(self, name: str) -> Variable:
        """Give the variable of a name, a new one if there is none."""
        if name not in self.variables:
            self.variables[name] = made = Variable()
            for see in self.listeners:
                see(name, made)
        return self.variables[name]


class Arguments:
    """Arguments by position and by name."""

    __slots__ = ("named", "open", "positional", "texts")

    def __init__(
        self, positional: list[Variable], named: Named | None = None, texts: list[str | None] | None = None
    ) -> None:
        self.positional = positional
        self.named = Named() if named is None else named
        self.texts = texts or []  # those by position that are constant texts; None for others
        self.open = False  # whether there may be more than those that are known

    def after(self, *first: Variable) -> Arguments:
        """Give the arguments with others before them."""
        return self._with([*first, *self.positional], [*(None for _ in first), *self.texts])

    def rest(self) -> Arguments:
        """Give the arguments without the first one."""
        return self._with(self.positional[1:], self.texts[1:])

    def _with(self, positional: list[Variable], texts: list[str | None]) -> Arguments:
        made = Arguments(positional, self.named, texts)
        made.open = self.open
        return made

    def text(self, at: int) -> str | None:
        """Give the constant text at a position, if there is one."""
        return self.texts[at] if at < len(self.texts) else None


class Call:
    """One call: `site` and `frame` name the containers that it makes."""

    __slots__ = ("args", "callees", "frame", "handed", "inside", "partials", "result", "site")

    def __init__(self, args: Arguments, frame: Frame | None, site: object, result: Variable) -> None:
        self.args = args
        self.frame = frame
        self.site = site
        self.result = result
        self.callees: Variable | None = None  # what is called, once for each value, whatever it was read from
        self.handed = False  # whether what is called was given to the body that calls it
        self.inside = False  # whether a partial makes this call
        self.partials: dict[
            Value, Arguments
        ] = {}  # what partials inside partials are called with, whatever leads there

    def given(self, args: Arguments) -> Call:
        """Give the same call with other arguments."""
        made = Call(args, self.frame, self.site, self.result)
        made.handed, made.inside, made.partials = self.handed, self.inside, self.partials
        return made
