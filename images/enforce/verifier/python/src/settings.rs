//! settings.Settings, as the core takes them.

use pickleball_verifier::{Settings, Texts};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

fn bound<T: TryFrom<u64>>(settings: &Bound<'_, PyAny>, name: &str) -> PyResult<T> {
    let value: u64 = settings.getattr(name)?.extract()?;
    T::try_from(value).map_err(|_| PyTypeError::new_err(format!("{name} is too large")))
}

/// Reads a Settings object; gives the encoding and the errors beside it.
pub fn read(settings: &Bound<'_, PyAny>) -> PyResult<(Settings, Py<PyAny>, Py<PyAny>)> {
    let (encoding, errors) = (settings.getattr("encoding")?, settings.getattr("errors")?);
    let texts = match encoding.extract::<String>().as_deref() {
        Ok("bytes") => Texts::Bytes,
        Ok("ASCII" | "ascii" | "utf-8" | "utf8" | "UTF-8") => Texts::Ascii,
        Ok("latin1" | "latin-1" | "iso-8859-1") => Texts::Latin1,
        _ => Texts::Other,
    };
    let buffers: Option<bool> = settings.getattr("buffers")?.extract()?;
    let read = Settings {
        texts,
        fix_imports: settings.getattr("fix_imports")?.is_truthy()?,
        no_buffers: buffers == Some(false),
        renames: settings.getattr("renames")?.is_truthy()?,
        persistent_classes: settings.getattr("persistent_classes")?.is_truthy()?,
        max_length: bound(settings, "max_length")?,
        max_depth: bound(settings, "max_depth")?,
        max_memo: bound(settings, "max_memo")?,
        memo_floor: bound(settings, "memo_floor")?,
        max_hash_cost: bound(settings, "max_hash_cost")?,
        max_hash_depth: bound(settings, "max_hash_depth")?,
        max_work: bound(settings, "max_work")?,
        max_name: bound(settings, "max_name")?,
        max_violations: bound(settings, "max_violations")?,
    };
    Ok((read, encoding.unbind(), errors.unbind()))
}
