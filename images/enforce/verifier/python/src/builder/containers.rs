//! Lists, tuples, dicts and sets, and what hashing their keys costs.

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict, PyFrozenSet, PyList, PySet, PyTuple};

use super::{Building, FRAME, FRAME_WIDTH, LONGEST_OPEN, MOST_HASHED, NOT_OPEN, Odd, Step};
use crate::held::Held;
use crate::made::{self, Object};

impl<'py> Building<'_, 'py> {
    // ---- lists and tuples -------------------------------------------------------------------------------------------

    /// Makes an empty list; one whose items follow, and that nothing gets, stays open: it is made with its items.
    #[inline(always)]
    pub(super) fn list(&mut self) -> Step {
        let put = self.width_of_put(self.pos);
        let filled = self.data.get(self.pos + put) == Some(&b'(');
        if filled && (put == 0 || self.entries < self.settings.max_memo && self.puts_in_vain()) {
            self.entries += usize::from(put > 0);
            self.pos += put + 1;
            return self.mark(self.stack.len());
        }
        self.push(made::empty_list(self.py))
    }

    /// Makes a list of what lies on the stack from a place on, and puts it there.
    #[inline(always)]
    pub(super) fn make_list(&mut self, start: usize) -> Step {
        self.check_data(start)?;
        let made = made::list(self.py, &mut self.stack, start).ok_or(Odd)?;
        self.push(Some(made.into_any()))
    }

    #[inline(always)]
    pub(super) fn appends(&mut self) -> Step {
        let mark = self.drop_mark()?;
        if mark.open == NOT_OPEN {
            return self.extend(mark.start);
        }
        if self.follows(FRAME) {
            self.take(1 + FRAME_WIDTH)?;
        }
        if self.follows(b'(') && self.stack.len() - mark.open < LONGEST_OPEN {
            self.pos += 1;
            return self.mark(mark.open);
        }
        self.make_list(mark.open)
    }

    pub(super) fn extend(&mut self, start: usize) -> Step {
        self.check_data(start)?;
        if self.find.is_some() {
            if self.stack.len() == start {
                return Ok(());
            }
            if !self.top_below(start)?.is_exact_instance_of::<PyList>() {
                return self.append_elsewhere(start);
            }
        }
        let items = made::list(self.py, &mut self.stack, start).ok_or(Odd)?;
        let list = self.top()?.cast_exact::<PyList>().map_err(|_| Odd)?;
        let end = list.len();
        let done = list.set_slice(end, end, items.as_any());
        self.kept(done)
    }

    pub(super) fn append(&mut self) -> Step {
        let start = self.stack.len().saturating_sub(1);
        self.check_data(start)?;
        if self.find.is_some() && !self.top_below(start)?.is_exact_instance_of::<PyList>() {
            return self.append_elsewhere(start);
        }
        let item = self.pop()?;
        let list = self.top()?.cast_exact::<PyList>().map_err(|_| Odd)?;
        let done = list.append(&*item);
        self.kept(done)
    }

    #[inline(always)]
    pub(super) fn tie(&mut self, size: usize) -> Step {
        let start = self.stack.len().checked_sub(size).filter(|&start| start >= self.fence).ok_or(Odd)?;
        self.check_data(start)?;
        let made = made::tuple(self.py, &mut self.stack, start).ok_or(Odd)?;
        self.push_new(Some(made.into_any()))
    }

    // ---- dicts and sets ---------------------------------------------------------------------------------------------

    #[inline(always)]
    pub(super) fn set_items(&mut self) -> Step {
        let start = self.take_mark()?;
        let dict = self.top_below(start)?.clone();
        self.put_items(&dict, start)
    }

    pub(super) fn set_item(&mut self) -> Step {
        let start = self.stack.len().checked_sub(2).ok_or(Odd)?;
        let dict = self.top_below(start)?.clone();
        self.put_items(&dict, start)
    }

    /// What lies right below a place.
    #[inline(always)]
    pub fn top_below(&self, start: usize) -> Step<&Held<'py>> {
        self.stack.get(self.fence..start).and_then(<[_]>::last).ok_or(Odd)
    }

    /// Puts what lies on the stack from a place on into a dict, keys and values in turns.
    #[inline(always)]
    pub(super) fn put_items(&mut self, dict: &Object<'py>, start: usize) -> Step {
        self.check_data(start)?;
        if self.find.is_some() && !dict.is_exact_instance_of::<PyDict>() {
            return self.put_items_elsewhere(dict, start);
        }
        let dict = dict.cast_exact::<PyDict>().map_err(|_| Odd)?;
        let (mut hash_cost, bound) = (self.hash_cost, self.hash_bound());
        let pairs = self.stack[start..].chunks_exact(2);
        if !pairs.remainder().is_empty() {
            return Err(Odd);
        }
        for pair in pairs {
            if self.find.is_none() {
                charge(&pair[0], &mut hash_cost, bound, self.settings.max_hash_depth)?;
            }
            let done = dict.set_item(&*pair[0], &*pair[1]);
            self.kept(done)?;
        }
        self.hash_cost = hash_cost;
        self.stack.truncate(start);
        Ok(())
    }

    pub(super) fn add_items(&mut self) -> Step {
        let start = self.take_mark()?;
        self.check_data(start)?;
        let target = self.top_below(start)?;
        if self.find.is_some() && !target.is_instance_of::<PySet>() {
            return if self.stack.len() == start { Ok(()) } else { self.add_elsewhere(start) };
        }
        let set = target.cast::<PySet>().map_err(|_| Odd)?;
        let (mut hash_cost, bound) = (self.hash_cost, self.hash_bound());
        for item in &self.stack[start..] {
            if self.find.is_none() {
                charge(item, &mut hash_cost, bound, self.settings.max_hash_depth)?;
            }
            self.kept(set.add(&**item))?;
        }
        self.hash_cost = hash_cost;
        self.stack.truncate(start);
        Ok(())
    }

    pub(super) fn freeze(&mut self) -> Step {
        let start = self.take_mark()?;
        self.check_data(start)?;
        let (mut hash_cost, bound) = (self.hash_cost, self.hash_bound());
        for item in self.stack[start..].iter().filter(|_| self.find.is_none()) {
            charge(item, &mut hash_cost, bound, self.settings.max_hash_depth)?;
        }
        self.hash_cost = hash_cost;
        let items = made::tuple(self.py, &mut self.stack, start).ok_or(Odd)?;
        self.push(made::frozenset(&items))
    }

    pub(super) fn hash_bound(&self) -> u64 {
        let read = (self.pos - self.start) as u64;
        self.settings.max_hash_cost.min(MOST_HASHED).saturating_add(read.saturating_mul(2))
    }
}

/// Counts what hashing a key costs, and comparing it with one that is alike: tuples are hashed anew each time, with all
/// that is in them; frozensets know their hash, but what is in them is compared.
#[inline(always)]
fn charge(key: &Object<'_>, cost: &mut u64, bound: u64, depth: u64) -> Step {
    *cost += 1;
    if let Ok(items) = key.cast_exact::<PyTuple>() {
        charge_items(items.iter(), cost, bound, depth)
    } else if let Ok(items) = key.cast_exact::<PyFrozenSet>() {
        charge_items(items.iter(), cost, bound, depth)
    } else {
        Ok(())
    }
}

fn charge_items<'py>(items: impl Iterator<Item = Object<'py>>, cost: &mut u64, bound: u64, depth: u64) -> Step {
    if *cost > bound || depth == 0 {
        return Err(Odd);
    }
    for item in items {
        if item.is_exact_instance_of::<PyList>() || item.is_exact_instance_of::<PyDict>() || is_other_mutable(&item) {
            return Err(Odd); // it cannot be hashed
        }
        charge(&item, cost, bound, depth - 1)?;
    }
    Ok(())
}

fn is_other_mutable(item: &Object<'_>) -> bool {
    item.is_exact_instance_of::<PySet>() || item.is_exact_instance_of::<PyByteArray>()
}
