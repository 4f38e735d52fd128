//! What most opcodes are: data that no rule looks at, stepped over in one loop that touches little else.

use crate::machine::{MEMOIZE, Machine};
use crate::memory::ContainerKind;
use crate::report::uses;
use crate::tag::{Sort, Tag};

impl Machine<'_> {
    /// Steps over opcodes as long as nothing can be wrong with them; `step` judges the one that follows.
    pub(crate) fn rush(&mut self) {
        let limit = self.data.len().min(self.frame_end.saturating_sub(self.shift));
        let window = &self.data[..limit];
        let mut pos = self.put_after(window, self.pos);
        while let Some((&code, rest)) = window.get(pos..).and_then(<[u8]>::split_first) {
            let (done, width, value) = match code {
                b'K' => self.pass_fixed(Sort::Int, 1, rest),
                b'M' => self.pass_fixed(Sort::Int, 2, rest),
                b'J' => self.pass_fixed(Sort::Int, 4, rest),
                b'G' => self.pass_fixed(Sort::Float, 8, rest),
                b'N' => self.pass_fixed(Sort::None, 0, rest),
                0x88 | 0x89 => self.pass_fixed(Sort::Bool, 0, rest),
                b')' => self.pass_fixed(Sort::Tuple, 0, rest),
                b'C' => self.pass_bytes(rest),
                0x8c => self.pass_text::<1>(rest, pos + 2),
                b'X' => self.pass_text::<4>(rest, pos + 5),
                b']' => self.pass_container(ContainerKind::List),
                b'}' => self.pass_container(ContainerKind::Dict),
                b'h' => (rest.first().is_some_and(|&index| self.gets_plainly(u64::from(index))), 1, false),
                b'j' => {
                    let index = rest.first_chunk().map(|index| u64::from(u32::from_le_bytes(*index)));
                    (index.is_some_and(|index| self.gets_plainly(index)), 4, false)
                }
                MEMOIZE => (self.puts_plainly(self.v.memo.len() as u64, pos), 0, false),
                b'q' => (rest.first().is_some_and(|&index| self.puts_plainly(u64::from(index), pos)), 1, false),
                b'r' => {
                    let index = rest.first_chunk().map(|index| u64::from(u32::from_le_bytes(*index)));
                    (index.is_some_and(|index| self.puts_plainly(index, pos)), 4, false)
                }
                0x85..=0x87 => (self.ties_plainly(usize::from(code - 0x84)), 0, true),
                b'R' | 0x81 => {
                    self.pos = pos + 1; // what was read bounds the work
                    (self.makes_plainly(code == b'R'), 0, true)
                }
                b'(' => (self.marks_plainly(), 0, false),
                b'e' => (self.appends_literals(), 0, false),
                b'u' => (self.sets_plainly(), 0, false),
                _ => break,
            };
            if !done {
                break;
            }
            pos += 1 + width;
            if value {
                pos = self.put_after(window, pos);
            }
        }
        self.pos = pos;
    }

    /// Does the MEMOIZE that follows nearly every new value; gives where it ends.
    #[inline(always)]
    fn put_after(&mut self, window: &[u8], pos: usize) -> usize {
        let puts = window.get(pos) == Some(&MEMOIZE) && self.puts_plainly(self.v.memo.len() as u64, pos);
        pos + usize::from(puts)
    }

    #[inline(always)]
    fn pass(&mut self, tag: Tag, width: usize) -> (bool, usize, bool) {
        let fits = !self.is_full();
        if fits {
            self.stack.push(tag);
        }
        (fits, width, true)
    }

    #[inline(always)]
    fn pass_fixed(&mut self, sort: Sort, width: usize, rest: &[u8]) -> (bool, usize, bool) {
        let fits = width <= rest.len() && !self.is_full();
        if fits {
            self.stack.push(Tag::plain(sort));
        }
        (fits, width, false)
    }

    #[inline(always)]
    fn pass_bytes(&mut self, rest: &[u8]) -> (bool, usize, bool) {
        match rest.split_first() {
            Some((&size, rest)) if usize::from(size) <= rest.len() => {
                self.pass(Tag::plain(Sort::Bytes), 1 + usize::from(size))
            }
            _ => (false, 0, false),
        }
    }

    /// Passes a text of ASCII, its length before it.
    #[inline(always)]
    fn pass_text<const WIDTH: usize>(&mut self, rest: &[u8], start: usize) -> (bool, usize, bool) {
        let Some((length, rest)) = rest.split_first_chunk::<WIDTH>() else { return (false, 0, false) };
        let mut size = [0; 8];
        size[..WIDTH].copy_from_slice(length);
        let size = u64::from_le_bytes(size);
        match rest.get(..size as usize) {
            Some(text) if size <= self.v.settings.max_name && text.is_ascii() => {
                let special = text.starts_with(b"__");
                self.pass(Tag::text(Sort::Text, start, WIDTH, special), WIDTH + text.len())
            }
            _ => (false, 0, false),
        }
    }

    #[inline(always)]
    fn pass_container(&mut self, kind: ContainerKind) -> (bool, usize, bool) {
        if self.is_full() {
            return (false, 0, false);
        }
        let made = self.v.memory.make_container(kind);
        self.pass(made, 0)
    }

    #[inline(always)]
    fn gets_plainly(&mut self, index: u64) -> bool {
        match self.v.memo.get(index) {
            Some(tag) if !self.is_full() => {
                self.v.puts.get(index);
                self.stack.push(tag);
                true
            }
            _ => false,
        }
    }

    /// Makes a tuple of so many values on the stack.
    #[inline(always)]
    fn ties_plainly(&mut self, count: usize) -> bool {
        let fits = self.stack.len() >= self.fence + count;
        if fits {
            let place = self.stack.len() - count;
            let made = self.v.memory.make_tuple(&self.stack[place..]);
            self.stack.truncate(place);
            self.stack.push(made);
        }
        fits
    }

    /// Calls an import, or makes an instance of it, with literals as before; gives false where there is more to judge.
    #[inline(always)]
    fn makes_plainly(&mut self, called: bool) -> bool {
        let [.., import, args] = self.stack[..] else { return false };
        let place = self.stack.len() - 2;
        if place < self.fence || !import.is(Sort::Import) || !args.is(Sort::Tuple) {
            return false;
        }
        let routine = if called { uses::CALL } else { uses::INSTANCE };
        let length = self.v.memory.tuple_length(args);
        if !self.is_routine(import.index(), args, routine) || self.work(length).is_err() {
            return false;
        }
        if called {
            self.count_routine(import.index());
        } else if length > 0 {
            self.v.memory.imports[import.index()].odd_items = true;
        }
        let made = self.v.memory.make_object(Some(import.index()), called);
        self.stack.truncate(place);
        self.stack.push(made);
        true
    }
}
