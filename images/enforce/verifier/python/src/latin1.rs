//! Bytes of texts that hold characters of Latin-1 only, as protocols before 3 write bytes: from UTF-8 at once, with no
//! text between. That it is UTF-8 is checked as it is read.
//!
//! Two bytes begin a character of two here: 0xC2, behind which the character itself stands, and 0xC3, behind which it
//! stands less 0x40.

use std::mem::MaybeUninit;

const LEAD: u8 = 0xc0; // and above: a byte that others follow
const COUNTED: usize = 255; // bytes that one byte counts
const WORD: usize = 8;
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 4 * WORD;
const HIGH: u64 = u64::from_ne_bytes([0x80; WORD]);
const GONE: u8 = 0x80; // in a table of places: none

/// Which bytes of a word stay, in order, by which of them are left out.
static STAYING: [u64; 256] = staying();

const fn staying() -> [u64; 256] {
    let mut table = [0; 256];
    let mut out = 0;
    while out < table.len() {
        let mut places = [GONE; WORD];
        let (mut from, mut to) = (0, 0);
        while from < WORD {
            if out >> from & 1 == 0 {
                places[to] = from as u8;
                to += 1;
            }
            from += 1;
        }
        table[out] = u64::from_le_bytes(places);
        out += 1;
    }
    table
}

/// Counts the characters of a text of Latin-1.
pub fn characters(text: &[u8]) -> usize {
    let leads = |part: &[u8]| part.iter().fold(0_u8, |found, &byte| found.wrapping_add(u8::from(byte >= LEAD)));
    text.len() - text.chunks(COUNTED).map(|part| usize::from(leads(part))).sum::<usize>()
}

/// What was read and written of a text.
#[derive(Default)]
struct Progress {
    written: usize,
    /// Whether the byte before begins a character, and one of those behind 0xC3: in the highest bit.
    lead: u64,
    raised: u64,
    /// Not zero: this is no text of Latin-1 in UTF-8.
    wrong: u64,
}

impl Progress {
    /// Finds in eight bytes which ones begin a character, and gives the characters that the others are.
    #[inline(always)]
    fn read(&mut self, word: u64) -> (u64, u64) {
        let leads = word & word << 1 & HIGH;
        let raising = leads & word << 7;
        let follows = word & !(word << 1) & HIGH;
        self.wrong |= follows ^ (leads << 8 | self.lead);
        self.wrong |= leads & (word << 2 | word << 3 | word << 4 | word << 5 | !(word << 6));
        let read = word.wrapping_add((raising << 8 | self.raised) >> 1);
        (self.lead, self.raised) = (leads >> 56, raising >> 56);
        (leads, read)
    }

    /// Reads what is left, which is short; gives whether all of the text was one, and has filled its place.
    fn finish(mut self, text: &[u8], out: &mut [MaybeUninit<u8>]) -> bool {
        for part in text.chunks(WORD) {
            let mut word = [0; WORD];
            word[..part.len()].copy_from_slice(part);
            let (leads, read) = self.read(u64::from_le_bytes(word));
            let staying = read.to_le_bytes().into_iter().zip(leads.to_le_bytes()).take(part.len());
            for (byte, _) in staying.filter(|&(_, lead)| lead == 0) {
                let Some(place) = out.get_mut(self.written) else { return false };
                place.write(byte);
                self.written += 1;
            }
        }
        self.wrong == 0 && self.lead == 0 && self.written == out.len()
    }
}

/// Writes the characters of a text of so many; gives whether it was one of Latin-1, and all of `out` is written then. None
/// where this processor does it no sooner than Python.
pub fn write(text: &[u8], out: &mut [MaybeUninit<u8>]) -> Option<bool> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("popcnt") {
        #[allow(unsafe_code)]
        // SAFETY: this processor has what the function asks for.
        return Some(unsafe { x86::write(text, out) });
    }
    let _ = (text, out);
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{_mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_movemask_epi8, _mm_shuffle_epi8};

    use super::{BLOCK, MaybeUninit, Progress, STAYING, WORD};

    #[target_feature(enable = "ssse3,popcnt")]
    pub fn write(text: &[u8], out: &mut [MaybeUninit<u8>]) -> bool {
        let mut progress = Progress::default();
        let mut rest = text;
        for block in text.as_chunks::<BLOCK>().0 {
            let Some(room) = out.get_mut(progress.written..).and_then(<[_]>::first_chunk_mut::<BLOCK>) else { break };
            rest = &rest[BLOCK..];
            if block.is_ascii() && progress.lead == 0 {
                *room = block.map(MaybeUninit::new);
                progress.written += BLOCK;
                continue;
            }
            let mut written = 0;
            for word in block.as_chunks::<WORD>().0 {
                let (leads, read) = progress.read(u64::from_le_bytes(*word));
                let leads = _mm_movemask_epi8(_mm_cvtsi64_si128(leads.cast_signed())).cast_unsigned() as usize;
                let places = _mm_cvtsi64_si128(STAYING[leads & 0xff].cast_signed());
                let staying = _mm_shuffle_epi8(_mm_cvtsi64_si128(read.cast_signed()), places);
                let bytes = _mm_cvtsi128_si64(staying).to_le_bytes();
                if let Some(place) = room[written..].first_chunk_mut() {
                    *place = bytes.map(MaybeUninit::new);
                }
                written += WORD - leads.count_ones() as usize;
            }
            progress.written += written;
        }
        progress.finish(rest, out)
    }
}
