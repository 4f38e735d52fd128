//! Rules on partials: what they call, and what they give to it, is judged as if the stream called that (partials.py).

use crate::machine::{Machine, Step};
use crate::memory::{ContainerKind, Partial};
use crate::report::{Decision, Kind, say, uses};
use crate::tag::{Sort, Tag};
use crate::verifier::latest;

const LEVELS: u8 = 4; // of partials that partials give to what they call

impl Machine<'_> {
    /// Whether it is a partial of what `reduces` lists: its state says of what, and is set once. What it gives to its
    /// function was judged with that state. A partial of a callable that holds its arguments may be held by what calls
    /// it without any: a default dict.
    pub(crate) fn is_held_partial(&mut self, callee: usize, item: Tag) -> bool {
        if !item.is(Sort::Object) || self.v.settings.renames {
            return false;
        }
        let Some(&Partial { called, level }) = self.v.memory.partials.get(&item.index()) else { return false };
        let maker = self.v.memory.object(item).origin();
        let import = &self.v.memory.imports[called];
        let facts = import.facts;
        let allowed = maker.is_some_and(|maker| self.v.memory.imports[maker].decision == Decision::Allow);
        if level > LEVELS || !allowed || import.decision != Decision::Allow {
            return false;
        }
        if !self.may_call(facts) || facts.hands_on(!self.v.memory.imports[callee].facts.partial) {
            return false;
        }
        self.note_use(called, uses::CALL);
        if !facts.holder {
            self.oblige(called, Kind::Handed, b"");
        }
        true
    }

    /// Judges what a partial hands on: `items` are its function and the arguments, `values` those with keywords.
    pub(crate) fn check_handed_on(&mut self, maker: usize, items: &[Tag], values: &[Tag]) -> Step {
        if !self.v.memory.imports[maker].facts.partial {
            return Ok(());
        }
        let mut rest = items;
        for _ in 0..LEVELS {
            let Some((&called, given)) = rest.split_first() else { return Ok(()) };
            if !called.is(Sort::Import) || self.is_stub(called) {
                return Ok(());
            }
            self.oblige(called.index(), Kind::Callee, b"");
            self.check_received(called.index(), given)?;
            self.check_named(called.index(), values)?;
            if !self.v.memory.imports[called.index()].facts.partial {
                return Ok(());
            }
            rest = given;
        }
        let (path, levels) = (self.path_of(maker), LEVELS.to_string());
        let sentence = say!("The stream makes a partial of partials, more than ", &levels, " in one another.");
        self.refuse("calls-argument", &path, sentence, None);
        Ok(())
    }

    /// Judges the state of a partial: all that it hands on has to be written in the stream.
    pub(crate) fn check_partial(&mut self, target: Tag, state: Tag) -> Step {
        let node = *self.v.memory.object(target);
        let Some(maker) = node.origin().filter(|&maker| self.v.memory.imports[maker].facts.partial) else {
            return Ok(());
        };
        if !state.is(Sort::Tuple) {
            return Ok(());
        }
        let &[called, given, named, _] = self.v.memory.tuple_items(state) else { return Ok(()) };
        let values = self.values_of(named).filter(|_| given.is(Sort::Tuple));
        let Some(values) = values else {
            let path = self.path_of(maker);
            let held = " holds arguments that are not written in the stream.";
            let sentence = say!("The state of the result of ", &path, held);
            self.refuse("arguments-not-literal", &path, sentence, None);
            return Ok(());
        };
        let given = self.v.memory.tuple_items(given);
        let items = [&[called], given].concat();
        let inner = given.iter().chain(&values).filter(|item| item.is(Sort::Object));
        let inner = inner.filter_map(|item| self.v.memory.partials.get(&item.index())).map(|held| held.level).max();
        self.check_handed_on(maker, &items, &values)?;
        if called.is(Sort::Import) && node.is_called() {
            let level = (1 + inner.unwrap_or(0)).min(LEVELS + 1);
            self.v.memory.partials.insert(target.index(), Partial { called: called.index(), level });
        }
        Ok(())
    }

    /// Gives the values of keyword arguments; nothing where they are not those of a dict of this stream that all are
    /// known.
    fn values_of(&self, named: Tag) -> Option<Vec<Tag>> {
        if named.is(Sort::None) {
            return Some(Vec::new());
        }
        if !self.v.memory.is_container(named, ContainerKind::Dict) {
            return None;
        }
        let node = self.v.memory.container(named);
        if !node.texts || node.overflow {
            return None;
        }
        let entries = self.v.memory.entries(named);
        Some(latest(&entries, |key| self.text(key)).into_iter().map(|(_, value)| value).collect())
    }
}
