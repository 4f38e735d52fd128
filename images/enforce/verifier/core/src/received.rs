//! Rules on what callables may be given: nothing that turns `globals` into calls, no special names (received.py).

use crate::machine::{Machine, Step};
use crate::memory::ContainerKind;
use crate::report::{Decision, Kind, List, say, uses};
use crate::tag::{MUTABLE, NOT_LITERAL, SPECIAL, Sort, Tag};
use crate::verifier::latest;

const TAKEN_KEPT: usize = 8; // imports that one import is remembered to take
const BOUND_METHOD: &[u8] = b"a bound method"; // of an obligation `receives`

fn is_method(sort: Sort) -> bool {
    matches!(sort, Sort::Bound | Sort::Listed)
}

impl Machine<'_> {
    /// As `check_received`, of the items of a tuple and what keyword arguments follow them.
    pub(crate) fn check_arguments(&mut self, callee: usize, args: Tag, named: Option<Vec<Tag>>) -> Step {
        let given = self.v.memory.tuple_items(args);
        if named.is_none() && self.is_taken(callee, given) {
            return self.work(given.len());
        }
        let Some(values) = named else { return self.check_items(callee, args) };
        let received = [given, &values].concat();
        self.check_named(callee, &received)
    }

    /// As `check_received`, of the items of a tuple.
    pub(crate) fn check_items(&mut self, callee: usize, tuple: Tag) -> Step {
        if self.v.memory.imports[callee].facts.positioned {
            let received = self.v.memory.tuple_items(tuple).to_vec();
            return self.check_received(callee, &received);
        }
        let length = self.v.memory.tuple_length(tuple);
        self.work(length)?;
        for position in 0..length {
            self.check_one(callee, self.v.memory.tuple_item(tuple, position), true)?;
        }
        Ok(())
    }

    /// Keeps a `globals`-only function from callables that call their arguments.
    pub(crate) fn check_received(&mut self, callee: usize, received: &[Tag]) -> Step {
        let import = &self.v.memory.imports[callee];
        if !import.facts.positioned {
            return self.check_named(callee, received);
        }
        self.work(received.len())?;
        let positions = self.v.tables.positions(&self.v.memory.imports[callee].path).map(<[usize]>::to_vec);
        for (position, &item) in received.iter().enumerate() {
            self.check_one(callee, item, positions.as_ref().is_none_or(|known| known.contains(&position)))?;
        }
        Ok(())
    }

    /// As `check_received`, where positions do not tell what a value is for.
    pub(crate) fn check_named(&mut self, callee: usize, received: &[Tag]) -> Step {
        self.work(received.len())?;
        for &item in received {
            self.check_one(callee, item, true)?;
        }
        Ok(())
    }

    /// Whether nothing is new: no rule looks at these values, or the import was given them before, and that asks for
    /// nothing more.
    pub(crate) fn is_taken(&self, callee: usize, given: &[Tag]) -> bool {
        let import = &self.v.memory.imports[callee];
        let calls = import.facts.holder || import.facts.caller;
        let takes_objects = import.seen_plain & 1 << Kind::Receives as u8 != 0;
        given.iter().all(|&item| match item.sort() {
            _ if item.is_literal() => true,
            Sort::Container | Sort::Bound | Sort::Listed => false,
            Sort::Tuple => self.v.memory.flags_of(item) & SPECIAL == 0,
            Sort::Import => !calls && import.taken.contains(&item),
            sort if sort == Sort::Object || (item.is_opaque() && self.v.memory.flags_of(item) != 0) => {
                !calls && takes_objects
            }
            _ => true,
        })
    }

    /// Checks one value; `calls` says whether what calls its arguments would call this one.
    fn check_one(&mut self, callee: usize, item: Tag, calls: bool) -> Step {
        match item.sort() {
            _ if item.is_literal() => {}
            Sort::Container => self.check_container(callee, item)?,
            Sort::Tuple if self.v.memory.flags_of(item) & SPECIAL != 0 => self.refuse_special(callee),
            Sort::Import => self.check_import(callee, item.index()),
            sort if sort == Sort::Object || (item.is_opaque() && self.v.memory.flags_of(item) != 0) => {
                let facts = self.v.memory.imports[callee].facts;
                if !facts.holder && !facts.caller {
                    let detail = if is_method(sort) { BOUND_METHOD } else { b"" };
                    self.oblige(callee, Kind::Receives, detail);
                } else if calls && !(facts.holder && (is_method(sort) || self.is_held_partial(callee, item))) {
                    let (path, what) = (self.path_of(callee), self.v.memory.describe(item));
                    let sentence = say!("The stream gives ", &what, " to ", &path, ", which would call it.");
                    self.refuse("calls-argument", &path, sentence, None);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn check_import(&mut self, callee: usize, item: usize) {
        let taking = &self.v.memory.imports[callee];
        let facts = taking.facts;
        if let Some(base) = self.v.tables.bound(&taking.path).map(<[u8]>::to_vec) {
            self.oblige(item, Kind::Subclass, &base);
        }
        if facts.holder || facts.caller {
            self.check_given(callee, item, facts.holder);
            return;
        }
        let given = &self.v.memory.imports[item];
        if !self.may_call(given.facts) || self.v.settings.renames {
            let path = given.path.clone();
            self.oblige(callee, Kind::Receives, &path);
        }
        let (taken, item) = (&mut self.v.memory.imports[callee].taken, Tag::at(Sort::Import, item));
        if taken.len() < TAKEN_KEPT && !taken.contains(&item) {
            taken.push(item);
        }
    }

    // ---- special names ----------------------------------------------------------------------------------------------

    fn check_container(&mut self, callee: usize, item: Tag) -> Step {
        let node = *self.v.memory.container(item);
        let kept = self.v.memory.kept(item);
        if kept > 0 && self.v.memory.given(item).is_none() {
            self.work(kept)?;
            if node.notable {
                let entries = self.v.memory.entries(item);
                let entries = latest(&entries, |key| self.text(key));
                self.check_names(callee, &entries);
            }
        } else if node.flags & SPECIAL != 0 {
            self.refuse_special(callee);
        }
        if node.kind == ContainerKind::Dict {
            self.v.memory.give(item, callee);
        }
        self.v.memory.container_mut(item).nested = true;
        Ok(())
    }

    /// Refuses special names with callable values in a dict that an object may make its namespace.
    pub(crate) fn check_names(&mut self, origin: usize, items: &[(Tag, Tag)]) {
        for &(key, value) in items {
            let text = self.text(key);
            if self.v.tables.is_special(text) && self.v.memory.is_callable_like(value) {
                let (text, path, what) = (text.to_vec(), self.path_of(origin), self.v.memory.describe(value));
                let sentence = say!("The stream gives ", &path, " the special name ", &text, " as ", &what, ".");
                self.refuse("state-key", &text, sentence, None);
            }
        }
    }

    fn refuse_special(&mut self, callee: usize) {
        let path = self.path_of(callee);
        let sentence = say!("The stream gives ", &path, " a dict with a special name whose value may be called.");
        self.refuse("state-key", &path, sentence, None);
    }

    /// Refuses a special name that is written into a dict which something else holds already.
    pub(crate) fn refuse_nested(&mut self, target: Tag) {
        let kind = self.v.memory.container(target).kind.name();
        let sentence = say!("The stream writes a special name into a ", kind, " after it was put into another object.");
        self.refuse("state-key", kind, sentence, None);
    }

    // ---- callables that call what they are given --------------------------------------------------------------------

    /// Judges an import that a callable of the tables gets: one that holds it takes a class, too.
    fn check_given(&mut self, callee: usize, item: usize, holder: bool) {
        let given = &self.v.memory.imports[item];
        let (facts, decision) = (given.facts, given.decision);
        let special = facts.hands_on(holder);
        if holder && decision == Decision::Stub {
            return;
        }
        if holder && (self.is_tracing() || !special) {
            self.note_use(item, uses::HELD);
            if decision == Decision::Ask {
                self.oblige(item, Kind::CalledOrType, b"");
            } else if !self.may_call(facts) {
                self.oblige(item, Kind::Type, b"");
            }
        } else if !special && decision == Decision::Ask {
            self.oblige(item, Kind::Called, b"");
            self.oblige(item, Kind::Handed, b"");
        } else if special || !self.may_call(facts) {
            let (path, to) = (self.path_of(item), self.path_of(callee));
            let sentence = say!("The stream gives ", &path, " to ", &to, ", which calls what it is given.");
            self.refuse("calls-argument", &path, sentence, (!special).then_some(List::Reduces));
        } else {
            self.note_use(item, uses::CALL);
            self.oblige(item, Kind::Handed, b"");
        }
    }

    /// Whether a value is immutable data written in the stream.
    pub(crate) fn is_literal(&self, tag: Tag) -> bool {
        self.v.memory.flags_of(tag) & (NOT_LITERAL | MUTABLE) == 0
    }

    /// Whether a value is builtin data: nothing live in it.
    pub(crate) fn is_data(&self, tag: Tag) -> bool {
        self.v.memory.flags_of(tag) & NOT_LITERAL == 0
    }
}
