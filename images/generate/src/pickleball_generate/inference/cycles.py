"""Cycles of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Node = TypeVar("Node")


def cycles(nodes: Iterable[Node], following: Callable[[Node], Iterable[Node]]) -> Iterator[list[Node]]:
    """Give the strongly connected components of more than one node (Tarjan 1972, with a stack of its own)."""
    order: dict[Node, int] = {}
    low: list[int] = []  # by the numbers of the nodes
    waiting: dict[Node, None] = {}
    path: list[tuple[Node, int, Iterator[Node]]] = []
    for start in nodes:
        new: Node | None = None if start in order else start
        while path or new is not None:
            if new is not None:
                number = order[new] = len(order)
                low.append(number)
                waiting[new] = None
                path.append((new, number, iter(following(new))))
                new = None
            current, number, rest = path[-1]
            for each in rest:
                other = order.get(each)
                if other is None:
                    new = each
                    break
                if other < low[number] and each in waiting:
                    low[number] = other
            if new is not None:
                continue
            path.pop()
            if path and low[number] < low[path[-1][1]]:
                low[path[-1][1]] = low[number]
            if low[number] == number:
                found = [waiting.popitem()[0]]
                while found[-1] is not current:
                    found.append(waiting.popitem()[0])
                if len(found) > 1:
                    yield found
