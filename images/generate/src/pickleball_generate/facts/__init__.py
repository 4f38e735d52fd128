"""Facts: what the sources of packages say, without a judgement.

The schema is described in docs/reference/facts.md.
"""

from pickleball_generate.facts.archive import SCHEMA, Archive, BrokenArchive
from pickleball_generate.facts.environment import Environment
from pickleball_generate.facts.extensions import Extension

__all__ = ["SCHEMA", "Archive", "BrokenArchive", "Environment", "Extension"]
