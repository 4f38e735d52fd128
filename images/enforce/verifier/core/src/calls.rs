//! Rules on what a stream may call and instantiate (calls.py).

use crate::machine::{Machine, Step};
use crate::memory::{ContainerKind, Made};
use crate::name::{ARRAY, Helper, Library};
use crate::report::{Decision, Import, Kind, List, say, uses};
use crate::tag::{NOT_LITERAL, Sort, Tag};
use crate::verifier::latest;

/// That what hashes its arguments was called without any: a bit of `Import::routine` beside those of `uses`.
const EMPTY_CALL: u8 = 1;

impl Machine<'_> {
    pub(crate) fn path_of(&self, index: usize) -> Vec<u8> {
        self.v.memory.imports[index].path.clone()
    }

    pub(crate) fn note_use(&mut self, index: usize, use_: u8) {
        self.v.memory.put_to(index, use_);
    }

    fn nameless(&mut self, called: bool) -> Tag {
        self.v.memory.make_object(None, called)
    }

    fn result_of(&mut self, callee: usize) -> Tag {
        self.v.memory.make_object(Some(callee), true)
    }

    // ---- REDUCE -----------------------------------------------------------------------------------------------------

    /// Judges a call and gives the tag of its result.
    pub(crate) fn call(&mut self, callee: Tag, args: Tag) -> Step<Tag> {
        if !callee.is(Sort::Import) {
            self.refuse_callee(callee);
            self.release(args);
            return Ok(self.nameless(true));
        }
        let index = callee.index();
        if !args.is(Sort::Tuple) {
            self.refuse_arguments(index, args);
            return Ok(self.result_of(index));
        }
        if self.is_routine(index, args, uses::CALL) {
            self.work(self.v.memory.tuple_length(args))?;
            self.count_routine(index);
            return Ok(self.result_of(index));
        }
        let facts = self.v.memory.import(callee).facts;
        if let Some(helper) = facts.helper {
            let items = self.v.memory.tuple_items(args).to_vec();
            return self.call_helper(index, helper, &items);
        }
        self.release(args);
        if self.allow_call(index) {
            self.note_use(index, uses::CALL);
            self.oblige(index, Kind::Callee, b"");
            if facts.literal_arguments {
                self.check_plain(index, args);
            }
            if facts.hashing {
                self.charge_hashing(args)?;
            }
            if facts.rebuilder {
                self.check_rebuilt(args);
            }
            self.check_arguments(index, args, None)?;
            if facts.partial {
                let items = self.v.memory.tuple_items(args).to_vec();
                self.check_handed_on(index, &items, &[])?;
            }
            if !facts.hashing && !facts.array_maker {
                self.v.memory.imports[index].routine |= uses::CALL;
            } else if args == Tag::EMPTY_TUPLE && !facts.array_maker {
                self.v.memory.imports[index].routine |= EMPTY_CALL;
            }
        }
        let result = self.result_of(index);
        if facts.array_maker && self.v.memory.tuple_length(args) > 0 {
            self.note_array(index, self.v.memory.tuple_item(args, 0), result);
        }
        Ok(result)
    }

    /// Whether nothing is new: the import was called, or instantiated, before, and gets literals, or nothing as before.
    #[inline(always)]
    pub(crate) fn is_routine(&self, import: usize, args: Tag, use_: u8) -> bool {
        let known = self.v.memory.imports[import].routine;
        let again = use_ == uses::CALL && known & EMPTY_CALL != 0 && args == Tag::EMPTY_TUPLE;
        again || known & use_ != 0 && self.v.memory.tuple(args).literal
    }

    /// Counts what hashing the members of a new set or dict costs that gets none.
    #[inline(always)]
    pub(crate) fn count_routine(&mut self, import: usize) {
        if self.v.memory.imports[import].routine & EMPTY_CALL != 0 {
            self.add_hash_cost(1);
        }
    }

    /// Notes that a call gives a plain array of numpy, if maker and class are what they are called.
    fn note_array(&mut self, maker: usize, first: Tag, result: Tag) {
        let stands_for_itself = |import: &Import| import.decision != Decision::Stub && import.parent.is_none();
        let class = first.is(Sort::Import).then(|| self.v.memory.import(first));
        let fits = match class {
            Some(class) => class.path == ARRAY && stands_for_itself(class),
            None => !self.v.memory.is_callable_like(first),
        };
        if !fits || !stands_for_itself(&self.v.memory.imports[maker]) {
            return;
        }
        if class.is_some_and(|class| class.decision == Decision::Ask) {
            self.v.memory.array_classes.insert(result.index(), first.index());
        }
        self.v.memory.object_mut(result).made = Made::Array;
    }

    /// Counts what hashing the members of a new set or dict costs; lists may have grown since the tuple was made.
    fn charge_hashing(&mut self, args: Tag) -> Step {
        let node = *self.v.memory.tuple(args);
        let (mut cost, mut depth) = (node.cost, node.depth);
        for &item in self.v.memory.tuple_items(args) {
            if item.is(Sort::Container) {
                cost = cost.saturating_add(self.v.memory.container(item).cost);
                depth = depth.max(self.v.memory.container(item).depth);
            }
        }
        self.charge(cost, u64::from(depth))
    }

    /// Checks the attributes that a rebuilding function sets on an instance of the class that it is given.
    fn check_rebuilt(&mut self, args: Tag) {
        let &[_, class, _, state] = self.v.memory.tuple_items(args) else { return };
        if !class.is(Sort::Import) {
            return;
        }
        let parts = if state.is(Sort::Tuple) { self.v.memory.tuple_items(state).to_vec() } else { vec![state] };
        for part in parts {
            if !self.v.memory.is_container(part, ContainerKind::Dict) {
                continue;
            }
            self.v.memory.container_mut(part).frozen = true;
            let entries = self.v.memory.entries(part);
            for (key, value) in latest(&entries, |key| self.text(key)) {
                if self.v.memory.is_callable_like(value) {
                    let key = self.text(key).to_vec();
                    self.oblige(class.index(), Kind::Shadow, &key);
                }
            }
        }
    }

    fn allow_call(&mut self, index: usize) -> bool {
        let import = &self.v.memory.imports[index];
        let (facts, decision) = (import.facts, import.decision);
        if decision == Decision::Ask {
            self.oblige(index, Kind::Called, b"");
            return true;
        }
        if self.may_call(facts) && decision != Decision::Stub && !(facts.library.is_some() && self.is_tracing()) {
            return true;
        }
        let path = self.path_of(index);
        if let Some(library) = facts.library {
            self.refuse_by_value(&path, library);
        } else {
            let sentence = say!("The stream calls ", &path, ", which the policy does not allow.");
            self.refuse("reduce-not-allowed", &path, sentence, Some(List::Reduces));
        }
        false
    }

    fn refuse_by_value(&mut self, path: &[u8], library: Library) {
        let sentence = say!(
            "The stream rebuilds code by value with ",
            path,
            " (",
            self.v.tables.library(library),
            "): a function or class was written into the file instead of its name. ",
            "Move it into a module that can be imported, and save the model again.",
        );
        self.refuse("code-by-value", path, sentence, None);
    }

    fn refuse_callee(&mut self, callee: Tag) {
        if callee.is(Sort::Object)
            && let Some(origin) = self.v.memory.object(callee).origin()
            && let Some(library) = self.v.memory.imports[origin].facts.library
        {
            let path = self.path_of(origin);
            self.refuse_by_value(&path, library);
            return;
        }
        let name = self.v.memory.describe(callee);
        let sentence = say!("The stream calls ", &name, "; only a name that it imports may be called.");
        self.refuse("callee-not-import", &name, sentence, None);
    }

    fn refuse_arguments(&mut self, callee: usize, args: Tag) {
        let (path, what) = (self.path_of(callee), self.v.memory.describe(args));
        let sentence =
            say!("The stream calls ", &path, " with ", &what, " where a tuple written in the stream belongs.");
        self.refuse("arguments-not-literal", &path, sentence, None);
    }

    fn check_plain(&mut self, callee: usize, args: Tag) {
        for position in 0..self.v.memory.tuple_length(args) {
            let item = self.v.memory.tuple_item(args, position);
            let listed = item.is(Sort::Import) && self.may_reference(self.v.memory.import(item).facts);
            let flags = self.v.memory.flags_of(item);
            if !listed && flags != 0 && !(item.is(Sort::Container) && flags & NOT_LITERAL == 0) {
                let (path, what) = (self.path_of(callee), self.v.memory.describe(item));
                let sentence = say!("The stream gives ", &what, " to ", &path, ", which takes literals only.");
                self.refuse("arguments-not-literal", &path, sentence, None);
            }
        }
    }

    // ---- NEWOBJ, NEWOBJ_EX, INST, OBJ -------------------------------------------------------------------------------

    /// Judges an instantiation by `cls.__new__` and gives the tag of the object.
    pub(crate) fn new_object(&mut self, class: Tag, args: Tag, kwargs: Option<Tag>) -> Step<Tag> {
        let class = self.identified_class(class);
        if !class.is(Sort::Import) {
            let what = self.v.memory.describe(class);
            let sentence =
                say!("The stream instantiates ", &what, "; only a class that it imports may be instantiated.");
            self.refuse("class-not-import", &what, sentence, None);
            self.release(args);
            return Ok(self.nameless(false));
        }
        let index = class.index();
        if !args.is(Sort::Tuple) {
            self.refuse_arguments(index, args);
            return Ok(self.v.memory.make_object(Some(index), false));
        }
        if kwargs.is_none() && self.is_routine(index, args, uses::INSTANCE) {
            let length = self.v.memory.tuple_length(args);
            self.v.memory.imports[index].odd_items |= length > 0;
            self.work(length)?;
            return Ok(self.v.memory.make_object(Some(index), false));
        }
        let kwargs = kwargs.filter(|tag| !tag.is(Sort::None));
        let named = kwargs.map(|tag| self.keyword_values(index, tag));
        self.release(args);
        let received =
            !self.v.memory.tuple_items(args).is_empty() || named.as_ref().is_some_and(|values| !values.is_empty());
        self.v.memory.imports[index].odd_items |= received; // what its __new__ may take for items
        if self.allow_new(index) {
            self.instantiated(index);
            let handed_on = self.v.memory.imports[index].facts.partial.then(|| named.clone().unwrap_or_default());
            self.check_arguments(index, args, named)?;
            if let Some(values) = handed_on {
                let items = self.v.memory.tuple_items(args).to_vec();
                self.check_handed_on(index, &items, &values)?;
            }
            self.v.memory.imports[index].routine |= uses::INSTANCE;
        }
        Ok(self.v.memory.make_object(Some(index), false))
    }

    fn identified_class(&mut self, class: Tag) -> Tag {
        if !class.is(Sort::Identified) || !self.v.settings.persistent_classes {
            return class;
        }
        let node = self.v.memory.identified[class.index()];
        if node.index < self.first_identified {
            return class;
        }
        let place = node.index - self.first_identified;
        if !self.persistent.iter().any(|&(known, _)| known == place) {
            self.persistent.push((place, node.candidate));
        }
        Tag::at(Sort::Import, node.candidate)
    }

    fn keyword_values(&mut self, class: usize, kwargs: Tag) -> Vec<Tag> {
        let is_dict = self.v.memory.is_container(kwargs, ContainerKind::Dict);
        if is_dict && self.v.memory.container(kwargs).texts && !self.v.memory.container(kwargs).overflow {
            let entries = self.v.memory.entries(kwargs);
            return latest(&entries, |key| self.text(key)).into_iter().map(|(_, value)| value).collect();
        }
        let (path, what) = (self.path_of(class), self.v.memory.describe(kwargs));
        let sentence = say!("The stream instantiates ", &path, " with ", &what, " as keyword arguments.");
        self.refuse("arguments-not-literal", &path, sentence, None);
        Vec::new()
    }

    fn allow_new(&mut self, index: usize) -> bool {
        let import = &self.v.memory.imports[index];
        let (facts, decision) = (import.facts, import.decision);
        if facts.helper == Some(Helper::Type) {
            let path = self.path_of(index);
            self.refuse("not-a-plain-class", &path, "The stream makes a class by builtins.type.", None);
            return false;
        }
        if decision == Decision::Ask {
            self.oblige(index, Kind::Instantiated, b"");
            return true;
        }
        let rebuilds = facts.library.is_some() && self.is_tracing();
        if self.may_reference(facts) && decision != Decision::Stub && !rebuilds {
            return true;
        }
        let path = self.path_of(index);
        if let Some(library) = facts.library {
            self.refuse_by_value(&path, library);
        } else {
            let sentence = say!("The stream instantiates ", &path, ", which the policy does not allow.");
            self.refuse("instance-not-allowed", &path, sentence, Some(List::Globals));
        }
        false
    }

    fn instantiated(&mut self, class: usize) {
        self.note_use(class, uses::INSTANCE);
        self.oblige(class, Kind::Class, b"");
    }

    /// Judges INST and OBJ: a call, but for a class of `globals` without arguments.
    pub(crate) fn instantiate(&mut self, class: Tag, args: &[Tag]) -> Step<Tag> {
        let plain = class.is(Sort::Import) && args.is_empty();
        if !plain || self.v.memory.import(class).facts.helper.is_some() {
            let args = self.v.memory.make_tuple(args);
            return self.call(class, args);
        }
        let index = class.index();
        let import = self.v.memory.import(class);
        let facts = import.facts;
        if import.decision == Decision::Ask {
            self.oblige(index, Kind::Called, b"");
            return Ok(self.result_of(index));
        }
        if !self.is_tracing() && (self.may_call(facts) || !self.may_reference(facts)) {
            return self.call(class, Tag::EMPTY_TUPLE);
        }
        self.instantiated(index);
        self.oblige(index, Kind::NoInitargs, b"");
        Ok(self.v.memory.make_object(Some(index), false))
    }

    // ---- helpers whose arguments are checked ------------------------------------------------------------------------

    fn call_helper(&mut self, helper: usize, which: Helper, items: &[Tag]) -> Step<Tag> {
        self.note_use(helper, uses::HELPED);
        match which {
            Helper::Reconstructor => self.reconstruct(helper, items),
            Helper::Newobj => match items.split_first() {
                None => Ok(self.misuse(helper, "copyreg.__newobj__ is called without a class.")),
                Some((&class, rest)) => {
                    let args = self.v.memory.make_tuple(rest);
                    self.new_object(class, args, None)
                }
            },
            Helper::NewobjEx => match *items {
                [class, args, kwargs] if args.is(Sort::Tuple) => self.new_object(class, args, Some(kwargs)),
                _ => Ok(self.misuse(helper, "copyreg.__newobj_ex__ takes a class, a tuple and a dict.")),
            },
            Helper::Encode => Ok(self.encode(helper, items)),
            Helper::Type => Ok(self.type_of(helper, items)),
            Helper::Getattr => self.get_attribute(helper, items),
        }
    }

    fn misuse(&mut self, helper: usize, sentence: impl Into<Vec<u8>>) -> Tag {
        let path = self.path_of(helper);
        self.refuse("helper-arguments", &path, sentence, None);
        self.result_of(helper)
    }

    fn reconstruct(&mut self, helper: usize, items: &[Tag]) -> Step<Tag> {
        let is_import = |tag: Tag| tag.is(Sort::Import);
        let &[class, base, state] = items else { return Ok(self.misuse_reconstructor(helper)) };
        if !is_import(class) || !is_import(base) || !self.v.memory.import(base).facts.base {
            return Ok(self.misuse_reconstructor(helper));
        }
        let base_path = self.path_of(base.index());
        let name = crate::name::split_last(&base_path).1;
        if !self.fits(name, state) {
            let what = self.v.memory.describe(state);
            let sentence = say!("copyreg._reconstructor is given ", &what, " for the base builtins.", name, ".");
            return Ok(self.misuse(helper, sentence));
        }
        if self.v.memory.import(base).decision != Decision::Allow {
            let how = " as a base, which was imported before as a name without entry.";
            let sentence = say!("The stream uses ", &base_path, how);
            self.refuse("import-not-allowed", &base_path, sentence, Some(List::Globals));
        }
        let cost = match state.sort() {
            Sort::Container => Some(self.v.memory.container(state).cost),
            Sort::Tuple => Some(self.v.memory.tuple(state).cost),
            _ => None,
        };
        if let Some(cost) = cost {
            self.release(state);
            let hashed = matches!(name, b"dict" | b"set" | b"frozenset");
            self.charge(if hashed { cost } else { 0 }, 1)?;
        }
        let index = class.index();
        self.v.memory.imports[index].odd_items |= !state.is(Sort::None);
        if self.allow_new(index) {
            self.instantiated(index);
            self.oblige(index, Kind::Base, name);
            self.check_received(index, &[state])?;
        }
        Ok(self.v.memory.make_object(Some(index), false))
    }

    fn misuse_reconstructor(&mut self, helper: usize) -> Tag {
        let sentence = "copyreg._reconstructor takes a class, a builtin base class and a state, as pickle writes them.";
        self.misuse(helper, sentence)
    }

    fn fits(&self, base: &[u8], state: Tag) -> bool {
        let sort = state.sort();
        match base {
            b"object" => sort == Sort::None,
            b"list" | b"tuple" | b"set" | b"frozenset" => {
                matches!(sort, Sort::Container | Sort::Tuple | Sort::Frozen) || self.is_plain_result(state)
            }
            b"dict" => self.v.memory.is_container(state, ContainerKind::Dict),
            b"str" => state.is_text() || state.is_byte_text() || sort == Sort::LongText,
            b"bytes" | b"bytearray" => sort == Sort::Bytes || self.is_plain_result(state),
            b"int" => matches!(sort, Sort::Int | Sort::Bool | Sort::Long),
            _ => matches!(sort, Sort::Int | Sort::Bool | Sort::Float | Sort::Long) || self.is_plain_result(state),
        }
    }

    fn is_plain_result(&self, state: Tag) -> bool {
        if !state.is(Sort::Object) || !self.v.memory.object(state).is_called() {
            return false;
        }
        let origin = self.v.memory.object(state).origin();
        origin.is_some_and(|index| self.v.memory.imports[index].facts.plain_result)
    }

    fn encode(&mut self, helper: usize, items: &[Tag]) -> Tag {
        if let &[text, encoding] = items
            && encoding.is_text()
            && self.text(encoding) == b"latin1"
            && (text.is_text() || text.is(Sort::LongText))
        {
            return Tag::plain(Sort::Bytes);
        }
        self.misuse(helper, "_codecs.encode takes a text and 'latin1', as pickle writes bytes.")
    }

    fn type_of(&mut self, helper: usize, items: &[Tag]) -> Tag {
        let fits = match *items {
            [of] if of.is(Sort::Import) => {
                let import = self.v.memory.import(of);
                import.facts.singleton && import.decision == Decision::Allow
            }
            [of] => of.is(Sort::None),
            _ => false,
        };
        if fits {
            return Tag::plain(Sort::Class);
        }
        self.misuse(helper, "builtins.type takes one of None, Ellipsis, NotImplemented, and nothing else.")
    }

    // ---- getattr ----------------------------------------------------------------------------------------------------

    fn get_attribute(&mut self, helper: usize, items: &[Tag]) -> Step<Tag> {
        if let &[owner, name] = items
            && name.is_text()
        {
            let name = self.text(name).to_vec();
            if self.is_identifier(&name)? {
                return Ok(if owner.is(Sort::Import) {
                    self.attribute(owner.index(), &name)
                } else {
                    self.method(helper, owner, &name)
                });
            }
        }
        let sentence = "getattr takes an imported class or an object, and a name written as a text.";
        Ok(self.misuse(helper, sentence))
    }

    fn is_identifier(&mut self, name: &[u8]) -> Step<bool> {
        if name.is_ascii() {
            let starts = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
            return Ok(starts && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'));
        }
        Ok(self.host.is_identifier(name)?)
    }

    fn attribute(&mut self, owner: usize, name: &[u8]) -> Tag {
        let import = &self.v.memory.imports[owner];
        let path = say!(&import.path, ".", name);
        if import.decision == Decision::Ask {
            self.oblige(owner, Kind::AttributeAsked, name);
        } else if import.decision == Decision::Stub || !self.may_reference_path(&path) {
            let of = say!(name, " of ", &import.path, ", which the policy does not allow.");
            let sentence = say!("The stream takes the attribute ", &of);
            self.refuse("import-not-allowed", &path, sentence, Some(List::Globals));
            return self.nameless(true);
        }
        let found = self.derive(owner, name);
        self.oblige(owner, Kind::Attribute, name);
        found
    }

    fn method(&mut self, helper: usize, owner: Tag, name: &[u8]) -> Tag {
        let origin = if owner.is(Sort::Object) { self.v.memory.object(owner).origin() } else { None };
        let builtin = match owner.sort() {
            Sort::Container => Some(self.v.memory.container(owner).kind.name()),
            Sort::Text | Sort::OwnText | Sort::ByteText | Sort::OwnByteText | Sort::LongByteText => Some("str"),
            Sort::Int => Some("int"),
            Sort::Bool => Some("bool"),
            Sort::Bytes => Some("bytes"),
            Sort::Tuple => Some("tuple"),
            _ => None,
        };
        let made = origin.filter(|&index| self.v.memory.imports[index].facts.helper.is_none());
        let holder = match (made, builtin) {
            (Some(index), _) => self.path_of(index),
            (None, Some(kind)) => say!("builtins.", kind),
            (None, None) => {
                let what = self.v.memory.describe(owner);
                return self.misuse(helper, say!("The stream takes the attribute ", name, " of ", &what, "."));
            }
        };
        let path = say!(&holder, ".", name);
        if name.starts_with(b"__") {
            return self.misuse(helper, say!("The stream takes the special method ", &path, " of an object."));
        }
        let asked = made.filter(|&index| self.v.memory.imports[index].decision == Decision::Ask);
        let facts = self.v.tables.facts(&path);
        let new = made.filter(|_| !self.v.memory.object(owner).is_called());
        let replaces = new.is_some() && self.may_call(facts) && !facts.hands_on(false);
        if let Some(index) = asked {
            self.oblige(index, if replaces { Kind::MethodCalled } else { Kind::MethodAsked }, name);
        } else if !self.may_reference(facts) || facts.instances_only {
            let sentence = say!("The stream binds the method ", &path, ", which the policy does not allow.");
            self.refuse("import-not-allowed", &path, sentence, Some(List::Globals));
            return Tag::plain(Sort::Bound);
        }
        if made.is_some() {
            self.oblige_instance(owner, Kind::Method, name);
        }
        if self.is_tracing() {
            return self.need_method(&holder, name);
        }
        let wanted = if self.v.settings.renames { Decision::Ask } else { Decision::Allow };
        let known = made.is_some_and(|index| self.v.memory.imports[index].decision == wanted);
        Tag::plain(if known && replaces { Sort::Listed } else { Sort::Bound })
    }
}
