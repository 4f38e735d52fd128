//! `pickleball_enforce._verifier`: the verifier for Python. `pickleball_enforce.native` wraps it.

mod host;
mod objects;
mod settings;
mod tables;
mod verifier;

use pyo3::prelude::*;

#[pymodule]
fn _verifier(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<tables::Tables>()?;
    module.add_class::<verifier::Verifier>()
}
