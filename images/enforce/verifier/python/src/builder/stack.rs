//! What a load reads, its stack with the marks, and its memo.

use pyo3::prelude::*;

use super::{Building, MEMOIZE, Mark, NOT_OPEN, Odd, Step};
use crate::held::Held;
use crate::made::Object;

impl<'a, 'py> Building<'a, 'py> {
    #[inline(always)]
    pub(super) fn byte(&mut self) -> Step<u8> {
        let found = *self.data.get(self.pos).ok_or(Odd)?;
        self.pos += 1;
        Ok(found)
    }

    #[inline(always)]
    pub(super) fn array<const WIDTH: usize>(&mut self) -> Step<[u8; WIDTH]> {
        let found = *self.data.get(self.pos..).and_then(<[u8]>::first_chunk).ok_or(Odd)?;
        self.pos += WIDTH;
        Ok(found)
    }

    #[inline(always)]
    pub(super) fn number<const WIDTH: usize>(&mut self) -> Step<usize> {
        let mut bytes = [0; 8];
        bytes[..WIDTH].copy_from_slice(&self.array::<WIDTH>()?);
        usize::try_from(u64::from_le_bytes(bytes)).map_err(|_| Odd)
    }

    #[inline(always)]
    pub fn take(&mut self, size: usize) -> Step<&'a [u8]> {
        let data = self.data;
        let found = data.get(self.pos..).and_then(|rest| rest.get(..size)).ok_or(Odd)?;
        self.pos += size;
        Ok(found)
    }

    /// Takes an argument that has its length before it.
    #[inline(always)]
    pub(super) fn counted<const WIDTH: usize>(&mut self) -> Step<&'a [u8]> {
        let size = self.number::<WIDTH>()?;
        self.take(size)
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.data.get(self.pos..).unwrap_or_default()
    }

    pub(super) fn follows(&self, code: u8) -> bool {
        self.data.get(self.pos) == Some(&code)
    }

    // ---- the stack and the memo -------------------------------------------------------------------------------------

    #[inline(always)]
    pub fn push(&mut self, made: Option<Object<'py>>) -> Step {
        match made {
            Some(made) => self.push_held(made.into()),
            None => Err(Odd),
        }
    }

    #[inline(always)]
    pub fn push_held(&mut self, held: Held<'py>) -> Step {
        if self.stack.len() < self.settings.max_depth || self.find.is_some() {
            self.stack.push(held);
            Ok(())
        } else {
            Err(Odd)
        }
    }

    /// Pushes what picklers put into the memo at once, and passes the put where nothing gets it.
    #[inline(always)]
    pub(super) fn push_new(&mut self, made: Option<Object<'py>>) -> Step {
        self.push(made)?;
        let width = self.width_of_put(self.pos);
        if width > 0 && self.entries < self.settings.max_memo && self.puts_in_vain() {
            self.entries += 1;
            self.pos += width;
        }
        Ok(())
    }

    /// How many bytes the put has that stands at a place; 0 where none does.
    #[inline(always)]
    pub fn width_of_put(&self, at: usize) -> usize {
        match self.data.get(at) {
            Some(&MEMOIZE) => 1,
            Some(b'q') => 2,
            Some(b'r') => 5,
            _ => 0,
        }
    }

    /// Whether nothing gets what the next put of a memo in order puts.
    #[inline(always)]
    pub(super) fn puts_in_vain(&self) -> bool {
        self.survey.ordered && self.survey.is_vain(self.entries)
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Step<Held<'py>> {
        if self.stack.len() > self.fence { self.stack.pop().ok_or(Odd) } else { Err(Odd) }
    }

    #[inline(always)]
    pub fn top(&self) -> Step<&Held<'py>> {
        self.stack.get(self.fence..).and_then(<[_]>::last).ok_or(Odd)
    }

    /// Ends it where something that is no data would become an item or the result.
    #[inline(always)]
    pub(super) fn check_data(&self, start: usize) -> Step {
        let Some(encode) = &self.stand_in else { return Ok(()) };
        if self.stack[start..].iter().any(|item| item.is(encode)) { Err(Odd) } else { Ok(()) }
    }

    #[inline(always)]
    pub(super) fn memoize(&mut self, index: usize) -> Step {
        self.top()?;
        if self.entries >= self.settings.max_memo {
            return Err(Odd);
        }
        if self.survey.ordered && self.survey.is_vain(index) {
            self.entries += 1;
            return Ok(());
        }
        self.keep(index)
    }

    pub(super) fn keep(&mut self, index: usize) -> Step {
        if index as u64 > self.settings.memo_floor && index > self.pos - self.start {
            return Err(Odd);
        }
        let top = self.top()?.clone();
        if index >= self.memo.len() {
            self.memo.resize(index + 1, None);
        }
        let before = self.memo[index].replace(top);
        self.entries += usize::from(before.is_none());
        Ok(())
    }

    #[inline(always)]
    pub(super) fn get(&mut self, index: usize) -> Step {
        let found = self.memo.get(index).and_then(Option::as_ref).ok_or(Odd)?.clone();
        self.push_held(found)
    }

    #[inline(always)]
    pub(super) fn mark(&mut self, open: usize) -> Step {
        if self.marks.len() >= self.settings.max_depth {
            return Err(Odd);
        }
        self.fence = self.stack.len();
        self.marks.push(Mark { start: self.fence, open });
        Ok(())
    }

    #[inline(always)]
    pub(super) fn drop_mark(&mut self) -> Step<Mark> {
        let mark = self.marks.pop().ok_or(Odd)?;
        self.fence = self.marks.last().map_or(0, |mark| mark.start);
        Ok(mark)
    }

    /// Removes the last mark, and gives where its items begin. A list below them that was open is made.
    #[inline(always)]
    pub(super) fn take_mark(&mut self) -> Step<usize> {
        let mark = self.drop_mark()?;
        if mark.open == NOT_OPEN {
            return Ok(mark.start);
        }
        let mut items = self.stack.split_off(mark.start);
        self.make_list(mark.open)?;
        self.stack.append(&mut items);
        Ok(mark.open + 1)
    }
}
