"""Which pods a selector chooses, as Kubernetes reads label selectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pickleball_operator.model.spec import Expression, Selector


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether all of its lines hold for these labels."""
    matched = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return matched and all(_holds(expression, labels) for expression in selector.match_expressions)


def _holds(expression: Expression, labels: Mapping[str, str]) -> bool:
    value = labels.get(expression.key)
    if expression.operator == "In":
        return value in expression.values
    if expression.operator == "NotIn":
        return value not in expression.values
    return (value is not None) == (expression.operator == "Exists")
