"""What the makers of packs build: expressions, evaluated with the pack's packages imported.

`instances` are objects of types that a model may hold by name; `data` are objects that a computation of the package can
leave in an attribute; `extra` modules are imported for their side effects on names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How one pack is made."""

    packages: tuple[str, ...]
    instances: tuple[str, ...]
    data: tuple[str, ...] = ()
    subclassed: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    functions_opaque: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    weights_only: bool = False


_EXCEPTIONS = (
    "Exception BaseException ValueError TypeError KeyError IndexError AttributeError RuntimeError OSError "
    "ArithmeticError ZeroDivisionError LookupError NotImplementedError StopIteration AssertionError ImportError "
    "Warning UserWarning RuntimeWarning FutureWarning DeprecationWarning KeyboardInterrupt SystemExit NameError "
    "MemoryError OverflowError FloatingPointError RecursionError EOFError TimeoutError PermissionError "
    "FileNotFoundError FileExistsError ConnectionError UnicodeError ModuleNotFoundError UnboundLocalError SyntaxError"
)

RECIPES = {
    "stdlib": Recipe(
        packages=(
            "builtins", "collections", "collections.abc", "datetime", "decimal", "fractions", "pathlib", "uuid",
            "enum", "functools", "types", "random", "string", "zoneinfo", "ipaddress", "argparse", "array", "io",
            "itertools", "operator", "logging", "threading", "queue", "re", "abc", "typing", "dataclasses",
            "contextlib", "configparser", "email.message", "http.cookies", "statistics", "time", "numbers",
        ),
        instances=(
            "builtins.object()", "builtins.list([1])", "builtins.dict(a=1)", "builtins.tuple((1,))",
            "builtins.set([1])", "builtins.frozenset([1])", "builtins.int(5)", "builtins.float(5)",
            "builtins.str('a')", "builtins.bytes(b'a')", "builtins.bytearray(b'a')", "builtins.complex(1, 2)",
            "builtins.slice(1, 2, 3)", "builtins.range(3)", "collections.OrderedDict(a=1)",
            "collections.defaultdict(None, a=1)", "collections.Counter('ab')", "collections.deque([1], 4)",
            "collections.ChainMap({'a': 1})", "collections.UserDict(a=1)", "collections.UserList([1])",
            "collections.UserString('a')", "datetime.datetime(2020, 1, 1)", "datetime.date(2020, 1, 1)",
            "datetime.time(1)", "datetime.timedelta(1)", "datetime.timezone(datetime.timedelta(hours=1))",
            "decimal.Decimal('1.5')", "fractions.Fraction(1, 2)", "pathlib.PurePosixPath('a')",
            "pathlib.PureWindowsPath('a')", "pathlib.PosixPath('a')", "uuid.UUID(int=1)", "random.Random(1)",
            "functools.partial(len)", "types.SimpleNamespace(a=1)", "argparse.Namespace(a=1)", "array.array('d', [1.0])",
            "io.BytesIO(b'a')", "io.StringIO('a')", "itertools.count(1)", "operator.itemgetter(1)",
            "operator.attrgetter('a')", "operator.methodcaller('a')", "ipaddress.ip_address('127.0.0.1')",
            "ipaddress.ip_network('127.0.0.0/8')", "re.compile('a')", "string.Template('a')", "logging.getLogger('a')",
            "zoneinfo.ZoneInfo('UTC')", "statistics.NormalDist()", "pathlib.Path('a')", "types.MappingProxyType({})",
            *(f"builtins.{name}()" for name in _EXCEPTIONS.split()),
        ),
        subclassed=(
            "enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag", "enum.StrEnum", "abc.ABC", "typing.Generic",
            "typing.Protocol", "contextlib.ContextDecorator", "contextlib.AbstractContextManager",
            "collections.abc.Mapping", "collections.abc.MutableMapping", "collections.abc.Sequence",
            "collections.abc.MutableSequence", "collections.abc.Set", "collections.abc.MutableSet",
            "collections.abc.Callable", "collections.abc.Iterable", "collections.abc.Iterator",
            "collections.abc.Hashable", "collections.abc.Sized", "collections.abc.Container",
            "collections.abc.Collection", "threading.local", "logging.Handler", "numbers.Number",
        ),
    ),
    "numpy": Recipe(
        packages=(
            "numpy", "numpy.ma", "numpy.random", "numpy.polynomial", "numpy.lib", "numpy.matrixlib", "numpy.dtypes",
            "numpy.rec", "numpy.exceptions", "numpy.random.mtrand", "numpy.random.bit_generator", "numpy._core.multiarray",
            "numpy._core.records", "numpy._core.memmap",
        ),
        instances=(
            "numpy.zeros(2)", "numpy.dtype('f8')", "numpy.matrix([[1]])", "numpy.rec.array([(1, 2.0)], dtype='i4,f8')",
            "numpy.ma.MaskedArray([1, 2], mask=[True, False])", "numpy.ma.masked", "numpy.char.array(['a'])",
            "numpy.random.RandomState(0)", "numpy.random.default_rng(0)", "numpy.random.PCG64(0)",
            "numpy.random.MT19937(0)", "numpy.random.Philox(0)", "numpy.random.SFC64(0)", "numpy.random.PCG64DXSM(0)",
            "numpy.random.SeedSequence(0)", "numpy.poly1d([1])", "numpy.polynomial.Polynomial([1])",
            "numpy.polynomial.Chebyshev([1])", "numpy.polynomial.Legendre([1])", "numpy.polynomial.Hermite([1])",
            "numpy.polynomial.HermiteE([1])", "numpy.polynomial.Laguerre([1])", "numpy.finfo('f8')", "numpy.iinfo('i4')",
            "numpy.void(b'ab')", "numpy.str_('a')", "numpy.bytes_(b'a')", "numpy.datetime64('2020-01-01')",
            "numpy.timedelta64(1, 's')", "numpy.bool_(True)", "numpy.float16(1)", "numpy.float32(1)", "numpy.float64(1)",
            "numpy.longdouble(1)", "numpy.complex64(1)", "numpy.complex128(1)", "numpy.int8(1)", "numpy.int16(1)",
            "numpy.int32(1)", "numpy.int64(1)", "numpy.uint8(1)", "numpy.uint16(1)", "numpy.uint32(1)", "numpy.uint64(1)",
        ),
        data=(
            "numpy.zeros(2)", "numpy.zeros((2, 2), order='F')", "numpy.zeros((4, 4))[::2, ::2]", "numpy.array(1.0)",
            "numpy.array(['a'])", "numpy.array([b'a'])", "numpy.array([1, 'a', None], dtype=object)",
            "numpy.array([True])", "numpy.array([1])", "numpy.array(['2020-01-01'], dtype='M8[D]')",
            "numpy.zeros(1, dtype=[('a', 'i4'), ('b', 'f8')])", "numpy.float64(1)", "numpy.float32(1)", "numpy.int64(1)",
            "numpy.int32(1)", "numpy.bool_(True)", "numpy.str_('a')", "numpy.datetime64('2020-01-01')",
            "numpy.dtype('f8')", "numpy.dtype([('a', 'i4')])",
        ),
        opaque=("numpy",),
    ),
    "scipy": Recipe(
        packages=("scipy", "scipy.sparse", "scipy.interpolate", "scipy.optimize", "scipy.spatial", "scipy.stats"),
        instances=(
            "scipy.sparse.csr_matrix([[1.0]])", "scipy.sparse.csc_matrix([[1.0]])", "scipy.sparse.coo_matrix([[1.0]])",
            "scipy.sparse.lil_matrix([[1.0]])", "scipy.sparse.dok_matrix((1, 1))", "scipy.sparse.dia_matrix([[1.0]])",
            "scipy.sparse.bsr_matrix([[1.0]])", "scipy.sparse.csr_array([[1.0]])", "scipy.sparse.csc_array([[1.0]])",
            "scipy.sparse.coo_array([[1.0]])", "scipy.optimize.OptimizeResult(x=1)",
            "scipy.interpolate.interp1d([0, 1], [0, 1])", "scipy.interpolate.BSpline([0, 1, 2, 3], [1, 2], 1)",
            "scipy.interpolate.UnivariateSpline([0, 1, 2, 3], [1, 2, 3, 4])", "scipy.spatial.cKDTree([[0.0], [1.0]])",
            "scipy.spatial.KDTree([[0.0], [1.0]])",
        ),
        data=("numpy.zeros(2)", "numpy.zeros((2, 2), order='F')", "numpy.float64(1)", "numpy.int64(1)"),
        functions_opaque=("scipy",),
        extra=("numpy",),
    ),
    "pandas": Recipe(
        packages=("pandas", "pandas.arrays", "pandas.tseries.offsets", "pandas.api.types"),
        instances=(
            "pandas.DataFrame({'a': [1], 'b': ['x'], 'c': [1.5]})", "pandas.Series([1])", "pandas.Index([1, 5])",
            "pandas.Index(['a'])", "pandas.RangeIndex(3)", "pandas.MultiIndex.from_tuples([(1, 'a')])",
            "pandas.CategoricalIndex(['a'])", "pandas.DatetimeIndex(['2020-01-01'])", "pandas.Timestamp('2020-01-01')",
            "pandas.Timedelta('1s')", "pandas.Period('2020-01')", "pandas.PeriodIndex(['2020-01'], freq='M')",
            "pandas.IntervalIndex.from_breaks([0, 1])", "pandas.Interval(0, 1)", "pandas.Categorical(['a'])",
            "pandas.CategoricalDtype(['a'])", "pandas.array([1, None], dtype='Int64')",
            "pandas.array([True, None], dtype='boolean')", "pandas.array(['a'], dtype='string')", "pandas.NA", "pandas.NaT",
            "pandas.Series(pandas.Categorical(['a']))", "pandas.Series(['2020-01-01'], dtype='datetime64[ns]')",
            "pandas.DatetimeTZDtype(tz='UTC')", "pandas.Series(pandas.date_range('2020', periods=1, tz='UTC'))",
            "pandas.tseries.offsets.Day(1)", "pandas.tseries.offsets.MonthEnd(1)",
        ),
        data=(
            "pandas.DataFrame({'a': [1], 'b': ['x'], 'c': [1.5]})", "pandas.Series([1])", "pandas.Index(['a'])",
            "pandas.RangeIndex(3)", "pandas.Timestamp('2020-01-01')",
        ),
        opaque=("pandas",),
    ),
    "torch": Recipe(
        packages=("torch", "torch.nn", "torch.nn.parameter", "torch.optim"),
        instances=(
            "torch.zeros(2)", "torch.nn.Parameter(torch.zeros(2))", "torch.device('cpu')", "torch.Size([1])",
            "torch.Generator()", "torch.float32", "torch.zeros(2).untyped_storage()",
        ),
        data=("torch.zeros(2)", "torch.nn.Parameter(torch.zeros(2))", "torch.device('cpu')", "torch.Size([1])",
              "torch.float32"),
        functions_opaque=("torch",),
        weights_only=True,
    ),
}  # fmt: skip
