"""Effect grades: known gadgets and wrappers of them keep their grade, harmless code is graded inert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pickleball_generate import packs
from pickleball_generate.inference import sinks
from pickleball_generate.inference.effects import Grade, Grader
from pickleball_generate.inference.names import definitions
from pickleball_generate.inference.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

# Callables that turn data into an effect, under the names by which streams reach them.
GADGETS = """
    builtins.eval builtins.exec builtins.compile builtins.__import__ builtins.open builtins.getattr builtins.setattr
    builtins.delattr builtins.globals builtins.map builtins.filter builtins.type builtins.input builtins.breakpoint
    os.system posix.system nt.system os.popen os.execv os.spawnl os.posix_spawn os.remove os.rename os.kill os._exit
    subprocess.Popen subprocess.run subprocess.getoutput _posixsubprocess.fork_exec pty.spawn
    commands.getoutput platform.popen asyncio.create_subprocess_shell
    importlib.import_module imp.load_source pkgutil.resolve_name zipimport.zipimporter pydoc.locate
    runpy.run_path runpy._run_code code.interact code.InteractiveInterpreter codeop.compile_command timeit.timeit
    pdb.run bdb.Bdb cProfile.run profile.run trace.Trace doctest.debug_script types.FunctionType types.CodeType
    marshal.loads ctypes.CDLL ctypes.cast ctypes.CFUNCTYPE _ctypes.dlopen
    pickle.loads _pickle.loads pickle.Unpickler dill.loads cloudpickle.load joblib.load numpy.load torch.load
    torch.storage._load_from_bytes torch.hub.load shelve.open pandas.read_pickle yaml.load yaml.unsafe_load
    operator.attrgetter operator.methodcaller functools.reduce itertools.starmap weakref.finalize atexit.register
    io.open _io.FileIO shutil.rmtree tempfile.mkstemp fileinput.input zipfile.ZipFile tarfile.open gzip.open
    sqlite3.connect dbm.open mmap.mmap codecs.open linecache.getlines pathlib.Path.unlink pathlib.PosixPath.write_text
    logging.FileHandler logging.config.dictConfig numpy.save numpy.fromfile numpy.memmap numpy.savetxt
    socket.socket socket.create_connection ssl.wrap_socket urllib.request.urlopen http.client.HTTPConnection
    ftplib.FTP smtplib.SMTP requests.get httpx.get multiprocessing.Process multiprocessing.util.spawnv_passfds
    threading.Thread concurrent.futures.ProcessPoolExecutor signal.signal webbrowser.open antigravity.webbrowser
    torch.jit.load torch.ops.load_library torch.utils.cpp_extension.load numpy.f2py.compile numexpr.evaluate pandas.eval
    site.addsitedir typing.get_type_hints dataclasses.make_dataclass idlelib.pyshell.main lib2to3.main.main
    distutils.spawn.spawn setuptools.setup _osx_support._read_output test.support.script_helper.run_python_until_end
    sys.settrace copyreg.pickle sys.path.append os.environ.update os.putenv
    numpy.ma.core.MaskedConstant.dump numpy.ndarray.dump torch.Tensor.share_memory_ torch.Tensor.map_
    pathlib.PosixPath.link_to
"""
HARMLESS = """
    builtins.dict builtins.set builtins.slice builtins.len copy.copy collections.OrderedDict datetime.datetime
    numpy.ndarray numpy._core.multiarray._reconstruct numpy.random._pickle.__generator_ctor torch._utils._rebuild_tensor_v2
    sklearn.tree._tree.Tree decimal.Decimal uuid.UUID re._compile os.environ.get os.getenv os.path.join os.fspath
    threading.Lock functools.partial operator.itemgetter
"""  # noqa: E501


@dataclass(frozen=True)
class Case:
    """What `__setstate__(self, state)` does, its grade, and a part of the effect's name."""

    name: str
    body: str
    grade: str
    effect: str = ""
    top: str = ""


CASES = [
    Case("nothing", "", "trivial"),
    Case("a_pool_that_waits", "size = len(state)\n  self.pool = ThreadPool(size)", "resolved",
         top="from multiprocessing.pool import ThreadPool"),
    Case("a_pool_that_runs", "start = state['f']\n  self.pool = ThreadPool(2, start)", "effects", "ThreadPool",
         top="from multiprocessing.pool import ThreadPool"),
    Case("a_pool_that_runs_by_name", "start = state['f']\n  self.pool = ThreadPool(2, initializer=start)", "effects",
         "ThreadPool", top="from multiprocessing.pool import ThreadPool"),
    Case("a_pool_of_anything", "self.pool = ThreadPool(*state)", "effects", "ThreadPool",
         top="from multiprocessing.pool import ThreadPool"),
    Case("own_attributes", "self.__dict__.update(state)", "resolved"),
    Case("setattr_of_self", "for k, v in state.items(): setattr(self, k, v)", "resolved"),
    Case("helper", "clean(state)", "resolved", top="def clean(state):\n return state.copy()"),
    Case("computed_attribute", "self.kept = getattr(state['x'], state['name'])", "effects", "getattr"),
    Case("computed_attribute_of_a_part", "self.kept = getattr(state, 'x' + state.name)", "resolved"),
    Case("called_attribute_of_a_part", "getattr(state, 'x' + state.name)()", "unknown"),
    Case("constant_attribute", "getattr(state, 'x')", "resolved"),
    Case("constant_import", "import_module('json').dumps(state)", "resolved",
         top="from importlib import import_module"),
    Case("stdlib", "re.compile(state); threading.Lock()", "resolved", top="import re, threading"),
    Case("constructor", "self.part = Part(state)", "resolved",
         top="class Part:\n def __init__(self, x):\n  self.x = x"),
    Case("super", "super().__setstate__(state)", "effects", "os.remove",
         top="class Base:\n def __setstate__(self, state):\n  os.remove(state)"),
    Case("direct", "os.system(state)", "effects", "os.system"),
    Case("alias", "f = os.system\n  f(state)", "effects", "os.system"),
    Case("imported_name", "run(state)", "effects", "os.system", top="from os import system as run"),
    Case("module_alias", "run(state)", "effects", "os.system", top="run = os.system"),
    Case("wrapper", "wrap(state)", "effects", "__import__", top="def wrap(x):\n return __import__(x)"),
    Case("trailing_underscore", "exec_(state)", "effects", "exec", top="def exec_(x):\n return exec(x)"),
    Case("wrapper_of_a_wrapper", "a(state)", "effects", "os.system",
         top="def a(x):\n return b(x)\ndef b(x):\n return c(x)\ndef c(x):\n os.system(x)"),
    Case("recursion", "a(state)", "effects", "os.system",
         top="def a(x):\n return b(x)\ndef b(x):\n a(x)\n os.system(x)"),
    Case("variable_attribute", "getattr(os, state)(1)", "effects", "getattr"),
    Case("variable_import", "importlib.import_module(state)", "effects", "import_module", top="import importlib"),
    Case("usual_method_of_a_module", "import_module('os').remove(state)", "effects", "os.remove",
         top="from importlib import import_module"),
    Case("module_in_a_local", "m = import_module('os')\n  m.remove(state)", "effects", "os.remove",
         top="from importlib import import_module"),
    Case("module_of_the_table", "sys.modules.get('os').remove(state)", "effects", "os.remove", top="import sys"),
    Case("question_to_the_table", "sys.modules.get('json').dumps(state)", "resolved", top="import sys"),
    Case("computed_module_of_the_table", "sys.modules.get(state)", "effects", "sys.modules", top="import sys"),
    Case("library_by_a_name", "ctypes.CDLL('libc.so.6').abs(1)", "unknown", top="import ctypes"),
    Case("library_by_a_computed_name", "ctypes.CDLL(state)", "effects", "ctypes.CDLL", top="import ctypes"),
    Case("logger", "log.warning('%s', state)", "resolved", top="import logging\nlog = logging.getLogger('x')"),
    Case("logger_of_a_helper", "log.error('x')", "resolved",
         top="import logging\ndef get_logger(name):\n return logging.getLogger(name)\nlog = get_logger('x')"),
    Case("logger_of_a_helper_that_may_give_more", "log.error('x')", "unknown",
         top="import logging\ndef get_logger(name):\n if name:\n  return name\n return logging.getLogger(name)\n"
         "log = get_logger('x')"),
    Case("logger_of_a_decorated_helper", "log.error('x')", "unknown",
         top="import logging, other\n@other.wrap\ndef get_logger(name):\n return logging.getLogger(name)\n"
         "log = get_logger('x')"),
    Case("handler_for_a_logger", "log.addHandler(state)", "effects", "addHandler",
         top="import logging\nlog = logging.getLogger('x')"),
    Case("own_names", "self.kept = locals()", "resolved"),
    Case("table_of_modules", "sys.modules['os'].remove(state)", "effects", "sys.modules", top="import sys"),
    Case("usual_method_of_a_path", "Path(state).replace('x')", "effects", "Path.replace",
         top="from pathlib import Path"),
    Case("path_in_a_local", "p = Path(state)\n  p.replace('x')", "effects", "Path.replace",
         top="from pathlib import Path"),
    Case("passed_on", "apply(os.system, state)", "effects", "os.system", top="def apply(f, x):\n return f(x)"),
    Case("mapped", "list(map(os.system, state))", "effects", "os.system"),
    Case("mapped_source", "list(map(clean, state))", "effects", "os.remove", top="def clean(x):\n os.remove(x)"),
    Case("method_passed_on", "state.each(self.clean)\n def clean(self, x):\n  os.remove(x)", "effects", "os.remove"),
    Case("decorated", "f(state)", "effects", "os.system",
         top="def deco(f):\n def inner(x):\n  os.system(x)\n return inner\n@deco\ndef f(x):\n pass"),
    Case("property", "self.path.strip()\n @property\n def path(self):\n  return open('x')", "effects", "open"),
    Case("property_of_a_variable_of_the_module", "path.strip()", "resolved",
         top="class Part:\n @property\n def path(self):\n  return 'x'\npath = Part().path"),
    Case("environment", "os.environ[state] = 'x'", "effects", "os.environ"),
    Case("thread", "threading.Thread(target=state).start()", "effects", "Thread", top="import threading"),
    Case("subclass_of_a_sink", "Job(state)", "effects", "Process",
         top="import multiprocessing\nclass Job(multiprocessing.Process):\n pass"),
    Case("made_in_a_metaclass", "Part(state)", "effects", "os.remove",
         top="class Meta(type):\n def __call__(cls, x):\n  os.remove(x)\nclass Part(metaclass=Meta):\n pass"),
    Case("method_of_the_state", "state.run()", "unknown"),
    Case("callable_of_the_state", "state()", "unknown"),
    Case("element_of_the_state", "state['f'](1)", "unknown"),
    Case("attribute_of_self", "self.__dict__.update(state)\n  self.hook()", "unknown"),
    Case("dict_of_a_module", "os.__dict__[state](1)", "effects", "__dict__"),
    Case("mapped_parameter", "list(map(state, [1]))", "unknown"),
    Case("missing_package", "absent.run(state)", "unknown", top="import absent"),
    Case("assigned", "self.part = state\n def __setattr__(self, k, v):\n  os.system(v)", "effects", "os.system"),
    Case("assigned_in_the_base", "self.part = state", "effects", "os.system",
         top="class Base:\n def __setattr__(self, k, v):\n  os.system(v)"),
    Case("assigned_by_a_loop", "for self.part in state: pass\n def __setattr__(self, k, v):\n  os.system(v)", "effects",
         "os.system"),
    Case("assigned_by_a_name", "setattr(self, 'part', state)\n def __setattr__(self, k, v):\n  os.system(v)", "effects",
         "os.system"),
    Case("deleted", "del self.part\n def __delattr__(self, k):\n  os.remove(k)", "effects", "os.remove"),
    Case("deleted_by_a_name", "delattr(self, state)\n def __delattr__(self, k):\n  os.remove(k)", "effects",
         "os.remove"),
    Case("not_deleted", "self.__dict__.update(state)\n def __delattr__(self, k):\n  os.remove(k)", "resolved"),
    Case("setter", "self.part = state\n @property\n def part(self):\n  return 1\n @part.setter\n def part(self, v):\n"
         "  os.system(v)", "effects", "os.system"),
    Case("setter_of_any_name", "for k, v in state.items(): setattr(self, k, v)\n @property\n def part(self):\n"
         "  return 1\n @part.setter\n def part(self, v):\n  os.system(v)", "effects", "os.system"),
    Case("setter_of_another_name", "self.other = state\n @property\n def part(self):\n  return 1\n @part.setter\n"
         " def part(self, v):\n  os.system(v)", "resolved"),
    Case("setter_past_the_hook", "object.__setattr__(self, 'part', state)\n @property\n def part(self):\n  return 1\n"
         " @part.setter\n def part(self, v):\n  os.system(v)", "effects", "os.system"),
    Case("setter_behind_a_hook_that_hands_on", "pass\n def __setattr__(self, k, v):\n  super().__setattr__(k, v)\n"
         " @property\n def part(self):\n  return 1\n @part.setter\n def part(self, v):\n  os.system(v)", "resolved"),
    Case("deleter", "del self.part\n @property\n def part(self):\n  return 1\n @part.deleter\n def part(self):\n"
         "  os.remove('x')", "effects", "os.remove"),
    Case("setter_that_is_given", "self.part = state\n def put(self, v):\n  os.system(v)\n part = property(None, put)",
         "effects", "os.system"),
    Case("descriptor", "self.part = state\n part = Kept()", "effects", "os.system",
         top="class Kept:\n def __set__(self, obj, v):\n  os.system(v)"),
    Case("assigned_to_what_is_made", "part = Part()\n  part.x = state", "effects", "os.system",
         top="class Part:\n def __setattr__(self, k, v):\n  os.system(v)"),
    Case("assigned_to_what_may_be_made", "for part in [Part()]: part.x = state", "effects", "os.system",
         top="class Part:\n def __setattr__(self, k, v):\n  os.system(v)"),
    Case("assigned_to_the_class", "type(self).part = state", "resolved"),
    Case("assigned_to_a_class", "Part.x = state", "effects", "os.system",
         top="class Meta(type):\n def __setattr__(cls, k, v):\n  os.system(v)\nclass Part(metaclass=Meta):\n pass"),
    Case("element_of_nothing", "for hook in HOOKS.values(): hook(self)", "resolved", top="HOOKS = {}"),
    Case("element_of_an_empty_list", "for hook in HOOKS: hook(self)", "resolved", top="HOOKS: list = []"),
    Case("element_of_an_ordered_dict", "for key, hook in HOOKS.items(): hook(self)", "resolved",
         top="from collections import OrderedDict\nHOOKS: dict[int, object] = OrderedDict()"),
    Case("element_of_something", "for hook in HOOKS.values(): hook(self)", "unknown", top="HOOKS = {1: os.system}"),
    Case("element_of_what_makes_its_own", "for hook in HOOKS.values(): hook(self)", "unknown",
         top="from collections import defaultdict\nHOOKS = defaultdict(list)"),
    Case("element_that_is_filled", "HOOKS[1] = state\n  for hook in HOOKS.values(): hook(self)", "unknown",
         top="HOOKS = {}"),
    Case("element_that_a_helper_fills", "put(state)\n  for hook in HOOKS.values(): hook(self)", "unknown",
         top="HOOKS = {}\ndef put(x):\n HOOKS.update(x)"),
    Case("element_of_what_is_handed_on",
         "put(1, 2, 3, 4, 5, 6, [HOOKS], state)\n  for hook in HOOKS.values(): hook(self)", "unknown",
         top="HOOKS = {}\ndef put(*x):\n return x"),
    Case("element_of_what_has_another_name",
         "if (mine := HOOKS) is None: pass\n  for hook in HOOKS.values(): hook(self)", "unknown",
         top="HOOKS = {}"),
    Case("element_that_nobody_fills", "for hook in HOOKS.values(): hook(self)", "resolved",
         top="HOOKS = {}\ndef put(x):\n HOOKS[x] = x"),
    Case("element_of_a_registry", "for hook in HOOKS.values(): hook(state)", "unknown",
         top="HOOKS = {}\ndef put(f):\n HOOKS[f.__name__] = f\n return f\n@put\ndef run(x):\n os.system(x)"),
    Case("element_of_a_registry_that_fills_itself", "for hook in HOOKS.values(): hook(state)", "unknown",
         top="HOOKS = {}\ndef run(x):\n os.system(x)\nHOOKS['run'] = run"),
    Case("element_of_a_registry_that_classes_fill", "for hook in HOOKS: hook.run(state)", "unknown",
         top="HOOKS = []\nclass Hook:\n def __init__(self):\n  HOOKS.append(self)\n def run(self, x):\n"
         "  os.system(x)\nHook()"),
    Case("element_with_a_usual_method", "for hook in HOOKS: hook.update(state)", "unknown",
         top="HOOKS = []\nclass Hook:\n def update(self, x):\n  os.system(x)\nHOOKS.append(Hook())"),
    Case("usual_method_of_nothing", "for hook in HOOKS: hook.update(state)", "resolved", top="HOOKS = []"),
    Case("element_by_a_constructor", "for hook in HOOKS: hook(state)", "unknown",
         top="HOOKS = []\nclass Hook:\n def __init__(self, f):\n  HOOKS.append(f)\nHook(os.system)"),
    Case("element_of_an_import", "for hook in HOOKS: hook(state)", "unknown",
         top="HOOKS = []\ndef put(f):\n HOOKS.append(f)\ndef inner(f):\n return f\nHOOKS += [os.system]"),
    Case("mapped_element", "for hook in HOOKS.values(): list(map(hook, state))", "unknown", top="HOOKS = {}"),
]  # fmt: skip


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory, environment_of: Callable[..., Environment]) -> Grader:
    """Grades over the facts of all cases."""
    root = tmp_path_factory.mktemp("effects")
    (root / "lib").mkdir()
    (root / "lib/__init__.py").write_text("")
    for case in CASES:
        base = "Base" if "class Base" in case.top else ""
        method = f" def __setstate__(self, state):\n  {case.body}\n" if case.body else " pass\n"
        (root / f"lib/{case.name}.py").write_text(f"import os\n{case.top}\nclass Model({base}):\n{method}")
    (root / "lib/other.py").write_text(OTHER)
    return Grader(Program(environment_of(root)), packs.load())


OTHER = """
import enum, os, threading
from absent import Base

class Key:
    def __hash__(self):
        return os.system("true")

class Gone:
    def __del__(self):
        os.remove("x")

def read(x, name):
    return getattr(x, name)

class Named:
    def __getattr__(self, name):
        return __import__(name)

class Built:
    def __init__(self, x):
        os.system(x)

class Setting:
    def __setattr__(self, key, value):
        os.system(value)

class SettingBeside(Setting):
    pass

def keep(self, key, value):
    os.system(value)

class SettingByAnother:
    __setattr__ = keep

class SettingInMachineCode:
    __setattr__ = os.system

class NotHashed:
    __hash__ = None

class Items(dict):
    def __setitem__(self, key, value):
        os.remove(key)

class NoItems:
    def append(self, value):
        os.remove(value)

class Colour(enum.Enum):
    RED = 1
    @classmethod
    def _missing_(cls, value):
        os.system(value)

class Foreign(Base):
    pass

class Worker(threading.Thread):
    pass
"""


@pytest.mark.parametrize("name", GADGETS.split())
def test_a_known_gadget_is_a_sink(name: str) -> None:
    """No name of the table can be lost without a failure here."""
    assert sinks.effect(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_what_rebuilds_data_is_no_sink(name: str) -> None:
    """The table does not reach the reconstructors that models need."""
    assert sinks.effect(name) is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_code_at_load_keeps_its_grade(case: Case, grader: Grader) -> None:
    """A sink is found through aliases, wrappers, decorators, bases and arguments; what leads nowhere is unknown."""
    [(_, scope)] = definitions(grader.program, f"lib.{case.name}.Model")
    grade = grader.grade(scope, called=False)
    assert grade.word == case.grade, grade
    assert any(case.effect in effect for effect in grade.effects) == bool(case.effect)


@pytest.mark.parametrize(
    ("name", "called", "grade"),
    [
        ("Key", False, "effects"),
        ("read", True, "effects"),
        ("Gone", False, "effects"),
        ("Named", False, "effects"),
        ("Setting", False, "effects"),
        ("SettingBeside", False, "effects"),
        ("SettingByAnother", False, "effects"),
        ("SettingInMachineCode", False, "effects"),
        ("NotHashed", False, "trivial"),
        ("Built", False, "trivial"),
        ("Built", True, "effects"),
        ("Items", False, "effects"),
        ("NoItems", False, "trivial"),
        ("NoItems", True, "effects"),
        ("Colour", False, "trivial"),
        ("Colour", True, "effects"),
        ("Foreign", False, "unknown"),
        ("Worker", False, "unknown"),
    ],
)
def test_what_runs_depends_on_what_a_stream_may_do(name: str, called: bool, grade: str, grader: Grader) -> None:
    """Hashing, deletion and attribute hooks always run, constructors when called, item methods where items come."""
    [(_, scope, *_)] = definitions(grader.program, f"lib.other.{name}")
    assert grader.grade(scope, called=called).word == grade


def test_an_effect_has_the_path_that_leads_to_it(grader: Grader) -> None:
    """Each step names file, line and function."""
    [(_, scope)] = definitions(grader.program, "lib.wrapper_of_a_wrapper.Model")
    assert grader.grade(scope, called=False).effects["process: os.system"] == [
        "lib/wrapper_of_a_wrapper.py:10 lib.wrapper_of_a_wrapper.Model.__setstate__",
        "lib/wrapper_of_a_wrapper.py:3 lib.wrapper_of_a_wrapper.a",
        "lib/wrapper_of_a_wrapper.py:5 lib.wrapper_of_a_wrapper.b",
        "lib/wrapper_of_a_wrapper.py:7 lib.wrapper_of_a_wrapper.c",
    ]


ASKING = {
    "attribute": ("self.table.place_of('x')", ""),
    "attribute_in_a_helper": ("self.place()\n def place(self):\n  return self.table.place_of('x')", ""),
    "attributes": ("self.table.place_of('x')\n  self.names.word_at(1)", ""),
}
NOT_ASKING = {
    "stored_at_load": ("self.table = made(state)\n  self.table.place_of('x')", "def made(x):\n return x"),
    "stored_under_a_name": ("setattr(self, 'table', state)\n  self.table.place_of('x')", ""),
    "stored_under_any_name": ("for k in state: setattr(self, k, 1)\n  self.table.place_of('x')", ""),
    "stored_in_the_namespace": ("self.__dict__['table'] = state\n  self.table.place_of('x')", ""),
    "namespace_updated": ("self.__dict__.update(table=state)\n  self.table.place_of('x')", ""),
    "of_the_class": ("self.table.place_of('x')\n table = made()", "def made():\n return object()"),
    "property_of_the_class": ("self.table.place_of('x')\n @property\n def table(self):\n  return made()",
                              "def made():\n return object()"),
    "method_of_what_is_made": ("self.part = Table()\n  self.table.place_of('x')",
                               "class Table:\n def place_of(self, x):\n  return x"),
    "method_of_a_sink": ("self.table.write_text('x')", ""),
    "attribute_of_an_attribute": ("self.table.rows.place_of('x')", ""),
    "variable": ("table = state['table']\n  table.place_of('x')", ""),
    "variable_of_the_module": ("TABLE.place_of('x')", "TABLE = [][0:1]"),
    "something_else_too": ("self.table.place_of('x')\n  state()", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", [*ASKING, *NOT_ASKING])
def test_a_call_is_open_where_only_a_stream_can_answer(
    name: str, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Where code may ask what it made or stored itself, or something with an effect, it stays unknown."""
    body, top = {**ASKING, **NOT_ASKING}[name]
    model = f"{top}\nclass Model:\n def __setstate__(self, state):\n  {body}\n"
    root = tree({"lib/__init__.py": "", "lib/model.py": model})
    found = Grader(Program(environment_of(root)), packs.load())
    [(_, scope)] = definitions(found.program, "lib.model.Model")
    grade = found.grade(scope, called=False)
    assert grade.word == "unknown"
    assert grade.asking == (name in ASKING)
    if grade.asking:
        assert "place_of" in {ask.method for ask, _ in grade.asks}


PLAIN = {
    "a_list": ("found = []\n  found.append('x')", False),
    "a_text_afterwards": ("found = []\n  found.append('x')\n  found = ', '.join(found)\n  found += '.'", False),
    "a_text_of_a_text": ("found = f'{state}'.format(state)\n  found.split()", False),
    "something_added": ("found = []\n  found += state['x']\n  found.append('x')", True),
    "something_to_which_is_added": ("found = state['x']\n  found += 'x'\n  found.split()", True),
    "an_object_of_the_code": ("found = Model()\n  found += 'x'\n  found.split()", True),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_value_of_the_code_is_no_question(
    name: str, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Texts and lists that the code makes itself; not what an object of the stream has a say in."""
    body, asks = PLAIN[name]
    root = tree({"lib/__init__.py": "", "lib/model.py": f"class Model:\n def __setstate__(self, state):\n  {body}\n"})
    found = Grader(Program(environment_of(root)), packs.load())
    [(_, scope)] = definitions(found.program, "lib.model.Model")
    assert bool(found.grade(scope, called=False).asks) == asks


@pytest.mark.parametrize("body", ["cls.names.keys()", "NAMES.keys()"])
def test_what_the_code_has_itself_is_no_question(
    body: str, tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """No stream gives an attribute of the class, or a variable of the module."""
    model = f"NAMES = {{}} or None\nclass Model:\n def __new__(cls):\n  {body}\n  return object.__new__(cls)\n"
    root = tree({"lib/__init__.py": "", "lib/model.py": model})
    found = Grader(Program(environment_of(root)), packs.load())
    [(_, scope)] = definitions(found.program, "lib.model.Model")
    assert found.grade(scope, called=False) == Grade("resolved")
