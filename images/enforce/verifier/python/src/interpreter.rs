//! What this interpreter runs, and what it has imported.

#![allow(unsafe_code)] // functions of the stable ABI, which ask for nothing but the GIL

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyString};

/// Gives the frame of the function of Python that runs, or that has called what runs; None where C alone does.
/// `sys._getframe` gives it too, and tells the audit hooks each time.
pub fn frame(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: gives a frame that the thread holds, or null; `py` says that the GIL is held.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) }
}

/// Gives the modules that are imported, from where stock takes them: `sys.modules` may be another dict by now.
pub fn modules(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: gives an object that the interpreter holds; `py` says that the GIL is held.
    let held = unsafe { Bound::from_borrowed_ptr_or_err(py, ffi::PyImport_GetModuleDict())? };
    Ok(held.cast_into()?)
}

/// Whether code of Python sees the same modules under `sys.modules`.
pub fn shows_modules(py: Python<'_>) -> PyResult<bool> {
    let Some(sys) = module(py, intern!(py, "sys"))? else { return Ok(false) };
    Ok(sys.dict().get_item(intern!(py, "modules"))?.is_some_and(|shown| modules(py).is_ok_and(|held| shown.is(&held))))
}

/// Gives an imported module, if it is there and a plain one.
pub fn module<'py>(py: Python<'py>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyModule>>> {
    Ok(modules(py)?.get_item(name)?.and_then(|module| module.cast_into_exact().ok()))
}

/// Whether a module is still being imported, as its spec tells Python: whoever imports it now waits for that.
pub fn is_initializing(module: &Bound<'_, PyModule>) -> PyResult<bool> {
    let py = module.py();
    let Some(spec) = module.dict().get_item(intern!(py, "__spec__"))? else { return Ok(false) };
    if spec.is_none() {
        return Ok(false);
    }
    spec.getattr(intern!(py, "_initializing")).map_or(Ok(false), |busy| busy.is_truthy())
}
