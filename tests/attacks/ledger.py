"""The ledger: for each rule, the attacks that it stops."""

from __future__ import annotations

from tests.attacks import changes_and_grammar, names_and_calls, partials
from tests.attacks.attack import Attack

ATTACKS: tuple[Attack, ...] = (*names_and_calls.ATTACKS, *changes_and_grammar.ATTACKS, *partials.ATTACKS)

__all__ = ["ATTACKS", "Attack"]
