//! Reading: arguments, lines and frames of the stream, and the bytes that the buffer leaves out (machine.py).

use crate::machine::{Machine, NO_FRAME, Step};
use crate::opcode;
use crate::report::{Halt, say};
use crate::tag::{Sort, Tag};

impl<'a> Machine<'a> {
    /// Ends the judgement: these bytes are not read alike by C and Python, or not at all.
    #[cold]
    #[allow(clippy::unused_self)] // reads as what the machine does
    pub fn malformed<T>(&self, sentence: impl Into<Vec<u8>>) -> Step<T> {
        Err(Box::new(Halt::Malformed(sentence.into())))
    }

    pub(crate) fn leave_frame(&mut self) -> Step {
        if self.pos + self.shift > self.frame_end {
            return self.malformed("A frame ends inside an opcode.");
        }
        self.frame_end = NO_FRAME;
        Ok(())
    }

    #[inline(always)]
    pub fn take(&mut self, size: usize) -> Step<&'a [u8]> {
        let data = self.data;
        match data.get(self.pos..self.pos.saturating_add(size)) {
            Some(found) => {
                self.pos += size;
                Ok(found)
            }
            None => self.ends_inside(),
        }
    }

    #[cold]
    pub(crate) fn ends_inside<T>(&self) -> Step<T> {
        if self.following && self.frame_end != NO_FRAME {
            return self.malformed("A frame ends inside an opcode.");
        }
        self.malformed(say!("The stream ends inside the argument of ", opcode::name(self.opcode), "."))
    }

    /// Steps over an argument that is only data; gives where it starts.
    #[inline(always)]
    pub fn skip(&mut self, size: u64) -> Step<usize> {
        let start = self.pos;
        if size > (self.data.len() - start) as u64 {
            return self.too_long();
        }
        self.pos = start + size as usize;
        Ok(start)
    }

    #[cold]
    pub(crate) fn too_long<T>(&self) -> Step<T> {
        if self.following && self.frame_end != NO_FRAME {
            return self.malformed("A frame ends inside an opcode.");
        }
        self.malformed(say!(opcode::name(self.opcode), " is longer than the rest of the stream."))
    }

    /// Steps over bytes that are only data and that the buffer leaves out; gives false where it does not.
    pub fn skip_gap(&mut self, size: u64) -> bool {
        match self.gaps {
            [(place, length), rest @ ..] if *place == self.pos && *length == size => {
                self.gaps = rest;
                self.shift += size as usize;
                true
            }
            _ => false,
        }
    }

    /// How many bytes from here on the buffer leaves out.
    pub(crate) fn left_out(&self) -> u64 {
        self.gaps.iter().map(|(_, length)| length).sum()
    }

    #[inline(always)]
    pub(crate) fn skip_then(&mut self, size: usize, sort: Sort) -> Step {
        self.take(size)?;
        self.push(Tag::plain(sort))
    }

    #[inline(always)]
    pub fn number<const WIDTH: usize>(&mut self) -> Step<u64> {
        let mut bytes = [0; 8];
        bytes[..WIDTH].copy_from_slice(self.take(WIDTH)?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub fn line(&mut self) -> Step<&'a [u8]> {
        let rest = &self.data[self.pos..];
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                self.pos += length + 1;
                Ok(&rest[..length])
            }
            None => self.ends_inside(),
        }
    }

    pub(crate) fn line_index(&mut self) -> Step<u64> {
        let line = self.line()?;
        crate::number::read_index(line).or_else(|sentence| self.malformed(say!(sentence, ".")))
    }

    /// How many bytes the loads of this verifier have read.
    pub(crate) fn read(&self) -> u64 {
        self.v.memo_span + (self.pos - self.start + self.shift) as u64
    }

    /// Gives a text of the buffer: its tag says where it lies and how wide the length before it is.
    pub fn text_in(data: &[u8], tag: Tag) -> &[u8] {
        let (start, width) = tag.place();
        let mut length = [0; 8];
        length[..width].copy_from_slice(&data[start - width..start]);
        &data[start..start + u64::from_le_bytes(length) as usize]
    }

    /// Gives the text of a tag that has one.
    pub fn text(&self, tag: Tag) -> &[u8] {
        match tag.sort() {
            Sort::Text | Sort::ByteText => Machine::text_in(self.data, tag),
            Sort::OwnText | Sort::OwnByteText => self.v.memory.own_text(tag.index()),
            _ => &[],
        }
    }
}
