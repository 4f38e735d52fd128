//! Names under which callables stand in modules (`obligations.Places` says what is asked).

use pyo3::prelude::*;
use pyo3::types::{PyModule, PyString, PySuper, PyTuple, PyType};

use crate::interpreter;

/// Names of modules, each with names of its content.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Places {
    modules: Vec<(Py<PyString>, Vec<Py<PyString>>)>,
}

/// What stands under names of modules, each with the number of its own names.
pub type Scene = Vec<Option<(Py<PyAny>, usize)>>;

/// Whether this is None, type or super, which no name makes a callable that calls what it is given.
fn is_common(py: Python<'_>, found: &Bound<'_, PyAny>) -> bool {
    found.is_none() || found.is(py.get_type::<PyType>()) || found.is(py.get_type::<PySuper>())
}

impl Places {
    /// Gives what stands under each name now; None where there is nothing.
    pub fn stand(&self, py: Python<'_>) -> PyResult<Vec<Option<Py<PyAny>>>> {
        let mut found = Vec::new();
        self.each(py, |object| found.push(object.map(Bound::unbind)))?;
        Ok(found)
    }

    /// Whether under each name stands what stood there before.
    pub fn are(&self, py: Python<'_>, before: &[Option<Py<PyAny>>]) -> PyResult<bool> {
        let (mut same, mut known) = (true, before.iter());
        self.each(py, |object| {
            same &= match (object, known.next()) {
                (Some(now), Some(Some(before))) => now.is(before),
                (None, Some(None)) => true,
                _ => false,
            };
        })?;
        Ok(same && known.next().is_none())
    }

    /// Gives the modules that are there now, each with the number of its names.
    pub fn modules(&self, py: Python<'_>) -> PyResult<Scene> {
        let mut found = Vec::new();
        self.each_module(py, |module| found.push(module.map(|(module, size)| (module.unbind(), size))))?;
        Ok(found)
    }

    /// Whether the same are there, and each has as many names.
    pub fn are_modules(&self, py: Python<'_>, before: &Scene) -> PyResult<bool> {
        let (mut same, mut known) = (true, before.iter());
        self.each_module(py, |module| {
            same &= match (module, known.next()) {
                (Some((now, size)), Some(Some((before, names)))) => now.is(before) && size == *names,
                (None, Some(None)) => true,
                _ => false,
            };
        })?;
        Ok(same && known.next().is_none())
    }

    fn each_module<'py>(
        &self,
        py: Python<'py>,
        mut tell: impl FnMut(Option<(Bound<'py, PyAny>, usize)>),
    ) -> PyResult<()> {
        let imported = interpreter::modules(py)?;
        for (name, _) in &self.modules {
            let module = imported.get_item(name)?;
            let size =
                module.as_ref().and_then(|module| module.cast::<PyModule>().ok()).map(|found| found.dict().len());
            tell(module.map(|module| (module, size.unwrap_or_default())));
        }
        Ok(())
    }

    fn each<'py>(&self, py: Python<'py>, mut tell: impl FnMut(Option<Bound<'py, PyAny>>)) -> PyResult<()> {
        let imported = interpreter::modules(py)?;
        for (module, names) in &self.modules {
            let module = imported.get_item(module)?;
            let content = module.as_ref().and_then(|module| module.cast::<PyModule>().ok()).map(PyModuleMethods::dict);
            for name in names {
                tell(content.as_ref().map_or(Ok(None), |content| content.get_item(name))?);
            }
        }
        Ok(())
    }
}

#[pymethods]
impl Places {
    #[new]
    fn new(modules: Vec<(Py<PyString>, Vec<Py<PyString>>)>) -> Places {
        Places { modules }
    }

    /// Whether one of these objects stands now under one of the names.
    fn hold(&self, py: Python<'_>, objects: &Bound<'_, PyTuple>) -> PyResult<bool> {
        let imported = interpreter::modules(py)?;
        for (module, names) in &self.modules {
            let Some(module) = imported.get_item(module)? else { continue };
            let Ok(module) = module.cast::<PyModule>() else { continue };
            let content = module.dict();
            for name in names {
                if let Some(found) = content.get_item(name)?
                    && objects.iter().any(|object| object.is(&found))
                    && !is_common(py, &found)
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
