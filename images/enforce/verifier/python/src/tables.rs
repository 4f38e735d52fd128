//! The tables of names.py and the lists of a policy, handed over once.

use std::collections::HashSet;
use std::sync::Arc;

use pickleball_verifier as core;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::objects::to_bytes;

/// Tables of names: without a policy (the verifier traces) or with its lists.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Tables(pub Arc<core::Tables>);

fn texts<C: FromIterator<Vec<u8>>>(names: &Bound<'_, PyAny>) -> PyResult<C> {
    names.try_iter()?.map(|name| to_bytes(name?.cast::<pyo3::types::PyString>()?)).collect()
}

#[pymethods]
impl Tables {
    /// Takes the tables under their names: sets of dotted names, and those of other shapes (see `native.py`).
    #[new]
    fn new(
        sets: &Bound<'_, PyDict>,
        positions: &Bound<'_, PyDict>,
        bounds: &Bound<'_, PyDict>,
        libraries: &Bound<'_, PyAny>,
    ) -> PyResult<Tables> {
        let set = |name: &str| -> PyResult<Vec<Vec<u8>>> {
            let found = sets.get_item(name)?;
            texts(&found.ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_owned()))?)
        };
        let mut tables = core::Tables::new();
        tables.list(set("bases")?, |facts| facts.base = true);
        tables.list(set("singletons")?, |facts| facts.singleton = true);
        tables.list(set("literal_arguments")?, |facts| facts.literal_arguments = true);
        tables.list(set("callers")?, |facts| facts.caller = true);
        tables.list(set("holders")?, |facts| facts.holder = true);
        tables.list(set("partials")?, |facts| facts.partial = true);
        tables.list(set("plain_results")?, |facts| facts.plain_result = true);
        tables.list(set("array_makers")?, |facts| facts.array_maker = true);
        tables.list(set("hashing")?, |facts| facts.hashing = true);
        tables.list(set("rebuilders")?, |facts| facts.rebuilder = true);
        let names = |name: &str| set(name).map(|names| names.into_iter().collect::<HashSet<_>>());
        tables.set_special_names(names("protocol_names")?, set("protocol_prefixes")?, names("harmless_names")?);
        for (path, places) in positions {
            tables.set_positions(to_bytes(path.cast()?)?, places.extract()?);
        }
        for (path, base) in bounds {
            tables.set_bound(to_bytes(path.cast()?)?, to_bytes(base.cast()?)?);
        }
        for library in libraries.try_iter()? {
            let (name, modules, names): (Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>) = library?.extract()?;
            tables.add_library(to_bytes(name.cast()?)?, texts::<Vec<_>>(&modules)?, texts(&names)?);
        }
        tables.add_code(set("code")?);
        Ok(Tables(Arc::new(tables)))
    }

    /// Gives these tables with the lists of a policy.
    fn with_policy(
        &self,
        globals: &Bound<'_, PyAny>,
        reduces: &Bound<'_, PyAny>,
        instances: &Bound<'_, PyAny>,
    ) -> PyResult<Tables> {
        Ok(Tables(Arc::new(self.0.with_policy(texts(globals)?, texts(reduces)?, texts(instances)?))))
    }
}
