"""What one policy adds to another, removes from it and grades otherwise.

For policies of the cluster, in the controller and the plugin; for files there is `pickleball-generate diff OLD NEW`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pickleball_enforce.policy import INSTANCES
from pickleball_operator.model import Diff
from pickleball_operator.model.status import DIFF_KEPT

from .provenance import GRADES, Reasons, severity, sources, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .result import Content

    Entries = dict[tuple[str, str], "Change"]

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
    moved: bool = field(default=False, compare=False)
    """Whether the other policy has it in `instances`."""


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
        moved = sum(one.moved for one in self.added)
        kept = f", {moved} of which could only be instantiated" if moved else ""
        parts = [f"adds {_count(self.added)}{kept}"] if self.added else []
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
        added=_sorted(_only_in(new, old)),
        removed=_sorted(_only_in(old, new)),
        regraded=tuple(
            (old[key], one)
            for one in _sorted(one for key, one in new.items() if key in old and _differs(old[key], one))
            for key in [(one.list, one.name)]
        ),
        against=against,
        sources=_sources(before, after) if before is not None else (),
    )


def _only_in(some: Entries, others: Entries) -> Iterator[Change]:
    """The entries that allow what none of the others does: one of `instances` allows less than one of the same name."""
    names = {name for _, name in others}
    for (listed, name), one in some.items():
        if (listed, name) not in others and not (listed == INSTANCES and name in names):
            yield replace(one, moved=(INSTANCES, name) in others)


def entries(content: Content) -> dict[tuple[str, str], Change]:
    """Every entry of a policy, with its grade."""
    found = {}
    reasons = Reasons(content.provenance)
    for listed, names in content.policy.lists().items():
        for name in sorted(names):
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
    shown = {key: value for key, value in vars(change).items() if key != "moved"}
    return {**shown, "effects": list(change.effects)}
