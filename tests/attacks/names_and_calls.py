"""Attacks on the rules 1 to 6: what a stream imports and calls."""

from __future__ import annotations

from tests.attacks.assembly import (
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
    STACK_GLOBAL,
    STOP,
    call,
    dict_of,
    frame,
    list_of,
    name,
    new,
    number,
    stack_name,
    text,
    tuple_of,
)
from tests.attacks.attack import TOUCH, Attack

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
    Attack(
        "a class in the place of a method that code at load calls",
        3,
        "instances-only",
        PROTO4
        + new(name("victims", "Asking"))
        + dict_of(
            text("of"),
            new(name("victims", "Plain")) + dict_of(text("get"), name("victims", "Starting")) + BUILD,
        )
        + BUILD
        + STOP,
        globals=("victims.Asking",),
        instances=("victims.Plain", "victims.Starting"),
        allowed=True,
    ),
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
    Attack("a property of a result is read by getattr", 5, "dotted-name",
           PROTO2 + call(name("builtins", "getattr"), call(name("victims", "get_watched")), text("status")) + STOP,
           globals=("victims.get_watched.status",), reduces=("victims.get_watched",), at_load=True, allowed=True),
    Attack("getattr handed to map", 5, "calls-argument",
           call(name("builtins", "list"),
                call(name("builtins", "map"), name("builtins", "getattr"),
                     list_of(name("victims", "Tools")), list_of(text("run")))) + STOP,
           globals=("victims.Tools", "builtins.getattr"), reduces=("builtins.getattr", "builtins.map", "builtins.list"),
           check="result[0] is __import__('victims').touch", allowed=True),
    Attack("getattr under another name, handed to map", 5, "helper-arguments",
           call(name("builtins", "list"),
                call(name("builtins", "map"), name("victims", "take"),
                     list_of(name("victims", "Tools")), list_of(text("run")))) + STOP,
           globals=("victims.Tools",), reduces=("victims.take", "builtins.map", "builtins.list"),
           check="result[0] is __import__('victims').touch", at_load=True, allowed=True),
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
)  # fmt: skip
