"""Canonical names, and the tables of names that rules treat by name.

Nothing here grants anything: the tables only add checks, but for the argument-checked helpers.
"""

from __future__ import annotations

import _compat_pickle
import copyreg

RECONSTRUCTOR = "copyreg._reconstructor"
NEWOBJ = "copyreg.__newobj__"
NEWOBJ_EX = "copyreg.__newobj_ex__"
ENCODE = "_codecs.encode"
TYPE = "builtins.type"
GETATTR = "builtins.getattr"
HELPERS = frozenset({RECONSTRUCTOR, NEWOBJ, NEWOBJ_EX, ENCODE, TYPE, GETATTR})

# The base operand of _reconstructor: these resolve there without an entry, and only there.
_BASES = "object list dict tuple set frozenset str bytes bytearray int float complex"
BASES = frozenset(f"builtins.{name}" for name in _BASES.split())
SINGLETONS = frozenset({"builtins.Ellipsis", "builtins.NotImplemented"})

# Constructors of plain values: their arguments are literals or direct imports, where the policy allows the call.
LITERAL_ARGUMENTS = frozenset({"builtins.range", "builtins.bytes", "builtins.complex"})

# Results of these stand for literals of the same kind where `_reconstructor` takes them.
PLAIN_RESULTS = frozenset(f"builtins.{name}" for name in ("complex", "bytes", "bytearray", "frozenset", "set"))
# Functions that give an array: of the class that they are given first, or of numpy's own.
ARRAY = "numpy.ndarray"
ARRAY_MAKERS = frozenset(
    f"numpy.{core}.{name}" for core in ("_core", "core") for name in ("multiarray._reconstruct", "numeric._frombuffer")
)
# Callables that hash what they are given.
HASHING = frozenset(
    f"{module}.{name}"
    for module, listed in {
        "builtins": ("set", "frozenset", "dict"),
        "collections": ("OrderedDict", "Counter", "defaultdict"),
    }.items()
    for name in listed
)

# Callables that call what they are given, at once or later by themselves: an argument needs to stand in `reduces`.
_CALLERS = {
    "builtins": "map filter sorted min max iter property classmethod staticmethod type super __build_class__ exec eval",
    "functools": "reduce cached_property singledispatch singledispatchmethod lru_cache cache _lru_cache_wrapper "
    "cmp_to_key total_ordering wraps update_wrapper",
    "_functools": "reduce _lru_cache_wrapper cmp_to_key",
    "itertools": "accumulate dropwhile filterfalse groupby starmap takewhile",
    "operator": "call methodcaller attrgetter",
    "_operator": "call methodcaller attrgetter",
    "weakref": "finalize ref proxy WeakMethod KeyedRef",
    "_weakref": "ref proxy",
    "threading": "Thread Timer _DummyThread excepthook settrace setprofile Barrier local",
    "_thread": "start_new_thread start_new start_joinable_thread",
    "atexit": "register unregister",
    "signal": "signal",
    "_signal": "signal",
    "sys": "settrace setprofile addaudithook call_tracing breakpointhook",
    "contextlib": "contextmanager closing ExitStack ContextDecorator redirect_stdout _GeneratorContextManager",
    "types": "MethodType FunctionType new_class DynamicClassAttribute coroutine GenericAlias prepare_class",
    "abc": "ABCMeta abstractproperty",
    "heapq": "nlargest nsmallest merge",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "copy": "copy deepcopy _reconstruct",
    "asyncio": "run Task ensure_future",
    "concurrent.futures": "ThreadPoolExecutor ProcessPoolExecutor",
    "concurrent.futures.thread": "ThreadPoolExecutor _WorkItem",
    "concurrent.futures.process": "ProcessPoolExecutor _WorkItem _CallItem",
    "multiprocessing": "Process Pool",
    "multiprocessing.context": "Process",
    "multiprocessing.process": "BaseProcess",
    "multiprocessing.pool": "Pool ThreadPool",
    "multiprocessing.util": "Finalize register_after_fork",
    "sched": "scheduler Event",
    "re": "sub subn",
    "timeit": "Timer timeit repeat",
    "cProfile": "run runctx",
    "profile": "run runctx",
    "pdb": "run runcall runeval runctx",
    "bdb": "Bdb",
    "trace": "Trace",
    "code": "interact InteractiveConsole",
    "unittest.mock": "patch",
    "socketserver": "BaseServer TCPServer UDPServer",
    "numpy": "vectorize frompyfunc fromfunction apply_along_axis apply_over_axes piecewise fromiter",
    "numpy.lib._function_base_impl": "vectorize piecewise",
    "numpy.lib.function_base": "vectorize piecewise",
    "numpy.random._pickle": "__generator_ctor __randomstate_ctor",
    "torch._tensor": "_rebuild_from_type_v2 _rebuild_from_type",
}
CALLERS = frozenset(f"{module}.{name}" for module, names in _CALLERS.items() for name in names.split())

# Callables that hold what they are given until the program calls them: a class may stay in `globals` only.
HOLDERS = frozenset(
    {
        "functools.partial",
        "_functools.partial",
        "functools.partialmethod",
        "collections.defaultdict",
        "_collections.defaultdict",
    }
)
# Those of them whose results call the first argument, and give it the others.
PARTIALS = HOLDERS - {"collections.defaultdict", "_collections.defaultdict"}
FUNCTION_POSITIONS = {
    "builtins.map": (0,),
    "builtins.filter": (0,),
    "builtins.iter": (0,),
    "functools.reduce": (0,),
    "_functools.reduce": (0,),
    "itertools.starmap": (0,),
    "itertools.takewhile": (0,),
    "itertools.dropwhile": (0,),
    "itertools.filterfalse": (0,),
    "itertools.groupby": (1,),
    "itertools.accumulate": (1,),
    "functools.partial": (0,),
    "_functools.partial": (0,),
    "collections.defaultdict": (0,),
    "_collections.defaultdict": (0,),
    "operator.methodcaller": (0,),
    "operator.attrgetter": (0,),
    "torch._tensor._rebuild_from_type_v2": (0,),
    "torch._tensor._rebuild_from_type": (0,),
    "numpy.random._pickle.__generator_ctor": (1,),
    "numpy.random._pickle.__randomstate_ctor": (1,),
}

# Callables that call a class which they are given: it has to derive from this one.
BOUNDED = {"numpy.random._pickle.__bit_generator_ctor": "numpy.random.bit_generator.BitGenerator"}
# Functions that set attributes on an instance of a class which they are given, and the order of their arguments.
REBUILDERS = frozenset({"torch._tensor._rebuild_from_type_v2"})
REBUILT = ("function", "class", "arguments", "state")

# Names under which cloudpickle and dill rebuild functions, classes and code from their parts.
BY_VALUE = {
    "cloudpickle": "_make_function _make_skeleton_class _make_skeleton_enum _make_typevar _builtin_type _make_cell "
    "_make_empty_cell _fill_function _make_skel_func _rehydrate_skeleton_class _function_setstate _class_setstate "
    "_lookup_class_or_track subimport dynamic_subimport _get_bases _make_dict_keys _make_dict_values _make_dict_items "
    "_gen_ellipsis _gen_not_implemented instance _code_reduce _make_dynamic_module",
    "dill": "_create_function _create_type _create_code _create_cell _create_weakref _create_weakproxy _load_type "
    "_import_module _get_attr _eval_repr _create_array _create_filehandle _create_stringi _create_stringo "
    "_create_dtypemeta _create_namedtuple _create_rlock _create_lock _setitems _shims _getattribute",
}
BY_VALUE_MODULES = {"cloudpickle": "cloudpickle", "cloudpickle_fast": "cloudpickle", "_dill": "dill", "dill": "dill"}
BY_VALUE_ANYWHERE = frozenset(
    {"types.CodeType", "types.FunctionType", "builtins.compile", "builtins.exec", "builtins.eval", "marshal.loads"}
)

# Names that Python's protocols look up on an object; their value in a state must be literal data.
_PROTOCOL_NAMES = (
    "__class__ __dict__ __weakref__ __slots__ __bases__ __base__ __mro__ __mro_entries__ __subclasses__ __del__ "
    "__new__ __init__ __init_subclass__ __set_name__ __class_getitem__ __prepare__ __call__ __code__ __closure__ "
    "__globals__ __builtins__ __getattr__ __getattribute__ __setattr__ __delattr__ __dir__ __get__ __set__ __delete__ "
    "__instancecheck__ __subclasscheck__ __subclasshook__ __abstractmethods__ "
    "__setstate__ __getstate__ __reduce__ __reduce_ex__ __getnewargs__ __getnewargs_ex__ __getinitargs__ __copy__ "
    "__deepcopy__ __replace__ __repr__ __str__ __bytes__ __format__ __hash__ __bool__ __eq__ __ne__ __lt__ __le__ "
    "__gt__ __ge__ __len__ __length_hint__ __getitem__ __setitem__ __delitem__ __missing__ __iter__ __next__ "
    "__reversed__ __contains__ __enter__ __exit__ __aenter__ __aexit__ __await__ __aiter__ __anext__ __index__ __int__ "
    "__float__ __complex__ __round__ __trunc__ __floor__ __ceil__ __neg__ __pos__ __abs__ __invert__ __fspath__ "
    "__buffer__ __release_buffer__ __sizeof__ __import__ __loader__ __spec__ __path__ __conform__ __html__ "
    "__add__ __sub__ __mul__ __matmul__ __truediv__ __floordiv__ __mod__ __divmod__ __pow__ __lshift__ __rshift__ "
    "__and__ __xor__ __or__ __radd__ __rsub__ __rmul__ __rmatmul__ __rtruediv__ __rfloordiv__ __rmod__ __rdivmod__ "
    "__rpow__ __rlshift__ __rrshift__ __rand__ __rxor__ __ror__ __iadd__ __isub__ __imul__ __imatmul__ __itruediv__ "
    "__ifloordiv__ __imod__ __ipow__ __ilshift__ __irshift__ __iand__ __ixor__ __ior__"
)
PROTOCOL_NAMES = frozenset(_PROTOCOL_NAMES.split())
PROTOCOL_PREFIXES = (
    "__array",
    "__cuda_array",
    "__dlpack",
    "__torch_",
    "__sklearn_",
    "__jax_",
    "__dataframe",
    "__rich",
)
# Special names that libraries keep live values under, and that nothing calls when an object is used.
HARMLESS_NAMES = frozenset(
    (
        "__orig_class__ __orig_bases__ __wrapped__ __name__ __qualname__ __module__ __doc__ __annotations__ __notes__ "
        "__origin__ __args__ __parameters__ __metadata__ __signature__ __objclass__ __self__ __func__ __file__ "
        "__version__ __author__ __cause__ __context__ __traceback__ "
        "__pydantic_fields_set__ __pydantic_extra__ __pydantic_private__"
    ).split()
)

# Unpicklers that are given bytes: the static driver judges those bytes too.
NESTED = frozenset(
    {
        "pickle.loads",
        "_pickle.loads",
        "pickle._loads",
        "torch.storage._load_from_bytes",
        "torch.load",
        "joblib.load",
        "joblib.numpy_pickle.load",
        "numpy.load",
        "dill.loads",
        "dill._dill.loads",
        "cloudpickle.loads",
    }
)


def is_array_wrapper(path: str) -> bool:
    """Whether joblib reads an array after the opcodes that give an instance of this its state."""
    return path.endswith(".numpy_pickle.NumpyArrayWrapper") or path == "numpy_pickle.NumpyArrayWrapper"


def canonical(module: str, name: str, proto: int, *, fix_imports: bool) -> tuple[str, str]:
    """Map the names of a stream to those of Python 3, through the tables that stock reads, as they are now."""
    if proto < 3 and fix_imports:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            return _compat_pickle.NAME_MAPPING[(module, name)]
        if module in _compat_pickle.IMPORT_MAPPING:
            return _compat_pickle.IMPORT_MAPPING[module], name
    return module, name


def extension(code: int) -> tuple[str, str] | None:
    """Give the module and name that are registered for an extension code, as copyreg has them now."""
    found = copyreg._inverted_registry.get(code)  # type: ignore[attr-defined]  # noqa: SLF001
    if isinstance(found, tuple) and len(found) == 2 and all(type(part) is str for part in found):
        return found
    return None


def cached_extension(code: int) -> object:
    """Give the object that stock would take from its cache for this code, or None."""
    return copyreg._extension_cache.get(code)  # type: ignore[attr-defined]  # noqa: SLF001


def by_value(path: str) -> str:
    """Name the library (cloudpickle, dill) that rebuilds code under this name, or give an empty text."""
    module, _, name = path.rpartition(".")
    library = BY_VALUE_MODULES.get(module.rpartition(".")[2], "")
    if library and name in BY_VALUE[library].split():
        return library
    return "Python" if path in BY_VALUE_ANYWHERE else ""


def hands_on(path: str, *, held: bool = False) -> bool:
    """Whether what is called under this name calls what it is given, or holds it for somebody who will.

    What is itself only `held` may hold: a default dict of default dicts.
    """
    return path in CALLERS or path in HELPERS or (path in HOLDERS and not held)


def looked_up(key: str) -> bool:
    """Whether Python's protocols, or numeric libraries, look this name up on an object."""
    return key in PROTOCOL_NAMES or (key.startswith(PROTOCOL_PREFIXES) and key.endswith("__"))


def special(key: str) -> bool:
    """Whether a live value under this name could run because somebody looks the name up on an object."""
    if key in ("__class__", "__dict__") or key in HARMLESS_NAMES:
        return False
    return key.startswith("__") and key.endswith("__") and len(key) > 4


def name_fault(module: str, name: str) -> str:
    """Say why these names cannot be those of an import, or give an empty text."""
    for text in (module, name):
        if not text:
            return "an import has an empty name"
        if text.isprintable():
            continue
        if any(ord(char) < 0x20 or ord(char) == 0x7F or 0xD800 <= ord(char) <= 0xDFFF for char in text):
            return "a name holds control characters or lone surrogates"
    return ""
