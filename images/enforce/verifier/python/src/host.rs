//! What the core asks of the running Python.

use pickleball_verifier::{Form, Host, Interrupted, Name};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::objects::{Names, to_bytes, to_text};

/// Asks `pickleball_enforce`; keeps the exception when that fails.
pub struct Asking<'py> {
    pub py: Python<'py>,
    pub names: &'py Names,
    pub encoding: &'py Py<PyAny>,
    pub errors: &'py Py<PyAny>,
    pub failure: Option<PyErr>,
}

fn pair(found: &Bound<'_, PyAny>) -> PyResult<Name> {
    let (module, name): (Bound<'_, PyString>, Bound<'_, PyString>) = found.extract()?;
    Ok((to_bytes(&module)?, to_bytes(&name)?))
}

impl<'py> Asking<'py> {
    fn keep<T>(&mut self, result: PyResult<T>) -> Result<T, Interrupted> {
        result.map_err(|error| {
            self.failure = Some(error);
            Interrupted
        })
    }

    fn text(&self, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
        to_text(self.py, bytes)
    }

    fn ask_decode(&self, form: Form, opcode: &str, bytes: &[u8]) -> PyResult<Result<Vec<u8>, Vec<u8>>> {
        let form = match form {
            Form::Python2 => "python2",
            Form::Utf8 => "utf-8",
            Form::RawUnicodeEscape => "raw-unicode-escape",
        };
        let args = (form, opcode, PyBytes::new(self.py, bytes), self.encoding, self.errors);
        match self.names.read_text.bind(self.py).call1(args) {
            Ok(text) => Ok(Ok(to_bytes(text.cast()?)?)),
            Err(error) if error.is_instance_of::<PyValueError>(self.py) => {
                let mut sentence = to_bytes(&error.value(self.py).str()?)?;
                sentence.push(b'.');
                Ok(Err(sentence))
            }
            Err(error) => Err(error),
        }
    }
}

impl Host for Asking<'_> {
    fn canonical(&mut self, module: &[u8], name: &[u8]) -> Result<Name, Interrupted> {
        let ask = || pair(&self.names.canonical.bind(self.py).call1((self.text(module)?, self.text(name)?))?);
        let found = ask();
        self.keep(found)
    }

    fn extension(&mut self, code: i64) -> Result<Option<Name>, Interrupted> {
        let ask = || {
            let found = self.names.extension.bind(self.py).call1((code,))?;
            if found.is_none() { Ok(None) } else { pair(&found).map(Some) }
        };
        let found = ask();
        self.keep(found)
    }

    fn decode(&mut self, form: Form, opcode: &str, bytes: &[u8]) -> Result<Result<Vec<u8>, Vec<u8>>, Interrupted> {
        let found = self.ask_decode(form, opcode, bytes);
        self.keep(found)
    }

    fn is_identifier(&mut self, text: &[u8]) -> Result<bool, Interrupted> {
        let ask = || self.text(text)?.call_method0("isidentifier")?.extract();
        let found = ask();
        self.keep(found)
    }
}
