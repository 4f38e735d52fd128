//! The function of Python that runs.

#![allow(unsafe_code)] // one function of the stable ABI, which asks for nothing but the GIL

use pyo3::ffi;
use pyo3::prelude::*;

/// Gives the frame of the function of Python that runs, or that has called what runs; None where C alone does.
/// `sys._getframe` gives it too, and tells the audit hooks each time.
pub fn current(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: gives a frame that the thread holds, or null; `py` says that the GIL is held.
    unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyEval_GetFrame().cast()) }
}
