//! `pickleball_enforce._verifier`: the verifier for Python. `pickleball_enforce.native` wraps it.

mod host;
mod objects;
mod settings;
mod tables;
mod verifier;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Steps from opcode to opcode; gives where that ended, and whether it was at STOP.
#[pyfunction]
fn scan(data: &Bound<'_, PyBytes>, position: usize) -> (usize, bool) {
    pickleball_verifier::scan(data.as_bytes(), position)
}

#[pymodule]
fn _verifier(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("__sources__", option_env!("PICKLEBALL_SOURCES").unwrap_or_default())?; // the Makefile's RUST_KEY
    module.add_function(wrap_pyfunction!(scan, module)?)?;
    module.add_class::<tables::Tables>()?;
    module.add_class::<verifier::Verifier>()
}
