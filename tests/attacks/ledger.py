"""The ledger: for each rule, the attacks that it stops.

An attack is data: the stream, the policy that is in force, what the application did before, and where stock runs it.
The effect of nearly all is a call of `victims.touch`, which writes to a file; the others say in `check` how to see it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.attacks.assembly import (
    APPEND,
    BUILD,
    EMPTY_DICT,
    EMPTY_TUPLE,
    MARK,
    NONE,
    OBJ,
    POP,
    PROTO2,
    PROTO4,
    REDUCE,
    SETITEM,
    STACK_GLOBAL,
    STOP,
    TUPLE2,
    call,
    dict_of,
    frame,
    get,
    list_of,
    name,
    new,
    number,
    put,
    stack_name,
    text,
    tuple_of,
)

TOUCH = name("victims", "touch")


@dataclass(frozen=True)
class Attack:
    """One way to leave the policy."""

    name: str
    rule: int  # of docs/explanation/enforcement.md
    found: str  # the rule id of the violation, or "malformed"
    stream: bytes
    globals: tuple[str, ...] = ()
    reduces: tuple[str, ...] = ()
    unpicklers: tuple[str, ...] = ("c", "python")  # where stock shows the effect
    setup: str = ""  # what the application did before it loads
    check: str = ""  # an expression over `result`: true when the effect happened; the marker file otherwise
    arguments: str = ""  # of the Unpickler
    loads: int = 1
    persistent: str = ""  # the body of persistent_load(pid)
    at_load: bool = False  # needs the real object: stopped by find_class, with nothing run
    allowed: bool = False  # reaches its effect through names that the policy allows


ATTACKS = (
    # ---- 1: names are canonical -------------------------------------------------------------------------------------
    Attack(
        "a module name of Python 2 that stands for another module",
        1,
        "reduce-not-allowed",
        PROTO2 + call(name("commands", "getoutput"), text('echo touched > "$VICTIMS_MARKER"')) + STOP,
        reduces=("commands.getoutput",),
        allowed=True,
    ),
    Attack(
        "an extension code that the policy does not list",
        1,
        "extension-not-allowed",
        PROTO2 + call(b"\x82\x05") + STOP,
        setup="import copyreg; copyreg.add_extension('victims', 'touch', 5)",
    ),
    Attack(
        "an extension code whose cached object is another than its name says",
        1,
        "dotted-name",
        PROTO2 + call(b"\x82\x05") + STOP,
        reduces=("victims.join",),
        setup="import copyreg, victims; copyreg.add_extension('victims', 'join', 5); "
        "copyreg._extension_cache[5] = victims.touch",
        at_load=True,
        allowed=True,
    ),
    Attack(
        "an entry of sys.modules that is no module",
        1,
        "dotted-name",
        PROTO4 + call(stack_name("registry", "run")) + STOP,
        reduces=("registry.run",),
        setup="import sys, victims; sys.modules['registry'] = victims.tools",
        at_load=True,
        allowed=True,
    ),
    Attack(
        "an extension code from the cache, in front of an import of the same name",
        1,
        "not-a-plain-class",
        PROTO2 + b"\x82\x05" + POP + new(name("victims", "Level"), number(1)) + dict_of(text("x"), number(9)) + BUILD
        + STOP,
        globals=("victims.Level",),
        setup="import copyreg, victims; copyreg.add_extension('victims', 'Level', 5); "
        "copyreg._extension_cache[5] = victims.Level",
        check="hasattr(__import__('victims').Level.LOW, 'x')",
        at_load=True,
        allowed=True,
    ),
    # ---- 2: what is not in the policy stays inert -------------------------------------------------------------------
    *(
        Attack(f"a call outside the policy, protocol {proto}", 2, "reduce-not-allowed", stream)
        for proto, stream in (
            (0, b"cvictims\ntouch\n(tR."),
            (1, b"cvictims\ntouch\n)R."),
            (2, PROTO2 + TOUCH + EMPTY_TUPLE + REDUCE + STOP),
            (4, PROTO4 + frame(stack_name("victims", "touch") + EMPTY_TUPLE + REDUCE + STOP)),
        )
    ),
    Attack("a call by INST outside the policy", 2, "reduce-not-allowed", b"(ivictims\ntouch\n."),
    Attack("a call by OBJ outside the policy", 2, "reduce-not-allowed", MARK + TOUCH + NONE + OBJ + STOP),
    Attack(
        "a class outside the policy gets a state",
        2,
        "build-target",
        PROTO2
        + name("victims", "Plain")
        + NONE
        + dict_of(text("kind"), text("changed"))
        + b"\x86"
        + BUILD
        + STOP,
        check="__import__('victims').Plain.kind == 'changed'",
    ),
    Attack(
        "an instance of a class outside the policy",
        2,
        "instance-not-allowed",
        PROTO2 + new(name("victims", "Plain")) + STOP,
        check="type(result).__name__ == 'Plain'",
    ),
    # ---- 3: only direct imports of `reduces` are called -------------------------------------------------------------
    Attack("a call of a name that may only be referenced", 3, "reduce-not-allowed", call(TOUCH) + STOP,
           globals=("victims.touch",), allowed=True),
    Attack("a call by INST of a function that may only be referenced", 3, "not-a-plain-class",
           b"(ivictims\ntouch\n.", globals=("victims.touch",), at_load=True, allowed=True),
    Attack("a call by OBJ of a function that may only be referenced", 3, "not-a-plain-class",
           MARK + TOUCH + OBJ + STOP, globals=("victims.touch",), at_load=True, allowed=True),
    Attack("a constructor called by OBJ with arguments", 3, "reduce-not-allowed",
           MARK + name("victims", "Starting") + NONE + OBJ + STOP, globals=("victims.Starting",), allowed=True),
    Attack("a call of what a call returned", 3, "callee-not-import", call(call(name("victims", "get_touch"))) + STOP,
           reduces=("victims.get_touch",), allowed=True),
    Attack("a class made by NEWOBJ of a metaclass", 3, "not-a-plain-class",
           PROTO2
           + new(name("__builtin__", "type"), text("Made"), tuple_of(name("victims", "Base")), EMPTY_DICT)
           + STOP,
           globals=("builtins.type", "victims.Base"), allowed=True),
    Attack("a class made by NEWOBJ of another metaclass", 3, "not-a-plain-class",
           PROTO2 + new(name("abc", "ABCMeta"), text("Made"), tuple_of(name("victims", "Base")), EMPTY_DICT) + STOP,
           globals=("abc.ABCMeta", "victims.Base"), at_load=True, allowed=True),
    Attack("arguments that run code when they are iterated", 3, "arguments-not-literal",
           PROTO2 + name("victims", "join") + new(name("victims", "Iterating")) + REDUCE + STOP,
           globals=("victims.Iterating",), reduces=("victims.join",), unpicklers=("python",), allowed=True),
    # ---- 4: helpers take what pickle writes -------------------------------------------------------------------------
    Attack("_reconstructor with a constructor in the place of a base", 4, "helper-arguments",
           call(name("copyreg", "_reconstructor"), name("victims", "Starting"), name("victims", "Starting"), number(1))
           + STOP,
           globals=("victims.Starting",), allowed=True),
    Attack("_reconstructor starts a process", 4, "helper-arguments",
           call(name("copyreg", "_reconstructor"), name("subprocess", "Popen"), name("subprocess", "Popen"),
                list_of(text("sh"), text("-c"), text('echo touched > "$VICTIMS_MARKER"'))) + STOP,
           globals=("subprocess.Popen",), check="result.wait() == 0", allowed=True),
    Attack("builtins.type with three arguments", 4, "helper-arguments",
           PROTO2
           + call(name("__builtin__", "type"), text("Made"), tuple_of(name("victims", "Base")), EMPTY_DICT)
           + STOP,
           globals=("victims.Base",), reduces=("builtins.type",), allowed=True),
    Attack("_codecs.encode with a codec of the application", 4, "helper-arguments",
           call(name("_codecs", "encode"), text("x"), text("victim")) + STOP,
           setup="import codecs, victims; codecs.register(lambda n: codecs.CodecInfo("
                 "lambda s, e='strict': (victims.touch().encode(), len(s)), None, name=n) if n == 'victim' else None)"),
    Attack("bytes of an object that runs code when it is iterated", 4, "arguments-not-literal",
           PROTO2 + call(name("__builtin__", "bytes"), new(name("victims", "Iterating"))) + STOP,
           globals=("victims.Iterating",), reduces=("builtins.bytes",), allowed=True),
    # ---- 5: getattr is an import ------------------------------------------------------------------------------------
    Attack("an attribute of an allowed class", 5, "import-not-allowed",
           call(call(name("builtins", "getattr"), name("victims", "Tools"), text("run"))) + STOP,
           globals=("victims.Tools",), reduces=("builtins.getattr",), allowed=True),
    Attack("a method of an allowed object", 5, "import-not-allowed",
           call(call(name("builtins", "getattr"), new(name("victims", "Numbers")), text("clear_all"))) + STOP,
           globals=("victims.Numbers",), reduces=("builtins.getattr",), allowed=True),
    Attack("getattr handed to map", 5, "calls-argument",
           call(name("builtins", "list"),
                call(name("builtins", "map"), name("builtins", "getattr"),
                     list_of(name("victims", "Tools")), list_of(text("run")))) + STOP,
           globals=("victims.Tools", "builtins.getattr"), reduces=("builtins.getattr", "builtins.map", "builtins.list"),
           check="result[0] is __import__('victims').touch", allowed=True),
    Attack("a walk through something that is no class", 5, "dotted-name",
           PROTO4 + call(stack_name("victims", "tools.run")) + STOP,
           reduces=("victims.tools.run",), at_load=True, allowed=True),
    Attack("getattr under another name", 5, "helper-arguments",
           call(name("victims", "take"), name("victims", "Tools"), text("run")) + STOP,
           globals=("victims.Tools",), reduces=("victims.take",), check="result is __import__('victims').touch",
           at_load=True, allowed=True),
    # ---- 6: names are written in the stream -------------------------------------------------------------------------
    Attack("a module name that a call returned", 6, "name-not-literal",
           PROTO4 + call(call(name("victims", "join"), text("vic"), text("tims")) + text("touch") + STACK_GLOBAL)
           + STOP,
           reduces=("victims.join",), allowed=True),
    Attack("a name in bytes that an encoding turns into another", 6, "name-not-literal",
           PROTO4 + call(b"U\x0e" + "victims".encode("utf-16-le") + b"U\x0a" + "touch".encode("utf-16-le")
                         + STACK_GLOBAL) + STOP,
           arguments="encoding='utf-16-le'"),
    Attack("a dotted name that a module's __getattr__ receives", 6, "dotted-name",
           PROTO2 + call(name("victims", "lazy.run")) + STOP,
           reduces=("victims.lazy.run",), allowed=True),
    # ---- 7: only what the stream made is changed --------------------------------------------------------------------
    Attack("a state for an allowed class", 7, "build-target",
           PROTO2 + name("victims", "Plain") + NONE + dict_of(text("kind"), text("changed")) + TUPLE2 + BUILD + STOP,
           globals=("victims.Plain",), check="__import__('victims').Plain.kind == 'changed'", allowed=True),
    Attack("a state for an allowed function", 7, "build-target",
           PROTO2 + TOUCH + dict_of(text("patched"), number(1)) + BUILD + STOP,
           globals=("victims.touch",), check="hasattr(__import__('victims').touch, 'patched')", allowed=True),
    Attack("a state for the member of an Enum", 7, "build-target",
           PROTO2 + call(name("victims", "Level"), number(1)) + dict_of(text("_value_"), number(9)) + BUILD + STOP,
           reduces=("victims.Level",), check="__import__('victims').Level.LOW.value == 9", at_load=True, allowed=True),
    Attack("a state for an Enum through __new__", 7, "not-a-plain-class",
           PROTO2 + new(name("victims", "Level"), number(1)) + dict_of(text("_value_"), number(9)) + BUILD + STOP,
           globals=("victims.Level",), check="__import__('victims').Level.LOW.value == 9", at_load=True, allowed=True),
    Attack("a state for a logger", 7, "build-target",
           PROTO2 + call(name("victims", "get_logger")) + dict_of(text("level"), number(99)) + BUILD + STOP,
           reduces=("victims.get_logger",), check="__import__('logging').getLogger('victims').level == 99",
           at_load=True, allowed=True),
    Attack("a state for an object that a module holds", 7, "build-target",
           PROTO2 + call(name("victims", "get_default")) + dict_of(text("x"), number(1)) + BUILD + STOP,
           reduces=("victims.get_default",), check="hasattr(__import__('victims').DEFAULT, 'x')",
           at_load=True, allowed=True),
    Attack("a state for a singleton through __new__", 7, "build-target",
           PROTO2 + new(name("victims", "Once")) + dict_of(text("x"), number(1)) + BUILD + STOP,
           globals=("victims.Once",), check="hasattr(__import__('victims').DEFAULT, 'x')", at_load=True, allowed=True),
    Attack("items for a table that a module holds", 7, "build-target",
           PROTO2 + call(name("victims", "get_table")) + text("x") + number(1) + SETITEM + STOP,
           reduces=("victims.get_table",), check="'x' in __import__('victims').TABLE", at_load=True, allowed=True),
    Attack("a second state that reaches __setstate__ of the first", 7, "state-key",
           PROTO2 + new(name("victims", "Plain")) + dict_of(text("__setstate__"), TOUCH) + BUILD
           + EMPTY_DICT + BUILD + STOP,
           globals=("victims.Plain", "victims.touch"), allowed=True),
    Attack("a state whose key replaces a method that __del__ calls", 7, "method-shadowed",
           PROTO2 + new(name("victims", "Closing")) + dict_of(text("close"), TOUCH) + BUILD + POP + NONE + STOP,
           globals=("victims.Closing", "victims.touch"), at_load=True, allowed=True),
    Attack("a state with a special name that copy looks up", 7, "state-key",
           PROTO2 + new(name("victims", "Plain")) + dict_of(text("__deepcopy__"), TOUCH) + BUILD + STOP,
           globals=("victims.Plain", "victims.touch"), check="__import__('copy').deepcopy(result) == 'touched'",
           allowed=True),
    Attack("a special name written into a state after it was set", 7, "state-frozen",
           PROTO2 + new(name("victims", "Whole")) + EMPTY_DICT + put(1) + BUILD
           + get(1) + text("__deepcopy__") + TOUCH + SETITEM + POP + STOP,
           globals=("victims.Whole", "victims.touch"), check="__import__('copy').deepcopy(result) == 'touched'",
           allowed=True),
    Attack("a slot state that sets a property", 7, "slot-property",
           PROTO2 + new(name("victims", "Valued")) + NONE + dict_of(text("level"), number(1)) + TUPLE2 + BUILD + STOP,
           globals=("victims.Valued",), at_load=True, allowed=True),
    Attack("a slot state that replaces the class", 7, "state-key",
           PROTO2 + new(name("victims", "Plain")) + NONE + dict_of(text("__class__"), name("victims", "Closing"))
           + TUPLE2 + BUILD + STOP,
           globals=("victims.Plain", "victims.Closing"), check="type(result).__name__ == 'Closing'", allowed=True),
    Attack("items for an object that is no container", 7, "items-target",
           PROTO2 + new(name("victims", "Appending")) + NONE + APPEND + STOP,
           globals=("victims.Appending",), at_load=True, allowed=True),
    Attack("a state whose keys a call returned", 7, "build-state",
           PROTO2 + new(name("victims", "Plain")) + EMPTY_DICT
           + call(name("victims", "join"), text("__deepcopy"), text("__")) + TOUCH + SETITEM + BUILD + STOP,
           globals=("victims.Plain", "victims.touch"), reduces=("victims.join",),
           check="__import__('copy').deepcopy(result) == 'touched'", at_load=True, allowed=True),
    Attack("special names as items of an object that is its own namespace", 7, "state-key",
           PROTO2 + new(name("victims", "Namespace")) + text("__deepcopy__") + TOUCH + SETITEM + STOP,
           globals=("victims.Namespace", "victims.touch"),
           check="__import__('copy').deepcopy(result) == 'touched'", allowed=True),
    Attack("special names in a dict that an object keeps as its namespace", 7, "state-key",
           PROTO2 + new(name("victims", "Keeping"), EMPTY_DICT + put(1)) + get(1) + text("__deepcopy__") + TOUCH
           + SETITEM + POP + STOP,
           globals=("victims.Keeping", "victims.touch"),
           check="__import__('copy').deepcopy(result) == 'touched'", allowed=True),
    # ---- 8: what calls its arguments gets no reference --------------------------------------------------------------
    Attack("a class that may be referenced, called by map", 8, "calls-argument",
           call(name("builtins", "list"),
                call(name("builtins", "map"), name("victims", "Starting"), list_of(number(1)))) + STOP,
           globals=("victims.Starting",), reduces=("builtins.list", "builtins.map"), allowed=True),
    Attack("map by NEWOBJ", 8, "calls-argument",
           PROTO2 + call(name("__builtin__", "list"),
                         new(name("builtins", "map"), TOUCH, list_of(number(1)))) + STOP,
           globals=("victims.touch", "builtins.map"), reduces=("builtins.list",), allowed=True),
    Attack("map under another name", 8, "calls-argument",
           call(name("builtins", "list"),
                call(name("victims", "mapper"), TOUCH, list_of(number(1)))) + STOP,
           globals=("victims.touch",), reduces=("builtins.list", "victims.mapper"), at_load=True, allowed=True),
    Attack("a partial handed to map", 8, "calls-argument",
           call(name("builtins", "list"),
                call(name("builtins", "map"), new(name("functools", "partial"), TOUCH), list_of(number(1)))) + STOP,
           globals=("victims.touch", "functools.partial"), reduces=("builtins.list", "builtins.map"), allowed=True),
    Attack("a partial of a function that may be referenced, called by the program", 8, "calls-argument",
           PROTO2 + new(name("functools", "partial"), TOUCH) + STOP,
           globals=("victims.touch", "functools.partial"), check="result() == 'touched'", at_load=True, allowed=True),
    Attack("a partial whose function is replaced by its state", 8, "calls-argument",
           PROTO2 + call(name("functools", "partial"), name("victims", "join"))
           + tuple_of(TOUCH, EMPTY_TUPLE, EMPTY_DICT, NONE) + BUILD + STOP,
           globals=("victims.touch",), reduces=("functools.partial", "victims.join"),
           check="result() == 'touched'", at_load=True, allowed=True),
    Attack("a finalizer", 8, "calls-argument",
           PROTO2 + call(name("weakref", "finalize"), new(name("victims", "Plain")), TOUCH) + POP + NONE + STOP,
           globals=("victims.Plain", "victims.touch"), reduces=("weakref.finalize",), allowed=True),
    Attack("the factory of a default dict", 8, "calls-argument",
           call(name("operator", "getitem"), call(name("collections", "defaultdict"), TOUCH), text("x")) + STOP,
           globals=("victims.touch",), reduces=("collections.defaultdict", "operator.getitem"),
           at_load=True, allowed=True),
    # ---- 9: persistent ids ------------------------------------------------------------------------------------------
    Attack("a refused name inside a persistent id that the application calls", 9, "persistent-import",
           PROTO2 + text("storage") + TOUCH + TUPLE2 + b"Q" + STOP, persistent="return pid[1]()"),
    Attack("a call of what persistent_load returned", 9, "callee-not-import",
           PROTO2 + call(text("touch") + b"Q") + STOP,
           persistent="import victims; return getattr(victims, pid)"),
    # ---- 10: one grammar --------------------------------------------------------------------------------------------
    Attack("a frame that holds a second pickle", 10, "malformed",
           PROTO4 + frame(number(1) + STOP + call(TOUCH) + STOP), loads=2, unpicklers=("c",)),
    Attack("a number that one unpickler reads as octal", 10, "malformed", b"I010\n.",
           check="result == 8", unpicklers=("c",)),
)  # fmt: skip
