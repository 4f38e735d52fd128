//! Looks ahead where a processor does not: behind long literals that lie at even distances, as those of many arrays do.
//!
//! The judgement steps over what a long literal holds, and would wait for memory at the opcode behind each one.

use std::hint::black_box;

const LONG: usize = 512; // bytes of a literal that no processor looks over by itself
const LINE: usize = 64; // bytes that it fetches together
const AT_ONCE: usize = 8; // places, fetched while none of them is waited for
const EVEN: usize = 16; // how much distances may differ: a frame begins in between

/// Where the last long literals ended.
#[derive(Debug, Default)]
pub struct Ahead {
    last: usize,
    distance: usize,
    looked: usize,
}

impl Ahead {
    /// Notes a literal of so many bytes that ends here; where the next ones are foreseen, what follows them is fetched.
    #[inline(always)]
    pub fn pass(&mut self, data: &[u8], end: usize, length: usize) {
        if length >= LONG {
            self.note(data, end);
        }
    }

    /// Notes a literal that may end anywhere, its opcode at a place; gives how many bytes its argument has.
    #[inline(always)]
    pub fn past(&mut self, data: &[u8], place: usize, width: usize) -> usize {
        self.pass(data, place.saturating_add(width).min(data.len()), width);
        width
    }

    fn note(&mut self, data: &[u8], end: usize) {
        let distance = end - self.last.min(end);
        let even = distance.abs_diff(self.distance) <= EVEN;
        (self.last, self.distance) = (end, distance);
        if !even || end < self.looked {
            return;
        }
        let mut place = end;
        let mut fetched = 0;
        for _ in 0..AT_ONCE {
            place += distance;
            let Some(rest) = data.get(place..) else { break };
            fetched ^= rest.first().copied().unwrap_or(0) ^ rest.get(LINE).copied().unwrap_or(0);
        }
        black_box(fetched);
        self.looked = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_literals_are_foreseen() {
        let data = vec![0; 1 << 16];
        let mut ahead = Ahead::default();
        for (end, looked) in [(1000, 0), (2000, 2000 + 8000), (3009, 10_000), (9_990, 10_000), (10_990, 10_000)] {
            ahead.pass(&data, end, 900);
            assert_eq!(ahead.looked, looked, "{end}");
        }
        ahead.pass(&data, usize::MAX, 900);
        ahead.pass(&[], 0, 900);
    }

    #[test]
    fn short_ones_are_not_looked_at() {
        let mut ahead = Ahead::default();
        ahead.pass(&[0; 100], 10, 10);
        assert_eq!(ahead.last, 0);
    }
}
