"""Grades of names for `pickleball scan` without a policy: what is known to build data, what is known to do more.

Nothing here allows anything: enforcement knows policies only. A name that neither table has is unknown, and a scan says
so instead of guessing. A pattern ends in `*` for everything below it.
"""

from __future__ import annotations

DATA, UNKNOWN, DANGEROUS = "data", "unknown", "dangerous"

_EFFECTS = {
    "runs code": "builtins.eval builtins.exec builtins.compile builtins.__build_class__ builtins.breakpoint "
    "builtins.execfile types.CodeType types.FunctionType types.new_class marshal.* runpy.* code.* codeop.* timeit.* "
    "pdb.* bdb.* cProfile.* profile.* trace.* doctest.* unittest.* idlelib.* lib2to3.* ctypes.* _ctypes.* cffi.* "
    "_interpreters.* _xxsubinterpreters.* concurrent.interpreters.* sqlite3.* numexpr.* numpy.f2py.* "
    "numpy.testing.* numpy.distutils.* numpy.ctypeslib.* torch.jit.* torch.ops.* torch.utils.* torch._dynamo.* "
    "torch._inductor.* torch.fx.* torch.hub.* torch.package.* torch.distributed.* pandas.core.computation.* "
    "pandas.eval cloudpickle.* dill.* distutils.* setuptools.* pip.* _pyrepl.* IPython.* test.*",
    "imports by name": "builtins.__import__ importlib.* _frozen_importlib* imp.* pkgutil.* zipimport.* pydoc.* "
    "numpy._core._ufunc_reconstruct numpy.core._ufunc_reconstruct site.* _sitebuiltins.* ensurepip.* venv.*",
    "loads another pickle": "pickle.* _pickle.* shelve.* joblib.* yaml.* jsonpickle.* numpy.load numpy.lib.npyio.* "
    "pandas.read_pickle pandas.io.* torch.load torch.serialization.* logging.config.* xmlrpc.*",
    "starts a process": "os.* posix.* nt.* posixpath.* ntpath.* subprocess.* _posixsubprocess.* pty.* popen2.* "
    "commands.* multiprocessing.* _multiprocessing.* concurrent.* asyncio.* signal.* _signal.* webbrowser.* "
    "antigravity.* _osx_support.* _aix_support.* platform.* uuid._* cgitb.* mlflow.* turtle*",
    "reads or writes files": "builtins.open builtins.file io.open io.FileIO io.open_code _io.open _io.FileIO "
    "_io.open_code shutil.* tempfile.* fileinput.* linecache.* zipfile.* tarfile.* gzip.* bz2.* lzma.* dbm.* mmap.* "
    "codecs.open glob.* pathlib.Path.* pathlib.PosixPath.* logging.* numpy.save* numpy.fromfile numpy.loadtxt "
    "numpy.genfromtxt numpy.memmap torch.save torch.from_file mimetypes.* netrc.*",
    "uses the network": "socket.* _socket.* ssl.* _ssl.* urllib.* urllib2.* http.* httplib.* ftplib.* smtplib.* "
    "poplib.* imaplib.* nntplib.* telnetlib.* socketserver.* requests.* urllib3.* httpx.* aiohttp.* boto3.* botocore.* "
    "paramiko.*",
    "reaches other objects": "builtins.getattr builtins.setattr builtins.delattr builtins.globals builtins.locals "
    "builtins.vars builtins.apply builtins.type builtins.input operator.attrgetter operator.methodcaller operator.call "
    "operator.itemgetter _operator.* functools.reduce builtins.map builtins.filter inspect.* gc.* sys.* "
    "types.ModuleType types.MethodType weakref.finalize atexit.* threading.* _thread.* copyreg.* faulthandler.* "
    "builtins.super",
}  # fmt: skip

_DATA = {
    "builtins": "object list dict tuple set frozenset str bytes bytearray int float complex bool slice range Ellipsis "
    "NotImplemented Exception ValueError TypeError KeyError IndexError RuntimeError OSError",
    "collections": "OrderedDict Counter deque defaultdict UserDict UserList UserString ChainMap",
    "functools": "partial",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal Context",
    "fractions": "Fraction",
    "uuid": "UUID SafeUUID",
    "pathlib": "PurePath PurePosixPath PureWindowsPath PosixPath Path",
    "types": "SimpleNamespace",
    "array": "array _array_reconstructor",
    "random": "Random",
    "re": "_compile",
    "_codecs": "encode",
    "numpy": "ndarray dtype generic bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 "
    "longdouble complex64 complex128 clongdouble str_ bytes_ void datetime64 timedelta64 object_ recarray record "
    "matrix float128 complex256 intc uintc longlong ulonglong bool",
    "numpy.rec": "recarray record",
    "numpy.matrixlib.defmatrix": "matrix",
    "numpy.ma.core": "_mareconstruct MaskedArray MaskedConstant",
    "numpy.random._pickle": "__generator_ctor __randomstate_ctor __bit_generator_ctor",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "numpy.random.mtrand": "RandomState",
    "numpy.random._generator": "Generator",
    "pandas.core.frame": "DataFrame",
    "pandas.core.series": "Series",
    "pandas.core.internals.managers": "BlockManager SingleBlockManager",
    "pandas.core.internals.blocks": "new_block",
    "pandas._libs.internals": "_unpickle_block",
    "pandas.core.indexes.base": "Index _new_Index",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.indexes.multi": "MultiIndex",
    "pandas": "DataFrame Series Index RangeIndex MultiIndex",
    "scipy.sparse._csr": "csr_matrix csr_array",
    "scipy.sparse._csc": "csc_matrix csc_array",
    "scipy.sparse._coo": "coo_matrix coo_array",
    "torch": "Size device dtype Tensor float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 bool complex64 "
    "complex128 FloatStorage DoubleStorage HalfStorage BFloat16Storage LongStorage IntStorage ShortStorage CharStorage "
    "ByteStorage BoolStorage ComplexFloatStorage ComplexDoubleStorage UntypedStorage float half double long int",
    "torch._utils": "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter "
    "_rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor",
    "torch._tensor": "Tensor _rebuild_from_type_v2",
    "torch.nn.parameter": "Parameter Buffer",
    "torch.storage": "UntypedStorage TypedStorage",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "sklearn.externals.joblib.numpy_pickle": "NumpyArrayWrapper",
}  # fmt: skip
_ARRAYS = "multiarray._reconstruct multiarray.scalar numeric._frombuffer"
_KNOWN = frozenset(
    [f"{module}.{name}" for module, listed in _DATA.items() for name in listed.split()]
    + [f"numpy.{core}.{name}" for core in ("core", "_core") for name in _ARRAYS.split()]
)
_EXACT = {name: effect for effect, listed in _EFFECTS.items() for name in listed.split() if not name.endswith("*")}
_BELOW = {name[:-1]: effect for effect, listed in _EFFECTS.items() for name in listed.split() if name.endswith("*")}


def grade(path: str) -> tuple[str, str]:
    """Give the grade of a canonical name, and what it does where that is dangerous."""
    if path in _KNOWN:
        return DATA, ""
    effect = _EXACT.get(path) or next((effect for prefix, effect in _BELOW.items() if path.startswith(prefix)), "")
    return (DANGEROUS, effect) if effect else (UNKNOWN, "")
