"""What one policy adds to another, removes from it and grades otherwise.

For policies of the cluster, in the controller and the plugin; for files there is `pickleball-generate diff OLD NEW`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pickleball_enforce.policy import LISTS
from pickleball_operator.model import Diff
from pickleball_operator.model.status import DIFF_KEPT

from .provenance import GRADES, Reasons, severity, sources, worst

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .result import Content

SAID = {"effects": "with effects", "no source": "without source"}
"""Grades as a sentence says them."""


@dataclass(frozen=True)
class Change:
    """One entry, with the worst grade that the provenance gives it."""

    list: str
    name: str
    kind: str
    grade: str
    effects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A policy against the one in force (or against none); what needs reading most comes first."""

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    regraded: tuple[tuple[Change, Change], ...]
    """Entries that both have, graded otherwise: before, and after."""
    against: str | None
    sources: tuple[str, ...] = ()
    """Packages that were read in other versions, each with both."""

    @property
    def empty(self) -> bool:
        """Whether both allow the same, graded the same."""
        return not (self.added or self.removed or self.regraded)

    @property
    def sentence(self) -> str:
        """What changes, in numbers."""
        if self.against is None:
            return f"It has {_count(self.added)}; no policy is in force yet."
        if self.empty:
            return f"It allows the same as {self.against}; only what is recorded beside it differs."
        parts = [f"adds {_count(self.added)}"] if self.added else []
        parts += [f"removes {_count(self.removed, grades=False)}"] if self.removed else []
        parts += [f"grades {_count([after for _, after in self.regraded])} otherwise"] if self.regraded else []
        return f"Against {self.against} it {' and '.join(filter(None, [', '.join(parts[:-1]), parts[-1]]))}."

    def status(self) -> Diff:
        """As the ModelDeployment's status holds it: the first of each list."""
        return Diff.model_validate(
            {
                "sentence": self.sentence,
                "against": self.against,
                "sources": list(self.sources[:DIFF_KEPT]),
                "added": [_entry(one) for one in self.added[:DIFF_KEPT]],
                "removed": [_entry(one) for one in self.removed[:DIFF_KEPT]],
                "regraded": [{**_entry(after), "before": before.grade} for before, after in self.regraded[:DIFF_KEPT]],
            }
        )


def compare(before: Content | None, after: Content, against: str | None) -> Comparison:
    """Compare what is allowed; `against` names the policy that `before` is."""
    old, new = entries(before) if before is not None else {}, entries(after)
    return Comparison(
        added=_sorted(one for key, one in new.items() if key not in old),
        removed=_sorted(one for key, one in old.items() if key not in new),
        regraded=tuple(
            (old[key], one)
            for one in _sorted(one for key, one in new.items() if key in old and _differs(old[key], one))
            for key in [(one.list, one.name)]
        ),
        against=against,
        sources=_sources(before, after) if before is not None else (),
    )


def entries(content: Content) -> dict[tuple[str, str], Change]:
    """Every entry of a policy, with its grade."""
    found = {}
    reasons = Reasons(content.provenance)
    for listed in LISTS:
        for name in sorted(getattr(content.policy, listed)):
            because = worst(reasons.of(listed, name))
            found[listed, name] = Change(listed, name, because.kind, because.grade, because.effect_words)
    return found


def _sources(before: Content, after: Content) -> tuple[str, ...]:
    """Packages that both read and that differ; one version with other sources is told by its digests."""
    old = {name: (version, digest) for name, version, digest in sources(before.provenance)}
    new = {name: (version, digest) for name, version, digest in sources(after.provenance)}
    changed = []
    for name in sorted(old.keys() & new.keys()):
        (was, had), (now, has) = old[name], new[name]
        if was != now:
            changed.append(f"{name} {was or '?'} -> {now or '?'}")
        elif had != has:
            changed.append(f"{name} {now or '?'} with other sources ({had[:12]} -> {has[:12]})")
    return tuple(changed)


def _differs(before: Change, after: Change) -> bool:
    return (before.grade, before.effects) != (after.grade, after.effects)


def _sorted(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda one: (severity(one.grade), one.list, one.name)))


def _count(changes: Iterable[Change], *, grades: bool = True) -> str:
    found = list(changes)
    counted = Counter(one.grade for one in found)
    said = ", ".join(f"{counted[grade]} {SAID.get(grade, grade)}" for grade in GRADES if counted[grade])
    return f"{len(found)} {'entry' if len(found) == 1 else 'entries'}" + (f" ({said})" if grades and said else "")


def _entry(change: Change) -> dict[str, object]:
    return {**vars(change), "effects": list(change.effects)}
