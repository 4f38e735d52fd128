"""Which rule finds what: one small class for each, read by the real extractor."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import pytest

from pickleball_generate import inference
from pickleball_generate.errors import ClassNotFound
from pickleball_generate.inference import Options, infer, locate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pickleball_generate.facts import Environment

PARTS = """
import enum
from collections import OrderedDict, namedtuple

class Part:
    pass

class Other(Part):
    pass

class Late:
    pass

class Kept:
    def __init__(self, content=None):
        self.content = content

class Temporary:
    pass

class Colour(enum.Enum):
    RED = 1

class Failure(ValueError):
    pass

class Names(dict):
    pass

class Row(OrderedDict):
    pass

Point = namedtuple("Point", "x y")

def make():
    made = Other()
    return made

def activation(x):
    return x
"""


@dataclass(frozen=True)
class Case:
    """The body of class Model, and what its policy holds beside it."""

    name: str
    body: str
    globals: str = ""
    reduces: str = ""
    not_there: str = ""
    top: str = ""


CASES = [
    Case(
        "method_replaced",
        "def __init__(self):\n  self.load = activation\n  self.other = make\n def load(self):\n  pass",
        globals="lib.parts.make",
        reduces="lib.parts.activation",
    ),
    Case("constructor", "def __init__(self):\n  self.part = Part()", "lib.parts.Part", not_there="lib.parts.Other"),
    Case("returned", "def fit(self):\n  self.part = make()", "lib.parts.Other"),
    Case("local", "def fit(self):\n  x = Part()\n  y = x\n  self.part = y", "lib.parts.Part"),
    Case("conditional", "def fit(self, x=None):\n  self.part = x or (Part() if x else Late())",
         "lib.parts.Part lib.parts.Late"),
    Case("temporary", "def fit(self):\n  x = Temporary()\n  self.n = x.count()", not_there="lib.parts.Temporary"),
    Case("list_append", "def fit(self):\n  self.parts = []\n  self.parts.append(Part())", "lib.parts.Part"),
    Case("list_display", "def fit(self):\n  self.parts = [(1, Part())]", "lib.parts.Part"),
    Case("list_comprehension", "def fit(self):\n  self.parts = [make() for _ in range(3)]", "lib.parts.Other"),
    Case("tuple_in_front_of_itself", "def fit(self):\n  parts = ()\n  for _ in 'ab':\n    parts = (Part(), *x) + parts"
         "\n  self.parts = parts", "lib.parts.Part"),
    Case("tuple_that_grows", "def fit(self):\n  parts = (Late(),)\n  for _ in 'ab':\n    parts = (Part(),) + parts\n"
         "  self.parts = parts", "lib.parts.Part lib.parts.Late"),
    Case("the_names_of_a_body", "def fit(self):\n  part = Part()\n  self.kept = dict(locals())", "lib.parts.Part"),
    Case("key_without_letters", "def fit(self):\n  self.part = vars(self).get('') or Part()", "lib.parts.Part"),
    Case("cached_property", "@cached_property\n def part(self):\n  return Part()\n @property\n def other(self):\n"
         "  return Late()", "lib.parts.Part", not_there="lib.parts.Late", top="from functools import cached_property"),
    Case("dict_store", "def fit(self):\n  self.parts = {}\n  self.parts['a'] = Part()", "lib.parts.Part"),
    Case("dict_keys", "def fit(self):\n  self.parts = {Late(): 1}", "lib.parts.Late"),
    Case("dict_update", "def fit(self):\n  self.parts = dict(a=Part())\n  self.parts.update(b=Late())",
         "lib.parts.Part lib.parts.Late"),
    Case("decorator_that_calls_by_a_table", "@kept\n def fit(self):\n  self.part = Part()", "lib.parts.Part",
         top="TABLE = {}\ndef kept(method):\n def run(self):\n  return TABLE['a'](self)\n return run"),
    Case("text_is_no_index_of_a_list", "def fit(self):\n  parts = [Part()]\n  self.part = parts['a']",
         not_there="lib.parts.Part"),
    Case("text_stores_into_no_list", "def fit(self):\n  self.parts = []\n  self.parts['a'] = Part()",
         not_there="lib.parts.Part"),
    Case("places_of_a_list_are_not_in_it", "def fit(self):\n  self.parts = []\n  self.parts[Late()] = Part()",
         "lib.parts.Part", not_there="lib.parts.Late"),
    Case("list_extended_by_a_dict", "def fit(self):\n  self.parts = []\n  self.parts.extend({Late(): Part()})",
         "lib.parts.Late", not_there="lib.parts.Part"),
    Case("list_as_named_arguments", "def fit(self):\n  parts = [Part()]\n  self.kept = Kept(**parts)",
         "lib.parts.Kept", not_there="lib.parts.Part"),
    Case("dicts_in_each_other", "def fit(self):\n  a, c = {}, {}\n  b = {'a': a}\n  a['b'] = b\n  c.update(a)\n"
         "  c.update(b)\n  d = dict(c)\n  b['part'] = Part()\n  a['late'] = Late()\n  self.kept = d",
         "lib.parts.Part lib.parts.Late"),
    Case("loop", "def fit(self):\n  for at, part in enumerate([Part()]):\n    self.part = part", "lib.parts.Part"),
    Case("zipped", "def fit(self):\n  for a, b in zip([Part()], [Late()]):\n    self.part = b", "lib.parts.Late",
         not_there="lib.parts.Part"),
    Case("unpacked", "def fit(self):\n  self.a, b = Part(), Late()", "lib.parts.Part", not_there="lib.parts.Late"),
    Case("setattr_constant", "def fit(self):\n  setattr(self, 'part', Part())", "lib.parts.Part"),
    Case("setattr_name", "def fit(self, name):\n  setattr(self, name, Part())", "lib.parts.Part"),
    Case("dict_of_instance", "def fit(self):\n  self.__dict__.update(part=Part())", "lib.parts.Part"),
    Case("stored_from_outside", "def fit(self):\n  attach(self)", "lib.parts.Late",
         top="def attach(model):\n  model.late = Late()"),
    Case("argument", "def __init__(self, part):\n  self.part = part\n def copy(self):\n  return Model(Late())",
         "lib.parts.Late"),
    Case("default", "def __init__(self, part=Part()):\n  self.part = part", "lib.parts.Part"),
    Case("annotated_parameter", "def __init__(self, part: 'Part | None'):\n  self.part = part\n def g(self, x: Late):\n"
         "  self.late = x", "lib.parts.Late"),
    Case("annotated_attribute", "part: Part", "lib.parts.Part"),
    Case("annotated_list", "parts: list[Part]", "lib.parts.Part"),
    Case("annotation_in_a_text", "def __init__(self, a: 'Part | None', b: 'dict[str, list[Late]]', \n"
         "   c: 'Kept(1) | Temporary()', d: '1 +'):\n  self.a = a\n  self.b = b\n  self.c = c\n  self.d = d",
         "lib.parts.Part lib.parts.Late", not_there="lib.parts.Kept lib.parts.Temporary"),
    Case("result_annotation", "def fit(self):\n  self.part = self.other()\n def other(self) -> Late:\n  return x()",
         "lib.parts.Late"),
    Case("constructor_of_the_base", "", "lib.parts.Part",
         top="class Base:\n def __init__(self, part=None):\n  self.part = part\nclass Mixed(Base):\n"
         " def __init__(self):\n  super().__init__(part=Part())"),
    Case("held_by_a_part", "def fit(self):\n  self.kept = Kept(Part())", "lib.parts.Kept lib.parts.Part"),
    Case("property", "@property\n def part(self):\n  return Part()\n def fit(self):\n  self.x = self.part",
         "lib.parts.Part"),
    Case("class_attribute", "kind = Part\n def fit(self):\n  self.part = self.kind()", "lib.parts.Part"),
    Case("registry", "def fit(self, name):\n  self.part = REGISTRY[name]()", "lib.parts.Part lib.parts.Late",
         top="REGISTRY = {'part': Part}\nREGISTRY['late'] = Late"),
    Case("module_attribute", "def fit(self):\n  self.part = getattr(lib.parts, 'Part')()", "lib.parts.Part",
         top="import lib.parts"),
    Case("class_by_reference", "def fit(self):\n  self.kind = Part", "lib.parts.Part"),
    Case("function_by_reference", "def fit(self):\n  self.act = activation", "lib.parts.activation"),
    Case("operand_of_an_augmented_assignment", "def fit(self, x):\n  self.x = Sum()\n  self.x |= Temporary()\n"
         "  self.y = x\n  self.y -= Less()", "lib.operand_of_an_augmented_assignment.Sum lib.parts.Late lib.parts.Part",
         not_there="lib.parts.Temporary lib.operand_of_an_augmented_assignment.Less",
         top="class Sum:\n def __or__(self, other):\n  return Late()\n"
         "class Less:\n def __rsub__(self, other):\n  return Part()"),
    Case("copy_of_a_choice", "def fit(self, x):\n  self.part = outer(x)", "lib.parts.Part", not_there="lib.parts.Late",
         top="import copy\nTABLE = {'a': Part()}\ndef outer(x):\n return inner(x)\n"
         "def inner(x):\n if x:\n  return copy.deepcopy(TABLE[x])\n return None"),
    Case("method_of_a_base", "def fit(self):\n  self.run = Near().content", "lib.method_of_a_base.Near.content",
         top="class Base:\n def content(self):\n  pass\nclass Near(Base):\n pass",
         not_there="lib.method_of_a_base.Base.content"),
    Case("wrapped_method", "@Colouring.red\n def fit(self):\n  pass\n @Colouring.late\n def tell(self):\n  pass",
         "lib.parts.Late lib.parts.Part", not_there="lib.parts.Other", top="""
class Colouring:
    @classmethod
    def red(cls, function):
        def inner(model, *args):
            cls.paint(model, Part())
            return function(model, *args)
        return inner
    @staticmethod
    def late(function):
        def inner(model, *args):
            model.late = Late()
            unseen = Other()
            return function(model, *args)
        return inner
    @classmethod
    def paint(cls, model, what):
        model.colour = what"""),
    Case("bound_method", "def fit(self):\n  self.act = Kept().run", not_there="lib.parts.Other"),
    Case("partial", "def fit(self):\n  self.act = functools.partial(activation, Part())",
         "lib.parts.Part", "functools.partial lib.parts.activation", top="import functools"),
    Case("enum_member", "def fit(self):\n  self.colour = Colour.RED\n  self.c: Colour = x()", "", "lib.parts.Colour"),
    Case("exception", "def fit(self):\n  self.error = Failure('x')", "", "lib.parts.Failure"),
    Case("dict_subclass", "def fit(self):\n  self.names = Names()", "lib.parts.Names"),
    Case("ordered_dict_subclass", "def fit(self):\n  self.row = Row(a=Part())", "lib.parts.Part", "lib.parts.Row"),
    Case("namedtuple", "def fit(self):\n  self.at = Point(Part(), 2)", "lib.parts.Point lib.parts.Part"),
    Case("foreign_container", "def fit(self):\n  self.row = OrderedDict(a=Part())", "lib.parts.Part",
         "collections.OrderedDict", top="from collections import OrderedDict"),
    Case("default_factory", "def fit(self):\n  self.row = defaultdict(Part)", "lib.parts.Part",
         "collections.defaultdict", top="from collections import defaultdict"),
    Case("set_of_values", "def fit(self):\n  self.seen = {1, 2}", "", "builtins.set"),
    Case("import_in_function", "def fit(self):\n  from lib.parts import Late as L\n  self.part = L()",
         "lib.parts.Late"),
    Case("getstate", "def __getstate__(self):\n  return {'late': Late()}", "lib.parts.Late"),
    Case("getnewargs", "def __getnewargs__(self):\n  return (Late(),)", "lib.parts.Late"),
    Case("reduce_to_function", "def __reduce__(self):\n  return make, (Part(),), {'a': Late()}",
         "lib.parts.Part lib.parts.Late", "lib.parts.make"),
    Case("reduce_to_class", "def __reduce__(self):\n  return type(self), ()", "", "lib.reduce_to_class.Model"),
    Case("reduce_changed", "def __reduce__(self):\n  result = make, (Late(),)\n  return result", "lib.parts.Late",
         "lib.parts.make"),
    Case("reduce_of_the_base", "def __reduce_ex__(self, protocol):\n  return super().__reduce_ex__(protocol)\n"
         " def fit(self):\n  self.part = Part()", "lib.parts.Part"),
    Case("dataclass", "", "lib.parts.Part lib.parts.Late",
         top="from dataclasses import dataclass, field\n@dataclass\nclass Mixed:\n part: Part\n"
         " more: list = field(default_factory=lambda: [])\n def fit(self):\n  self.more.append(Late())"),
    Case("generated_constructor_of_the_base", "", "lib.parts.Late lib.parts.Part",
         top="from dataclasses import dataclass\n@dataclass\nclass Settings:\n width: int\n kind: object\n"
         "class Mixed(Settings):\n def __init__(self, kind=None):\n  if kind is None:\n   kind = Late\n"
         "  super().__init__(4, kind)\n def fit(self):\n  self.part = self.kind()\n  self.kept = More(part=Part())\n"
         "class More(Mixed):\n part: object\n def __init__(self, part):\n  super(Mixed, self).__init__(4, part)"),
    Case("with_statement", "def fit(self):\n  with Kept(Part()) as kept:\n   self.part = kept", "lib.parts.Kept"),
    Case("walrus", "def fit(self):\n  x = [part := Part()]\n  self.part = part", "lib.parts.Part"),
    Case("generator", "def parts(self):\n  yield Part()\n def fit(self):\n  self.all = list(self.parts())",
         "lib.parts.Part"),
    Case("global_variable", "def fit(self):\n  self.part = DEFAULT", "lib.parts.Part", top="DEFAULT = Part()"),
    Case("nested_class", "class Inner:\n  pass\n def fit(self):\n  self.inner = Model.Inner()",
         "lib.nested_class.Model.Inner"),
    Case("made_by_another_class", "def __init__(self, results):\n  self.results = results", "lib.parts.Late",
         not_there="lib.made_by_another_class.Trainer",
         top="class Trainer:\n def fit(self):\n  return Model(Late())"),
    Case("changed_by_its_maker", "pass", "lib.parts.Late",
         top="def train():\n model = Model()\n model.late = Late()\n return model"),
    Case("handed_on_to_its_maker", "def __init__(self, results):\n  self.results = results", "lib.parts.Late",
         not_there="lib.handed_on_to_its_maker.Trainer",
         top="class Trainer:\n kinds = property(lambda self: self.kind())\n def kind(self):\n  return {'fit': Model}\n"
         " def fit(self):\n  return self.kind()['fit'](Late())"),
    Case("chosen_far_away", "def fit(self, x):\n  self.part = near(x)", "lib.parts.Late",
         top="def near(x):\n return chosen(x)(x)\ndef chosen(x):\n if x:\n  kind = Late\n"
         " else:\n  kind = None\n return kind"),
    Case("made_far_away", "def fit(self, x):\n  self.part, self.n = near(x)\n  self.size = size(x)", "lib.parts.Late",
         not_there="lib.parts.Temporary",
         top="def near(x):\n made, n = far(x)\n return made, n\ndef far(x):\n made = Late(x)\n return made, made.n\n"
         "def size(x):\n return measured(x)\ndef measured(x):\n made = x()\n made.x = farther(x)\n return made\n"
         "def farther(x):\n return Temporary()"),
    Case("frozen_set", "def fit(self):\n  self.seen = frozenset([1])", "", "builtins.frozenset"),
    Case("complex_number", "def fit(self, x):\n  self.root = complex(x)", "", "builtins.complex"),
    Case("made_in_its_module", "def fit(self, x):\n  self.rows = x()", "", "collections.OrderedDict",
         not_there="builtins.ValueError",
         top="from collections import OrderedDict\ndef rows():\n if x:\n  raise ValueError(x)\n return OrderedDict()"),
    Case("made_by_a_function_of_a_pack", "def fit(self):\n  self.at = ipaddress.ip_address('::1')", "",
         "ipaddress.IPv4Address", top="import ipaddress"),
    Case("given_back_by_a_function", "def fit(self):\n  self.part = copied(Part())", "lib.parts.Part",
         top="def copied(x):\n return x.__class__(**x.state())"),
    Case("value_of_a_member", "def fit(self, name):\n  self.part = Kinds[name].value()", "lib.parts.Part",
         top="import enum\nclass Kinds(enum.Enum):\n A = Part\n _B = Late", not_there="lib.parts.Late"),
    Case("every_member", "def fit(self):\n  for kind in Colour:\n   self.kind = kind", "", "lib.parts.Colour"),
    Case("constructor_of_a_foreign_base", "", "lib.parts.Part", "lib.constructor_of_a_foreign_base.Mixed",
         top="from collections import defaultdict\nclass Mixed(defaultdict):\n def __init__(self):\n"
         "  defaultdict.__init__(self, Part)"),
    Case("overloaded_constructor", "def fit(self):\n  self.kept = Box(Part())", "lib.parts.Part",
         top="from typing import overload\nclass Box:\n @overload\n def __init__(self, x: int): ...\n"
         " def __init__(self, *parts):\n  for at, part in enumerate(parts):\n   self.put(str(at), part)\n"
         " def put(self, name, part):\n  self.inner = part"),
    Case("given_by_a_caller_of_its_maker", "def __init__(self, kind):\n  self.part = kind()", "lib.parts.Late",
         top="def small():\n return build(Late)\ndef build(kind):\n return Model(kind)"),
    Case("sink_by_reference", "def fit(self):\n  self.run = os.system", not_there="os.system posix.system",
         top="import os"),
    Case("sink_as_callee", "def __reduce__(self):\n  return os.system, ('true',)", not_there="os.system posix.system",
         top="import os"),
    Case("dicts_apart", "def fit(self):\n  self.names = OrderedDict()\n  self.others()\n def others(self):\n"
         "  x = OrderedDict()\n  x['a'] = Temporary()\n  return len(x)", "", "collections.OrderedDict",
         not_there="lib.parts.Temporary", top="from collections import OrderedDict"),
    Case("declared_dicts_apart", "def fit(self, x: dict, y: dict):\n  self.names = x\n  y['a'] = Temporary()\n"
         "  x['b'] = Part()", "lib.parts.Part", not_there="lib.parts.Temporary"),
    Case("declared_dict_of_each_instance", "def fit(self):\n  self.inner = Holder()\n  x = Mixed()\n"
         "  x.parts['a'] = Temporary()", "lib.declared_dict_of_each_instance.Holder", not_there="lib.parts.Temporary",
         top="class Mixed:\n parts: dict\nclass Holder(Mixed):\n pass"),
    Case("declared_dict_of_an_instance", "parts: dict\n def fit(self):\n  y = self.parts\n  y['a'] = Part()",
         "lib.parts.Part"),
    Case("declared_queue", "def fit(self, x: deque, y: deque):\n  x.append(Part())\n  y.append(Temporary())\n"
         "  self.rows = x", "lib.parts.Part", "collections.deque", not_there="lib.parts.Temporary",
         top="from collections import deque"),
    Case("text_keeps_nothing", "def fit(self, x: str):\n  x[0] = Temporary()\n  x.late = Temporary()\n  self.x = x",
         not_there="lib.parts.Temporary"),
    Case("places_of_star_arguments", "def fit(self):\n  self.keep(*(Temporary(), Part()))\n"
         " def keep(self, *given):\n  self.put(*given)\n def put(self, name, part):\n  self.part = part",
         "lib.parts.Part", not_there="lib.parts.Temporary"),
    Case("star_arguments_after_others", "def fit(self):\n  self.put(1, *(2, Part()), Late())\n"
         " def put(self, a, b, part, late):\n  self.part = part\n  self.late = late", "lib.parts.Part lib.parts.Late"),
    Case("star_arguments_of_any_length", "def fit(self, more):\n  self.put(*[1, Part()])\n"
         " def put(self, a, part):\n  self.part = part", "lib.parts.Part"),
    Case("slice_of_star_arguments", "def fit(self):\n  self.keep(1, 2, Part())\n def keep(self, *given):\n"
         "  self.put(*given[1:])\n def put(self, name, part):\n  self.part = part", "lib.parts.Part"),
    Case("sum_of_tuples", "def fit(self):\n  self.keep(Part())\n def keep(self, *given):\n"
         "  self.put(*((1, Temporary()) + given))\n def put(self, a, b, part):\n  self.part = part", "lib.parts.Part",
         not_there="lib.parts.Temporary"),
    Case("sum_of_tuples_of_any_length", "def fit(self, x):\n  self.keep(1, 2)\n def keep(self, *given):\n"
         "  given += (Part(),)\n  self.put(*given)\n def put(self, a, b, part):\n  self.part = part",
         "lib.parts.Part"),
    Case("tuples_that_grow", "def fit(self):\n  x = (1,)\n  for _ in range(5):\n   x += x\n   x = (Part(), *x)\n"
         "   x = x + (1,) + x\n  self.rows = x", "lib.parts.Part"),
    Case("star_arguments_that_grow", "def fit(self):\n  self.keep(Part())\n def keep(self, *given):\n"
         "  self.keep(1, *given)\n  self.keep(*((1, 2) + given))\n  self.part = given[20]", "lib.parts.Part"),
    Case("star_arguments_that_grow_by_a_partial", "def fit(self):\n  self.keep(Part())\n def keep(self, *given):\n"
         "  functools.partial(self.keep, 1)(*given)\n  self.part = given[20]", "lib.parts.Part", "functools.partial",
         top="import functools"),
    Case("call_with_too_few_arguments", "def fit(self):\n  for f in (one, two):\n   self.x = f(1)", "lib.parts.Part",
         not_there="lib.parts.Temporary",
         top="def one(a, *, b=2):\n return Part()\ndef two(a, b, c):\n return Temporary()"),
    Case("call_with_too_many_arguments", "def fit(self):\n  for f in (one, two):\n   self.x = f(1, 2)",
         "lib.parts.Part", not_there="lib.parts.Temporary",
         top="def one(a, *more):\n return Part()\ndef two():\n return Temporary()"),
    Case("call_with_an_unknown_keyword", "def fit(self):\n  for f in (one, two):\n   self.x = f(b=2)",
         "lib.parts.Part", not_there="lib.parts.Temporary",
         top="def one(**more):\n return Part()\ndef two(a=1):\n return Temporary()"),
    Case("constructor_with_too_few_arguments", "def fit(self):\n  for kind in (Kept, Two):\n   self.x = kind(1)",
         "lib.parts.Kept", not_there="lib.constructor_with_too_few_arguments.Two",
         top="class Two:\n def __init__(self, a, b):\n  self.a = a"),
    Case("arguments_by_stars", "def fit(self, x, y):\n  self.a = two(*x)\n  self.b = three(1, **y)",
         "lib.parts.Part lib.parts.Late",
         top="def two(a, b):\n return Part()\ndef three(a, b, c):\n return Late()"),
    Case("arguments_through_a_decorator", "def fit(self):\n  self.a = two()\n  self.b = Two()",
         "lib.parts.Part lib.arguments_through_a_decorator.Two",
         top="@filled\ndef two(a, b):\n return Part()\n@filled\nclass Two:\n def __init__(self, a, b):\n  pass"),
    Case("arguments_of_another_definition", "def fit(self):\n  self.a = two()", "lib.parts.Part",
         top="try:\n def two(a, b):\n  return Part()\nexcept Exception:\n def two():\n  return Late()"),
    Case("function_in_a_class_body", "act = two\n def fit(self):\n  self.a = self.act(1)", "lib.parts.Part",
         top="def two(a, b):\n return Part()"),
    Case("call_in_a_condition", "def fit(self, x):\n  if seven(self, 1, 2, 3, 4, 5, 6):\n   pass", "lib.parts.Part",
         top="def seven(model, a, b, c, d, e, f):\n model.part = Part()"),
    Case("constructor_by_a_metaclass", "def fit(self):\n  self.a = Two()", "lib.constructor_by_a_metaclass.Two",
         top="class Meta(type):\n def __call__(cls):\n  return super().__call__(1, 2)\n"
         "class Two(metaclass=Meta):\n def __init__(self, a, b):\n  pass"),
    Case("constructor_of_a_new_object", "def fit(self):\n  self.a = Two(1)", "lib.constructor_of_a_new_object.Two",
         top="class Two:\n def __new__(cls, a):\n  made = object.__new__(cls)\n  return made\n"
         " def __init__(self, a, b):\n  pass"),
    Case("argument_of_a_mapped_function", "def fit(self, x):\n  self.a = list(map(two, [1], [2]))", "lib.parts.Part",
         top="def two(a, b):\n return Part()"),
    Case("dict_augmented", "def fit(self):\n  self.x = {}\n  self.x |= {'a': Part()}", "lib.parts.Part"),
    Case("list_augmented", "def fit(self):\n  self.x = []\n  self.x += (Part(),)", "lib.parts.Part"),
    Case("set_augmented", "def fit(self):\n  self.x = {1}\n  self.x |= {Part()}\n  self.x ^= {Late()}",
         "lib.parts.Part lib.parts.Late", "builtins.set"),
    Case("dict_is_not_added_to", "def fit(self, x):\n  self.x = {}\n  y = self.x if x else 1\n  y += [Temporary()]\n",
         not_there="lib.parts.Temporary"),
    Case("keyword_with_a_number", "def fit(self):\n  f = functools.partial(self.put, x1=Part())\n"
         "  g = functools.partial(f, x2=Late())\n  g()\n def put(self, x1, x2):\n  self.part = x1\n  self.late = x2",
         "lib.parts.Part lib.parts.Late", "functools.partial", top="import functools"),
    Case("partials_in_partials", "def fit(self):\n  f = functools.partial(self.put, Part())\n"
         "  g = functools.partial(f, late=Late())\n  g(b=1)\n def put(self, part, b, late):\n  self.part = part\n"
         "  self.late = late", "lib.parts.Part lib.parts.Late", "functools.partial", top="import functools"),
    Case("partials_that_go_round", "def fit(self, x):\n  f = g = h = self.put\n  for _ in x:\n"
         "   f = functools.partial(f or g or h, Part())\n   g = functools.partial(h or f, late=Late())\n"
         "   h = functools.partial(f or g, 1)\n  f(1)\n  g(2)\n  h(3)\n def put(self, part, b, late):\n"
         "  self.part = part\n  self.late = late", "lib.parts.Part lib.parts.Late", "functools.partial",
         top="import functools"),
    Case("repeated_list", "def fit(self):\n  self.parts = [Part()] * 3", "lib.parts.Part"),
    Case("keyword_of_a_partial", "def fit(self):\n  make = functools.partial(self.put, part=Part())\n  make(1)\n"
         " def put(self, a, part):\n  self.part = part", "lib.parts.Part", "functools.partial",
         top="import functools"),
    Case("star_arguments_of_a_partial", "def fit(self):\n  self.keep(1, Part())\n def keep(self, *given):\n"
         "  functools.partial(self.put, *given)(Late())\n def put(self, a, part, late):\n  self.part = part\n"
         "  self.late = late", "lib.parts.Part lib.parts.Late", "functools.partial", top="import functools"),
    Case("item_by_constant_key", "def fit(self):\n  x = {'a': Part()}\n  x['b'] = Temporary()\n"
         "  self.part = x.pop('a')\n  self.late = x.setdefault('c', Late())", "lib.parts.Part lib.parts.Late",
         not_there="lib.parts.Temporary"),
    Case("item_by_unknown_key", "def fit(self, key):\n  x = {}\n  x[key] = Part()\n  self.part = x.get('a')",
         "lib.parts.Part"),
    Case("item_of_dict_of_instance", "def fit(self, x):\n  x = Kept()\n  x.late = Late()\n"
         "  self.part = x.__dict__.pop('late')", "lib.parts.Late", not_there="lib.parts.Kept"),
    Case("empty_names", "def fit(self):\n  setattr(self, '', Part())\n  self.late = self.__dict__.get('') or Late()",
         "lib.parts.Part lib.parts.Late"),
    Case("dict_of_instance_replaced", "def fit(self):\n  x = Kept()\n  x.late = Late()\n  self.put(x)\n"
         " def put(self, x):\n  self.__dict__ = x.__dict__.copy()", "lib.parts.Late", not_there="lib.parts.Kept"),
    Case("made_without_constructor", "def fit(self):\n  self.part = object.__new__(Part)\n"
         "  self.late = self.__new__(Late)", "lib.parts.Part lib.parts.Late"),
    Case("an_item_makes_by_its_method", "def fit(self, name):\n  self.part = Auto.load(name)",
         globals="lib.an_item_makes_by_its_method.Loaded",
         top="KINDS = {}\nclass Auto:\n @classmethod\n def load(cls, name):\n  kind = named(name)\n"
         "  if kind is None:\n   kind, _ = KINDS[name]\n  return kind.make(name)\n"
         "def named(name):\n if known(name):\n  return Loaded\n return None\n"
         "def known(name):\n return len(name) > 1\n"
         "class Loaded:\n @classmethod\n def make(cls, name):\n  return cls()\n"),
    Case("getattr_is_not_asked_for_what_all_objects_have", "def fit(self):\n  self.copy = self.__class__\n"
         " def __getattr__(self, name):\n  return Temporary()", not_there="lib.parts.Temporary"),
    Case("declared_tuple", "def fit(self, x: 'tuple[Temporary, Part]'):\n  self.put(*x)\n def put(self, a, part):\n"
         "  self.part = part", "", not_there="lib.parts.Temporary"),
    Case("tuple_does_not_change", "def fit(self, x):\n  y = (1,)\n  y.append(Temporary())\n  y[0] = Temporary()\n"
         "  self.part = y", not_there="lib.parts.Temporary"),
    Case("state_added_to_a_reduced_value", "def __reduce__(self):\n  x = (make, ())\n  return x + ({'a': Late()},)",
         "lib.parts.Late", "lib.parts.make"),
    Case("decorated_method_of_a_base", "", "lib.parts.Late",
         top="def kept(method):\n def call(self, how, *rest):\n  self.how = self._make(how)\n"
         "  method(self, how)\n  return self\n return call\n"
         "class Base:\n def _make(self, how):\n  return Late()\n @kept\n def fit(self, how):\n  pass\n"
         "class Mixed(Base):\n def fit(self, how=None):\n  return super().fit(how)"),
    Case("constructor_beside", "def __init__(self):\n  self.made = datetime.datetime.now()",
         reduces="datetime.datetime", top="import datetime"),
    Case("function_inside", "def fit(self):\n  def wrapped():\n   return 1, far(2)\n  one, self.part = wrapped()",
         "lib.parts.Late", top="def far(x):\n part = Kept()\n part.content = make_late()\n return part\n"
         "def make_late():\n late = Late()\n return late"),
    Case("function_that_calls_itself", "def fit(self, kind):\n  self.chosen = first(kind)",
         "lib.parts.Late lib.function_that_calls_itself.Held",
         top="def first(kind):\n return Kept(choose(kind))\ndef choose(kind):\n named = {'late': Kept(Late())}\n"
         " if isinstance(kind, str):\n  return choose(named[kind])\n return Held(kind)\n"
         "class Held:\n def __init__(self, content):\n  self.content = content"),
    Case("list_that_a_function_fills", "def fit(self, rows):\n  self.all = list(Runner(task)(rows))", "lib.parts.Late",
         top="def task(rows):\n found = []\n for row in rows:\n  part = Late()\n  found.append(part)\n return found\n"
         "class Runner:\n def __init__(self, function):\n  self.function = function\n"
         " def __call__(self, rows):\n  return self.function(rows)"),
    Case("method_that_gives_its_object", "def fit(self):\n  self.best = step(1)",
         "lib.method_that_gives_its_object.Learner",
         top="class Learner:\n def fit(self, x):\n  return self\n"
         "def step(x):\n found = []\n found.append(Learner().fit(x))\n return found[0]"),
    Case("lambda_that_is_called", "def __init__(self, kind=None):\n  self.a = {'x': lambda m: Late()}[kind](1)\n"
         "  self.b = list(map(lambda i: Temporary(), range(3)))\n  self.c = Settings()",
         "lib.parts.Late lib.parts.Temporary lib.parts.Kept",
         top="from dataclasses import dataclass, field\n"
         "@dataclass\nclass Settings:\n kept: object = field(default_factory=lambda: Kept())"),
    Case("lambda_as_a_factory", "def __init__(self):\n  self.d = defaultdict(lambda: Late())", "lib.parts.Late",
         "collections.defaultdict", top="from collections import defaultdict"),
    Case("function_that_a_runner_is_given", "start = Learner()\n def fit(self, rows):\n"
         "  self.all = Runner(2)((trained, (copy.copy(self.start),)) for row in rows)",
         "lib.function_that_a_runner_is_given.Learner",
         top="import copy\nclass Learner:\n def fit(self, x):\n  return self\ndef trained(part):\n return part.fit(1)\n"
         "class Runner:\n def __init__(self, number):\n  self.number = number\n"
         " def __call__(self, jobs):\n  return list(self.run(jobs))\n"
         " def run(self, jobs):\n  for function, given in jobs:\n   yield function(*given)"),
    Case("fields_by_keywords", "def fit(self):\n  self.fields = Fields(part=Part(), other=Temporary())",
         "lib.parts.Part lib.parts.Late", not_there="lib.parts.Temporary",
         top="from checker import Field, check\nclass Checked:\n def __init__(self, /, **data):\n  check(self, data)\n"
         "class Fields(Checked):\n part: object = None\n late: object = Field(default_factory=Late)"),
    Case("item_that_a_table_makes", "def __init__(self, key):\n  self.part = chosen(key)", "lib.parts.Kept",
         top="class Table(OrderedDict):\n def __getitem__(self, key):\n  content = super().__getitem__(key)\n"
         "  kind, size = content if isinstance(content, tuple) else (content, 1)\n  return kind(size)\n"
         "TABLE = Table({'kept': (Kept, 1), 'late': Late})\ndef chosen(key):\n if key in TABLE:\n"
         "  return TABLE[key]\n raise KeyError(key)"),
    Case("field_of_a_named_tuple", "Row = namedtuple('Row', 'a, b')\n def __init__(self):\n"
         "  self.x = self.Row(Temporary(), Late()).b", "lib.parts.Late", not_there="lib.parts.Temporary"),
    Case("registry_of_decorated_functions", "def __init__(self, kind, size):\n  self.part = make(kind, size)",
         "lib.parts.Late lib.parts.Temporary",
         top="Entry = namedtuple('Entry', ('title', 'value'))\n"
         "class Registry:\n def __init__(self):\n  self.known = {}\n"
         " def add(self, name):\n  def put(function):\n   self.known[name] = Entry(name, function)\n"
         "   return function\n  return put\n"
         " def __getitem__(self, key):\n  name, *rest = key\n  return self.find(name, *rest)\n"
         " def find(self, name, *rest):\n  return look_up(name.upper(), self.known).value(*rest)\n"
         "def look_up(name, known, default=None):\n name = name.strip()\n"
         " if callable(known):\n  return known(name)\n return known[name]\n"
         "LAYERS = Registry()\n"
         "@LAYERS.add('part')\ndef part_of(size):\n kinds = (Late, Temporary)\n return kinds[size]\n"
         "def make(kind, size):\n layer = LAYERS[kind, size]\n return layer()"),
    Case("set_module", "", "",
         top="def set_module(name):\n return lambda cls: cls\n@set_module('lib')\nclass Mixed:\n pass"),
]  # fmt: skip
IMPORTS = "from lib.parts import *\nfrom lib.parts import make, activation, Point\n"
FILES = {
    "lib/__init__.py": "",
    "lib/parts.py": PARTS,
    "lib/facade.py": "from lib.constructor import Model as Renamed\n",
    "lib/stars.py": "from lib.facade import *\n",
    "lib/lazy/__init__.py": "def __getattr__(name):\n    return load(name)\n",
    "lib/lazy/inner.py": "class OnlyHere:\n    pass\n",
    "lib/tried.py": "try:\n    from lib.absent import Gone\nexcept ImportError:\n    class Gone:\n        pass\n",
    "writer/__init__.py": "",
    "writer/files.py": "from pickle import _Pickler as Pickler\n\n\nclass Wrapper:\n    pass\n\n\n"
    "class Unused:\n    pass\n\n\nclass FilePickler(Pickler):\n    def wrap(self, x):\n        return Wrapper()\n\n"
    "    def save(self, obj):\n        self.other = Unused()\n        return Pickler.save(self, self.wrap(obj))\n",
    "lib/written.py": "from writer.files import FilePickler\n\n\nclass Model:\n    pass\n",
}


def module(case: Case) -> str:
    """Write the module of a case."""
    body = f"class Model:\n {case.body}\n" if case.body else ""
    return f"{IMPORTS}{case.top}\n{body}"


@pytest.fixture(scope="session")
def rules(tmp_path_factory: pytest.TempPathFactory, environment_of: Callable[..., Environment]) -> Environment:
    """The facts of all cases."""
    root: Path = tmp_path_factory.mktemp("rules")
    files = FILES | {f"lib/{case.name}.py": module(case) for case in CASES}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return environment_of(root)


def model(case: Case) -> str:
    """Name the class of a case."""
    return f"lib.{case.name}.{'Model' if case.body else 'Mixed'}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_rule_finds_what_a_model_holds(case: Case, rules: Environment) -> None:
    """The policy has every name that the rule should give, and none that it should not."""
    policy = infer(rules, [model(case)], Options()).policy
    assert set(case.globals.split()) <= policy.globals
    assert set(case.reduces.split()) <= policy.reduces
    assert set(case.not_there.split()).isdisjoint(policy.globals | policy.reduces)


@pytest.mark.parametrize("case", [c for c in CASES if not c.reduces], ids=lambda case: case.name)
def test_nothing_is_callable_that_no_rule_asks_for(case: Case, rules: Environment) -> None:
    """A model of plain objects has an empty list of callables."""
    assert infer(rules, [model(case)], Options()).policy.reduces == frozenset()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_the_constraints_does_not_matter(seed: int, rules: Environment) -> None:
    """Whatever runs first, the policies are the same."""
    classes = [model(case) for case in CASES]
    assert (
        infer(rules, classes, Options(shuffle=Random(seed))).policy.dumps()
        == infer(rules, classes, Options()).policy.dumps()
    )


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("lib.constructor.Model", "lib.constructor.Model"),
        ("lib.facade.Renamed", "lib.constructor.Model"),
        ("lib.stars.Renamed", "lib.constructor.Model"),
        ("lib.lazy.OnlyHere", "lib.lazy.inner.OnlyHere"),
        ("lib.tried.Gone", "lib.tried.Gone"),
        ("lib.set_module.Mixed", "lib.Mixed"),
        ("lib.nested_class.Model.Inner", "lib.nested_class.Model.Inner"),
    ],
)
def test_a_class_has_the_name_that_pickle_writes(name: str, canonical: str, rules: Environment) -> None:
    """Re-exports, star imports, lazy modules and decorators lead to one canonical name."""
    assert locate(rules, name).name == canonical


def test_a_class_that_is_not_there_is_named_with_those_near_it(rules: Environment) -> None:
    """The error names classes that are spelled almost so."""
    with pytest.raises(ClassNotFound) as caught:
        locate(rules, "lib.parts.Temporery")
    assert caught.value.near == ["lib.parts.Temporary"]


def test_a_later_class_that_is_not_there_is_told_before_any_is_inferred(
    rules: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Minutes may pass with the first one."""
    monkeypatch.setattr(inference, "_solve", lambda *_: pytest.fail("it was inferred"))
    with pytest.raises(ClassNotFound, match="Modle"):
        infer(rules, [f"lib.{CASES[0].name}.Model", f"lib.{CASES[0].name}.Modle"], Options())


def test_what_a_pickler_wraps_around_objects_is_in_the_policy(rules: Environment) -> None:
    """A Pickler subclass of an imported package writes its own class into the stream; what it only makes is not."""
    policy = infer(rules, ["lib.written.Model"], Options()).policy
    assert "writer.files.Wrapper" in policy.globals
    assert "writer.files.Unused" not in policy.globals


def test_a_pickler_of_a_package_that_nobody_imports_counts_where_its_data_is_held(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """Anybody may write arrays with it: its wrapper is in the policy of what holds arrays, and in no other."""
    root = tree({
        "numpy/__init__.py": "", "saver/__init__.py": "", "lib/__init__.py": "",
        "saver/array_pickle.py": "import numpy\nfrom pickle import _Pickler\nclass Wrapper:\n    pass\n"
        "class ArrayPickler(_Pickler):\n    def save(self, obj):\n        return _Pickler.save(self, Wrapper())\n",
        "lib/model.py": "import numpy\nclass Model:\n    def fit(self):\n        self.x = numpy.zeros(1)\n",
        "lib/plain.py": "class Model:\n    pass\n",
    })  # fmt: skip
    environment = environment_of(root)
    assert "saver.array_pickle.Wrapper" in infer(environment, ["lib.model.Model"], Options()).policy.globals
    assert infer(environment, ["lib.plain.Model"], Options()).policy.globals == {"lib.plain.Model"}


def test_an_array_of_instances_holds_them(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """What is stored into an element of a computed value is held where that value is kept."""
    root = tree({
        "numpy/__init__.py": "", "lib/__init__.py": "",
        "lib/model.py": "import numpy\nclass Part:\n    pass\nclass Other:\n    pass\n"
        "class Model:\n    def fit(self, i):\n        self.x = numpy.empty((2, 2), dtype=object)\n"
        "        self.x[i, 0] = Part()\n        rest = numpy.empty(2, dtype=object)\n        rest[i] = Other()\n",
    })  # fmt: skip
    found = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert "lib.model.Part" in found.globals
    assert "lib.model.Other" not in found.globals


def test_a_function_that_is_not_followed_gives_back_what_it_returns(
    tree: Callable[[dict[str, str]], Path], environment_of: Callable[..., Environment]
) -> None:
    """`norm(Part())` of a package whose pack says what its functions compute: the part, where the source returns it."""
    root = tree({
        "torch/__init__.py": "",
        "torch/parts.py": "class Part:\n    pass\nclass Other:\n    pass\n"
        "def norm(part, dim=0):\n    return part\ndef mean(part):\n    return part.mean()\n",
        "lib/__init__.py": "",
        "lib/model.py": "from torch.parts import Other, Part, mean, norm\nclass Model:\n    def __init__(self):\n"
        "        self.one = [norm(Part(), dim=1)]\n        self.two = mean(Other())\n",
    })  # fmt: skip
    found = infer(environment_of(root), ["lib.model.Model"], Options()).policy
    assert "torch.parts.Part" in found.globals
    assert "torch.parts.Other" not in found.globals


@pytest.mark.parametrize("name", ["sink_by_reference", "sink_as_callee"])
def test_a_refused_callable_is_named_with_its_effect(name: str, rules: Environment) -> None:
    """What would need a sink stands in `refused`, with the chain that asked for it."""
    described = infer(rules, [f"lib.{name}.Model"], Options()).provenance["classes"][f"lib.{name}.Model"]
    assert [entry["effect"] for entry in described["refused"].values()] == ["process"]


def test_each_entry_says_where_it_comes_from(rules: Environment) -> None:
    """The chain leads from the model class over file and line to the entry."""
    described = infer(rules, ["lib.held_by_a_part.Model"], Options()).provenance["classes"]["lib.held_by_a_part.Model"]
    entry = described["globals"]["lib.parts.Part"]
    assert entry["kind"] == "needed"
    assert [link["holds"] for link in entry["chain"]] == [
        "an instance of lib.held_by_a_part.Model",
        "an instance of lib.parts.Kept",
        "an instance of lib.parts.Part",
    ]
    assert entry["chain"][1]["at"] == "lib/held_by_a_part.py:6"
