//! A callee whose results are checked before the stream changes them (`guards.ResultGuard` says what is checked).

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::PyTypeObject;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::quick::{Passed, Rules};

/// A result on its way to a check. The collector does not see what it holds: it is nobody else's.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Result {
    value: Mutex<Option<Py<PyAny>>>,
    /// Whether nothing but the guard held it when the callee gave it.
    #[pyo3(get)]
    fresh: bool,
}

#[pymethods]
impl Result {
    /// Gives the result, once.
    fn take(&self) -> PyResult<Py<PyAny>> {
        let value = self.value.lock().ok().and_then(|mut value| value.take());
        value.ok_or_else(|| PyRuntimeError::new_err("the result was taken"))
    }
}

/// Calls a callee. What it returns is given to a check, which raises or says how far new instances of that very class need
/// no check any more (`guards.ResultGuard.check`).
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Guard {
    callee: Py<PyAny>,
    check: Check,
    passed: Mutex<Vec<Py<PyType>>>,
    /// The last of these, which they hold: one look, without a lock.
    latest: AtomicPtr<PyTypeObject>,
}

/// What checks results.
enum Check {
    Known(Py<PyAny>),
    /// It is made of that when a result has to be checked. What is known of the callee outlasts the guard.
    Made(Py<Rules>, Py<PyTuple>, Arc<Passed>),
}

const PASSED: u8 = 1; // in this load
const KEPT: u8 = 2; // in others too

impl Guard {
    /// Guards a callee that met its obligations; what checks its results is made of what is `asked`.
    pub fn kept(callee: Py<PyAny>, known: Arc<Passed>, rules: Py<Rules>, asked: Py<PyTuple>) -> Guard {
        let check = Check::Made(rules, asked, known);
        Guard { callee, check, passed: Mutex::default(), latest: AtomicPtr::default() }
    }

    /// Calls the callee and has its result checked.
    pub fn call<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let result = self.callee.bind(py).call1(args)?;
        let fresh = result.get_refcnt() == 1;
        if fresh && self.latest.load(Ordering::Relaxed) == result.get_type_ptr() {
            return Ok(result);
        }
        let class = result.get_type();
        if fresh && self.has_passed(&class)? {
            return Ok(result);
        }
        let held = Bound::new(py, Result { value: Mutex::new(Some(result.clone().unbind())), fresh })?;
        let check = match &self.check {
            Check::Known(check) => check.bind(py).clone(),
            Check::Made(rules, asked, _) => rules.get().guard.bind(py).call1(asked.bind(py))?,
        };
        let passes: u8 = check.call1((held,))?.extract()?;
        if fresh && passes >= PASSED {
            if let (Check::Made(rules, _, known), KEPT) = (&self.check, passes) {
                known.keep(&class, rules.get())?;
            }
            self.remember(&class);
        }
        Ok(result)
    }

    fn remember(&self, class: &Bound<'_, PyType>) {
        if let Ok(mut passed) = self.passed.lock() {
            self.latest.store(class.as_type_ptr(), Ordering::Relaxed);
            passed.push(class.clone().unbind());
        }
    }

    fn has_passed(&self, class: &Bound<'_, PyType>) -> PyResult<bool> {
        if self.passed.lock().is_ok_and(|passed| passed.iter().any(|known| known.is(class))) {
            return Ok(true);
        }
        let Check::Made(rules, _, known) = &self.check else { return Ok(false) };
        let kept = known.passes(class, rules.get())?;
        if kept {
            self.remember(class);
        }
        Ok(kept)
    }
}

#[pymethods]
impl Guard {
    #[new]
    fn new(callee: Py<PyAny>, check: Py<PyAny>) -> Guard {
        Guard { callee, check: Check::Known(check), passed: Mutex::default(), latest: AtomicPtr::default() }
    }

    #[pyo3(signature = (*args))]
    fn __call__<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.call(args)
    }
}
