//! Byte literals whose content the data leaves out: it is read into its object when the opcode comes.

use pyo3::intern;
use pyo3::prelude::*;

use super::{Building, Step};
use crate::made::{self, Object};

/// Where the data leaves out the content of byte literals, and how long it is; and what reads it (drivers/replay.py).
#[derive(Default)]
pub struct Gaps<'py> {
    pub places: Vec<(usize, u64)>,
    source: Option<Object<'py>>,
    /// How many have been read.
    read: usize,
}

impl<'py> Gaps<'py> {
    pub fn new(source: Option<Object<'py>>) -> PyResult<Gaps<'py>> {
        let Some(source) = source else { return Ok(Gaps::default()) };
        let places = source.getattr(intern!(source.py(), "places"))?.extract()?;
        Ok(Gaps { places, source: Some(source), read: 0 })
    }

    /// Gives what reads the next one, and its number, where this is its place and its length.
    fn take(&mut self, place: usize, size: usize) -> Option<(Object<'py>, usize)> {
        let (source, number) = (self.source.as_ref()?, self.read);
        if self.places.get(number) != Some(&(place, size as u64)) {
            return None;
        }
        self.read += 1;
        Some((source.clone(), number))
    }
}

impl<'py> Building<'_, 'py> {
    /// Makes bytes of a literal.
    pub(super) fn long_bytes<const WIDTH: usize>(&mut self) -> Step {
        let size = self.number::<WIDTH>()?;
        if let Some(gap) = self.gaps.take(self.pos, size) {
            return self.read_gap(&gap, size, false);
        }
        let bytes = self.take(size)?;
        self.push(made::bytes(self.py, bytes))
    }

    /// Makes a bytearray of a literal.
    pub(super) fn long_bytearray(&mut self) -> Step {
        let size = self.number::<8>()?;
        if let Some(gap) = self.gaps.take(self.pos, size) {
            return self.read_gap(&gap, size, true);
        }
        let bytes = self.take(size)?;
        self.push(made::bytearray(self.py, bytes))
    }

    /// Reads what was left out straight into its object, as stock does. Code of Python may run (a file of the program's).
    fn read_gap(&mut self, (source, number): &(Object<'py>, usize), size: usize, changeable: bool) -> Step {
        let name = intern!(self.py, "readinto");
        let read = |view: &Object<'py>| source.call_method1(name, (*number, view))?.extract();
        let made = made::written(self.py, size, changeable, read);
        match self.kept(made)? {
            Some(made) => self.push(Some(made)),
            None => self.fail("pickle data was truncated"), // the file has become shorter
        }
    }
}
