//! `pickleball_enforce._verifier`: the verifier for Python. `pickleball_enforce.native` wraps it.

mod builder;
mod calls;
mod encoding;
mod following;
mod guard;
mod handlers;
mod held;
mod host;
mod interpreter;
mod latin1;
mod made;
mod objects;
mod places;
mod quick;
mod sanction;
mod settings;
mod tables;
mod verifier;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Steps from opcode to opcode, or over whole frames; gives where that ended, and whether it was at STOP.
#[pyfunction]
#[pyo3(signature = (data, position, *, frames = false, known = false))]
fn scan(data: &Bound<'_, PyBytes>, position: usize, frames: bool, known: bool) -> (usize, bool) {
    pickleball_verifier::scan(data.as_bytes(), position, frames, known)
}

#[pymodule]
fn _verifier(module: &Bound<'_, PyModule>) -> PyResult<()> {
    held::learn(module.py());
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("__sources__", option_env!("PICKLEBALL_SOURCES").unwrap_or_default())?; // the Makefile's RUST_KEY
    module.add_function(wrap_pyfunction!(scan, module)?)?;
    module.add_function(wrap_pyfunction!(following::follow_load, module)?)?;
    module.add_class::<builder::Builder>()?;
    module.add_class::<guard::Guard>()?;
    module.add_class::<places::Places>()?;
    module.add_class::<quick::Callers>()?;
    module.add_class::<quick::Expected>()?;
    module.add_class::<quick::Gate>()?;
    module.add_class::<quick::Rules>()?;
    module.add_class::<quick::Watch>()?;
    module.add_class::<sanction::Sanction>()?;
    module.add_class::<tables::Tables>()?;
    module.add_class::<verifier::Verifier>()
}
