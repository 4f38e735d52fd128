//! What lists, dicts and sets of the stream hold (verifier.py).

use crate::machine::{Machine, Step};
use crate::memory::{CONTAINER_COST_LIMIT, ContainerKind};
use crate::tag::{HELPER, MUTABLE, OPERAND, SPECIAL, Sort, Tag};

/// That instances, or results of calls, got items of a dict: bits of `Import::routine` beside those of `uses`.
pub const ITEMS: u8 = 64;
pub const ITEMS_OF_RESULT: u8 = 128;

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
        let value = self.pop()?;
        let target = self.top()?;
        if value.is_dull() && self.v.memory.is_container(target, ContainerKind::List) {
            let node = self.v.memory.container_mut(target);
            if !(node.frozen || node.nested && node.flags & SPECIAL != 0) {
                node.cost = node.cost.saturating_add(2).min(CONTAINER_COST_LIMIT);
                return Ok(());
            }
        }
        self.extend(target, &[value]);
        Ok(())
    }

    pub(crate) fn appends(&mut self) -> Step {
        if self.appends_literals() || self.appends_data() {
            return Ok(());
        }
        let (items, target) = self.marked()?;
        self.extend(target, &items);
        self.give_back(items);
        Ok(())
    }

    pub(crate) fn set_item(&mut self) -> Step {
        let (value, key) = (self.pop()?, self.pop()?);
        let target = self.top()?;
        self.update(target, &[key, value])
    }

    /// Appends literals to a list, as nearly all items are; gives false where there is more to judge.
    #[inline(always)]
    pub(crate) fn appends_literals(&mut self) -> bool {
        let Some(mark) = self.last_mark() else { return false };
        let Some((&target, items)) = self.stack.get(mark - 1..).and_then(<[Tag]>::split_first) else { return false };
        if !items.iter().all(|item| item.is_dull()) || !self.v.memory.is_container(target, ContainerKind::List) {
            return false;
        }
        let node = self.v.memory.container_mut(target);
        if node.frozen || (node.nested && node.flags & SPECIAL != 0) {
            return false;
        }
        if !items.is_empty() {
            node.cost = node.cost.saturating_add(1 + items.len() as u64).min(CONTAINER_COST_LIMIT);
        }
        self.drop_mark(mark);
        true
    }

    /// Appends values to a list where they lie, when none of them is a helper or its operand; else gives false.
    fn appends_data(&mut self) -> bool {
        let Some(mark) = self.last_mark() else { return false };
        let Some((&target, items)) = self.stack.get(mark - 1..).and_then(<[Tag]>::split_first) else { return false };
        let memory = &mut self.v.memory;
        let helps = |item: &Tag| !item.is_literal() && memory.flags_of(*item) & (HELPER | OPERAND) != 0;
        if !memory.is_container(target, ContainerKind::List)
            || memory.container(target).frozen
            || items.is_empty()
            || items.iter().any(helps)
        {
            return false;
        }
        let special = memory.absorb(target, items);
        self.drop_mark(mark);
        if special {
            self.refuse_nested(target);
        }
        true
    }

    /// Puts literals into a dict under plain names; gives false where there is more to judge.
    #[inline(always)]
    fn sets_literals(&mut self) -> bool {
        let Some(mark) = self.last_mark() else { return false };
        let Some((&target, items)) = self.stack.get(mark - 1..).and_then(<[Tag]>::split_first) else { return false };
        let dull = |pair: &[Tag]| pair[0].is_dull_key() && pair[1].is_dull();
        if !items.len().is_multiple_of(2) || !self.v.memory.is_container(target, ContainerKind::Dict) {
            return false;
        }
        let node = self.v.memory.container(target);
        if !items.chunks_exact(2).all(dull) || node.frozen || (node.nested && node.flags & SPECIAL != 0) {
            return false;
        }
        if !items.is_empty() {
            self.v.memory.put_dull(target, items);
            let node = self.v.memory.container_mut(target);
            node.cost = node.cost.saturating_add(1 + items.len() as u64).min(CONTAINER_COST_LIMIT);
        }
        self.add_hash_cost(items.len() as u64 / 2);
        self.drop_mark(mark);
        true
    }

    /// Puts values under plain names into a dict where they lie, when none of them is a helper, its operand, or something
    /// that may be called; else gives false.
    fn sets_data(&mut self) -> bool {
        let Some(mark) = self.last_mark() else { return false };
        let Some((&target, items)) = self.stack.get(mark - 1..).and_then(<[Tag]>::split_first) else { return false };
        let memory = &mut self.v.memory;
        let plain = |value: Tag| memory.flags_of(value) & (HELPER | OPERAND) == 0 && !memory.is_callable_like(value);
        if !memory.is_container(target, ContainerKind::Dict)
            || memory.container(target).frozen
            || items.is_empty()
            || !items.len().is_multiple_of(2)
            || !items.chunks_exact(2).all(|pair| pair[0].is_dull_key() && plain(pair[1]))
        {
            return false;
        }
        memory.put_dull(target, items);
        let special = memory.absorb(target, items);
        self.add_hash_cost(items.len() as u64 / 2);
        self.drop_mark(mark);
        if special {
            self.refuse_nested(target);
        }
        true
    }

    /// Puts literals under plain names into an object, as it was done with another of the same import; gives false where
    /// there is more to judge.
    fn sets_routinely(&mut self) -> bool {
        let Some(mark) = self.last_mark() else { return false };
        let Some((&target, items)) = self.stack.get(mark - 1..).and_then(<[Tag]>::split_first) else { return false };
        let dull = |pair: &[Tag]| pair[0].is_dull_key() && pair[1].is_dull();
        if self.following || !target.is(Sort::Object) || !items.len().is_multiple_of(2) {
            return false;
        }
        let node = self.v.memory.object(target);
        let known = node.origin().map(|origin| self.v.memory.imports[origin].routine);
        let before = if node.is_called() { ITEMS_OF_RESULT } else { ITEMS };
        if node.built || node.frozen || known.is_none_or(|known| known & before == 0) {
            return false;
        }
        if !items.chunks_exact(2).all(dull) {
            return false;
        }
        self.add_hash_cost(items.len() as u64 / 2);
        self.drop_mark(mark);
        true
    }

    /// Does what SETITEMS does as long as no rule looks at it; else gives false.
    #[inline(always)]
    pub(crate) fn sets_plainly(&mut self) -> bool {
        self.sets_literals() || self.sets_routinely()
    }

    pub(crate) fn set_items(&mut self) -> Step {
        if self.sets_plainly() || self.sets_data() {
            return Ok(());
        }
        let (items, target) = self.marked()?;
        self.update(target, &items)?;
        self.give_back(items);
        Ok(())
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

    /// Notes that a value becomes data: a helper or its operand that does so needs an entry of its own.
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
