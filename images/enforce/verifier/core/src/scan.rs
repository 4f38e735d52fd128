//! How much of a file belongs to its pickle (opcodes.py, `scan`). Nothing is judged here.

use crate::opcode;

enum Shape {
    Fixed(usize),
    Lines(usize),
    Length(usize, bool),
}

fn shape(opcode: u8) -> Shape {
    match opcode {
        b'F' | b'I' | b'L' | b'P' | b'S' | b'V' | b'g' | b'p' => Shape::Lines(1),
        b'c' | b'i' => Shape::Lines(2),
        b'C' | b'U' | 0x8a | 0x8c => Shape::Length(1, false),
        b'B' | b'X' => Shape::Length(4, false),
        b'T' | 0x8b => Shape::Length(4, true),
        0x8d | 0x8e | 0x96 => Shape::Length(8, false),
        b'K' | b'h' | b'q' | 0x80 | 0x82 => Shape::Fixed(1),
        b'M' | 0x83 => Shape::Fixed(2),
        b'J' | b'j' | b'r' | 0x84 => Shape::Fixed(4),
        b'G' | 0x95 => Shape::Fixed(8),
        _ => Shape::Fixed(0),
    }
}

const STOP: u8 = b'.';
const FRAME: u8 = 0x95;
const LONGEST_FRAME: u64 = 1 << 20;

/// Where the frame at a position ends, with all that is in it; of a very long one, and one that may end in STOP, its
/// opcode.
fn after_frame(data: &[u8], position: usize) -> Option<usize> {
    let length = u64::from_le_bytes(*data.get(position + 1..)?.first_chunk()?);
    let start = position + 9;
    let end = start + if length <= LONGEST_FRAME { length as usize } else { 0 };
    data.get(end - 1).map(|&last| if last == STOP { start } else { end })
}

/// Where the opcode at a position ends; None where the data ends before.
fn after(data: &[u8], position: usize) -> Option<usize> {
    let start = position + 1;
    let end = match shape(data[position]) {
        Shape::Fixed(size) => start + size,
        Shape::Lines(count) => {
            let mut end = start;
            for _ in 0..count {
                end += data.get(end..)?.iter().position(|&byte| byte == b'\n')? + 1;
            }
            end
        }
        Shape::Length(width, signed) => {
            let mut length = [0; 8];
            length[..width].copy_from_slice(data.get(start..start + width)?);
            let length = u64::from_le_bytes(length);
            let negative = signed && length >= 1 << 31;
            start
                + width
                + if negative { 0 } else { usize::try_from(length).ok().filter(|size| *size <= data.len())? }
        }
    };
    (end <= data.len()).then_some(end)
}

/// The length of an opcode with its argument, where it always has the same; 0 for others, STOP and FRAME.
const FIXED: [u8; 256] = {
    const LISTED: [&[u8]; 9] = [
        b"()012NRabdelostu]}\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98",
        b"Khq\x80\x82",
        b"M\x83",
        b"",
        b"Jjr\x84",
        b"",
        b"",
        b"",
        b"G",
    ];
    let mut table = [0; 256];
    let mut size = 0;
    while size < LISTED.len() {
        let mut at = 0;
        while at < LISTED[size].len() {
            table[LISTED[size][at] as usize] = size as u8 + 1;
            at += 1;
        }
        size += 1;
    }
    table
};

/// Where the opcode at a position ends, mostly by one look; None where the data ends before.
#[inline(always)]
pub fn next(data: &[u8], position: usize) -> Option<usize> {
    let rest = &data[position + 1..];
    let size = match FIXED[data[position] as usize] {
        0 => match (data[position], rest) {
            (b'C' | 0x8c, [length, ..]) => 2 + usize::from(*length),
            _ => return after(data, position),
        },
        size => usize::from(size),
    };
    (size <= rest.len() + 1).then_some(position + size)
}

/// Steps over the opcodes that most are, as far as the data goes: those of a fixed length, short texts and bytes.
fn pass_plain(data: &[u8], mut position: usize) -> usize {
    while let Some((&code, rest)) = data.get(position..).and_then(<[u8]>::split_first) {
        let size = match FIXED[code as usize] {
            0 => match (code, rest) {
                (b'C' | b'U' | 0x8a | 0x8c, [length, ..]) => 2 + usize::from(*length),
                (b'B' | b'X', [a, b, c, d, ..]) => 5 + u32::from_le_bytes([*a, *b, *c, *d]) as usize,
                _ => break,
            },
            size => usize::from(size),
        };
        if size > rest.len() + 1 {
            break;
        }
        position += size;
    }
    position
}

/// Steps from opcode to opcode, or over whole frames; gives where that ended, and whether it was at STOP (else: at what is
/// not there yet). With frames, and where it is to
/// step over known opcodes only, it takes what is none for STOP.
#[must_use]
pub fn scan(data: &[u8], mut position: usize, frames: bool, known: bool) -> (usize, bool) {
    loop {
        position = pass_plain(data, position);
        if position >= data.len() {
            return (position, false);
        }
        if data[position] == STOP || (frames || known) && !opcode::is_known(data[position]) {
            return (position + 1, true);
        }
        let next = if frames && data[position] == FRAME { after_frame } else { after };
        match next(data, position) {
            Some(end) => position = end,
            None => return (position, false),
        }
    }
}
