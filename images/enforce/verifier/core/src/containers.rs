//! What lists, dicts and sets of the stream hold (effects.py).

use crate::machine::{Machine, Step};
use crate::memory::ContainerKind;
use crate::tag::{HELPER, MUTABLE, OPERAND, Sort, Tag};

impl Machine<'_> {
    pub(crate) fn list(&mut self) -> Step {
        let items = self.pop_mark()?;
        let made = self.v.memory.make_container(ContainerKind::List);
        self.extend(made, &items);
        self.push(made)
    }

    pub(crate) fn dict(&mut self) -> Step {
        let items = self.pop_mark()?;
        let made = self.v.memory.make_container(ContainerKind::Dict);
        self.update(made, &items)?;
        self.push(made)
    }

    pub(crate) fn frozenset(&mut self) -> Step {
        let items = self.pop_mark()?;
        for &item in &items {
            self.hash(item)?;
            self.release(item);
        }
        let (flags, cost, _) = self.v.memory.summary(&items);
        let made = self.v.memory.make_frozen(flags & !MUTABLE, cost);
        self.push(made)
    }

    pub(crate) fn append(&mut self) -> Step {
        if self.fills_plainly::<b'a'>() {
            return Ok(());
        }
        let value = self.pop()?;
        let target = self.top()?;
        self.extend(target, &[value]);
        Ok(())
    }

    pub(crate) fn appends(&mut self) -> Step {
        if self.fills_plainly::<b'e'>() {
            return Ok(());
        }
        let (items, target) = self.marked()?;
        self.extend(target, &items);
        self.give_back(items);
        Ok(())
    }

    pub(crate) fn set_item(&mut self) -> Step {
        if self.fills_plainly::<b's'>() {
            return Ok(());
        }
        let (value, key) = (self.pop()?, self.pop()?);
        let target = self.top()?;
        self.update(target, &[key, value])
    }

    pub(crate) fn set_items(&mut self) -> Step {
        if self.fills_plainly::<b'u'>() {
            return Ok(());
        }
        let (items, target) = self.marked()?;
        self.update(target, &items)?;
        self.give_back(items);
        Ok(())
    }

    /// Does APPEND(S) or SETITEM(S) with the values where they lie; gives false where there is more to judge.
    #[inline(never)] // keeps the loop of `rush` small, as the others of this kind
    pub(crate) fn fills_plainly<const CODE: u8>(&mut self) -> bool {
        let place = match CODE {
            b'a' => self.top_items(1),
            b's' => self.top_items(2),
            _ => self.last_mark(),
        };
        let Some(place) = place else { return false };
        let done = if matches!(CODE, b'a' | b'e') { self.appends_plainly(place) } else { self.sets_plainly(place) };
        if done {
            self.stack.truncate(place);
            if matches!(CODE, b'e' | b'u') {
                self.drop_mark();
            }
        }
        done
    }

    /// Appends values to a list, from a place of the stack on, with the list below it.
    #[inline(always)]
    fn appends_plainly(&mut self, place: usize) -> bool {
        let Some((&target, items)) = self.stack.get(place - 1..).and_then(<[Tag]>::split_first) else { return false };
        self.v.memory.is_open(target, ContainerKind::List) && self.v.memory.appends_plainly(target, items)
    }

    /// Puts values under plain names into a dict, or into an object to which that was done before.
    #[inline(always)]
    fn sets_plainly(&mut self, place: usize) -> bool {
        let Some((&target, items)) = self.stack.get(place - 1..).and_then(<[Tag]>::split_first) else { return false };
        let memory = &mut self.v.memory;
        let done = if !items.len().is_multiple_of(2) {
            false
        } else if memory.is_open(target, ContainerKind::Dict) {
            memory.sets_plainly(target, items)
        } else {
            !self.following
                && memory.takes_routinely(target)
                && items.chunks_exact(2).all(|pair| pair[0].is_dull_key() && pair[1].is_dull())
        };
        if done {
            let count = items.len() as u64 / 2;
            self.add_hash_cost(count);
        }
        done
    }

    pub(crate) fn add_to_set(&mut self) -> Step {
        let (items, target) = self.marked()?;
        for &item in &items {
            self.hash(item)?;
        }
        if self.v.memory.is_container(target, ContainerKind::Set) && !self.v.memory.container(target).frozen {
            for &item in &items {
                self.release(item);
            }
            self.absorb(target, &items);
        } else {
            self.add_items(target, ContainerKind::Set, &items);
        }
        self.give_back(items);
        Ok(())
    }

    /// Takes the items above the last mark, and the value below it.
    fn marked(&mut self) -> Step<(Vec<Tag>, Tag)> {
        let mark = self.take_mark()?;
        let mut items = std::mem::take(&mut self.spare);
        items.extend_from_slice(&self.stack[mark..]);
        self.stack.truncate(mark);
        let target = self.top()?;
        Ok((items, target))
    }

    /// Keeps the room of a list of items for the next one.
    fn give_back(&mut self, mut items: Vec<Tag>) {
        items.clear();
        self.spare = items;
    }

    fn extend(&mut self, target: Tag, items: &[Tag]) {
        if !self.v.memory.is_container(target, ContainerKind::List) || self.v.memory.container(target).frozen {
            self.add_items(target, ContainerKind::List, items);
            return;
        }
        for &item in items {
            self.release(item);
        }
        self.absorb(target, items);
    }

    fn absorb(&mut self, target: Tag, items: &[Tag]) {
        if items.is_empty() {
            return;
        }
        if self.v.memory.absorb(target, items) {
            self.refuse_nested(target);
        }
    }

    fn update(&mut self, target: Tag, items: &[Tag]) -> Step {
        if !items.len().is_multiple_of(2) {
            return self.malformed("An odd number of values stands where keys and values belong.");
        }
        for pair in items.chunks_exact(2) {
            self.hash(pair[0])?;
        }
        if !self.v.memory.is_container(target, ContainerKind::Dict) || self.v.memory.container(target).frozen {
            self.add_items(target, ContainerKind::Dict, items);
            return Ok(());
        }
        let given = self.v.memory.given(target);
        for pair in items.chunks_exact(2) {
            let (key, value) = (pair[0], pair[1]);
            self.release(key);
            self.release(value);
            let dunder = !key.is_dull_key() && self.text(key).starts_with(b"__");
            let special = dunder && self.v.tables.is_special(self.text(key));
            self.v.memory.put(target, key, value, dunder, special);
            if let Some(callee) = given
                && special
                && key.is_text()
            {
                self.check_names(callee, &[(key, value)]);
            }
        }
        self.absorb(target, items);
        Ok(())
    }

    /// Notes that a value becomes data: `instances` is not enough for that, nor to be a helper or its operand.
    #[inline(always)]
    pub(crate) fn release(&mut self, tag: Tag) {
        if tag.is_literal() || self.v.memory.flags_of(tag) & (HELPER | OPERAND) == 0 {
            return;
        }
        for index in self.helpers_in(tag) {
            self.reference(index);
        }
        if tag.is(Sort::Tuple) {
            self.v.memory.clear_tuple_flags(tag, HELPER | OPERAND); // told once; no tuple is walked through twice
        }
    }
}
