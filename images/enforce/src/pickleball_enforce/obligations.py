"""Checks of real objects against what the verifier predicted about their use.

Kinds of obligations, and what each asks of the object that an import gave:

    callee           it is called: no helper of pickle under another name
    class            it is instantiated by NEWOBJ: a class, but no metaclass and no Enum
    no-initargs      it is instantiated by INST or OBJ without arguments: no __getinitargs__
    type             a callable that holds its argument got it: a class
    base D           _reconstructor gives it the builtin base D: a subclass of it
    build            its instances are given a state: no Enum, logger, module, class, function; no known singleton
    setstate         ... of a form that only its own __setstate__ can read
    own-state        ... that is the instance itself: a dict with a namespace, or the class reads it by __setstate__
    empty-state      ... that is an empty dict: the class has a namespace or __setstate__ (C and Python differ else)
    shadow K         ... with the key K and a value that may be callable and no entry of reduces: K is no method
    slot K           ... with the slot key K: K is no property and no special name, but for a member of the class
    items O          its instances get items: a container, or a class of `reduces`
    attribute A      getattr(it, A): a class that has A
    method A         getattr(instance, A): a class that has the method A
    result-method A  getattr(result, A): what calling it returns has the method A
    receives P       it is called with P (a name that is not in `reduces`, "a bound method", or, empty, a created
                     object): it is no callable that calls or holds what it is given, under whatever name it was
                     imported; one that holds it may get a class
    handed           a callable that calls it got it: no helper of pickle, and nothing that calls or holds arguments
    array C          what it made, or what was made of it (C is its name), stands where a method may: numpy's own maker
                     of arrays, numpy's own class of them
    replaces N       a state sets it under the dotted name N of a class: where that is a method, `reduces` has to list
                     it (only traces say so)
    subclass B       a function that calls the class which it is given got it: a subclass of B
    persistent       it is instantiated by way of a persistent object: that has to be it (drivers check)
    result-build, result-setstate, result-empty-state, result-shadow, result-slot, result-items
                     the same of what calling it returns
    called, instantiated, kept, called-or-type, attribute-asked, method-asked, method-called
                     only with `Settings.renames`: what the policy must allow of the name that reaches the base class
"""

from __future__ import annotations

import functools
import sys
import types
from collections import deque

from . import engine, names, sharing
from .report import Violation
from .sharing import FUNCTIONS, MISSING, mro, static_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from . import native
    from .report import Import, Obligation

_CONTAINERS = (list, dict, set, frozenset, deque, bytearray)
_WRAPPED_METHODS = (classmethod, staticmethod, functools.partialmethod)
BOUND_METHOD = "a bound method"
_HELPERS = [(module, name) for module, _, name in (path.rpartition(".") for path in sorted(names.HELPERS))]


def violation(prediction: Import, obligation: Obligation, rule: str, sentence: str) -> list[Violation]:
    """Make the violation of an obligation."""
    return [Violation(rule, prediction.path, obligation.opcode, obligation.offset, sentence)]


# ---- finding the object ---------------------------------------------------------------------------------------------


def check_path(prediction: Import) -> list[Violation]:
    """Check, once its module is imported, that the name leads to an object as pickle would write it.

    The entry of sys.modules is a real module, and every step of a dotted name but the last is a class that stands in
    its owner's own namespace.
    """
    module, qualname = prediction.canonical
    if prediction.proto < 3:
        now = names.canonical(prediction.module, prediction.name, prediction.proto, fix_imports=prediction.fix_imports)
        if now != prediction.canonical:
            return _unfound(prediction, "the tables that map Python 2 names have changed since it was judged")
    owner: object = sys.modules.get(module)
    if not isinstance(owner, types.ModuleType):
        return _unfound(prediction, f"sys.modules holds no module under the name {module}")
    if "." not in qualname:
        return []
    steps = qualname.split(".")
    for step in steps[:-1]:
        found = vars(owner).get(step, MISSING)
        if not isinstance(found, type):
            what = f"{step!r} is no class in the namespace of {getattr(owner, '__name__', owner)!r}"
            return _unfound(prediction, what)
        owner = found
    return []


def check_cached(prediction: Import) -> list[Violation]:
    """Check an extension code whose object stock takes from its cache, without calling find_class."""
    obj = names.cached_extension(prediction.code)
    found = check_path(prediction)
    if found:
        return found
    owner: object = sys.modules[prediction.canonical[0]]
    for step in prediction.canonical[1].split("."):  # each but the last is a class: check_path
        owner = vars(owner).get(step, MISSING)
    if owner is not obj:
        return _unfound(prediction, f"the cache of extension code {prediction.code} holds another object")
    return discharge(obj, prediction)


def _unfound(prediction: Import, what: str) -> list[Violation]:
    sentence = f"The stream imports {prediction.path}, but {what}."
    return [Violation("dotted-name", prediction.path, prediction.opcode, prediction.offset, sentence)]


def is_method(raw: object) -> bool:
    """Whether what a class namespace holds becomes a method of its instances (compiled and cached functions too)."""
    if isinstance(raw, type) or raw is MISSING:
        return False
    if isinstance(raw, _WRAPPED_METHODS):
        return True
    kind = type(raw)
    binds = static_attribute(kind, "__get__") is not MISSING and static_attribute(kind, "__set__") is MISSING
    return callable(raw) and (binds or isinstance(raw, FUNCTIONS))


def attribute(owner: object, name: str) -> object:
    """Give what getattr(owner, name) gives for a class that has the name, without running anything."""
    raw = static_attribute(owner, name) if isinstance(owner, type) else MISSING
    if raw is MISSING:
        raise AttributeError(f"{owner!r} is no class with the attribute {name!r}")
    return getattr(owner, name)


# ---- discharging ----------------------------------------------------------------------------------------------------


def discharge(obj: object, prediction: Import, *, on_stack: bool = False) -> list[Violation]:
    """Check the object that find_class found against every obligation of its prediction.

    `on_stack` says that what calling it returns is checked on the unpickler's stack, before it is changed.
    """
    found = check_path(prediction) if prediction.parent is None else []
    guarded = False
    for obligation in prediction.obligations:
        check = _CHECKS.get(obligation.kind)
        if check is not None:
            found += check(obj, prediction, obligation)
            continue
        guarded = True
        if isinstance(obj, type):
            found += _CLASS_CHECKS[obligation.kind](obj, prediction, obligation)
    kept = bool(prediction.parent) or "data" in prediction.uses
    if guarded and not isinstance(obj, type) and kept and not on_stack:
        sentence = f"The stream changes what {prediction.path} returns and keeps it as data, so it cannot be checked."
        found.append(Violation("build-target", prediction.path, prediction.opcode, prediction.offset, sentence))
    for child in prediction.children:
        found += _discharge_child(obj, child, on_stack=on_stack)
    return found


def _discharge_child(owner: object, child: Import, *, on_stack: bool) -> list[Violation]:
    """Check what the stream does with an attribute that it takes by getattr."""
    try:
        obj = attribute(owner, child.attribute)
    except AttributeError as error:
        return _unfound(child, str(error))
    return discharge(obj, child, on_stack=on_stack)


def discharge_one(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    """Check one obligation on the object that its import gave (lockstep, and `Verdict.late`)."""
    if not obligation.kind.startswith("result-"):
        return _CHECKS[obligation.kind](obj, prediction, obligation)
    if isinstance(obj, type):
        return _CLASS_CHECKS[obligation.kind](obj, prediction, obligation)
    sentence = f"The stream changes what {prediction.path} returned in an earlier load, so it cannot be checked."
    return violation(prediction, obligation, "build-target", sentence)


def check_result(
    result: object,
    callee: object,
    prediction: Import,
    obligation: Obligation,
    holders: tuple[object, ...] = (),
    *,
    fresh: bool = False,
) -> list[Violation]:
    """Check what a call returned before the stream changes it.

    `holders` are the containers of the unpickler that hold the result already (lockstep: its stack and memo);
    `fresh` says that nothing else can hold it.
    """
    cls = type(result)
    if obligation.kind == "result-method":
        return _method(cls, prediction, obligation)  # a method is taken: nothing is changed
    what = f"The stream changes what {prediction.path} returned, which is"
    if isinstance(result, sharing.shared()):
        return violation(prediction, obligation, "build-target", f"{what} {_article(cls.__name__)}.")
    if not fresh and (sharing.is_known(result) or sharing.is_held(result, holders)):
        return violation(prediction, obligation, "build-target", f"{what} an object that others hold too.")
    kind = obligation.kind[len("result-") :]
    if kind == "items":
        if isinstance(callee, type) and type(result) is callee:
            return []
        return _items(cls, prediction, obligation)
    return _CHECKS[kind](cls, prediction, obligation)


def _article(name: str) -> str:
    return f"an {name}" if name[:1] in "AEIOUaeiou" else f"a {name}"


# ---- the checks -----------------------------------------------------------------------------------------------------


def _class(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if isinstance(obj, type) and not issubclass(obj, (type, *sharing.enums())):
        return []
    kind = "a metaclass" if isinstance(obj, type) and issubclass(obj, type) else "an Enum"
    what = kind if isinstance(obj, type) else f"{_article(type(obj).__name__)}, not a class"
    sentence = f"The stream instantiates {prediction.path}, which is {what}."
    return violation(prediction, obligation, "not-a-plain-class", sentence)


def _callee(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    for module, name in _HELPERS:
        known = sys.modules.get(module)
        if known is not None and known.__dict__.get(name) is obj:
            sentence = f"The stream calls {prediction.path}, which is the helper {module}.{name} under another name."
            return violation(prediction, obligation, "helper-arguments", sentence)
    return []


def _no_initargs(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if isinstance(obj, type) and not hasattr(obj, "__getinitargs__"):
        return []
    sentence = f"The stream calls {prediction.path} by {obligation.opcode}, which `globals` does not allow."
    return [
        Violation(
            "reduce-not-allowed",
            prediction.path,
            obligation.opcode,
            obligation.offset,
            sentence,
            ("reduces", prediction.path),
        )
    ]


def _type(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if isinstance(obj, type):
        return []
    sentence = f"The stream gives the function {prediction.path} to a callable that will call it."
    allow = ("reduces", prediction.path)
    return [
        Violation("calls-argument", prediction.path, obligation.opcode, obligation.offset, sentence, allow),
    ]


def _base(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    base = getattr(sys.modules["builtins"], obligation.detail)
    if isinstance(obj, type) and issubclass(obj, base):
        return []
    sentence = f"The stream reconstructs {prediction.path} as {obligation.detail}, which is no base of it."
    return violation(prediction, obligation, "helper-arguments", sentence)


def _shared_class(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if isinstance(cls, type) and issubclass(cls, sharing.shared()):
        sentence = f"The stream changes instances of {prediction.path}, which belong to the whole process."
        return violation(prediction, obligation, "build-target", sentence)
    return []


def _build(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    found = _shared_class(cls, prediction, obligation)
    if found or not isinstance(cls, type):
        return found
    if sharing.may_return_shared(cls) and sharing.holds_instance(cls):
        sentence = (
            f"The stream gives {prediction.path} a state, and its __new__ may return an instance that others hold."
        )
        return violation(prediction, obligation, "build-target", sentence)
    return []


def has_setstate(cls: object) -> bool:
    """Whether a class defines __setstate__ in its namespaces."""
    return isinstance(cls, type) and static_attribute(cls, "__setstate__") is not MISSING


def _setstate(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if has_setstate(cls):
        return []
    sentence = f"The stream gives {prediction.path} a state that is no dict of names, and the class reads no other."
    return violation(prediction, obligation, "build-state", sentence)


def _own_state(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if isinstance(cls, type) and issubclass(cls, dict) and type.__dict__["__dictoffset__"].__get__(cls) != 0:
        return []
    return _setstate(cls, prediction, obligation)


def _empty_state(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    if not isinstance(cls, type) or has_setstate(cls) or type.__dict__["__dictoffset__"].__get__(cls) != 0:
        return []
    sentence = f"The stream gives {prediction.path} an empty state, which C and Python do not take alike."
    return violation(prediction, obligation, "build-state", sentence)


def _shadow(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    key = obligation.detail
    raw = static_attribute(cls, key) if isinstance(cls, type) else MISSING
    if not is_method(raw):
        return []
    sentence = f"The state of {prediction.path} replaces its method {key} by something that reduces does not list."
    return violation(prediction, obligation, "method-shadowed", sentence)


def _slot(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    key = obligation.detail
    if not isinstance(cls, type) or has_setstate(cls):
        return []
    raw = static_attribute(cls, key)
    if isinstance(raw, types.MemberDescriptorType):
        return []
    special = key.startswith("__") and key.endswith("__")
    if not special and (raw is MISSING or static_attribute(type(raw), "__set__") is MISSING):
        return []
    what = "a special name" if special else "a property"
    sentence = f"The slot state of {prediction.path} sets {key}, which is {what} of the class."
    return violation(prediction, obligation, "slot-property", sentence)


def _items(cls: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    found = _build(cls, prediction, obligation)
    if found or (isinstance(cls, type) and issubclass(cls, _CONTAINERS)) or "callable" in prediction.uses:
        return found
    sentence = f"The stream puts items into an instance of {prediction.path}, which is no container."
    return violation(prediction, obligation, "items-target", sentence)


def _attribute(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    name = obligation.detail
    if isinstance(obj, type) and static_attribute(obj, name) is not MISSING:
        return []
    sentence = f"The stream takes the attribute {name} of {prediction.path}, which is no class with that attribute."
    return violation(prediction, obligation, "dotted-name", sentence)


def _method(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    name = obligation.detail
    if isinstance(obj, type) and is_method(static_attribute(obj, name)):
        return []
    sentence = f"The stream binds {name} of an instance of {prediction.path}, which is no method of that class."
    return violation(prediction, obligation, "dotted-name", sentence)


class Places:
    """Names of modules, each with names of its content."""

    def __init__(self, modules: list[tuple[str, list[str]]]) -> None:
        self._modules = modules

    def hold(self, objects: tuple[object, ...]) -> bool:
        """Whether one of these objects stands now under one of the names."""
        known = {id(item) for item in objects} - _COMMON
        for module, listed in self._modules:
            owner = sys.modules.get(module)
            if isinstance(owner, types.ModuleType) and not known.isdisjoint(map(id, map(vars(owner).get, listed))):
                return True
        return False


_COMMON = frozenset({id(None), id(type), id(super)})


def _places(paths: frozenset[str]) -> Places | native.Places:
    found: dict[str, list[str]] = {}
    for path in paths:
        module, _, name = path.rpartition(".")
        found.setdefault(module, []).append(name)
    return (Places if engine.native is None else engine.native.Places)(list(found.items()))


_CALLERS, _HOLDERS = _places(names.CALLERS), _places(names.HOLDERS)


def _receives(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    given = obligation.detail
    known = mro(obj) if isinstance(obj, type) else (obj,)
    takes = given == BOUND_METHOD or (given and isinstance(_resolve(given), type))
    if not _CALLERS.hold(known) and (takes or not _HOLDERS.hold(known)):
        return []
    what = given or "an object of the stream"
    sentence = f"The stream gives {what} to {prediction.path}, which calls what it is given."
    allow = ("reduces", given) if "." in given else None
    return [Violation("calls-argument", prediction.path, obligation.opcode, obligation.offset, sentence, allow)]


def _resolve(path: str) -> object:
    """Find what a dotted name stands for among the modules that are imported; `MISSING` when it is not there."""
    module, _, rest = path.rpartition(".")
    steps = [rest]
    while module and not isinstance(sys.modules.get(module), types.ModuleType):
        module, _, step = module.rpartition(".")
        steps.insert(0, step)
    found: object = sys.modules.get(module, MISSING)
    for step in steps:
        if not isinstance(found, (type, types.ModuleType)):
            return MISSING
        found = static_attribute(found, step) if isinstance(found, type) else vars(found).get(step, MISSING)
    return found


def _handed(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    found = _callee(obj, prediction, obligation)
    known = mro(obj) if isinstance(obj, type) else (obj,)
    if found or not (_CALLERS.hold(known) or _HOLDERS.hold(known)):
        return found
    sentence = f"The stream has {prediction.path} called by another callable, and it calls what it is given itself."
    return violation(prediction, obligation, "calls-argument", sentence)


def _array(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    expected = {obligation.detail} if obligation.detail else names.ARRAY_MAKERS
    if any(_resolve(path) is obj for path in expected):
        return []
    sentence = f"A state holds an array by {prediction.path}, and what find_class gave for it is not numpy's own."
    return violation(prediction, obligation, "method-shadowed", sentence)


def _subclass(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    base = _resolve(obligation.detail)
    if not isinstance(obj, type) or (isinstance(base, type) and issubclass(obj, base)):
        return []
    sentence = f"The stream gives {prediction.path} to a function that calls it, and it is no {obligation.detail}."
    return violation(prediction, obligation, "calls-argument", sentence)


def _called_or_type(obj: object, prediction: Import, obligation: Obligation) -> list[Violation]:
    return [] if "callable" in prediction.uses else _type(obj, prediction, obligation)


def _asked(_obj: object, _prediction: Import, _obligation: Obligation) -> list[Violation]:
    return []  # judged by `renames.decide`, of drivers by the object (`persistent`), or asked by `Report.needed`


_CHECKS: dict[str, Callable[[Any, Import, Obligation], list[Violation]]] = {
    "callee": _callee,
    "class": _class,
    "no-initargs": _no_initargs,
    "type": _type,
    "base": _base,
    "build": _build,
    "setstate": _setstate,
    "own-state": _own_state,
    "empty-state": _empty_state,
    "shadow": _shadow,
    "slot": _slot,
    "items": _items,
    "attribute": _attribute,
    "method": _method,
    "receives": _receives,
    "handed": _handed,
    "array": _array,
    "replaces": _asked,
    "subclass": _subclass,
    "persistent": _asked,
    "called": _asked,
    "instantiated": _asked,
    "kept": _asked,
    "called-or-type": _called_or_type,
    "attribute-asked": _asked,
    "method-asked": _asked,
    "method-called": _asked,
}
# Of what calling a class returns, by the class itself.
_CLASS_CHECKS = {
    **{f"result-{kind}": _CHECKS[kind] for kind in ("build", "setstate", "empty-state", "shadow", "slot")},
    "result-items": _shared_class,
    "result-method": _method,
}
KINDS = frozenset(_CHECKS) | frozenset(_CLASS_CHECKS)


# What kept outcomes rest on beside the object: the classes of shared objects, and the helpers of pickle.
WORLD = [
    ("enum", ["Enum"]),
    ("logging", ["Logger", "Manager"]),
    ("copyreg", ["_reconstructor", "__newobj__", "__newobj_ex__"]),
    ("builtins", ["getattr", "type"]),
    ("_codecs", ["encode"]),
]
CALLERS = _CALLERS
_OF_BASES = frozenset({"callee", "class", "build", "result-build", "result-items"})
_OF_CLASS = _OF_BASES | {"setstate", "result-setstate"}
_OF_FUNCTION = frozenset({"callee", "receives"})
_PLAIN_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)


class Rests:
    """What the outcome of `discharge` rests on beside `WORLD`; compiled code knows the numbers."""

    UNKEPT = 0  # on more: it has to be discharged each time
    BASES = 1  # the bases of a class and its `__new__`
    CLASS = 2  # that it is this class
    FUNCTION = 3  # that it is this function, and that the modules of `CALLERS` are the same, with as many names
    GUARDED = 4  # the same; its results are guarded


def rests_on(obj: object, prediction: Import) -> int:
    """Say on what it rests that an object meets its obligations; `UNKEPT` where it does not, or on more."""
    kinds = {item.kind for item in prediction.obligations}
    results = {kind for kind in kinds if kind.startswith("result-")}
    if isinstance(obj, type):
        found, known = (Rests.CLASS, _OF_CLASS) if sharing.is_fixed(obj) else (Rests.BASES, _OF_BASES)
        kept = (found == Rests.CLASS or type(obj) is type) and known.issuperset(kinds)
        kept = kept and not sharing.may_return_shared(obj)
    else:
        found = Rests.GUARDED if results else Rests.FUNCTION
        kept = type(obj) in _PLAIN_FUNCTIONS and _OF_FUNCTION.issuperset(kinds - results) and not _HOLDERS.hold((obj,))
    plain = prediction.proto >= 3 and not prediction.children
    return found if kept and plain and not discharge(obj, prediction) else Rests.UNKEPT
