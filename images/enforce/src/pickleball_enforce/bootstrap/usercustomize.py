"""Hooks the process where another sitecustomize stands in front of ours: does all that ours does, one step later."""

import os
import sys

_program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sitecustomize.py")
if sys.version_info >= (3, 9):  # with the bytecode that Python keeps: to compile it takes longer than to hook
    from _frozen_importlib_external import SourceFileLoader

    exec(SourceFileLoader(__name__, _program).get_code(__name__))  # type: ignore[arg-type]
else:
    with open(_program) as _file:
        exec(compile(_file.read(), _program, "exec"))
