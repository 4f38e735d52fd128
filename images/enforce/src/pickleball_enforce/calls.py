"""Rules on what a stream may call and instantiate (REDUCE, NEWOBJ, NEWOBJ_EX, INST, OBJ)."""

from __future__ import annotations

from . import names
from .partials import Partials
from .report import Import
from .tags import (
    BOUND,
    CLASS,
    EMPTY_TUPLE,
    FLOAT,
    LISTED,
    LONG_TEXT,
    Bytes,
    ByteText,
    Container,
    Frozen,
    Object,
    Opaque,
    Tag,
    Tuple,
    bound_method,
    callable_like,
    describe,
    flags_of,
    is_long,
)

_KWARGS = "keyword arguments"
_BUILTIN_OWNERS = {str: "str", int: "int", bool: "bool", Bytes: "bytes", ByteText: "str", Tuple: "tuple"}


class Calls(Partials):
    """Judges callees and their arguments."""

    def charge(self, cost: int, depth: int) -> None:
        """Count what hashing costs (machine.py)."""
        raise NotImplementedError

    # ---- REDUCE -----------------------------------------------------------------------------------------------------

    def call(self, callee: Tag, args: Tag) -> Tag:
        """Judge a call and give the tag of its result."""
        if type(callee) is not Import:
            self._refuse_callee(callee)
            self.release(args)
            return Object(None, "call")
        if type(args) is not Tuple:
            self._refuse_arguments(callee, args)
            return Object(callee, "call")
        special = self._SPECIAL.get(callee.path)
        if special:
            return getattr(self, special)(callee, args.items)
        self.release(args)
        if self._allow_call(callee):
            callee.uses.add("call")
            self.oblige(callee, "callee")
            if callee.path in names.LITERAL_ARGUMENTS:
                self._check_plain(callee, args)
            if callee.path in names.HASHING:
                self._charge_hashing(args)
            if callee.path in names.REBUILDERS:
                self._check_rebuilt(args.items)
            self.check_received(callee, args.items)
            self.check_handed_on(callee, args.items)
        return Object(callee, "call", args)

    def _charge_hashing(self, args: Tuple) -> None:
        """Count what hashing the members of a new set or dict costs; lists may have grown since the tuple was made."""
        grown = [item for item in args.items if type(item) is Container]
        self.charge(args.cost + sum(item.cost for item in grown), max([args.depth, *(item.depth for item in grown)]))

    def _check_rebuilt(self, items: tuple[Tag, ...]) -> None:
        """Check the attributes that a rebuilding function sets on an instance of the class that it is given."""
        if len(items) != len(names.REBUILT) or type(items[1]) is not Import:
            return
        state = items[names.REBUILT.index("state")]
        for part in state.items if type(state) is Tuple else (state,):
            if type(part) is Container and part.kind == "dict":
                part.frozen = True
                for key, value in (part.entries or {}).items():
                    if callable_like(value):
                        self.oblige(items[1], "shadow", key)

    def _allow_call(self, callee: Import) -> bool:
        path = callee.path
        library = names.by_value(path)
        if callee.decision == "ask":
            self.oblige(callee, "called")
            return True
        if self.may_call(path) and callee.decision != "stub" and not (library and self.tracing):
            return True
        if library:
            self._refuse_by_value(path, library)
        else:
            sentence = f"The stream calls {path}, which the policy does not allow."
            self.refuse("reduce-not-allowed", path, sentence, ("reduces", path))
        return False

    def _refuse_by_value(self, path: str, library: str) -> None:
        sentence = (
            f"The stream rebuilds code by value with {path} ({library}): a function or class was written into the file "
            "instead of its name. Move it into a module that can be imported, and save the model again."
        )
        self.refuse("code-by-value", path, sentence)

    def _refuse_callee(self, callee: Tag) -> None:
        name = describe(callee)
        origin = callee.origin if type(callee) is Object else None
        library = names.by_value(origin.path) if origin else ""
        if origin and library:
            self._refuse_by_value(origin.path, library)
            return
        sentence = f"The stream calls {name}; only a name that it imports may be called."
        self.refuse("callee-not-import", name, sentence)

    def _refuse_arguments(self, callee: Import, args: Tag) -> None:
        sentence = f"The stream calls {callee.path} with {describe(args)} where a tuple written in the stream belongs."
        self.refuse("arguments-not-literal", callee.path, sentence)

    def _check_plain(self, callee: Import, args: Tuple) -> None:
        for item in args.items:
            listed = type(item) is Import and self.may_reference(item.path)
            if not listed and flags_of(item) and not (type(item) is Container and not item.flags & 15):
                sentence = f"The stream gives {describe(item)} to {callee.path}, which takes literals only."
                self.refuse("arguments-not-literal", callee.path, sentence)

    # ---- NEWOBJ, NEWOBJ_EX, INST, OBJ -------------------------------------------------------------------------------

    def new(self, cls: Tag, args: Tag, kwargs: Tag = None) -> Tag:
        """Judge an instantiation by cls.__new__ and give the tag of the object."""
        if type(cls) is Opaque and cls.candidate is not None and self.identifiable(cls.index):
            self.persistent[cls.index - self._first_identified] = cls.candidate
            self.oblige(cls.candidate, "persistent")
            cls = cls.candidate
        if type(cls) is not Import:
            sentence = f"The stream instantiates {describe(cls)}; only a class that it imports may be instantiated."
            self.refuse("class-not-import", describe(cls), sentence)
            self.release(args)
            return Object(None, "new")
        if type(args) is not Tuple:
            self._refuse_arguments(cls, args)
            return Object(cls, "new")
        received = list(args.items)
        if kwargs is not None:
            if type(kwargs) is not Container or kwargs.kind != "dict" or not kwargs.texts or kwargs.overflow:
                sentence = f"The stream instantiates {cls.path} with {describe(kwargs)} as {_KWARGS}."
                self.refuse("arguments-not-literal", cls.path, sentence)
            else:
                received += (kwargs.entries or {}).values()
        self.release(args)
        cls.odd_items |= bool(received)  # what its __new__ may take for items
        if self._allow_new(cls):
            self._instantiated(cls)
            self.check_received(cls, received, named=kwargs is not None)
            self.check_handed_on(cls, args.items, received[len(args.items) :])
        return Object(cls, "new", args)

    def _allow_new(self, cls: Import) -> bool:
        path = cls.path
        if path == names.TYPE:
            self.refuse("not-a-plain-class", path, "The stream makes a class by builtins.type.")
            return False
        library = names.by_value(path)
        if cls.decision == "ask":
            self.oblige(cls, "instantiated")
            return True
        if self.may_reference(path) and cls.decision != "stub" and not (library and self.tracing):
            return True
        if library:
            self._refuse_by_value(path, library)
        else:
            sentence = f"The stream instantiates {path}, which the policy does not allow."
            self.refuse("instance-not-allowed", path, sentence, ("globals", path))
        return False

    def _instantiated(self, cls: Import) -> None:
        cls.uses.add("instance")
        self.oblige(cls, "class")

    def instantiate(self, cls: Tag, args: tuple[Tag, ...]) -> Tag:
        """Judge INST and OBJ: a call, but for a class of `globals` without arguments."""
        if type(cls) is not Import or args or cls.path in names.HELPERS:
            return self.call(cls, make_tuple(args))
        if cls.decision == "ask":
            self.oblige(cls, "called")
            return Object(cls, "call", EMPTY_TUPLE)
        if not self.tracing and (self.may_call(cls.path) or not self.may_reference(cls.path)):
            return self.call(cls, EMPTY_TUPLE)
        self._instantiated(cls)
        self.oblige(cls, "no-initargs")
        self.check_received(cls, ())
        return Object(cls, "new", EMPTY_TUPLE)

    # ---- helpers whose arguments are checked ------------------------------------------------------------------------

    _SPECIAL = {  # noqa: RUF012 - read only
        names.RECONSTRUCTOR: "_reconstruct",
        names.NEWOBJ: "_newobj",
        names.NEWOBJ_EX: "_newobj_ex",
        names.ENCODE: "_encode",
        names.TYPE: "_type",
        names.GETATTR: "_getattr",
    }

    def _misuse(self, helper: Import, sentence: str) -> Tag:
        self.refuse("helper-arguments", helper.path, sentence)
        return Object(helper, "call")

    def _reconstruct(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        helper.uses.add("helped")
        base = items[1] if len(items) == 3 else None
        if len(items) != 3 or type(items[0]) is not Import or type(base) is not Import or base.path not in names.BASES:
            return self._misuse(
                helper, "copyreg._reconstructor takes a class, a builtin base class and a state, as pickle writes them."
            )
        cls, state = items[0], items[2]
        name = base.path.rpartition(".")[2]
        if not self._fits(name, state):
            sentence = f"copyreg._reconstructor is given {describe(state)} for the base builtins.{name}."
            return self._misuse(helper, sentence)
        if base.decision != "allow":
            sentence = f"The stream uses {base.path} as a base, which was imported before as a name without entry."
            self.refuse("import-not-allowed", base.path, sentence, ("globals", base.path))
        if type(state) is Container or type(state) is Tuple:
            self.release(state)
            self.charge(state.cost if name in ("dict", "set", "frozenset") else 0, 1)
        cls.odd_items |= state is not None
        if self._allow_new(cls):
            self._instantiated(cls)
            self.oblige(cls, "base", name)
            self.check_received(cls, (state,))
        return Object(cls, "new", None)

    def _fits(self, base: str, state: Tag) -> bool:
        kind = type(state)
        if base == "object":
            return state is None
        if base in ("list", "tuple", "set", "frozenset"):
            return kind in (Container, Tuple, Frozen) or self._plain_result(state)
        if base == "dict":
            return kind is Container and state.kind == "dict"
        if base == "str":
            return kind in (str, ByteText) or state is LONG_TEXT
        if base in ("bytes", "bytearray"):
            return kind is Bytes or self._plain_result(state)
        if base == "int":
            return kind in (int, bool) or is_long(state)
        return kind in (int, bool) or state is FLOAT or is_long(state) or self._plain_result(state)

    def _plain_result(self, state: Tag) -> bool:
        return (
            type(state) is Object
            and state.how == "call"
            and state.origin is not None
            and state.origin.path in names.PLAIN_RESULTS
        )

    def _newobj(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        helper.uses.add("helped")
        if not items:
            return self._misuse(helper, "copyreg.__newobj__ is called without a class.")
        return self.new(items[0], make_tuple(items[1:]))

    def _newobj_ex(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        helper.uses.add("helped")
        if len(items) != 3 or type(items[1]) is not Tuple:
            return self._misuse(helper, "copyreg.__newobj_ex__ takes a class, a tuple and a dict.")
        return self.new(items[0], items[1], items[2])

    def _encode(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        helper.uses.add("helped")
        if len(items) != 2 or items[1] != "latin1" or not (type(items[0]) is str or items[0] is LONG_TEXT):
            return self._misuse(helper, "_codecs.encode takes a text and 'latin1', as pickle writes bytes.")
        return Bytes(0, 0)

    def _type(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        helper.uses.add("helped")
        of = items[0] if len(items) == 1 else FLOAT
        if of is not None and not (type(of) is Import and of.path in names.SINGLETONS and of.decision == "allow"):
            return self._misuse(helper, "builtins.type takes one of None, Ellipsis, NotImplemented, and nothing else.")
        return CLASS

    # ---- getattr ----------------------------------------------------------------------------------------------------

    def _getattr(self, helper: Import, items: tuple[Tag, ...]) -> Tag:
        helper.uses.add("helped")
        if len(items) != 2 or type(items[1]) is not str or not items[1].isidentifier():
            return self._misuse(helper, "getattr takes an imported class or an object, and a name written as a text.")
        owner, name = items
        if type(owner) is Import:
            return self._attribute(owner, name)
        return self._method(helper, owner, name)

    def _attribute(self, owner: Import, name: str) -> Tag:
        path = f"{owner.path}.{name}"
        if owner.decision == "ask":
            self.oblige(owner, "attribute-asked", name)
        elif not self.may_reference(path) or owner.decision == "stub":
            sentence = f"The stream takes the attribute {name} of {owner.path}, which the policy does not allow."
            self.refuse("import-not-allowed", path, sentence, ("globals", path))
            return Object(None, "call")
        found = self.derive(owner, name)
        self.oblige(owner, "attribute", name)
        return found

    def _method(self, helper: Import, owner: Tag, name: str) -> Tag:
        origin: Import | None = owner.origin if type(owner) is Object else None
        if origin is not None and origin.path not in names.HELPERS:
            holder = origin.path
        elif type(owner) is Container:
            holder = f"builtins.{owner.kind}"
        elif type(owner) in _BUILTIN_OWNERS:
            holder = f"builtins.{_BUILTIN_OWNERS[type(owner)]}"
        else:
            return self._misuse(helper, f"The stream takes the attribute {name} of {describe(owner)}.")
        path = f"{holder}.{name}"
        if name.startswith("__"):
            return self._misuse(helper, f"The stream takes the special method {path} of an object.")
        replaces = origin is not None and owner.how == "new" and self.may_call(path) and not names.hands_on(path)
        asked = origin if origin is not None and origin.decision == "ask" else None
        if asked is not None:
            self.oblige(asked, "method-called" if replaces else "method-asked", name)
        elif not self.may_reference(path) or path in self._instances:
            sentence = f"The stream binds the method {path}, which the policy does not allow."
            self.refuse("import-not-allowed", path, sentence, ("globals", path))
            return BOUND
        if origin is not None:
            self.oblige(origin, "method" if owner.how == "new" else "result-method", name)
        if self.tracing:
            module, _, qualname = holder.rpartition(".")
            bound = Import(-1, self._at, "REDUCE", module, qualname, 4, (holder, name), "allow")
            self.needs.append(bound)
            return bound_method(bound)
        known = asked is not None or (origin is not None and origin.decision == "allow" and not self.settings.renames)
        return LISTED if known and replaces else BOUND


def make_tuple(items: tuple[Tag, ...]) -> Tuple:
    """Make the tag of a tuple."""
    return Tuple(items) if items else EMPTY_TUPLE
