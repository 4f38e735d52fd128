//! What most opcodes are: data that no rule looks at, stepped over in one loop that touches little else.

use crate::machine::{MEMOIZE, Machine, Step};
use crate::memory::ContainerKind;
use crate::report::uses;
use crate::tag::{Sort, Tag};

/// Reads a number of so many bytes.
#[inline(always)]
fn number<const WIDTH: usize>(tail: &[u8]) -> Option<(u64, &[u8])> {
    let (bytes, tail) = tail.split_first_chunk::<WIDTH>()?;
    let mut wide = [0; 8];
    wide[..WIDTH].copy_from_slice(bytes);
    Some((u64::from_le_bytes(wide), tail))
}

/// Whether a text is ASCII; that of a short one is told in one look at what begins with it, whatever its length.
#[inline(always)]
fn is_ascii(text: &[u8], tail: &[u8]) -> bool {
    const HIGH: u128 = u128::from_ne_bytes([0x80; 16]);
    match tail.first_chunk() {
        Some(block) if text.len() <= block.len() => {
            (u128::from_le_bytes(*block) & HIGH).trailing_zeros() as usize >= 8 * text.len()
        }
        _ => text.is_ascii(),
    }
}

/// What lies behind an opcode and its argument; None where there may be more to judge.
type Rest<'d> = Option<&'d [u8]>;

impl Machine<'_> {
    /// Steps over opcodes as long as nothing can be wrong with them; `step` judges the one that follows.
    #[inline(never)] // `step` would take its registers
    pub(crate) fn rush(&mut self) -> Step {
        let limit = self.data.len().min(self.frame_end.saturating_sub(self.shift));
        let window = &self.data[..limit];
        let Some(rest) = window.get(self.pos..) else { return Ok(()) };
        let mut rest = self.then_put(rest);
        while let Some((&code, tail)) = rest.split_first() {
            let next = match code {
                b'K' => self.pass(Sort::Int, tail.get(1..)),
                b'M' => self.pass(Sort::Int, tail.get(2..)),
                b'J' => self.pass(Sort::Int, tail.get(4..)),
                b'G' => self.pass(Sort::Float, tail.get(8..)),
                b'N' => self.pass(Sort::None, Some(tail)),
                0x88 | 0x89 => self.pass(Sort::Bool, Some(tail)),
                b')' => self.pass(Sort::Tuple, Some(tail)),
                b'C' => self.pass_bytes(tail),
                0x8c => self.pass_text::<1>(tail, limit),
                b'X' => self.pass_text::<4>(tail, limit),
                b']' => self.pass_container(ContainerKind::List, tail),
                b'}' => self.pass_container(ContainerKind::Dict, tail),
                b'h' => self.pass_got::<1>(tail),
                b'j' => self.pass_got::<4>(tail),
                MEMOIZE => self.memoizes_plainly().then_some(tail),
                b'q' => self.pass_put::<1>(tail),
                b'r' => self.pass_put::<4>(tail),
                0x85 => self.ties_plainly::<1>().then(|| self.then_put(tail)),
                0x86 => self.ties_plainly::<2>().then(|| self.then_put(tail)),
                0x87 => self.ties_plainly::<3>().then(|| self.then_put(tail)),
                b't' => self.ties_marked().then(|| self.then_put(tail)),
                b'R' | 0x81 => {
                    self.pos = limit - tail.len(); // what was read bounds the work
                    let plain = self.makes_plainly(code == b'R');
                    if !plain && code == b'R' {
                        (self.opcode, self.at) = (code, self.pos - 1 + self.shift);
                        self.step_call()?;
                    }
                    (plain || code == b'R').then(|| self.then_put(tail))
                }
                b'B' => self.pass_long::<4>(Sort::Bytes, tail, limit),
                0x8e => self.pass_long::<8>(Sort::Bytes, tail, limit),
                0x96 => self.pass_long::<8>(Sort::ByteArray, tail, limit),
                b'b' => {
                    (self.opcode, self.pos) = (code, limit - tail.len());
                    self.at = self.pos - 1 + self.shift;
                    self.step_build()?;
                    Some(tail)
                }
                b'(' => self.marks_plainly().then_some(tail),
                b'a' => self.fills_plainly::<b'a'>().then_some(tail),
                b'e' => self.fills_plainly::<b'e'>().then_some(tail),
                b's' => self.fills_plainly::<b's'>().then_some(tail),
                b'u' => self.fills_plainly::<b'u'>().then_some(tail),
                _ => None,
            };
            let Some(next) = next else { break };
            rest = next;
        }
        self.pos = limit - rest.len();
        Ok(())
    }

    /// Does the MEMOIZE that follows nearly every new value.
    #[inline(always)]
    fn then_put<'d>(&mut self, rest: &'d [u8]) -> &'d [u8] {
        match rest.split_first() {
            Some((&MEMOIZE, tail)) if self.memoizes_plainly() => tail,
            _ => rest,
        }
    }

    #[inline(always)]
    fn pass<'d>(&mut self, sort: Sort, tail: Rest<'d>) -> Rest<'d> {
        tail.filter(|_| self.pushes_plainly(Tag::plain(sort)))
    }

    /// Pushes a new value, and puts it into the memo if that is what follows.
    #[inline(always)]
    fn pass_new<'d>(&mut self, tag: Tag, rest: &'d [u8]) -> Rest<'d> {
        if !self.pushes_plainly(tag) {
            return None;
        }
        match rest.split_first() {
            Some((&MEMOIZE, tail)) if self.v.memo.append(tag, self.memo_room) => Some(tail),
            _ => Some(rest),
        }
    }

    #[inline(always)]
    fn pass_bytes<'d>(&mut self, tail: &'d [u8]) -> Rest<'d> {
        let (&size, tail) = tail.split_first()?;
        self.pass_new(Tag::plain(Sort::Bytes), tail.get(usize::from(size)..)?)
    }

    /// Passes a long literal of bytes, its length before it, where the buffer leaves none out.
    #[inline(never)]
    fn pass_long<'d, const WIDTH: usize>(&mut self, sort: Sort, tail: &'d [u8], limit: usize) -> Rest<'d> {
        let (size, tail) = number::<WIDTH>(tail)?;
        let rest = tail.get(usize::try_from(size).ok()?..).filter(|_| self.gaps.is_empty())?;
        self.ahead.pass(self.data, limit - rest.len(), size as usize);
        self.pass_new(Tag::plain(sort), rest)
    }

    /// Passes a text of ASCII, its length before it; `limit` is where the rest ends in the buffer.
    #[inline(always)]
    fn pass_text<'d, const WIDTH: usize>(&mut self, tail: &'d [u8], limit: usize) -> Rest<'d> {
        let (size, tail) = number::<WIDTH>(tail)?;
        let (text, rest) = tail.split_at_checked(size as usize)?;
        let fits = (WIDTH == 1 && self.v.settings.max_name >= 255) || size <= self.v.settings.max_name;
        if !fits || !is_ascii(text, tail) {
            return None;
        }
        self.pass_new(Tag::text(Sort::Text, limit - tail.len(), WIDTH, text.starts_with(b"__")), rest)
    }

    #[inline(always)]
    fn pass_container<'d>(&mut self, kind: ContainerKind, tail: &'d [u8]) -> Rest<'d> {
        let made = self.v.memory.make_container(kind);
        self.pass_new(made, tail)
    }

    #[inline(always)]
    fn pass_got<'d, const WIDTH: usize>(&mut self, tail: &'d [u8]) -> Rest<'d> {
        let (index, tail) = number::<WIDTH>(tail)?;
        let tag = self.v.memo.get(index).filter(|tag| !tag.is(Sort::Lost))?;
        self.pushes_plainly(tag).then(|| {
            self.v.puts.get(index);
            tail
        })
    }

    #[inline(always)]
    fn pass_put<'d, const WIDTH: usize>(&mut self, tail: &'d [u8]) -> Rest<'d> {
        let (index, tail) = number::<WIDTH>(tail)?;
        (index == self.v.memo.len() as u64 && self.memoizes_plainly()).then_some(tail)
    }

    /// Makes a tuple of the values above the last mark.
    #[inline(never)]
    fn ties_marked(&mut self) -> bool {
        let mark = self.marks.last().copied().filter(|_| !self.is_full());
        mark.is_some_and(|mark| {
            self.drop_mark();
            self.tie(mark).is_ok()
        })
    }

    /// Calls an import, or makes an instance of it, with literals as before; gives false where there is more to judge.
    #[inline(never)]
    fn makes_plainly(&mut self, called: bool) -> bool {
        let [.., import, args] = self.stack[..] else { return false };
        let place = self.stack.len() - 2;
        if place < self.fence || !import.is(Sort::Import) || !args.is(Sort::Tuple) {
            return false;
        }
        let routine = if called { uses::CALL } else { uses::INSTANCE };
        if !self.is_routine(import.index(), args, routine) {
            return false;
        }
        let length = self.v.memory.tuple_length(args);
        if length > 0 && self.work(length).is_err() {
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
