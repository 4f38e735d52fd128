//! A pickle without what it puts into the memo and never gets from there, and without frames: it loads alike, and sooner.
//!
//! Picklers put nearly every value into the memo, since any may come again; most do not. Which ones did is known when a
//! pickle has been judged up to STOP. A put that nothing gets has no effect but that the value lives until the load ends.

use crate::scan;

const MEMOIZE: u8 = 0x94;
const BINPUT: u8 = b'q';
const LONG_BINPUT: u8 = b'r';
const FRAME: u8 = 0x95;
const FRAME_WIDTH: usize = 9;
const LONGEST: usize = u32::MAX as usize;
const BLOCK: usize = 16;
const RAREST: usize = 256;
const BITS: usize = u64::BITS as usize;

/// Which entries a pickle gets from the memo, as long as it puts them there in order.
#[derive(Debug, Default)]
pub struct Puts {
    noting: bool,
    got: Vec<u64>, // a bit for each entry
    count: usize,
}

impl Puts {
    /// Begins anew, with a pickle that this may be known of.
    pub fn begin(&mut self, known: bool, data: &[u8]) {
        *self = Puts { noting: known && data.len() <= LONGEST, ..Puts::default() };
    }

    /// Ends with so many entries.
    pub fn end(&mut self, count: usize) {
        self.count = count;
    }

    /// Gives which entries were got, a bit for each, if all were put there in order.
    pub fn take(&mut self) -> Option<Vec<u64>> {
        self.noting.then(|| std::mem::take(self).got)
    }

    /// Notes nothing more: the pickle is not of the plain kind.
    pub fn give_up(&mut self) {
        *self = Puts::default();
    }

    /// Notes that an entry is got, which is there.
    #[inline(always)]
    pub fn get(&mut self, index: u64) {
        match self.got.get_mut(index as usize / BITS) {
            Some(word) => *word |= 1 << (index as usize % BITS),
            None => self.get_first(index as usize),
        }
    }

    #[cold]
    fn get_first(&mut self, index: usize) {
        if self.noting {
            self.got.resize((index / BITS + 1).max(self.got.len() * 2), 0);
            self.got[index / BITS] |= 1 << (index % BITS);
        }
    }

    fn is_got(&self, index: usize) -> bool {
        self.got.get(index / BITS).is_some_and(|word| word >> (index % BITS) & 1 == 1)
    }

    /// Gives the pickle between two places without what it does in vain; None where that is less than `least` puts, less
    /// than a quarter of them, or less than one for 256 bytes: copying has to pay.
    pub fn leave_out<'a>(&'a self, data: &'a [u8], start: usize, end: usize, least: usize) -> Option<Lean<'a>> {
        let got: usize = self.got.iter().map(|word| word.count_ones() as usize).sum();
        let vain = self.count - got;
        if !self.noting || vain < least.max(self.count / 4) || vain.saturating_mul(RAREST) < end - start {
            return None;
        }
        let mut found =
            Lean { puts: self, data, start, end, length: end - start, places: Vec::new(), frames: Vec::new() };
        found.find()?;
        Some(found)
    }
}

fn width_of(opcode: u8) -> Option<usize> {
    match opcode {
        MEMOIZE => Some(1),
        BINPUT => Some(2),
        LONG_BINPUT => Some(5),
        _ => None,
    }
}

fn explicit_width(index: usize) -> usize {
    if index < 256 { 2 } else { 5 }
}

/// Such a pickle, to be written.
#[derive(Debug)]
pub struct Lean<'a> {
    puts: &'a Puts,
    data: &'a [u8],
    start: usize,
    end: usize,
    length: usize,
    /// Of each entry, the opcode that puts it there; where the frames begin.
    places: Vec<u32>,
    frames: Vec<u32>,
}

impl Lean<'_> {
    /// Finds the puts and the frames of a pickle that was judged, and how long it is without them.
    fn find(&mut self) -> Option<()> {
        self.places.reserve_exact(self.puts.count);
        let mut rest = &self.data[self.start..self.end];
        // What most opcodes are has a branch of its own: the processor foresees it, and reads on.
        while let Some((&code, tail)) = rest.split_first() {
            rest = match code {
                MEMOIZE => self.found(rest, tail, 1),
                BINPUT => self.found(rest, tail.get(1..)?, 2),
                LONG_BINPUT => self.found(rest, tail.get(4..)?, 5),
                b'h' | b'K' => tail.get(1..)?,
                b'M' => tail.get(2..)?,
                b'j' | b'J' => tail.get(4..)?,
                b'G' => tail.get(8..)?,
                b'C' | 0x8c => tail.get(1 + usize::from(*tail.first()?)..)?,
                b'(' | b')' | b']' | b'}' | b'N' | b'R' | b'a' | b'b' | b'e' | b's' | b'u' | 0x81 | 0x85..=0x89 => tail,
                FRAME => {
                    self.frames.push((self.end - rest.len()) as u32);
                    self.length -= FRAME_WIDTH;
                    tail.get(FRAME_WIDTH - 1..)?
                }
                _ => &rest[scan::next(rest, 0)?..],
            };
        }
        (self.places.len() == self.puts.count).then_some(())
    }

    /// Notes a put of this width, and gives what follows it.
    #[inline(always)]
    fn found<'d>(&mut self, at: &[u8], after: &'d [u8], width: usize) -> &'d [u8] {
        let index = self.places.len();
        self.length -= width;
        if self.puts.is_got(index) {
            self.length += explicit_width(index);
        }
        self.places.push((self.end - at.len()) as u32);
        after
    }

    #[must_use]
    #[allow(clippy::len_without_is_empty)] // it ends with STOP
    pub fn len(&self) -> usize {
        self.length
    }

    /// Writes it into a buffer of its length. Entries that are got keep their indexes, which MEMOIZE cannot say.
    ///
    /// # Panics
    ///
    /// When the buffer has another length.
    pub fn write(&self, into: &mut [u8]) {
        let (mut from, mut to) = (self.start, 0);
        let mut frames = self.frames.iter().map(|&at| at as usize).peekable();
        for (index, &place) in self.places.iter().enumerate() {
            let at = place as usize;
            while let Some(frame) = frames.next_if(|&frame| frame < at) {
                to = self.copy(from, frame, into, to);
                from = frame + FRAME_WIDTH;
            }
            to = self.copy(from, at, into, to);
            from = at + width_of(self.data[at]).unwrap_or(0);
            if self.puts.is_got(index) {
                to = write_put(index, into, to);
            }
        }
        for frame in frames {
            to = self.copy(from, frame, into, to);
            from = frame + FRAME_WIDTH;
        }
        to = self.copy(from, self.end, into, to);
        assert_eq!(to, into.len());
    }

    /// Copies a part; gives where the next one goes. Short ones are copied in blocks, whose rest is written over later.
    #[inline(always)]
    fn copy(&self, from: usize, until: usize, into: &mut [u8], to: usize) -> usize {
        let length = until - from;
        if length <= BLOCK
            && let (Some(source), Some(target)) = (self.data.get(from..from + BLOCK), into.get_mut(to..to + BLOCK))
        {
            target.copy_from_slice(source);
        } else {
            into[to..to + length].copy_from_slice(&self.data[from..until]);
        }
        to + length
    }
}

fn write_put(index: usize, into: &mut [u8], to: usize) -> usize {
    let width = explicit_width(index);
    if width == 2 {
        into[to..to + 2].copy_from_slice(&[BINPUT, index as u8]);
    } else {
        into[to] = LONG_BINPUT;
        into[to + 1..to + 5].copy_from_slice(&(index as u32).to_le_bytes());
    }
    to + width
}
