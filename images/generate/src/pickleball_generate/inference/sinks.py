"""Callables with an effect beyond their process's own objects, by canonical name, and what the effect is.

A name stands for itself and, with a trailing `.*`, for everything below it.
"""

from __future__ import annotations

from functools import cache

CODE = (
    "builtins.eval builtins.exec builtins.compile builtins.__build_class__ types.CodeType types.FunctionType "
    "marshal.loads marshal.load runpy.* code.* codeop.* timeit.* pdb.* bdb.* cProfile.run cProfile.runctx profile.* "
    "trace.* doctest.* ctypes.* _ctypes.* cffi.* pickle.Unpickler.find_class site.addsitedir site.main "
    "typing.get_type_hints typing.ForwardRef dataclasses.make_dataclass _testcapi.* idlelib.* lib2to3.* "
    "torch.jit.* torch.compile torch.ops.load_library torch.utils.cpp_extension.* torch.package.* torch.fx.* "
    "torch._C._jit* torch._C.import_ir_module* numpy.f2py.* numexpr.* pandas.eval pandas.core.computation.* numba.jit "
    "numba.core.* numba.njit"
)
IMPORT = (
    "builtins.__import__ importlib.* imp.* pkgutil.* zipimport.* pydoc.* pkg_resources.* unittest.* "
    "numpy.testing.* numpy.ctypeslib.* numpy.distutils.*"
)
NESTED = (
    "pickle.load pickle.loads pickle.Unpickler pickle._load pickle._loads pickle._Unpickler _pickle.load "
    "_pickle.loads _pickle.Unpickler dill.* cloudpickle.load cloudpickle.loads joblib.load joblib.numpy_pickle.load "
    "numpy.load shelve.* torch.load torch.serialization.load torch.serialization._load "
    "torch.serialization._legacy_load torch.storage._load_from_bytes torch.hub.* "
    "pandas.read_pickle pandas.io.pickle.read_pickle yaml.load yaml.load_all yaml.unsafe_load yaml.full_load "
    "jsonpickle.* multiprocessing.connection.* multiprocessing.reduction.* xmlrpc.*"
)
PROCESS = (
    "os.system os.popen os.exec* os.spawn* os.posix_spawn* os.fork* os.kill* os.startfile os._exit os.abort "
    "posix.* nt.* subprocess.* _posixsubprocess.* pty.* multiprocessing.* distutils.* setuptools.* ensurepip.* venv.* "
    "signal.* sys.exit concurrent.futures.* _thread.start_new_thread commands.* webbrowser.* antigravity.* "
    "platform.popen platform.platform platform.architecture _osx_support.* _aix_support.* asyncio.* _asyncio.* "
    "threading.Thread threading.Thread.start threading.Timer test.*"
)
FILE = (
    "builtins.open io.open _io.open io.FileIO _io.FileIO io.open_code _io.open_code os.open os.remove os.unlink "
    "os.rmdir os.removedirs os.rename os.renames os.replace os.mkdir os.makedirs os.link os.symlink os.chmod os.chown "
    "os.lchown os.truncate os.mkfifo os.mknod os.chdir os.chroot os.fchdir os.fdopen os.scandir os.listdir os.walk "
    "os.fwalk os.readlink os.utime os.write os.sendfile os.copy_file_range os.setxattr os.removexattr os.memfd_create "
    "shutil.* tempfile.* fileinput.* zipfile.* tarfile.* gzip.* bz2.open bz2.BZ2File lzma.open lzma.LZMAFile "
    "sqlite3.* dbm.* _dbm.* _gdbm.* mmap.* codecs.open codecs.StreamReaderWriter linecache.* "
    + " ".join(
        f"pathlib.{kind}.{method}"
        for kind in ("Path", "PosixPath", "WindowsPath")
        for method in (
            "open read_text read_bytes write_text write_bytes unlink touch replace rename rmdir mkdir chmod lchmod "
            "symlink_to hardlink_to link_to iterdir glob rglob walk copy copy_into move move_into"
        ).split()
    )
    + " logging.FileHandler logging.handlers.* logging.config.* logging.basicConfig numpy.save numpy.savez "
    "numpy.savetxt numpy.savez_compressed numpy.fromfile numpy.loadtxt numpy.genfromtxt numpy.memmap "
    "numpy.lib.npyio.* numpy.lib._npyio_impl.* numpy.lib.format.* numpy.lib._datasource.* numpy.DataSource "
    "numpy.ndarray.tofile numpy.ndarray.dump numpy.ma.core.MaskedConstant.tofile numpy.ma.core.MaskedConstant.dump "
    "torch.Tensor.share_memory_ torch.storage.UntypedStorage.share_memory_ torch.storage.TypedStorage.share_memory_ "
    "torch.save torch.from_file torch.serialization.save pandas.read_* pandas.io.*"
)
NETWORK = (
    "socket.* _socket.* ssl.* urllib.* http.client.* http.server.* ftplib.* smtplib.* poplib.* imaplib.* "
    "telnetlib.* nntplib.* socketserver.* requests.* urllib3.* httpx.* aiohttp.* boto3.*"
)
REFLECTION = (
    "builtins.getattr builtins.setattr builtins.delattr builtins.globals builtins.locals builtins.vars "
    "builtins.type operator.attrgetter operator.methodcaller operator.call _operator.attrgetter "
    "_operator.methodcaller _operator.call inspect.getattr_static "
    "types.new_class types.ModuleType types.MethodType gc.get_* sys.modules sys.modules.* sys._getframe sys.settrace "
    "sys.setprofile builtins.breakpoint sys.breakpointhook builtins.input builtins.memoryview weakref.finalize atexit.*"
)
GIVEN = (
    "builtins.map builtins.filter builtins.apply functools.reduce _functools.reduce itertools.starmap "
    "torch.Tensor.apply_ torch.Tensor.map_ torch.Tensor.map2_ "
    "itertools.accumulate itertools.takewhile itertools.dropwhile itertools.filterfalse itertools.groupby"
)
STATE = (
    "os.putenv os.unsetenv os.umask os.environ.update os.environ.setdefault os.environ.pop os.environ.clear "
    "os.environ.popitem os.environ.* os.setuid os.setgid os.nice copyreg.pickle copyreg.constructor "
    "copyreg.add_extension copyreg.remove_extension copyreg.clear_extension_cache codecs.register sys.addaudithook "
    "sys.setrecursionlimit sys.path.* sys.meta_path.* sys.path_hooks.* locale.setlocale faulthandler.* "
    "resource.setrlimit logging.Logger.addHandler logging.Logger.removeHandler logging.Logger.addFilter "
    "logging.Logger.removeFilter logging.Logger.setLevel logging.Logger.handle logging.Logger.callHandlers"
)

EFFECTS = {
    name: effect
    for effect, names in (
        ("code", CODE), ("import by name", IMPORT), ("nested unpickler", NESTED), ("process", PROCESS),
        ("file", FILE), ("network", NETWORK), ("reflection", REFLECTION), ("calls what it is given", GIVEN),
        ("state of the process", STATE),
    )
    for name in names.split()
}  # fmt: skip

# Reading these has no effect that a stream could use.
HARMLESS = frozenset(
    (
        "importlib.util.find_spec importlib.metadata.version importlib.metadata.PackageNotFoundError "
        "importlib.resources.files builtins.vars sys._getframe gc.collect ctypes.byref ctypes.sizeof "
        "ctypes.POINTER signal.getsignal urllib.parse.urlparse "
        "urllib.parse.urljoin urllib.parse.quote threading.Thread.__init__ os.environ.get os.environ.copy "
        "os.environ.items os.environ.keys os.environ.values zipfile.is_zipfile tarfile.is_tarfile "
        "multiprocessing.cpu_count multiprocessing.current_process multiprocessing.RLock multiprocessing.Lock "
        "asyncio.iscoroutinefunction asyncio.sleep linecache.getline linecache.checkcache"
    ).split()
)
HARMLESS_PREFIXES = ("ctypes.c_",)

# What follows is about calls of a known body, not about entries of a policy.

# A call by a constant name reaches what the source says, not what a stream says.
BY_NAME = frozenset(
    (
        "builtins.getattr builtins.setattr builtins.delattr importlib.import_module builtins.__import__ "
        "importlib.util.find_spec operator.attrgetter operator.methodcaller ctypes.CDLL sys.modules.get"
    ).split()
)
# What these do stands in the source too: names of the running function, memory, functions of a library of a known name.
PLAINLY = frozenset({"builtins.locals", "ctypes.create_string_buffer", "importlib.metadata.entry_points"})
PLAINLY_BELOW = ("ctypes.CDLL.",)
# Made with a number of threads and nothing else, these start threads that wait for what is given to them later.
POOLS = frozenset({"multiprocessing.pool.ThreadPool", "concurrent.futures.ThreadPoolExecutor"})
NUMBERS = frozenset({"processes", "max_workers"})
# On the object whose method runs, these do what a state does that the stream gives it anyway.
OWN_ATTRIBUTES = frozenset("builtins.getattr builtins.setattr builtins.delattr".split())
# What they call is their first argument; `type(x)` calls nothing.
CALLS_ARGUMENT = frozenset([*GIVEN.split(), "builtins.type"])
# They give what they are given, or something that calls it.
WRAPPERS = frozenset(
    "functools.lru_cache functools.cache functools.wraps functools.partial functools.update_wrapper".split()
)
# In the body of a class they make a member of what they are given.
HANDED = frozenset("builtins.staticmethod builtins.classmethod builtins.property".split())
COPIES = frozenset({"copy.copy", "copy.deepcopy"})
PLAIN_RESULTS = frozenset(
    "builtins." + name
    for name in "str int float bool bytes list tuple dict set frozenset len sorted range enumerate zip repr hash id "
    "round abs ord chr bytearray complex format reversed isinstance issubclass hasattr callable".split()
)
RESULTS = {"logging.getLogger": "logging.Logger"}
# Types that code tests for, or hands on, without making one.
TYPES = frozenset({"builtins.type", "types.ModuleType", "types.FunctionType", "types.MethodType"})


_PAIRS = frozenset(".".join(name.split(".")[-2:]) for name in EFFECTS)
METHODS = frozenset(name.rpartition(".")[2].rstrip("*") for name in EFFECTS)


def is_method_of(owner: str, name: str) -> bool:
    """Tell whether a callable with an effect has a name below one that ends in the name of its owner."""
    return f"{owner}.{name}" in _PAIRS


def is_method(name: str) -> bool:
    """Tell whether some callable with an effect has a name: a method of it may be one."""
    return name in METHODS


@cache
def effect(name: str) -> str | None:
    """Name the effect of a callable; None where the table knows of none."""
    if name in HARMLESS or name.startswith(HARMLESS_PREFIXES):
        return None
    found = EFFECTS.get(name)
    if found is not None:
        return found
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:length])
        if (found := EFFECTS.get(f"{head}.*")) is not None:
            return found
        family = f"{head}.{parts[length]}"
        for size in range(len(parts[length]), 2, -1):
            if (found := EFFECTS.get(f"{family[: len(head) + 1 + size]}*")) is not None:
                return found
    return None
