"""Cycles of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Node = TypeVar("Node")


def cycles(nodes: Iterable[Node], following: Callable[[Node], Iterable[Node]]) -> Iterator[list[Node]]:
    """Give the strongly connected components of more than one node (Tarjan 1972, with a stack of its own)."""
    order: dict[Node, int] = {}
    low: dict[Node, int] = {}
    waiting: dict[Node, None] = {}
    path: list[tuple[Node, Iterator[Node]]] = []

    def enter(node: Node) -> None:
        order[node] = low[node] = len(order)
        waiting[node] = None
        path.append((node, iter(following(node))))

    for start in nodes:
        if start not in order:
            enter(start)
        while path:
            current, rest = path[-1]
            new = None
            for each in rest:
                if each not in order:
                    new = each
                    break
                if each in waiting:
                    low[current] = min(low[current], order[each])
            if new is not None:
                enter(new)
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[current])
            if low[current] == order[current]:
                found: list[Node] = []
                while not found or found[-1] is not current:
                    found.append(waiting.popitem()[0])
                if len(found) > 1:
                    yield found
