"""Facts: what the sources of packages say, without a judgement.

The schema is described in docs/reference/facts.md.
"""

from pickleball_generate.facts.environment import Environment
from pickleball_generate.facts.extensions import Extension
from pickleball_generate.facts.store import Store

__all__ = ["Environment", "Extension", "Store"]
