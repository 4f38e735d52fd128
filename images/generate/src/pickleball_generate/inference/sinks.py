"""Callables with an effect beyond their process's own objects, by canonical name, and what the effect is.

A name stands for itself and, with a trailing `.*`, for everything below it.
"""

from __future__ import annotations

CODE = (
    "builtins.eval builtins.exec builtins.compile builtins.__build_class__ types.CodeType types.FunctionType "
    "marshal.loads marshal.load runpy.* code.* codeop.* timeit.* pdb.* bdb.* cProfile.run cProfile.runctx profile.* "
    "trace.* doctest.* ctypes.* _ctypes.* cffi.* pickle.Unpickler.find_class ast.literal_eval_disabled "
    "torch.jit.* torch.compile torch.ops.load_library torch.utils.cpp_extension.* numpy.f2py.* numexpr.evaluate "
    "pandas.eval numba.jit"
)
IMPORT = (
    "builtins.__import__ importlib.* imp.* pkgutil.* zipimport.* pydoc.locate pydoc.safeimport "
    "numpy.testing._private.utils.runstring"
)
NESTED = (
    "pickle.load pickle.loads pickle.Unpickler pickle._load pickle._loads pickle._Unpickler _pickle.load "
    "_pickle.loads _pickle.Unpickler dill.* cloudpickle.load cloudpickle.loads joblib.load numpy.load shelve.* "
    "torch.load torch.storage._load_from_bytes torch.hub.* pandas.read_pickle yaml.load yaml.unsafe_load "
    "yaml.full_load jsonpickle.* multiprocessing.connection.* xmlrpc.*"
)
PROCESS = (
    "os.system os.popen os.exec* os.spawn* os.posix_spawn* os.fork* os.kill* os.startfile os._exit os.abort "
    "posix.* nt.* subprocess.* _posixsubprocess.* pty.* multiprocessing.Process multiprocessing.Pool "
    "multiprocessing.process.* multiprocessing.pool.* multiprocessing.context.* signal.* sys.exit "
    "concurrent.futures.* _thread.* commands.* webbrowser.* antigravity platform.popen "
    "asyncio.create_subprocess_exec asyncio.create_subprocess_shell"
)
FILE = (
    "builtins.open io.open _io.open io.FileIO _io.FileIO io.open_code os.open os.remove os.unlink os.rmdir "
    "os.removedirs os.rename os.renames os.replace os.mkdir os.makedirs os.link os.symlink os.chmod os.chown "
    "os.truncate os.mkfifo os.mknod os.chdir os.chroot os.fdopen os.putenv os.unsetenv os.scandir os.listdir os.walk "
    "shutil.* tempfile.* fileinput.* zipfile.* tarfile.* gzip.* bz2.* lzma.* sqlite3.* dbm.* mmap.* codecs.open "
    "linecache.* pathlib.Path.open pathlib.Path.write_text pathlib.Path.write_bytes pathlib.Path.unlink "
    "pathlib.Path.touch logging.FileHandler logging.handlers.* logging.config.* numpy.save numpy.savez numpy.savetxt "
    "numpy.savez_compressed numpy.fromfile numpy.loadtxt numpy.genfromtxt numpy.memmap numpy.DataSource "
    "numpy.lib.npyio.* numpy.lib.format.* numpy.ndarray.tofile torch.save torch.from_file"
)
NETWORK = (
    "socket.* _socket.* ssl.* urllib.* http.client.* http.server.* ftplib.* smtplib.* poplib.* imaplib.* "
    "telnetlib.* nntplib.* socketserver.* asyncio.open_connection requests.* urllib3.* httpx.* aiohttp.* boto3.*"
)
REFLECTION = (
    "builtins.getattr builtins.setattr builtins.delattr builtins.globals builtins.locals builtins.vars "
    "builtins.type operator.attrgetter operator.methodcaller operator.call functools.reduce builtins.map "
    "builtins.filter builtins.apply inspect.getattr_static types.new_class types.ModuleType types.MethodType "
    "gc.* sys.modules sys._getframe sys.settrace sys.setprofile builtins.breakpoint sys.breakpointhook "
    "builtins.input builtins.memoryview weakref.finalize atexit.* threading.Thread threading.Timer"
)

EFFECTS = {
    name: effect
    for effect, names in (
        ("code", CODE), ("import by name", IMPORT), ("nested unpickler", NESTED), ("process", PROCESS),
        ("file", FILE), ("network", NETWORK), ("reflection", REFLECTION),
    )
    for name in names.split()
}  # fmt: skip

# A call by a constant name reaches what the source says, not what a stream says.
CONSTANT_IS_HARMLESS = frozenset(
    (
        "builtins.getattr builtins.setattr builtins.delattr importlib.import_module builtins.__import__ "
        "importlib.util.find_spec operator.attrgetter operator.methodcaller"
    ).split()
)
# Reading these has no effect that a stream could use.
HARMLESS = frozenset(
    (
        "importlib.util.find_spec importlib.metadata.version importlib.metadata.PackageNotFoundError "
        "importlib.resources.files builtins.vars sys._getframe gc.collect ctypes.byref ctypes.sizeof "
        "ctypes.POINTER ctypes.c_int ctypes.c_char_p signal.getsignal urllib.parse.urlparse "
        "urllib.parse.urljoin urllib.parse.quote"
    ).split()
)


def effect(name: str) -> str | None:
    """Name the effect of a callable; None where the table knows of none."""
    if name in HARMLESS:
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
