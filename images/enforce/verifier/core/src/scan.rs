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

/// Steps from opcode to opcode, or over whole frames; gives where that ended, and whether it was at STOP (else: at what is
/// not there yet). With frames, it takes what is no opcode for STOP.
#[must_use]
pub fn scan(data: &[u8], mut position: usize, frames: bool) -> (usize, bool) {
    while position < data.len() {
        if data[position] == STOP || frames && !opcode::is_known(data[position]) {
            return (position + 1, true);
        }
        let next = if frames && data[position] == FRAME { after_frame } else { after };
        match next(data, position) {
            Some(end) => position = end,
            None => return (position, false),
        }
    }
    (position, false)
}
