"""What a policy says of one name, in words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pickleball_operator.decide import provenance
from pickleball_operator.text import clip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pickleball_operator.decide.provenance import Because, Link
    from pickleball_operator.decide.result import Content

MAY = {
    "globals": "may be kept and instantiated",
    "instances": "may be instantiated, not kept",
    "reduces": "may be called",
}
SHOWN = 8


def explain(content: Content, name: str) -> tuple[bool, list[str]]:
    """Whether the policy has the name, and why, or why not."""
    lines = [clip(name)]
    given = [listed for listed, names in content.policy.lists().items() if name in names]
    for listed in given:
        for why in provenance.Reasons(content.provenance).of(listed, name):
            lines += _entry(listed, why)
    if given:
        return True, lines
    lines += _missing(content, name)
    return False, lines


def _entry(listed: str, why: Because) -> Iterator[str]:
    model = f" for {why.model}" if why.model else ""
    yield f"  in {listed}{model} ({MAY[listed]}): {why.kind}, grade {why.grade}"
    yield from _chain(why.chain)
    yield f"    asks for it: {why.rule}" + (f", {why.at}" if why.at else "")
    for file, digest in why.files:
        yield f"    the file {file}" + (f" (sha256 {digest})" if digest else "")
    for effect, path in (why.effects or {}).items():
        yield f"    can reach {effect}"
        yield from (f"      {step}" for step in path[:SHOWN])
    if why.unknown:
        yield f"    calls that could not be followed: {', '.join(why.unknown)}"


def _chain(chain: tuple[Link, ...]) -> Iterator[str]:
    for link in chain:
        yield f"    {link.holds}"
        yield f"      {link.rule}, {link.at}" + (f", in {link.inside}" if link.inside else "")


def _missing(content: Content, name: str) -> Iterator[str]:
    said = False
    for one in provenance.refused(content.provenance):
        if one.name == name:
            said = True
            yield f"  is refused for {one.model}: it is a callable with an effect ({one.effect})"
            yield from _chain(one.chain)
            yield f"    asks for it: {one.rule}, {one.at}"
    for proposal in provenance.proposals(content.provenance):
        if proposal.name == name:
            said = True
            yield f"  is proposed for {proposal.list}, {proposal.decision}: {proposal.because}; grade {proposal.grade}"
            yield from (f"    the file {file} asks for it" for file, _ in proposal.files)
    if said:
        yield "  is not in the policy. A person may add it to spec.policy.extra, with a reason."
        return
    near = difflib.get_close_matches(name, sorted(content.policy.globals | content.policy.reduces), n=3, cutoff=0.5)
    yield "  is not in the policy: no fact asks for it." + (f" Near it: {', '.join(near)}." if near else "")
    last = name.rpartition(".")[2]
    places = [
        f"    {at}: {what} in {inside}"
        for what, inside, at in provenance.unresolved(content.provenance)
        if last and last in f"{what} {inside}"
    ]
    if places:
        yield "  What could not be resolved and speaks of it:"
        yield from places[:SHOWN]
