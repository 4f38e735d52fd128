"""Which verifier judges whole buffers: the compiled one where it loads, else the Python one, which says the same.

The compiled module is for CPython on Linux with glibc. Elsewhere (musl, PyPy, free-threaded builds, subinterpreters)
the Python verifier stands in by itself; `NAME` and `REASON` say so, and so does `pickleball selftest`. The module
belongs to one interpreter: another one that only tries to import it takes it from the main one, or ends the process.
"""

from __future__ import annotations

from . import interpreters, opcodes

try:
    interpreters.require_main()
    from . import native
except ImportError as error:
    native = None  # type: ignore[assignment]
    REASON = f"the compiled verifier cannot be used: {error}"
else:
    REASON = ""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import verifier
    from .policy import Policy
    from .settings import Settings

    WholeVerifier = native.Verifier | verifier.Verifier

__all__ = ["NAME", "REASON", "WholeVerifier", "make", "native", "scan"]

NAME = "rust" if native else "python"
scan = native.scan if native else opcodes.scan  # opcodes.scan says what it does


def make(policy: Policy | None, settings: Settings | None = None) -> WholeVerifier:
    """Make a verifier for the whole buffers of one Unpickler."""
    if native:
        return native.Verifier(policy, settings)
    from .verifier import Verifier  # noqa: PLC0415 - not where the compiled one loads

    return Verifier(policy, settings)
