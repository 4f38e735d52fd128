"""The Python in a Cython source: what remains of it, and that it is Python."""

from __future__ import annotations

import ast
import time

import pytest

from pickleball_generate.facts.lowering import lower

SECONDS = 5.0

CASES = {
    "a parameter keeps its name, without its type": (
        "def f(Vocab vocab not None, int n=1, *rest, double[:, ::1] x, **more):\n    return vocab\n",
        "def f(vocab, n=1, *rest, x, **more):\n    return vocab",
    ),
    "declarations with a value are assignments": (
        "def f():\n    cdef Vocab v = Vocab()\n    cdef int i\n    return v\n",
        "def f():\n    v = Vocab()\n    pass\n    return v",
    ),
    "casts and addresses are left out": ("def f(x):\n    g(<Node *>x, &x)\n", "def f(x):\n    g(x, x)"),
    "a comparison is no cast": ("def f(x, y):\n    return x < y > (1)\n", "def f(x, y):\n    return x < y > (1)"),
    "what is no Python becomes pass": (
        "def f(x):\n    y = x\n    with nogil, parallel(n=1) as ? :\n        g(y)\n    return y\n",
        "def f(x):\n    y = x\n    if True:\n        g(y)\n    return y",
    ),
    "C functions and structures are left out": (
        "cdef struct S:\n    int x\ncdef int f(int x) nogil:\n    return x\ncdef extern from 'a.h':\n    void g()\n",
        "",
    ),
    "names of enumerations are numbers": ("cdef enum Kind:\n    ONE\n    TWO = 2\n", "ONE = int()\nTWO = int()"),
    "a class keeps its methods": (
        (
            "cdef class C(Base):\n    cdef int x\n    def __init__(self, Vocab v):\n        self.v = v\n"
            "    cdef int g(self):\n        return 1\n    cpdef h(self):\n        return 2\n"
        ),
        "class C(Base):\n    def __init__(self, v):\n        self.v = v\n    def h(self):\n        return 2",
    ),
    "C's imports are imports": (
        "from .a cimport B, C as D\ncimport numpy as np\n",
        "from .a import B, C as D\nimport numpy as np",
    ),
    "texts over lines are left out": (
        'def f():\n    """\n    def g(:\n    """\n    return 1\n',
        'def f():\n    ""\n    return 1',
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_python_of_a_cython_source_is_kept(case: str) -> None:
    """Each form comes out as the Python that says the same, or as nothing."""
    source, wanted = CASES[case]
    text = lower(source)
    ast.parse(text)
    kept = "\n".join(line.removesuffix(" \\") for line in text.splitlines() if line.strip())
    assert kept == wanted


def test_lines_keep_their_numbers() -> None:
    """What a chain of facts shows is a line of the source itself."""
    source = (
        "cdef int f():\n    return 1\n\ndef g(\n    int a,\n    b=(1,\n       2),\n):\n    # why\n"
        "    return h(a,\n             b)\n"
    )
    function = ast.parse(lower(source)).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert (function.lineno, function.body[0].lineno) == (4, 10)


@pytest.mark.parametrize(
    "source", ["def f(:\n  x\n", "cdef class", "class C(:\n    pass\n", "((((", '"""', "\tx = [\n", "\0"]
)
def test_broken_sources_say_nothing(source: str) -> None:
    """A source that cannot be read gives a text that is Python all the same."""
    ast.parse(lower(source))


DEEP = {
    "brackets": "def f(x):\n    return " + "(" * 5000 + "\n",
    "an open bracket": "x = [\n" + "    1,\n" * 20000,
    "a long table": "x = {\n" + "    1: 2,\n" * 20000 + "}\n",
    "blocks": "".join(f"{' ' * depth}if x:\n" for depth in range(3000)) + " " * 3000 + "pass\n",
    "casts": "def f(x):\n    return " + "<" * 5000 + "int>x\n",
    "parameters": "def f(" + "int a b c " * 2000 + "):\n    pass\n",
}


@pytest.mark.parametrize("case", DEEP)
def test_monstrous_sources_take_a_moment(case: str) -> None:
    """Attack: what is nested or repeated without end neither hangs nor ends the analysis."""
    start = time.process_time()
    ast.parse(lower(DEEP[case]))
    assert time.process_time() - start < SECONDS
