//! What is sanctioned in this thread (sanction.py).

use std::cell::{Cell, RefCell};

use pyo3::prelude::*;

type Pair = (Py<PyAny>, Py<PyAny>);

thread_local! {
    static PAIR: RefCell<Option<Pair>> = const { RefCell::new(None) };
    static TOLD: RefCell<Option<Pair>> = const { RefCell::new(None) };
    static EXEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Whether an exempt load runs in this thread.
pub fn is_in_exempt() -> bool {
    EXEMPT.get()
}

/// Runs what tells the audit hooks about one import of the builder: ours lets that pass, and no other one.
pub fn told<T>(module: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>, tell: impl FnOnce() -> T) -> T {
    let before = TOLD.replace(Some((module.clone().unbind(), name.clone().unbind())));
    let outcome = tell();
    drop(TOLD.replace(before)); // a hook that was told may load, too
    outcome
}

/// Whether this is the import that the builder tells of, once.
pub fn is_told(module: &Bound<'_, PyAny>, name: &Bound<'_, PyAny>) -> bool {
    let same = TOLD.with_borrow(|told| told.as_ref().is_some_and(|told| module.is(&told.0) && name.is(&told.1)));
    if same {
        drop(TOLD.replace(None));
    }
    same
}

/// The state of the thread that asks.
#[pyclass(frozen, module = "pickleball_enforce._verifier")]
pub struct Sanction;

#[pymethods]
impl Sanction {
    #[new]
    fn new() -> Sanction {
        Sanction
    }

    #[getter]
    #[allow(clippy::unused_self)] // what it is for lies in the thread
    fn pair(&self, py: Python<'_>) -> Option<Pair> {
        PAIR.with_borrow(|pair| pair.as_ref().map(|(module, name)| (module.clone_ref(py), name.clone_ref(py))))
    }

    #[setter]
    #[allow(clippy::unused_self)]
    fn set_pair(&self, pair: Option<Pair>) {
        drop(PAIR.replace(pair));
    }

    #[getter]
    #[allow(clippy::unused_self)]
    fn exempt(&self) -> bool {
        is_in_exempt()
    }

    #[setter]
    #[allow(clippy::unused_self)]
    fn set_exempt(&self, exempt: bool) {
        EXEMPT.set(exempt);
    }
}
