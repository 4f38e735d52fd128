"""Whose turn it is: analyses wait as suspended Jobs, and a bounded number runs at a time.

The next place goes to the namespace that has the fewest, and in it to the oldest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pickleball_operator import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pickleball_operator.settings import Settings

    from .observed import Manifest

Key = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class Turn:
    """The place of one analysis among those that wait."""

    has_come: bool
    place: int
    """1 is the next."""
    waiting: int


def turn(jobs: Iterable[Manifest], namespace: str, name: str, settings: Settings) -> Turn:
    """The turn of one Job among all analysis Jobs; one that is not made yet comes last."""
    seen = list(jobs)
    waiting = _waiting(seen)
    asked = (namespace, name)
    if asked not in waiting:
        waiting.append(asked)
    ordered = _in_turn(_running(seen), waiting)
    return Turn(asked in _admitted(seen, waiting, settings), ordered.index(asked) + 1, len(waiting))


def admitted(jobs: Iterable[Manifest], settings: Settings) -> list[Manifest]:
    """The suspended Jobs that may run now."""
    seen = list(jobs)
    chosen = set(_admitted(seen, _waiting(seen), settings))
    return [job for job in seen if is_suspended(job) and _key(job) in chosen]


def is_suspended(job: Manifest) -> bool:
    """Whether a Job waits."""
    return bool((job.get("spec") or {}).get("suspend"))


def is_over(job: Manifest) -> bool:
    """Whether a Job has ended, well or badly."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)


def _admitted(jobs: list[Manifest], waiting: list[Key], settings: Settings) -> Iterator[Key]:
    """Those that wait and get a place.

    A namespace takes up no more places than it may have, whatever Jobs with our label somebody makes there; and the
    last place is for one that has none, so that two cannot take them all.
    """
    bound = settings.analysis_jobs_per_namespace
    taken = _running(jobs)
    free = settings.analysis_jobs - sum(min(count, bound) for count in taken.values())
    kept = 1 if bound < settings.analysis_jobs else 0
    for namespace, name in _in_turn(taken, waiting):
        if free > (kept if taken[namespace] else 0) and taken[namespace] < bound:
            taken[namespace] += 1
            free -= 1
            yield namespace, name


def _running(jobs: list[Manifest]) -> Counter[str]:
    """How many run in each namespace."""
    return Counter(_key(job)[0] for job in jobs if not is_suspended(job) and not is_over(job))


def _in_turn(running: Mapping[str, int], waiting: list[Key]) -> list[Key]:
    """The order in which those that wait come: by how many their namespace has before them, then by age."""
    before = Counter(running)
    ranks = []
    for age, (namespace, name) in enumerate(waiting):
        ranks.append((before[namespace], age, (namespace, name)))
        before[namespace] += 1
    return [key for _, _, key in sorted(ranks)]


def _waiting(jobs: list[Manifest]) -> list[Key]:
    mine = [job for job in jobs if is_suspended(job) and _labelled(job)]
    return [_key(job) for job in sorted(mine, key=lambda job: (_made(job), _key(job)))]


def _labelled(job: Manifest) -> bool:
    return names.REQUEST_KEY in (job["metadata"].get("labels") or {})


def _made(job: Manifest) -> str:
    return str(job["metadata"].get("creationTimestamp") or "")


def _key(job: Manifest) -> Key:
    return str(job["metadata"]["namespace"]), str(job["metadata"]["name"])
