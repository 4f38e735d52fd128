"""Python's own unpicklers, taken before the hook puts others in their place. Import this before anything is patched."""

from __future__ import annotations

import _pickle
import pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

module: Any = pickle
Unpickler: Any = _pickle.Unpickler
loads: Any = _pickle.loads
PythonUnpickler: Any = pickle._Unpickler  # noqa: SLF001 - joblib and pandas derive from it
Unframer: Any = pickle._Unframer  # type: ignore[attr-defined]  # noqa: SLF001
