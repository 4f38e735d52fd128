//! The stack with its marks, the memo, and what hashing costs (machine.py).

use crate::machine::{Machine, Step};
use crate::memory::ContainerKind;
use crate::opcode;
use crate::report::say;
use crate::tag::{Sort, Tag};

impl Machine<'_> {
    #[inline(always)]
    pub fn push(&mut self, tag: Tag) -> Step {
        if self.stack.len() >= self.max_depth {
            let depth = self.max_depth.to_string();
            return self.malformed(say!("The stack is deeper than ", &depth, "."));
        }
        self.stack.push(tag);
        Ok(())
    }

    pub(crate) fn push_tuple<const COUNT: usize>(&mut self) -> Step {
        if self.ties_plainly::<COUNT>() { Ok(()) } else { self.empty() }
    }

    /// Makes a tuple of so many values on the stack; gives false where there are fewer.
    #[inline(never)]
    pub(crate) fn ties_plainly<const COUNT: usize>(&mut self) -> bool {
        let fits = self.stack.len() >= self.fence + COUNT;
        if fits && let Some(&items) = self.stack.last_chunk::<COUNT>() {
            let made = self.v.memory.make_tuple(&items);
            self.stack.truncate(self.stack.len() - COUNT);
            self.stack.push(made);
        }
        fits
    }

    /// Makes a tuple of the values from a place of the stack on.
    pub(crate) fn tie(&mut self, place: usize) -> Step {
        let made = self.v.memory.make_tuple(&self.stack[place..]);
        self.stack.truncate(place);
        self.push(made)
    }

    pub(crate) fn push_container(&mut self, kind: ContainerKind) -> Step {
        let made = self.v.memory.make_container(kind);
        self.push(made)
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Step<Tag> {
        if self.stack.len() > self.fence
            && let Some(tag) = self.stack.pop()
        {
            return Ok(tag);
        }
        self.empty()
    }

    #[inline(always)]
    pub fn top(&self) -> Step<Tag> {
        match self.stack.last() {
            Some(&tag) if self.stack.len() > self.fence => Ok(tag),
            _ => self.empty(),
        }
    }

    #[cold]
    pub(crate) fn empty<T>(&self) -> Step<T> {
        self.malformed(say!(opcode::name(self.opcode), " finds too little on the stack."))
    }

    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.stack.len() >= self.max_depth
    }

    /// Marks the stack, unless too many marks are open: then gives false.
    #[inline(always)]
    pub(crate) fn marks_plainly(&mut self) -> bool {
        let fits = self.marks.len() < self.max_depth;
        if fits {
            self.fence = self.stack.len();
            self.marks.push(self.fence);
        }
        fits
    }

    /// Pushes a value, if there is room; tells whether there was.
    #[inline(always)]
    pub(crate) fn pushes_plainly(&mut self, tag: Tag) -> bool {
        let fits = !self.is_full();
        if fits {
            self.stack.push(tag);
        }
        fits
    }

    /// Puts the top of the stack behind all entries of the memo, unless something may be wrong with that: then gives false.
    #[inline(always)]
    pub(crate) fn memoizes_plainly(&mut self) -> bool {
        let depth = self.stack.len();
        depth > self.fence && self.v.memo.append(self.stack[depth - 1], self.memo_room)
    }

    pub(crate) fn mark(&mut self) -> Step {
        if self.marks.len() >= self.max_depth {
            let depth = self.max_depth.to_string();
            return self.malformed(say!("More than ", &depth, " marks are open."));
        }
        self.fence = self.stack.len();
        self.marks.push(self.fence);
        Ok(())
    }

    /// Where the items above the last mark begin, when something lies below it that may take them.
    #[inline(always)]
    pub fn last_mark(&self) -> Option<usize> {
        let below = self.marks.len().checked_sub(2).map_or(0, |index| self.marks[index]);
        self.marks.last().copied().filter(|&mark| mark > below)
    }

    /// Where so many items begin on top of the stack, when something lies below them that may take them.
    #[inline(always)]
    pub fn top_items(&self, count: usize) -> Option<usize> {
        self.stack.len().checked_sub(count).filter(|&place| place > self.fence)
    }

    /// Removes the last mark.
    #[inline(always)]
    pub fn drop_mark(&mut self) {
        self.marks.pop();
        self.fence = self.marks.last().copied().unwrap_or(0);
    }

    #[inline(always)]
    pub fn add_hash_cost(&mut self, cost: u64) {
        self.hash_cost = self.hash_cost.saturating_add(cost);
    }

    /// Removes the last mark; gives where its items begin on the stack.
    pub fn take_mark(&mut self) -> Step<usize> {
        let Some(mark) = self.marks.pop() else {
            return self.malformed(say!(opcode::name(self.opcode), " finds no mark."));
        };
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark)
    }

    /// Removes the last mark and the items above it.
    pub fn pop_mark(&mut self) -> Step<Vec<Tag>> {
        let mark = self.take_mark()?;
        Ok(self.stack.split_off(mark))
    }

    pub(crate) fn pop_any(&mut self) -> Step {
        if self.stack.len() > self.fence {
            self.stack.pop();
        } else {
            let mark = self.take_mark()?;
            self.stack.truncate(mark);
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn put(&mut self, index: u64) -> Step {
        let tag = self.top()?;
        if index > self.v.settings.memo_floor && index > self.read() {
            return self.malformed(say!("The memo index ", &index.to_string(), " is larger than the stream."));
        }
        if self.v.memo.len() >= self.v.settings.max_memo {
            let limit = self.v.settings.max_memo.to_string();
            return self.malformed(say!("The memo has more than ", &limit, " entries."));
        }
        if index != self.v.memo.len() as u64 {
            self.v.puts.give_up();
        }
        self.v.memo.set(index, tag);
        if !self.v.memo.is_dense() {
            self.memo_room = 0;
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn get(&mut self, index: u64) -> Step {
        match self.v.memo.get(index) {
            Some(tag) if tag.is(Sort::Lost) => {
                self.malformed(say!("The memo entry ", &index.to_string(), " is of a load that failed."))
            }
            Some(tag) => {
                self.v.puts.get(index);
                self.push(tag)
            }
            None => self.malformed(say!("The memo has no entry ", &index.to_string(), ".")),
        }
    }

    /// Counts what hashing and comparing keys cost; refuses what exceeds the bound.
    pub fn charge(&mut self, cost: u64, depth: u64) -> Step {
        self.hash_cost = self.hash_cost.saturating_add(cost);
        let settings = &self.v.settings;
        let bound = settings.max_hash_cost.saturating_add(self.read().saturating_mul(8));
        if self.hash_cost > bound || depth > settings.max_hash_depth {
            return self.malformed("A key or set member costs more to hash than the settings allow.");
        }
        Ok(())
    }

    /// Counts what judging costs beyond a step for each opcode; refuses what the stream's size cannot justify.
    pub fn work(&mut self, amount: usize) -> Step {
        self.worked = self.worked.saturating_add(amount as u64);
        let most = self.v.settings.max_work;
        if self.worked > most && self.worked > most.saturating_add(self.read().saturating_mul(2)) {
            return self.malformed("The stream repeats large arguments more often than the settings allow.");
        }
        Ok(())
    }

    #[inline(always)]
    pub fn hash(&mut self, key: Tag) -> Step {
        if key.is_literal() {
            self.hash_cost = self.hash_cost.saturating_add(1);
            return Ok(());
        }
        if !self.v.memory.is_hashable(key) {
            return self.malformed("A key or set member is not hashable.");
        }
        if key.is(Sort::Tuple) {
            let (cost, depth) = (self.v.memory.tuple(key).cost, self.v.memory.tuple(key).depth);
            return self.charge(cost, u64::from(depth));
        }
        if key.is(Sort::Long) && key.index() > 0 {
            return self.charge(1 + key.index() as u64, 0); // it does not keep its hash
        }
        if key.is(Sort::Frozen) {
            return self.charge(self.v.memory.frozen_cost(key), 0); // it keeps its hash, but is compared
        }
        Ok(())
    }
}
