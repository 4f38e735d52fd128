"""How an Unpickler was made, and the bounds of what is judged."""

from __future__ import annotations

from .value import Options


class Settings(Options):
    """Settings of one verifier."""

    encoding: str = "ASCII"
    errors: str = "strict"
    fix_imports: bool = True
    buffers: bool | None = None  # whether `buffers=` was given; None: not known (static)
    renames: bool = False  # find_class is overridden: structure is judged here, names at the base class
    persistent_classes: bool = False  # the driver proves Verdict.persistent: such a class may be instantiated
    max_length: int = 1 << 40  # bytes of one stream
    max_depth: int = 10_000_000  # values on the stack
    max_memo: int = 50_000_000  # memo entries
    memo_floor: int = 1 << 16  # memo indexes up to here are accepted in streams of any length
    max_hash_cost: int = 1 << 26  # elements hashed or compared in a stream, beyond eight for each of its bytes
    max_hash_depth: int = 500  # nesting of tuples in a key
    max_work: int = 1 << 18  # arguments and state keys looked at again, beyond two for each byte of a stream
    max_name: int = 1024  # characters of a module, name or state key
    max_violations: int = 1000
    max_expanded: int = 8 << 30  # bytes that a compressed file or a member of an archive may expand to
