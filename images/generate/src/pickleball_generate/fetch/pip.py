"""pip as a program that cannot start another one: `python -m pickleball_generate.fetch.pip ARGUMENTS`.

A wheel may demand archives and repositories by address. pip builds these, by programs of theirs, whatever it was told
about wheels.
"""

from __future__ import annotations

import runpy
import sys

from pickleball_generate.errors import MissingTool
from pickleball_generate.isolation import leave_programs

if __name__ == "__main__":
    try:
        leave_programs()
    except MissingTool as error:
        sys.exit(error.sentence)
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
