//! A pickle without what it puts into the memo and never gets from there, and without frames: it loads alike, and sooner.
//!
//! Picklers put nearly every value into the memo, since any may come again; most do not. Which ones did is known when a
//! pickle has been judged up to STOP. A put that nothing gets has no effect but that the value lives until the load ends.

const MEMOIZE: u8 = 0x94;
const BINPUT: u8 = b'q';
const LONG_BINPUT: u8 = b'r';
const FRAME_WIDTH: usize = 9;
const GOT: u32 = 1 << 31;
const BLOCK: usize = 16;
const RAREST: usize = 256;

/// Where a pickle puts values into the memo, and where its frames begin.
#[derive(Debug, Default)]
pub struct Puts {
    /// Of each entry, its opcode; with the bit `GOT`.
    places: Vec<u32>,
    frames: Vec<u32>,
    noting: bool,
}

impl Puts {
    /// Begins anew, with a pickle that this may be known of.
    pub fn begin(&mut self, known: bool, data: &[u8]) {
        *self = Puts { noting: known && data.len() < GOT as usize, ..Puts::default() };
    }

    /// Notes nothing more: the pickle is not of the plain kind.
    pub fn give_up(&mut self) {
        *self = Puts::default();
    }

    /// Notes a put; the entries have to come in order.
    #[inline(always)]
    pub fn put(&mut self, index: u64, at: usize) {
        if self.noting {
            if index == self.places.len() as u64 {
                self.places.push(at as u32);
            } else {
                self.give_up();
            }
        }
    }

    /// Notes that an entry is got.
    #[inline(always)]
    pub fn get(&mut self, index: u64) {
        if let Some(place) = self.places.get_mut(index as usize) {
            *place |= GOT;
        }
    }

    pub fn frame(&mut self, at: usize) {
        if self.noting {
            self.frames.push(at as u32);
        }
    }

    /// Gives the pickle between two places without what it does in vain; None where that is less than `least` puts, less
    /// than a quarter of them, or less than one for 256 bytes: copying has to pay.
    pub fn leave_out<'a>(&'a self, data: &'a [u8], start: usize, end: usize, least: usize) -> Option<Lean<'a>> {
        let vain = self.places.iter().filter(|&place| place & GOT == 0).count();
        if vain < least.max(self.places.len() / 4) || vain.saturating_mul(RAREST) < end - start {
            return None;
        }
        let mut length = end - start;
        for (index, &place) in self.places.iter().enumerate() {
            let width = width_of(data[(place & !GOT) as usize])?;
            length -= width;
            if place & GOT != 0 {
                length += explicit_width(index);
            }
        }
        length -= self.frames.len() * FRAME_WIDTH;
        Some(Lean { puts: self, data, start, end, length })
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
}

impl Lean<'_> {
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
        let mut frames = self.puts.frames.iter().map(|&at| at as usize).peekable();
        for (index, &place) in self.puts.places.iter().enumerate() {
            let at = (place & !GOT) as usize;
            while let Some(frame) = frames.next_if(|&frame| frame < at) {
                to = self.copy(from, frame, into, to);
                from = frame + FRAME_WIDTH;
            }
            to = self.copy(from, at, into, to);
            from = at + width_of(self.data[at]).unwrap_or(0);
            if place & GOT != 0 {
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
