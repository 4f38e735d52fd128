//! Builds what a pickle of plain data stands for, as stock's unpickler does, and sooner.
//!
//! Whatever its bytes are, nothing comes of a pickle here but None, booleans, numbers, texts, bytes, tuples, lists, dicts
//! and sets: there is no opcode that could do more. What these bytes could ask too much of (the stack, the memo, time for
//! hashing) has the bounds of the verifier, or closer ones. Where anything is odd, nothing is built: then the long way judges it.

mod containers;
mod gaps;
mod stack;

use pickleball_verifier::{ENCODE, Settings, Survey, survey};
use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::ffi::PyTypeObject;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyCFunction, PyDict, PyInt, PyModule};

use crate::calls::Finder;
use crate::held::Held;
use crate::interpreter;
use crate::made::{self, Object};
use crate::quick::imports_by_itself;
use crate::settings;

pub use self::gaps::Gaps;

pub const MEMOIZE: u8 = 0x94;
const FRAME: u8 = 0x95;
const FRAME_WIDTH: usize = 8;
const NOT_OPEN: usize = usize::MAX;
const SHARED: usize = 2; // the widest text of one character of Latin-1: Python has one object for its bytes
const LONGEST_OPEN: usize = 1 << 20; // items on the stack: a longer list is made of several parts
const ROOMY: usize = 1 << 18; // bytes of a pickle whose stack has its room at once
const MOST_HASHED: u64 = 1 << 16; // what keys may hold beside two for each byte: here it is counted by going there
const SMALL: std::ops::Range<i64> = -5..257; // ints of which Python has one each

/// That nothing is built: Python has raised, or something is odd.
#[derive(Debug)]
pub struct Odd;

pub type Step<T = ()> = Result<T, Odd>;

/// Where the items above a MARK begin. Those of a list that is not made yet begin at `open` and lie below.
#[derive(Clone, Copy)]
pub struct Mark {
    start: usize,
    open: usize,
}

/// Builds pickles of plain data that are loaded once. `encodes` is asked whether stock looks for `_codecs.encode` under this
/// name.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Builder {
    settings: Settings,
    encodes: Py<PyAny>,
    /// `_codecs.encode`, and what it encodes with latin1 by, as they were made.
    pub encode: Py<PyAny>,
    pub encoder: Py<PyAny>,
    /// Whether both were Python's own then.
    intact: bool,
}

#[pymethods]
impl Builder {
    #[new]
    fn new(settings: &Bound<'_, PyAny>, encodes: Py<PyAny>) -> PyResult<Builder> {
        let codecs = PyModule::import(settings.py(), "_codecs")?;
        let (encode, codec) = (codecs.getattr("encode")?, codecs.getattr("latin_1_encode")?);
        Ok(Builder {
            settings: settings::read(settings)?.0,
            encodes,
            intact: is_of_python(&encode, "encode")? && is_of_python(&codec, "latin_1_encode")?,
            encode: encode.unbind(),
            encoder: codec.unbind(),
        })
    }

    /// Builds the pickle that begins at `start`; gives the object and where the pickle ends, None where it is more than
    /// plain data or odd. `gaps` reads what the data leaves out.
    #[pyo3(signature = (data, start, gaps = None))]
    fn build<'py>(
        &self,
        data: &Bound<'py, PyBytes>,
        start: usize,
        gaps: Option<Object<'py>>,
    ) -> PyResult<Option<(Object<'py>, usize)>> {
        let (py, data) = (data.py(), data.as_bytes());
        let gaps = Gaps::new(gaps)?;
        let Some(survey) = survey(data, start, &gaps.places, false) else { return Ok(None) };
        if ((data.len() - start) as u64).saturating_add(survey.left_out) > self.settings.max_length {
            return Ok(None);
        }
        if survey.encodes && !(self.stands_there(py)? && self.encodes.bind(py).call0()?.is_truthy()?) {
            return Ok(None);
        }
        let mut building = Building::new(py, &data[..survey.end], start, &survey, self);
        building.gaps = gaps;
        match building.run() {
            Ok(found) => Ok(Some((found.into_object(), survey.end))),
            Err(Odd) => match PyErr::take(py) {
                Some(error) => passed(py, error), // the long way meets it again, where it belongs
                None => Ok(None),
            },
        }
    }

    /// Makes what a pickle between two places stands for, that was judged, is clean, and is loaded once: `find` gives each
    /// import when its opcode comes. None where it has opcodes that are left to stock; then nothing has run.
    #[pyo3(signature = (given, start, end, find, gaps = None))]
    fn load<'py>(
        &self,
        given: &Bound<'py, PyBytes>,
        start: usize,
        end: usize,
        find: Object<'py>,
        gaps: Option<Object<'py>>,
    ) -> PyResult<Option<(Object<'py>,)>> {
        let (py, data) = (given.py(), given.as_bytes());
        let find = Finder::new(find);
        let gaps = Gaps::new(gaps)?;
        let seen = match &find {
            Finder::Checked(load) => load.get().take_survey(given, start, &gaps.places),
            Finder::Asked(_) => survey(data, start, &gaps.places, true),
        };
        let Some(survey) = seen.filter(|survey| survey.end == end) else { return Ok(None) };
        let mut building = Building::new(py, &data[..end], start, &survey, self);
        building.find = Some(find);
        building.gaps = gaps;
        match building.run() {
            Ok(found) => Ok(Some((found.into_object(),))),
            Err(Odd) => Err(PyErr::take(py).unwrap_or_else(|| PyRuntimeError::new_err("the judged pickle is odd"))),
        }
    }
}

impl Builder {
    /// Whether stock finds under the name of `_codecs.encode` what stood there as this was made.
    fn stands_there(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(owner) = interpreter::module(py, intern!(py, "_codecs"))? else { return Ok(false) };
        let found = owner.dict().get_item(intern!(py, "encode"))?;
        Ok(found.is_some_and(|found| found.is(&self.encode)) && imports_by_itself(py)?)
    }

    /// Whether Python's own function encodes with latin1; a program can put another codec in its place.
    pub fn encodes_itself(&self, py: Python<'_>) -> PyResult<bool> {
        made::latin1_encoder(py).map(|encoder| self.intact && encoder.is(&self.encoder))
    }
}

/// Whether a function of a module is one of C that has this name itself: a program may have put another there before.
fn is_of_python(function: &Object<'_>, name: &str) -> PyResult<bool> {
    let py = function.py();
    let plain = function.is_exact_instance_of::<PyCFunction>()
        && function.getattr(intern!(py, "__self__"))?.is_exact_instance_of::<PyModule>();
    Ok(plain && function.getattr(intern!(py, "__name__"))?.eq(name)?)
}

/// Gives None for an exception; what is none (a program is to end) is raised.
fn passed<T>(py: Python<'_>, error: PyErr) -> PyResult<Option<T>> {
    if error.is_instance_of::<PyException>(py) { Ok(None) } else { Err(error) }
}

/// How many items the stack of so many bytes gets room for. A stack that grows is copied, each time to new pages of memory;
/// of room that is not used there are none.
fn room_for(length: usize) -> usize {
    if length < ROOMY { 0 } else { (length / 2).min(LONGEST_OPEN) }
}

pub struct Building<'a, 'py> {
    pub py: Python<'py>,
    pub data: &'a [u8],
    start: usize,
    pub pos: usize,
    pub survey: &'a Survey,
    pub settings: &'a Settings,
    pub maker: &'a Builder,
    pub stack: Vec<Held<'py>>,
    marks: Vec<Mark>,
    /// Where the items above the last mark begin.
    fence: usize,
    pub memo: Vec<Option<Held<'py>>>,
    pub entries: usize,
    hash_cost: u64,
    /// Stands for `_codecs.encode`, which is no data: an object that nobody else has.
    pub stand_in: Option<Object<'py>>,
    /// Whether Python's own codec is known to answer to latin1.
    pub codec_known: bool,
    /// The class of what got a state last, and the method that all of its instances have for it, if it is fixed.
    pub setter: (*mut PyTypeObject, Option<Object<'py>>),
    /// Gives the imports of a pickle that was judged. Its bounds are those that the verifier has kept.
    pub find: Option<Finder<'py>>,
    gaps: Gaps<'py>,
}

impl<'a, 'py> Building<'a, 'py> {
    fn new(py: Python<'py>, data: &'a [u8], start: usize, survey: &'a Survey, maker: &'a Builder) -> Building<'a, 'py> {
        Building {
            py,
            data,
            start,
            pos: start,
            survey,
            settings: &maker.settings,
            maker,
            stack: Vec::with_capacity(room_for(data.len() - start)),
            marks: Vec::new(),
            fence: 0,
            memo: Vec::new(),
            entries: 0,
            hash_cost: 0,
            stand_in: None,
            codec_known: false,
            setter: (std::ptr::null_mut(), None),
            find: None,
            gaps: Gaps::default(),
        }
    }

    fn run(&mut self) -> Step<Held<'py>> {
        if self.survey.encodes {
            self.stand_in = Some(self.py.get_type::<PyAny>().call0().map_err(|_| Odd)?);
        }
        self.make()
    }

    fn make(&mut self) -> Step<Held<'py>> {
        loop {
            match self.byte()? {
                b'K' => {
                    let value = self.byte()?;
                    self.push(made::int(self.py, i32::from(value)))?;
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.push(made::int(self.py, i32::from(value)))?;
                }
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.push(made::int(self.py, value))?;
                }
                b'G' => {
                    let value = f64::from_be_bytes(self.array()?);
                    self.push(made::float(self.py, value))?;
                }
                0x8c => {
                    let text = self.counted::<1>()?;
                    self.push_new(made::text(self.py, text))?;
                }
                b'X' => {
                    let text = self.counted::<4>()?;
                    if text.len() <= SHARED || !self.encodes_text() || !self.encode_at_once(text)? {
                        self.push_new(made::text(self.py, text))?;
                    }
                }
                b'C' => {
                    let bytes = self.counted::<1>()?;
                    self.push_new(made::bytes(self.py, bytes))?;
                }
                b'N' => self.push(Some(self.py.None().into_bound(self.py)))?,
                code @ (0x88 | 0x89) => self.push(Some(PyBool::new(self.py, code == 0x88).to_owned().into_any()))?,
                MEMOIZE => self.memoize(self.entries)?,
                b'q' => {
                    let index = self.byte()?;
                    self.memoize(usize::from(index))?;
                }
                b'r' => {
                    let index = self.number::<4>()?;
                    self.memoize(index)?;
                }
                b'h' => {
                    let index = self.byte()?;
                    self.get(usize::from(index))?;
                }
                b'j' => {
                    let index = self.number::<4>()?;
                    self.get(index)?;
                }
                b']' => self.list()?,
                b'}' => self.push_new(made::dict(self.py))?,
                b'(' => self.mark(NOT_OPEN)?,
                b'e' => self.appends()?,
                b'u' => self.set_items()?,
                b')' => self.tie(0)?,
                code @ 0x85..=0x87 => self.tie(usize::from(code - 0x84))?,
                b'a' => self.append()?,
                b's' => self.set_item()?,
                b'R' if self.find.is_some() => self.call()?,
                b'R' => self.encode()?,
                b'b' => self.give_state()?,
                b'.' => {
                    self.check_data(0)?; // below the result may lie a list that is not made yet
                    return self.pop();
                }
                code => self.rare(code)?,
            }
        }
    }

    fn rare(&mut self, code: u8) -> Step {
        match code {
            b'c' if self.find.is_some() => self.global(),
            0x93 => self.stack_global(),
            b'c' => {
                self.pos += ENCODE.len();
                self.push(self.stand_in.clone())
            }
            0x80 => self.byte().map(drop),
            FRAME => self.take(FRAME_WIDTH).map(drop),
            b't' => {
                let start = self.take_mark()?;
                self.tie(self.stack.len() - start)
            }
            b'l' => {
                let start = self.take_mark()?;
                self.make_list(start)
            }
            b'd' => {
                let start = self.take_mark()?;
                let made = made::dict(self.py).ok_or(Odd)?;
                self.put_items(&made, start)?;
                self.push(Some(made))
            }
            b'0' => {
                if self.stack.len() > self.fence {
                    self.stack.pop();
                    return Ok(());
                }
                self.take_mark().map(drop)
            }
            b'1' => {
                let start = self.take_mark()?;
                self.stack.truncate(start);
                Ok(())
            }
            b'2' => {
                let top = self.top()?.clone();
                self.push_held(top)
            }
            0x8a => {
                let bytes = self.counted::<1>()?;
                self.long(bytes)
            }
            0x8b => {
                let bytes = self.counted::<4>()?;
                self.long(bytes)
            }
            0x8d => {
                let text = self.counted::<8>()?;
                self.push(made::text(self.py, text))
            }
            b'B' => self.long_bytes::<4>(),
            0x8e => self.long_bytes::<8>(),
            0x96 => self.long_bytearray(),
            0x8f => self.push(made::empty_set(self.py)),
            0x90 => self.add_items(),
            0x91 => self.freeze(),
            _ => Err(Odd),
        }
    }

    // ---- numbers ----------------------------------------------------------------------------------------------------

    fn long(&mut self, bytes: &[u8]) -> Step {
        if let Some(sign) = bytes.last()
            && bytes.len() <= 8
        {
            let mut wide = [if sign & 0x80 == 0 { 0 } else { 0xff }; 8];
            wide[..bytes.len()].copy_from_slice(bytes);
            let value = i64::from_le_bytes(wide);
            if !SMALL.contains(&value) {
                return self.push(made::wide_int(self.py, value));
            }
        }
        let read = self.read_long(bytes);
        let made = self.kept(read)?;
        self.push(Some(made))
    }

    fn read_long(&self, bytes: &[u8]) -> PyResult<Object<'py>> {
        let py = self.py;
        let signed = PyDict::new(py);
        signed.set_item(intern!(py, "signed"), true)?;
        py.get_type::<PyInt>().call_method(intern!(py, "from_bytes"), (bytes, intern!(py, "little")), Some(&signed))
    }

    /// Puts an exception back where those of C functions are.
    pub fn kept<T>(&self, result: PyResult<T>) -> Step<T> {
        result.map_err(|error| {
            error.restore(self.py);
            Odd
        })
    }
}
