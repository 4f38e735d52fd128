//! A callee whose results are checked before the stream changes them (`guards.ResultGuard` says what is checked).

use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi::PyTypeObject;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

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

/// Calls a callee. What it returns is given to `check`, which raises or says whether new instances of that very class
/// need no check any more.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Guard {
    callee: Py<PyAny>,
    check: Py<PyAny>,
    passed: Mutex<Vec<Py<PyType>>>,
    /// The last of these, which they hold: one look, without a lock.
    latest: AtomicPtr<PyTypeObject>,
}

impl Guard {
    /// Calls the callee and has its result checked.
    pub fn call<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        let py = args.py();
        let result = self.callee.bind(py).call1(args)?;
        let fresh = result.get_refcnt() == 1;
        if fresh && self.latest.load(Ordering::Relaxed) == result.get_type_ptr() {
            return Ok(result);
        }
        let class = result.get_type();
        if fresh && self.has_passed(&class) {
            return Ok(result);
        }
        let held = Bound::new(py, Result { value: Mutex::new(Some(result.clone().unbind())), fresh })?;
        let passes: bool = self.check.bind(py).call1((held,))?.extract()?;
        if fresh
            && passes
            && let Ok(mut passed) = self.passed.lock()
        {
            self.latest.store(class.as_type_ptr(), Ordering::Relaxed);
            passed.push(class.unbind());
        }
        Ok(result)
    }

    fn has_passed(&self, class: &Bound<'_, PyType>) -> bool {
        self.passed.lock().is_ok_and(|passed| passed.iter().any(|known| known.is(class)))
    }
}

#[pymethods]
impl Guard {
    #[new]
    fn new(callee: Py<PyAny>, check: Py<PyAny>) -> Guard {
        Guard { callee, check, passed: Mutex::new(Vec::new()), latest: AtomicPtr::default() }
    }

    #[pyo3(signature = (*args))]
    fn __call__<'py>(&self, args: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        self.call(args)
    }
}
