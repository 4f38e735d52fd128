//! Whether a pickle is plain data, and what of its memo it uses: one look at each opcode, before anything is built.
//!
//! Plain data is what no import, call, persistent id or buffer comes into, in the opcodes of protocols 1 to 5 that
//! picklers write; but for the call by which protocols before 3 write bytes. What is odd about a pickle is no matter here: it is then none of these, and the verifier says why.

use crate::ahead::Ahead;
use crate::machine::MEMOIZE;
use crate::opcode::HIGHEST_PROTOCOL;

/// How protocols 0 to 2 import what makes bytes of a text; the argument of GLOBAL.
pub const ENCODE: &[u8] = b"_codecs\nencode\n";
const BITS: usize = 64;
const WIDEST: usize = 1 << 12; // of an integer: the verifier counts what it costs as a key

/// What a look at a pickle of plain data told.
#[derive(Debug)]
pub struct Survey {
    /// Where it ends, behind its STOP.
    pub end: usize,
    /// Whether each put goes to the next entry of the memo, as picklers do.
    pub ordered: bool,
    /// Whether bytes are written as texts that `_codecs.encode` is called with.
    pub encodes: bool,
    /// How many bytes of it the data leaves out.
    pub left_out: u64,
    got: Vec<u64>,
}

impl Survey {
    /// What the judgement of a pickle told that ends there: which entries of an ordered memo were got.
    pub(crate) fn of_judged(end: usize, got: Option<Vec<u64>>) -> Survey {
        Survey { end, ordered: got.is_some(), encodes: false, left_out: 0, got: got.unwrap_or_default() }
    }

    /// Whether no get names the entry of an ordered memo.
    #[inline(always)]
    #[must_use]
    pub fn is_vain(&self, index: usize) -> bool {
        self.got.get(index / BITS).is_none_or(|bits| bits >> (index % BITS) & 1 == 0)
    }

    fn get(&mut self, index: usize) {
        let place = index / BITS;
        if place >= self.got.len() {
            self.got.resize(place + 1, 0);
        }
        self.got[place] |= 1 << (index % BITS);
    }

    /// The length of the argument of a byte literal as far as it is there; it begins at `start`.
    fn literal<const WIDTH: usize>(
        &mut self,
        rest: &[u8],
        start: usize,
        framed: bool,
        gaps: &mut &[(usize, u64)],
    ) -> Option<usize> {
        let size = number::<WIDTH>(rest)?;
        match gaps.split_first() {
            Some((gap, after)) if *gap == (start + WIDTH, size as u64) => {
                *gaps = after;
                self.left_out = self.left_out.checked_add(gap.1)?;
                (!framed).then_some(WIDTH)
            }
            _ => size.checked_add(WIDTH),
        }
    }
}

#[inline(always)]
fn number<const WIDTH: usize>(rest: &[u8]) -> Option<usize> {
    let mut bytes = [0; 8];
    bytes[..WIDTH].copy_from_slice(rest.get(..WIDTH)?);
    usize::try_from(u64::from_le_bytes(bytes)).ok()
}

/// The length of an argument with the length before it.
#[inline(always)]
fn counted<const WIDTH: usize>(rest: &[u8]) -> Option<usize> {
    number::<WIDTH>(rest)?.checked_add(WIDTH)
}

/// The length of two lines.
fn lines(rest: &[u8]) -> Option<usize> {
    let mut ends = rest.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    ends.next()?;
    Some(ends.next()?.0 + 1)
}

/// Looks at the pickle that begins at `start`; None where it is more than plain data, odd, or cut off. With `calls` there
/// may be imports, calls and states too; then the protocol is said at the start if at all.
///
/// `gaps` says where the data leaves out the content of byte literals, and how long it is: all of them are this pickle's,
/// and outside frames. Its memo is in order, so that no index is larger than the data that is there.
#[must_use]
pub fn survey(data: &[u8], start: usize, mut gaps: &[(usize, u64)], calls: bool) -> Option<Survey> {
    let mut found = Survey { end: start, ordered: true, encodes: false, left_out: 0, got: Vec::new() };
    let (mut window, mut framed) = (data, false);
    let (mut pos, mut entries, mut ahead) = (start, 0, Ahead::default());
    loop {
        let Some((&code, rest)) = window.get(pos..)?.split_first() else {
            if !framed {
                return None;
            }
            (window, framed) = (data, false); // the frame ends
            continue;
        };
        let width = match code {
            b'('
            | b')'
            | b'N'
            | b']'
            | b'}'
            | b'e'
            | b'u'
            | b'a'
            | b's'
            | b't'
            | b'l'
            | b'd'
            | b'0'
            | b'1'
            | b'2'
            | 0x85..=0x89
            | 0x8f..=0x91
            | b'R' => 0,
            0x93 | b'b' if calls => 0,
            b'c' if calls => lines(rest)?,
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            b'G' => 8,
            b'C' | 0x8a | 0x8c => counted::<1>(rest)?,
            b'X' => ahead.past(data, pos, counted::<4>(rest)?),
            0x8d => ahead.past(data, pos, counted::<8>(rest)?),
            b'B' => ahead.past(data, pos, found.literal::<4>(rest, pos + 1, framed, &mut gaps)?),
            0x8e | 0x96 => ahead.past(data, pos, found.literal::<8>(rest, pos + 1, framed, &mut gaps)?),
            0x8b => counted::<4>(rest).filter(|&width| width <= WIDEST)?,
            b'h' | b'j' => {
                let index = if code == b'h' { number::<1>(rest)? } else { number::<4>(rest)? };
                if found.ordered && index >= entries {
                    return None;
                }
                if found.ordered {
                    found.get(index);
                }
                if code == b'h' { 1 } else { 4 }
            }
            MEMOIZE => {
                entries += 1;
                0
            }
            b'q' | b'r' => {
                let index = if code == b'q' { number::<1>(rest)? } else { number::<4>(rest)? };
                found.ordered &= index == entries;
                entries += 1;
                if code == b'q' { 1 } else { 4 }
            }
            b'c' => {
                found.encodes = rest.starts_with(ENCODE);
                if !found.encodes {
                    return None;
                }
                ENCODE.len()
            }
            0x80 => {
                if *rest.first()? > HIGHEST_PROTOCOL || calls && pos != start {
                    return None;
                }
                1
            }
            0x95 => {
                let end = number::<8>(rest)?.checked_add(pos + 9)?;
                if framed {
                    return None; // a frame in a frame
                }
                (window, framed) = (data.get(..end)?, true);
                8
            }
            b'.' => {
                found.end = pos + 1;
                let whole = gaps.is_empty() && (found.left_out == 0 || found.ordered);
                return (whole && (!framed || window.len() == found.end)).then_some(found);
            }
            _ => return None,
        };
        pos = pos.checked_add(width)?.checked_add(1)?;
        if window.get(pos) == Some(&MEMOIZE) {
            entries += 1; // as most new values are put
            pos += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_told_from_what_is_more() {
        assert_eq!(survey(b"\x80\x04]\x94(K\x01Ne.rest", 0, &[], false).map(|found| found.end), Some(10));
        assert_eq!(survey(b"..", 1, &[], false).map(|found| found.end), Some(2));
        assert!(survey(b"c_codecs\nencode\n(N\x85R.", 0, &[], false).is_some_and(|found| found.encodes));
        for more in [&b"cos\nsystem\n."[..], b"\x8c\x02os\x8c\x01x\x93.", b"Np0\n.", b"K\x01Q.", b"\x97.", b"\x82\x01."]
        {
            assert!(survey(more, 0, &[], false).is_none(), "{more:?}");
        }
        for odd in
            [&b""[..], b"K", b"\x80\x06N.", b"X\xff\xff\xff\xff.", b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", b"N"]
        {
            assert!(survey(odd, 0, &[], false).is_none(), "{odd:?}");
        }
    }

    #[test]
    fn calls_are_passed_where_they_may_be() {
        for called in [&b"cos\nsystem\n)R."[..], b"\x8c\x02os\x8c\x01x\x93)R}b.", b"\x80\x02cos\nx\n."] {
            assert!(survey(called, 0, &[], false).is_none(), "{called:?}");
            assert_eq!(survey(called, 0, &[], true).map(|found| found.end), Some(called.len()), "{called:?}");
        }
        for other in [&b"N\x80\x02cos\nx\n."[..], b"cos\nx.", b"cos.", b"N)\x81.", b"(ios\nx\n.", b"\x82\x01.", b"NQ."]
        {
            assert!(survey(other, 0, &[], true).is_none(), "{other:?}");
        }
    }

    #[test]
    fn long_literals_may_say_any_length() {
        let literal = |size: u32| [&b"B"[..], &size.to_le_bytes(), &[0; 600]].concat();
        let long = |size: u64| [&[0x8e][..], &size.to_le_bytes(), &[0; 600]].concat();
        let even = literal(600).repeat(20);
        assert!(survey(&[&even[..], b"."].concat(), 0, &[], false).is_some());
        for last in [literal(601), literal(616), literal(u32::MAX), long(616), long(u64::MAX), long(u64::MAX - 8)] {
            assert!(survey(&[&even[..], &last].concat(), 0, &[], true).is_none());
            assert!(survey(&last, 0, &[], true).is_none());
        }
    }

    #[test]
    fn what_is_got_is_known() {
        let found = survey(b"]\x94N\x94h\x01.", 0, &[], false).expect("data");
        assert_eq!((found.is_vain(0), found.is_vain(1), found.is_vain(500)), (true, false, true));
        assert!(!survey(b"]q\x05.", 0, &[], false).expect("data").ordered);
        assert!(survey(b"Nh\x00.", 0, &[], false).is_none());
    }

    #[test]
    fn frames_end_between_opcodes_and_at_stop() {
        let framed = |size: u8, rest: &[u8]| {
            survey(&[&[0x95, size, 0, 0, 0, 0, 0, 0, 0][..], rest].concat(), 0, &[], false).is_some()
        };
        assert!(framed(2, b"N."));
        assert!(framed(1, b"N."));
        assert!(framed(0, b"N."));
        assert!(!framed(3, b"N.."), "it reaches past STOP");
        assert!(!framed(3, b"N..."), "it reaches past STOP");
        assert!(!framed(1, b"K\x01."), "it ends in an argument");
        assert!(!framed(9, b"N."), "it is longer than the rest");
        assert!(!framed(11, b"\x95\x02\0\0\0\0\0\0\0N."), "it begins in another");
    }

    #[test]
    fn what_is_left_out_is_known_to_the_byte() {
        let seen =
            |data: &[u8], gaps: &[(usize, u64)]| survey(data, 0, gaps, true).map(|found| (found.end, found.left_out));
        let (short, long, array) = (b"B\x03\0\0\0.", b"\x8e\x03\0\0\0\0\0\0\0.", b"\x96\x03\0\0\0\0\0\0\0.");
        assert_eq!(seen(short, &[(5, 3)]), Some((6, 3)));
        assert_eq!(seen(long, &[(9, 3)]), Some((10, 3)));
        assert_eq!(seen(array, &[(9, 3)]), Some((10, 3)));
        assert_eq!(seen(b"B\x03\0\0\0\x94B\x04\0\0\0\x86.", &[(5, 3), (11, 4)]), Some((13, 7)));
        for wrong in [&[(5, 2)][..], &[(4, 3)], &[(5, 3), (5, 3)], &[(5, 3), (6, 1)], &[(0, 0), (5, 3)], &[]] {
            assert_eq!(seen(short, wrong), None, "{wrong:?}");
        }
        assert_eq!(seen(b"C\x03.", &[(2, 3)]), None, "a short literal");
        assert_eq!(seen(b"X\x03\0\0\0.", &[(5, 3)]), None, "a text");
        assert_eq!(seen(b"\x95\x06\0\0\0\0\0\0\0B\x03\0\0\0.", &[(14, 3)]), None, "in a frame");
        assert_eq!(seen(b"B\x03\0\0\0q\x01.", &[(5, 3)]), None, "a memo in another order");
    }
}
