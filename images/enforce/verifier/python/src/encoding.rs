//! The calls by which protocols before 3 write bytes: `_codecs.encode` with a text, and "latin1".

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::builder::{Building, Odd, Step};
use crate::made::{self, Object};

const WRITTEN: &[u8] = b"X\x06\0\0\0latin1";

/// What follows a text that is encoded: how many entries of the memo nothing gets, and where the call ends.
struct Call {
    puts: usize,
    end: usize,
}

impl Building<'_, '_> {
    /// Calls what makes bytes of a text, with a text and "latin1" as picklers write it.
    #[inline(always)]
    pub fn encode(&mut self) -> Step {
        let (args, callee) = (self.pop()?, self.pop()?);
        let args = args.cast_exact::<PyTuple>().map_err(|_| Odd)?;
        let known = self.stand_in.as_ref().is_some_and(|encode| encode.is(&*callee));
        if !known || args.len() != 2 || !is_latin1(&args.get_item(1).map_err(|_| Odd)?) {
            return Err(Odd);
        }
        let text = args.get_item(0).map_err(|_| Odd)?;
        if !self.has_own_codec()? {
            return Err(Odd);
        }
        self.push(made::latin1(&text))
    }

    /// Whether what encodes a text lies on the top.
    #[inline(always)]
    pub fn encodes_text(&self) -> bool {
        let encode = self.stand_in.as_ref().unwrap_or(self.maker.encode.bind(self.py));
        self.top().is_ok_and(|top| top.is(encode))
    }

    /// Makes bytes of a text that has been read, with what encodes it below, and that nothing but the call sees that
    /// follows. Gives false, and has done nothing, where this is something else, or Python has to do it: texts that are no
    /// Latin-1, other codecs.
    #[inline(never)]
    pub fn encode_at_once(&mut self, text: &[u8]) -> Step<bool> {
        let Some(call) = self.call_that_follows() else { return Ok(false) };
        if self.entries + call.puts > self.settings.max_memo || self.stack.len() + 2 > self.settings.max_depth {
            return Ok(false);
        }
        let Some(made) = made::bytes_of_latin1(self.py, text) else {
            return if PyErr::occurred(self.py) { Err(Odd) } else { Ok(false) };
        };
        if !self.has_own_codec()? {
            return Ok(false);
        }
        self.pop()?;
        self.entries += call.puts;
        self.pos = call.end;
        self.push(Some(made))?;
        Ok(true)
    }

    /// Whether Python's own codec answers to latin1. That is looked up where stock does it: when a text is there, and at each
    /// call; but for plain data once, which runs nothing that could change it.
    #[inline(always)]
    fn has_own_codec(&mut self) -> Step<bool> {
        if self.codec_known && self.find.is_none() {
            return Ok(true);
        }
        let own = self.maker.encodes_itself(self.py);
        self.codec_known = self.kept(own)?;
        Ok(self.codec_known)
    }

    fn call_that_follows(&self) -> Option<Call> {
        let mut call = Call { puts: 0, end: self.pos };
        self.pass_put(&mut call)?;
        self.pass_codec(&mut call)?;
        self.pass_put(&mut call)?;
        self.pass(&mut call, 0x86)?;
        self.pass_put(&mut call)?;
        self.pass(&mut call, b'R')?;
        Some(call)
    }

    fn ahead(&self, call: &Call) -> &[u8] {
        self.data.get(call.end..).unwrap_or_default()
    }

    fn pass(&self, call: &mut Call, code: u8) -> Option<()> {
        call.end += 1;
        (self.data.get(call.end - 1) == Some(&code)).then_some(())
    }

    /// Passes a put, if one follows; None where something gets what it puts.
    fn pass_put(&self, call: &mut Call) -> Option<()> {
        let width = self.width_of_put(call.end);
        if width == 0 {
            return Some(());
        }
        call.end += width;
        call.puts += 1;
        (self.survey.ordered && self.survey.is_vain(self.entries + call.puts - 1)).then_some(())
    }

    /// Passes the text "latin1".
    fn pass_codec(&self, call: &mut Call) -> Option<()> {
        let ahead = self.ahead(call);
        if ahead.starts_with(WRITTEN) {
            call.end += WRITTEN.len();
            return Some(());
        }
        let (index, width) = match *ahead {
            [b'h', index, ..] => (u32::from(index), 2),
            [b'j', a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]), 5),
            _ => return None,
        };
        call.end += width;
        self.memo.get(index as usize)?.as_ref().filter(|text| is_latin1(text)).map(drop)
    }
}

fn is_latin1(text: &Object<'_>) -> bool {
    text.cast_exact::<PyString>().is_ok_and(|text| text == "latin1")
}
