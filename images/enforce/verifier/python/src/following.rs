//! The loop of an unpickler in Python that is followed: reads a frame as stock does, has all of it judged, and runs it.
//!
//! What stock's handlers would do is done here (`handlers.rs`); a handler that the unpickler's class has put there is
//! called at its opcode. Whatever is rare (reading what stands outside frames, imports, findings) is left to the driver in
//! Python, drivers/followed.py.

use std::collections::HashSet;

use pickleball_verifier::{Obligation, Segment, Stretch};
use pyo3::exceptions::PyRuntimeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyType};

use crate::calls;
use crate::handlers::{self, Outcome};
use crate::made::Object;
use crate::verifier::Verifier;

const FRAME: u8 = 0x95;
const WIDTH: usize = 8; // bytes of a frame's length
const LOOKED_AT: &[u8] = b"PQ\x82\x83\x84"; // persistent ids and extension codes
const PIECE: usize = 1 << 20; // bytes of a frame that are read at once

static BYTES_IO: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The handlers that a piece is cut for.
struct Table<'py> {
    /// The values of the dispatch table, by which a change of it is seen.
    seen: Bound<'py, PyList>,
    handlers: Bound<'py, PyDict>,
    /// Opcodes that no handler of stock runs, or that the driver looks at each time.
    stops: [bool; 256],
}

/// A load that is followed.
struct Following<'py> {
    verifier: Bound<'py, Verifier>,
    owner: Object<'py>,
    driver: Object<'py>,
    table: Table<'py>,
    /// What stock's handlers call of the unpickler's class.
    methods: Vec<(Bound<'py, PyString>, Object<'py>)>,
    /// Reads arguments of no bytes.
    empty: Given<'py>,
    /// Results of calls that nothing else holds.
    fresh: HashSet<usize>,
    offset: u64,
    /// The argument of a long literal, which is not copied.
    literal: Option<Bound<'py, PyBytes>>,
}

/// A file from which handlers read the arguments of their opcodes.
#[derive(Clone)]
struct Given<'py> {
    file: Object<'py>,
    functions: [Object<'py>; 3],
}

impl<'py> Given<'py> {
    fn new(arguments: Bound<'py, PyBytes>) -> PyResult<Given<'py>> {
        let py = arguments.py();
        let file = BYTES_IO.import(py, "io", "BytesIO")?.call1((arguments,))?;
        let (read, line) = (file.getattr(intern!(py, "read"))?, file.getattr(intern!(py, "readline"))?);
        let functions = [read, line, file.getattr(intern!(py, "readinto"))?];
        Ok(Given { file, functions })
    }

    fn give(&self, owner: &Object<'py>) -> PyResult<()> {
        let py = owner.py();
        owner.setattr(intern!(py, "read"), &self.functions[0])?;
        owner.setattr(intern!(py, "readline"), &self.functions[1])?;
        owner.setattr(intern!(py, "readinto"), &self.functions[2])
    }
}

/// Follows a load of `owner` up to STOP, and gives its object. `methods` are those of stock that its handlers call.
#[pyfunction]
pub fn follow_load<'py>(
    verifier: Bound<'py, Verifier>,
    owner: Object<'py>,
    driver: Object<'py>,
    methods: &Bound<'py, PyDict>,
) -> PyResult<Object<'py>> {
    let py = owner.py();
    let methods: PyResult<_> = methods.iter().map(|(name, value)| Ok((name.cast_into()?, value))).collect();
    let table = Table { seen: PyList::empty(py), handlers: PyDict::new(py), stops: [true; 256] };
    let (methods, empty) = (methods?, Given::new(PyBytes::new(py, b""))?);
    let fresh = HashSet::new();
    let mut following = Following { verifier, owner, driver, table, methods, empty, fresh, offset: 0, literal: None };
    loop {
        if let Some(loaded) = following.take_piece()? {
            return Ok(loaded);
        }
    }
}

impl<'py> Following<'py> {
    fn py(&self) -> Python<'py> {
        self.owner.py()
    }

    /// Reads by the function that the unpickler was bound to when it was made.
    fn read(&self, size: usize) -> PyResult<Bound<'py, PyBytes>> {
        let read = self.owner.getattr(intern!(self.py(), "_file_read"))?.call1((size,))?;
        if read.is_none() {
            return Ok(PyBytes::new(self.py(), b"")); // a file that does not wait: stock takes it for its end
        }
        match read.cast_into_exact() {
            Ok(bytes) => Ok(bytes),
            Err(other) => Ok(self.py().get_type::<PyBytes>().call1((other.into_inner(),))?.cast_into()?),
        }
    }

    /// Judges what can be read without reading ahead, and runs it; gives the object that STOP gives.
    fn take_piece(&mut self) -> PyResult<Option<Object<'py>>> {
        let key = self.read(1)?;
        if key.as_bytes().first() == Some(&FRAME) {
            let piece = self.read_frame()?;
            return self.take(&piece, None);
        }
        let read = self.driver.call_method1(intern!(self.py(), "read_opcode"), (key, self.offset))?;
        let (piece, literal): (Bound<'py, PyBytes>, Option<(u64, Bound<'py, PyBytes>)>) = read.extract()?;
        let (gap, literal) = literal.unzip();
        self.literal = literal;
        let loaded = self.take(piece.as_bytes(), gap);
        self.literal = None;
        loaded
    }

    /// Reads a frame in pieces: a false length costs no memory.
    fn read_frame(&self) -> PyResult<Vec<u8>> {
        let length = self.read(WIDTH)?;
        let Ok(size) = length.as_bytes().try_into().map(u64::from_le_bytes) else {
            self.driver.call_method1(intern!(self.py(), "refuse_frame"), (self.offset,))?;
            return Err(PyRuntimeError::new_err("a frame without a length is to be refused"));
        };
        let mut piece = vec![FRAME];
        piece.extend_from_slice(length.as_bytes());
        let mut left = usize::try_from(size).unwrap_or(usize::MAX);
        while left > 0 {
            let part = self.read(left.min(PIECE))?;
            if part.as_bytes().is_empty() {
                return Err(calls::unpickling_error(self.py(), "pickle exhausted before end of frame"));
            }
            piece.extend_from_slice(part.as_bytes());
            left = left.saturating_sub(part.as_bytes().len());
        }
        Ok(piece)
    }

    /// Judges a piece and runs it; `gap` says how many bytes of the one long literal in it are left out.
    fn take(&mut self, piece: &[u8], gap: Option<u64>) -> PyResult<Option<Object<'py>>> {
        self.look_at_handlers()?;
        let stretch = self.verifier.try_borrow_mut()?.judge(self.py(), piece, gap, &self.table.stops)?;
        self.offset += piece.len() as u64 + gap.unwrap_or(0);
        self.refuse(&stretch)?;
        let literal = self.literal.clone();
        for segment in &stretch.segments {
            let opcodes = &stretch.opcodes[segment.start.opcodes..segment.end.opcodes];
            let arguments = &stretch.arguments[segment.start.arguments..segment.end.arguments];
            if let Some(loaded) =
                self.run(segment, opcodes, literal.as_ref().map_or(arguments, |literal| literal.as_bytes()))?
            {
                return Ok(Some(loaded));
            }
        }
        Ok(None)
    }

    /// Takes the handlers as they are now; a handler may have put others there.
    fn look_at_handlers(&mut self) -> PyResult<()> {
        let dispatch = self.owner.getattr(intern!(self.py(), "dispatch"))?;
        let seen = match dispatch.cast_exact::<PyDict>() {
            Ok(dispatch) => dispatch.values(),
            Err(_) => PyList::empty(self.py()),
        };
        if seen.is_empty() || !seen.as_any().eq(&self.table.seen)? {
            let found = self.driver.call_method0(intern!(self.py(), "take_handlers"))?;
            let (handlers, marked): (Bound<'py, PyDict>, Bound<'py, PyBytes>) = found.extract()?;
            let mut stops = [true; 256];
            for (stop, &mark) in stops.iter_mut().zip(marked.as_bytes()) {
                *stop = mark != 0;
            }
            self.table = Table { seen: handlers.values(), handlers, stops };
        }
        Ok(())
    }

    /// Has the driver refuse what was found, and check what is due of imports whose objects are there.
    fn refuse(&self, stretch: &Stretch) -> PyResult<()> {
        if stretch.error.is_none() && stretch.violations.is_empty() && stretch.late.is_empty() {
            return Ok(());
        }
        let found = self.verifier.try_borrow()?.findings(self.py(), stretch)?;
        self.driver.call_method1(intern!(self.py(), "look_at"), found)?;
        if stretch.error.is_some() || !stretch.violations.is_empty() {
            return Err(PyRuntimeError::new_err("what was found is to be refused"));
        }
        Ok(())
    }

    fn run(&mut self, segment: &Segment, opcodes: &[u8], arguments: &[u8]) -> PyResult<Option<Object<'py>>> {
        if segment.single {
            return self.run_single(segment, opcodes[0], arguments);
        }
        let loaded = self.run_plain(opcodes, arguments)?;
        if loaded.is_none() {
            self.compare(segment, opcodes[opcodes.len() - 1])?;
        }
        Ok(loaded)
    }

    /// Does what stock's handlers do, one after the other.
    fn run_plain(&self, opcodes: &[u8], arguments: &[u8]) -> PyResult<Option<Object<'py>>> {
        let (mut at, mut rest) = (0, arguments);
        let mut given = None;
        loop {
            match handlers::run(&self.owner, &opcodes[at..], &mut rest)? {
                Outcome::Loaded(loaded) => return Ok(Some(loaded)),
                Outcome::Reached(done) => at += done,
            }
            let Some(&code) = opcodes.get(at) else { break };
            rest = self.handle_plain(code, arguments, rest, &mut given)?;
            at += 1;
        }
        if !rest.is_empty() {
            self.diverge(opcodes[opcodes.len() - 1], "has not read its argument")?;
        }
        Ok(None)
    }

    /// Calls a handler of stock with what is left of the arguments, and gives what it has left.
    fn handle_plain<'a>(
        &self,
        code: u8,
        arguments: &'a [u8],
        rest: &[u8],
        given: &mut Option<Given<'py>>,
    ) -> PyResult<&'a [u8]> {
        let py = self.py();
        if given.is_none() {
            *given = Some(Given::new(self.as_object(arguments))?);
        }
        let Some(given) = given else { return Ok(&[]) };
        given.file.call_method1(intern!(py, "seek"), (arguments.len() - rest.len(),))?;
        given.give(&self.owner)?;
        self.call_handler(code)?;
        let read: usize = given.file.call_method0(intern!(py, "tell"))?.extract()?;
        arguments.get(read..).ok_or_else(|| PyRuntimeError::new_err("a handler has read more than its argument"))
    }

    /// Gives arguments to Python.
    fn as_object(&self, arguments: &[u8]) -> Bound<'py, PyBytes> {
        match &self.literal {
            Some(literal) => literal.clone(),
            None => PyBytes::new(self.py(), arguments),
        }
    }

    fn call_handler(&self, code: u8) -> PyResult<()> {
        let handler = self.table.handlers.as_any().get_item(code)?;
        handler.call1((&self.owner,)).map(drop)
    }

    /// Runs an opcode at which there is something to do.
    fn run_single(&mut self, segment: &Segment, code: u8, arguments: &[u8]) -> PyResult<Option<Object<'py>>> {
        let changed = segment.object.filter(|_| !segment.events.is_empty());
        for (origin, obligation) in &segment.events {
            self.check(*origin, obligation, changed)?;
        }
        let mut expects = false;
        if self.table.stops[code as usize] || segment.import.is_some() {
            expects = self.handle_single(segment, code, arguments)?;
        } else if let Some(loaded) = self.run_plain(&[code], arguments)? {
            return Ok(Some(loaded));
        }
        self.compare(segment, code)?;
        if expects {
            self.driver.call_method1(intern!(self.py(), "accept"), (code,))?;
        }
        if let Some(made) = segment.object.filter(|_| segment.events.is_empty()) {
            let is_fresh = self.owner.call_method0(intern!(self.py(), "_pickleball_is_fresh"))?;
            if is_fresh.is_truthy()? {
                self.fresh.insert(made);
            }
        }
        Ok(None)
    }

    /// Checks what has to hold for the object that an opcode changes.
    fn check(&self, origin: usize, obligation: &Obligation, changed: Option<usize>) -> PyResult<()> {
        let fresh = changed.is_some_and(|object| self.fresh.contains(&object));
        let (import, obligation) = self.verifier.try_borrow()?.event(self.py(), origin, obligation)?;
        self.driver.call_method1(intern!(self.py(), "check"), (import, obligation, fresh)).map(drop)
    }

    /// Calls a handler that is not stock's, or that imports; gives whether what it makes is to be accepted.
    fn handle_single(&self, segment: &Segment, code: u8, arguments: &[u8]) -> PyResult<bool> {
        let py = self.py();
        let given = if arguments.is_empty() { self.empty.clone() } else { Given::new(self.as_object(arguments))? };
        given.give(&self.owner)?;
        let expects = segment.import.is_some() || LOOKED_AT.contains(&code);
        if expects {
            let import = segment.import.map(|index| self.verifier.try_borrow()?.imported(py, index)).transpose()?;
            self.driver.call_method1(intern!(py, "expect"), (import, code, self.as_object(arguments)))?;
        }
        self.call_handler(code)?;
        if self.table.stops[code as usize] && !self.has_methods()? {
            self.driver.call_method1(intern!(py, "look_at_methods"), (code,))?;
        }
        if given.file.call_method1(intern!(py, "read"), (1,))?.is_truthy()? {
            self.diverge(code, "has not read its argument")?;
        }
        Ok(expects)
    }

    /// Whether the methods that stock's handlers use are stock's.
    fn has_methods(&self) -> PyResult<bool> {
        let class = self.owner.get_type();
        let own = self.owner.getattr(intern!(self.py(), "__dict__"))?;
        for (name, value) in &self.methods {
            if own.contains(name)? || !class.getattr(name).is_ok_and(|found| found.is(value)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Compares the depths of the stacks with what was judged.
    fn compare(&self, segment: &Segment, code: u8) -> PyResult<()> {
        let py = self.py();
        let marks = self.owner.getattr(intern!(py, "metastack"))?.len()?;
        let depth = self.owner.getattr(intern!(py, "stack"))?.len()?;
        if (marks, depth) == (segment.end.marks, segment.end.depth) {
            return Ok(());
        }
        self.diverge(code, "leaves another stack than was judged")
    }

    fn diverge(&self, code: u8, what: &str) -> PyResult<()> {
        self.driver.call_method1(intern!(self.py(), "diverge"), (code, what))?;
        Err(PyRuntimeError::new_err("a handler that diverges is to be refused"))
    }
}
