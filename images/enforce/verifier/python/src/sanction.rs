//! What is sanctioned in this thread (sanction.py).

use std::cell::{Cell, RefCell};

use pyo3::prelude::*;

type Pair = (Py<PyAny>, Py<PyAny>);

thread_local! {
    static PAIR: RefCell<Option<Pair>> = const { RefCell::new(None) };
    static EXEMPT: Cell<bool> = const { Cell::new(false) };
}

/// Whether an exempt load runs in this thread.
pub fn is_in_exempt() -> bool {
    EXEMPT.get()
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
