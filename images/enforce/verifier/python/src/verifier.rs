//! The verifier of one Unpickler, for Python.

use std::sync::Arc;

use pickleball_verifier::{self as core, Obligation, Shape, Stretch};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};

use crate::host::Asking;
use crate::objects::{self, Names};
use crate::settings;
use crate::tables::Tables;

const LARGEST_KEY: u64 = 1 << 31;
const LEAST_PUTS: usize = 32; // that are worth a copy of the pickle
static NAMES: PyOnceLock<Names> = PyOnceLock::new();

/// Judges the pickles of one Unpickler.
#[pyclass(module = "pickleball_enforce._verifier")]
pub struct Verifier {
    core: core::Verifier,
    encoding: Py<PyAny>,
    errors: Py<PyAny>,
    imports: Vec<Py<PyAny>>,
    needs: Vec<usize>,
    judged: Option<(Py<PyBytes>, usize, usize)>,
    #[pyo3(get)]
    suppressed: u64,
}

#[pymethods]
impl Verifier {
    #[new]
    fn new(tables: &Tables, settings: &Bound<'_, PyAny>) -> PyResult<Verifier> {
        let (read, encoding, errors) = settings::read(settings)?;
        let core = core::Verifier::new(Arc::clone(&tables.0), read);
        Ok(Verifier { core, encoding, errors, imports: Vec::new(), needs: Vec::new(), judged: None, suppressed: 0 })
    }

    /// Takes other settings for the loads to come.
    fn configure(&mut self, settings: &Bound<'_, PyAny>) -> PyResult<()> {
        (self.core.settings, self.encoding, self.errors) = settings::read(settings)?;
        Ok(())
    }

    /// Judges one pickle from `start` up to its STOP. `last` says that no other load will use the memo.
    /// `gaps` tells where the data leaves out the bytes of literals, and how many.
    #[allow(clippy::needless_pass_by_value)] // what Python gives is taken over
    #[pyo3(signature = (data, start = 0, *, last = false, gaps = Vec::new()))]
    fn verify<'py>(
        &mut self,
        py: Python<'py>,
        data: &Bound<'py, PyBytes>,
        start: usize,
        last: bool,
        gaps: Vec<(usize, u64)>,
    ) -> PyResult<Bound<'py, PyAny>> {
        check_start(data, start)?;
        let names = NAMES.get_or_try_init(py, || Names::find(py))?;
        let mut host = Asking { py, names, encoding: &self.encoding, errors: &self.errors, failure: None };
        let Ok(found) = self.core.verify(&mut host, data.as_bytes(), &gaps, start, last) else {
            let failure = host.failure.take();
            return Err(failure.unwrap_or_else(|| PyRuntimeError::new_err("the judgement was interrupted")));
        };
        objects::sync(py, names, &mut self.core, &mut self.imports)?;
        let verdict = objects::verdict(py, names, &found, &self.imports)?;
        self.suppressed = found.suppressed;
        self.judged =
            (last && gaps.is_empty() && found.is_clean()).then(|| (data.clone().unbind(), start, found.end as usize));
        self.needs = found.needs;
        Ok(verdict)
    }

    /// Gives a pickle that loads as the one that was judged last by `verify`, as the last of its memo, and sooner: without
    /// what it puts into the memo in vain. None where that is less than `least`.
    #[pyo3(signature = (least = LEAST_PUTS))]
    fn lean<'py>(&mut self, py: Python<'py>, least: usize) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let Some((data, start, end)) = self.judged.take() else { return Ok(None) };
        let found = lean(py, &self.core, data.as_bytes(py), (start, end), least);
        self.core.forget_puts();
        found
    }

    /// Begins a load that is followed opcode by opcode: its pickle comes in pieces.
    fn begin(&mut self) {
        self.core.begin();
    }

    /// Judges a piece of whole opcodes; `gap` says how many bytes of a literal it leaves out at its end, `stops` (a byte
    /// for each opcode) at which opcodes the driver has something to do.
    #[pyo3(signature = (piece, stops, gap = None))]
    fn follow<'py>(
        &mut self,
        py: Python<'py>,
        piece: &Bound<'py, PyBytes>,
        stops: &Bound<'py, PyBytes>,
        gap: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut listed = [true; 256];
        for (stop, &given) in listed.iter_mut().zip(stops.as_bytes()) {
            *stop = given != 0;
        }
        let found = self.judge(py, piece.as_bytes(), gap, &listed)?;
        objects::stretch(py, NAMES.get_or_try_init(py, || Names::find(py))?, &found, &self.imports)
    }

    /// The imports of the last load, those by getattr and bound methods included.
    #[getter]
    fn needs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.needs.iter().map(|&index| &self.imports[index]))
    }

    /// The entries of the memo, without their tags.
    #[getter]
    fn memo<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let entries = PyDict::new(py);
        for key in self.core.memo_keys() {
            entries.set_item(key, py.None())?;
        }
        Ok(entries)
    }

    fn abandon(&mut self) {
        self.core.abandon();
    }

    fn adopt(&mut self, keys: &Bound<'_, PyAny>) -> PyResult<()> {
        let keys: Vec<u64> = keys.try_iter()?.map(|key| key?.extract()).collect::<PyResult<_>>()?;
        if keys.iter().any(|&key| key > LARGEST_KEY) {
            return Err(PyValueError::new_err("the memo has a key that is too large"));
        }
        self.core.adopt(&keys);
        Ok(())
    }
}

impl Verifier {
    /// Judges a piece of a pickle that is followed (`follow` says of what).
    pub fn judge(&mut self, py: Python<'_>, piece: &[u8], gap: Option<u64>, stops: &[bool; 256]) -> PyResult<Stretch> {
        let names = NAMES.get_or_try_init(py, || Names::find(py))?;
        let mut host = Asking { py, names, encoding: &self.encoding, errors: &self.errors, failure: None };
        let Ok(found) = self.core.follow(&mut host, piece, gap, stops) else {
            let failure = host.failure.take();
            return Err(failure.unwrap_or_else(|| PyRuntimeError::new_err("the judgement was interrupted")));
        };
        objects::sync(py, names, &mut self.core, &mut self.imports)?;
        Ok(found)
    }

    /// Gives the error, the violations and the late obligations of a piece.
    pub fn findings<'py>(&self, py: Python<'py>, found: &Stretch) -> PyResult<Bound<'py, PyTuple>> {
        objects::findings(py, NAMES.get_or_try_init(py, || Names::find(py))?, found, &self.imports)
    }

    /// Gives an import and what has to hold for what it has made.
    pub fn event<'py>(
        &self,
        py: Python<'py>,
        origin: usize,
        held: &Obligation,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let names = NAMES.get_or_try_init(py, || Names::find(py))?;
        Ok((self.imported(py, origin)?, objects::obligation(py, names, held)?))
    }

    pub fn imported<'py>(&self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        let found = self.imports.get(index).map(|import| import.bind(py).clone());
        found.ok_or_else(|| PyRuntimeError::new_err("there is no such import"))
    }

    /// Judges a pickle that is loaded once, from `start` on, by itself: `reset` has to come next, whatever this gives.
    /// What is longer than `longest` is judged as far as the builder has its opcodes.
    pub fn shape(
        &mut self,
        py: Python<'_>,
        data: &Bound<'_, PyBytes>,
        gaps: &[(usize, u64)],
        start: usize,
        longest: usize,
    ) -> PyResult<Option<Shape>> {
        check_start(data, start)?;
        let names = NAMES.get_or_try_init(py, || Names::find(py))?;
        let mut host = Asking { py, names, encoding: &self.encoding, errors: &self.errors, failure: None };
        let shape = self.core.shape(&mut host, data.as_bytes(), gaps, start, longest);
        host.failure.map_or(Ok(shape), Err)
    }

    /// Gives the predictions of the imports of what was judged.
    pub fn predictions(&mut self, py: Python<'_>, shape: &Shape) -> PyResult<Vec<Py<PyAny>>> {
        let names = NAMES.get_or_try_init(py, || Names::find(py))?;
        objects::sync(py, names, &mut self.core, &mut self.imports)?;
        Ok(shape.imports.iter().map(|&index| self.imports[index].clone_ref(py)).collect())
    }

    /// Gives what stock may load for what was judged: itself, where nothing that loads alike is shorter.
    pub fn stream<'py>(&self, data: &Bound<'py, PyBytes>, start: usize, end: usize) -> PyResult<Bound<'py, PyBytes>> {
        let py = data.py();
        if let Some(found) = lean(py, &self.core, data.as_bytes(), (start, end), LEAST_PUTS)? {
            return Ok(found);
        }
        if start == 0 && end == data.as_bytes().len() {
            return Ok(data.clone());
        }
        Ok(PyBytes::new(py, &data.as_bytes()[start..end]))
    }

    /// Begins anew, as for another Unpickler.
    pub fn reset(&mut self) {
        self.core.reset();
        self.imports.clear();
    }
}

fn check_start(data: &Bound<'_, PyBytes>, start: usize) -> PyResult<()> {
    if start > data.as_bytes().len() {
        return Err(PyValueError::new_err("start lies behind the end of the data"));
    }
    Ok(())
}

fn lean<'py>(
    py: Python<'py>,
    core: &core::Verifier,
    data: &[u8],
    (start, end): (usize, usize),
    least: usize,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let write = |found: core::Lean| {
        PyBytes::new_with(py, found.len(), |into| {
            found.write(into);
            Ok(())
        })
    };
    core.lean(data, start, end, least).map(write).transpose()
}
