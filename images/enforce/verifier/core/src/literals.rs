//! Numbers, texts and bytes (effects.py).

use crate::Form;
use crate::machine::{Machine, Step};
use crate::name;
use crate::number::{self, Int};
use crate::report::say;
use crate::settings::Texts;
use crate::tag::{Sort, Tag};

const WIDE: u64 = 8;
const WIDEST: u64 = 4; // bytes of a character

const LONG_STEP: u64 = 64; // bytes of an integer that are hashed as soon as another key

impl Machine<'_> {
    pub(crate) fn literal(&mut self, code: u8) -> Step {
        match code {
            b'I' => {
                let read = number::read_int(self.line()?);
                match self.well_formed(read)? {
                    Int::Bool => self.push(Tag::plain(Sort::Bool)),
                    Int::Number { small } => self.push_number(small, 0),
                }
            }
            b'L' => {
                let read = number::read_long(self.line()?);
                let small = self.well_formed(read)?;
                self.push_number(small, 0)
            }
            0x8a => {
                let size = self.number::<1>()?;
                self.long(size)
            }
            0x8b => {
                let size = self.signed_length("LONG4")?;
                self.long(size)
            }
            b'F' => {
                let read = number::check_float(self.line()?);
                self.well_formed(read)?;
                self.push(Tag::plain(Sort::Float))
            }
            b'S' => {
                let read = number::read_string(self.line()?);
                let text = self.well_formed(read)?;
                self.byte_text(&text, 0)
            }
            b'T' => {
                let size = self.signed_length("BINSTRING")?;
                let text = self.take(size as usize)?;
                self.byte_text(text, 4)
            }
            b'U' => {
                let size = self.number::<1>()?;
                let text = self.take(size as usize)?;
                self.byte_text(text, 1)
            }
            b'V' => self.unicode_line(),
            0x8d => self.utf8(8),
            b'B' => {
                let size = self.number::<4>()?;
                self.bytes(size, Sort::Bytes)
            }
            0x8e => {
                let size = self.number::<8>()?;
                self.bytes(size, Sort::Bytes)
            }
            0x96 => {
                let size = self.number::<8>()?;
                self.bytes(size, Sort::ByteArray)
            }
            0x97 => {
                if self.v.settings.no_buffers {
                    return self.malformed("The stream refers to out-of-band buffers, and none were given.");
                }
                self.push(Tag::plain(Sort::Buffer))
            }
            0x98 => match self.top()?.sort() {
                Sort::Buffer | Sort::ByteArray | Sort::Bytes => Ok(()),
                _ => self.malformed("READONLY_BUFFER is applied to something that is no buffer."),
            },
            _ => self.malformed(say!(&format!("0x{code:02x} is no opcode."))),
        }
    }

    fn well_formed<T>(&self, read: Result<T, &'static str>) -> Step<T> {
        read.or_else(|sentence| self.malformed(say!(sentence, ".")))
    }

    fn push_number(&mut self, small: bool, size: u64) -> Step {
        self.push(if small { Tag::plain(Sort::Int) } else { Tag::at(Sort::Long, (size / LONG_STEP) as usize) })
    }

    fn signed_length(&mut self, opcode: &str) -> Step<u64> {
        let size = (self.number::<4>()? as u32).cast_signed();
        u64::try_from(size).or_else(|_| self.malformed(say!(opcode, " has a negative length.")))
    }

    fn long(&mut self, size: u64) -> Step {
        self.skip(size)?;
        self.push_number(size <= WIDE, size)
    }

    fn bytes(&mut self, size: u64, sort: Sort) -> Step {
        if !self.skip_gap(size) {
            self.skip(size)?;
            self.ahead.pass(self.data, self.pos, size as usize);
        }
        self.push(Tag::plain(sort))
    }

    // ---- texts ------------------------------------------------------------------------------------------------------

    /// Reads a UTF-8 text behind a length of so many bytes.
    #[inline]
    pub(crate) fn utf8(&mut self, width: usize) -> Step {
        let size = match width {
            1 => self.number::<1>()?,
            4 => self.number::<4>()?,
            _ => self.number::<8>()?,
        };
        let start = self.skip(size)?;
        let bytes = &self.data[start..self.pos];
        let ascii = bytes.is_ascii();
        if !ascii && simdutf8::basic::from_utf8(bytes).is_err() {
            let text = self.decode(Form::Utf8, bytes)?; // lone surrogates, or no text
            return self.own_text(&text);
        }
        let long = if ascii { size > self.v.settings.max_name } else { self.is_long(bytes) };
        if long {
            return self.push(Tag::plain(Sort::LongText));
        }
        self.push(Tag::text(Sort::Text, start, width, bytes.starts_with(b"__")))
    }

    #[inline]
    fn is_long(&self, text: &[u8]) -> bool {
        let (length, longest) = (text.len() as u64, self.v.settings.max_name);
        length > longest && (length / WIDEST > longest || name::characters(text) > longest)
    }

    fn own_text(&mut self, text: &[u8]) -> Step {
        if self.is_long(text) {
            return self.push(Tag::plain(Sort::LongText));
        }
        let at = self.v.memory.keep_text(text);
        self.push(Tag::at(Sort::OwnText, at))
    }

    fn unicode_line(&mut self) -> Step {
        let line = self.line()?;
        if line.is_ascii() && !line.contains(&b'\\') {
            return self.own_text(line);
        }
        let text = self.decode(Form::RawUnicodeEscape, line)?;
        self.own_text(&text)
    }

    /// Takes a byte string of Python 2; `width` is that of the length before it in the buffer, if it stands there.
    fn byte_text(&mut self, bytes: &[u8], width: usize) -> Step {
        match self.v.settings.texts {
            Texts::Bytes => return self.push(Tag::plain(Sort::Bytes)),
            Texts::Latin1 if bytes.len() as u64 > self.v.settings.max_name => {
                return self.push(Tag::plain(Sort::LongByteText));
            }
            Texts::Ascii | Texts::Latin1 if bytes.is_ascii() => {
                if self.is_long(bytes) {
                    return self.push(Tag::plain(Sort::LongByteText));
                }
                if width > 0 {
                    let start = self.pos - bytes.len();
                    return self.push(Tag::text(Sort::ByteText, start, width, false));
                }
                return self.own_byte_text(bytes);
            }
            _ => {}
        }
        let text = self.decode(Form::Python2, bytes)?;
        self.own_byte_text(&text)
    }

    fn own_byte_text(&mut self, text: &[u8]) -> Step {
        if self.is_long(text) {
            return self.push(Tag::plain(Sort::LongByteText));
        }
        let at = self.v.memory.keep_text(text);
        self.push(Tag::at(Sort::OwnByteText, at))
    }
}
