"""Both verifiers at once: whatever a test judges, the compiled and the Python verifier have to say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pickleball_enforce import verifier

try:
    from pickleball_enforce import native
except ImportError:
    native = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from pickleball_enforce.policy import Policy
    from pickleball_enforce.report import Import, Verdict
    from pickleball_enforce.settings import Settings

_OTHER = {"parent", "children", "seen", "obligations", "items", "odd_items"}


def described(item: Import, known: dict[Import, int]) -> dict[str, Any]:
    """Give all that an import says; other imports by their place among `known`."""
    found = {name: value for name, value in vars(item).items() if name not in _OTHER}
    found["obligations"] = list(item.obligations)
    found["parent"] = known.get(item.parent) if item.parent else None
    found["children"] = [known.get(child) for child in item.children]
    return found


def told(verdict: Verdict, needs: list[Import], earlier: list[Import]) -> dict[str, Any]:
    """Give all that a verdict says, of imports of earlier loads too."""
    every = [*earlier, *(item for item in [*verdict.imports, *needs] if item not in earlier)]
    known = {item: place for place, item in enumerate(dict.fromkeys(every))}
    return {
        "start": verdict.start,
        "end": verdict.end,
        "error": verdict.error,
        "violations": verdict.violations,
        "imports": [known[item] for item in verdict.imports],
        "needs": [known[item] for item in needs],
        "late": [(known[item], obligation) for item, obligation in verdict.late],
        "persistent": [(place, known[item]) for place, item in verdict.persistent.items()],
        "known": [described(item, known) for item in known],
    }


def first_difference(said: Any, other: Any) -> str:
    """Show where two answers part."""
    if isinstance(said, list) and isinstance(other, list) and len(said) == len(other):
        return next(f"{mine} is not {theirs}" for mine, theirs in zip(said, other, strict=True) if mine != theirs)
    return f"{said} is not {other}"


class Both(verifier.Verifier):
    """The Python verifier, with the compiled one beside it: `verify` compares all that they say."""

    def __init__(self, policy: Policy | None, settings: Settings | None = None, *arguments: Any) -> None:
        super().__init__(policy, settings, *arguments)
        self._native = native.Verifier(policy, settings) if native and not arguments else None
        self._known: tuple[list[Import], list[Import]] = ([], [])

    def verify(self, data: Any, start: int = 0, *, gaps: Any = (), last: bool = False) -> Verdict:
        verdict = super().verify(data, start, gaps=gaps)
        if self._native is not None:
            other = self._native.verify(data, start, gaps=gaps)
            mine = told(verdict, self.needs, self._known[0])
            theirs = told(other, self._native.needs, self._known[1])
            for part, said in mine.items():
                assert theirs[part] == said, f"{part}: {first_difference(said, theirs[part])} of {bytes(data[:400])!r}"
            assert self._native.suppressed == self.suppressed
            assert self._native.memo.keys() == self.memo.keys()
            for known, found, needs in (
                (self._known[0], verdict, self.needs),
                (self._known[1], other, self._native.needs),
            ):
                known.extend(dict.fromkeys(item for item in [*found.imports, *needs] if item not in known))
        return verdict

    def abandon(self) -> None:
        super().abandon()
        if self._native is not None:
            self._native.abandon()

    def adopt(self, keys: Any) -> None:
        keys = list(keys)
        super().adopt(keys)
        if self._native is not None:
            self._native.adopt(keys)
