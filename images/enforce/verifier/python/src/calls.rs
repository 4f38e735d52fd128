//! What a judged pickle does beyond plain data: imports, calls, states, and items of other containers, as stock's C does it.
//!
//! Nothing is decided here. The verifier has judged these very bytes, and what an import gives is what `find` gives for it.

use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule, PyString, PyTuple};

use crate::builder::{Building, Odd, Step};
use crate::guard::Guard;
use crate::made::{self, Object};
use crate::quick::Load;

const NOT_FOUND: &str = "the judged pickle has no such line";

/// Where the imports of a judged pickle come from.
pub enum Finder<'py> {
    /// A function of the driver.
    Asked(Object<'py>),
    /// The checks of a short load.
    Checked(Bound<'py, Load>),
}

impl<'py> Finder<'py> {
    pub fn new(find: Object<'py>) -> Finder<'py> {
        match find.cast_into_exact::<Load>() {
            Ok(load) => Finder::Checked(load),
            Err(error) => Finder::Asked(error.into_inner()),
        }
    }
}

pub fn unpickling_error(py: Python<'_>, sentence: &'static str) -> PyErr {
    let error = PyModule::import(py, "_pickle").and_then(|module| module.getattr(intern!(py, "UnpicklingError")));
    error.and_then(|class| class.call1((sentence,))).map_or_else(|error| error, PyErr::from_value)
}

impl<'py> Building<'_, 'py> {
    /// Raises what stock says.
    #[cold]
    pub fn fail<T>(&self, sentence: &'static str) -> Step<T> {
        self.kept(Err(unpickling_error(self.py, sentence)))
    }

    /// Imports by GLOBAL: two lines.
    pub fn global(&mut self) -> Step {
        let (module, name) = (self.line()?, self.line()?);
        let found = self.find((module, name));
        let found = self.kept(found)?;
        self.push(Some(found))
    }

    /// Imports by `STACK_GLOBAL`: two texts.
    pub fn stack_global(&mut self) -> Step {
        let (name, module) = (self.pop()?, self.pop()?);
        if !name.is_exact_instance_of::<PyString>() || !module.is_exact_instance_of::<PyString>() {
            return self.fail("STACK_GLOBAL requires str");
        }
        let found = self.find((module.into_object(), name.into_object()));
        let found = self.kept(found)?;
        self.push(Some(found))
    }

    fn find(&self, names: (Object<'py>, Object<'py>)) -> PyResult<Object<'py>> {
        match &self.find {
            Some(Finder::Checked(load)) => load.get().import(self.py, &names.0, &names.1),
            Some(Finder::Asked(find)) => find.call1(names),
            None => Err(unpickling_error(self.py, "nothing is imported here")),
        }
    }

    fn line(&mut self) -> Step<Object<'py>> {
        let rest = self.rest();
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else { return self.fail(NOT_FOUND) };
        let Ok(text) = std::str::from_utf8(&rest[..length]) else { return self.fail(NOT_FOUND) };
        self.take(length + 1)?;
        Ok(PyString::new(self.py, text).into_any())
    }

    /// Calls what lies below a tuple with it.
    #[inline]
    pub fn call(&mut self) -> Step {
        let (args, callee) = (self.pop()?, self.pop()?);
        let Ok(given) = args.cast::<PyTuple>() else {
            return self.kept(Err(PyTypeError::new_err("argument list must be a tuple")));
        };
        let made = match callee.cast_exact::<Guard>() {
            Ok(guard) => guard.get().call(given),
            Err(_) => callee.call1(given),
        };
        drop(args); // before what it made lies on the stack, as stock does
        let made = self.kept(made)?;
        self.push(Some(made))
    }

    /// Gives what lies below a state that state.
    #[inline]
    pub fn give_state(&mut self) -> Step {
        let state = self.pop()?;
        let target = self.top()?.clone();
        if self.setter.0 != target.get_type_ptr() {
            self.setter =
                (target.get_type_ptr(), made::fixed_method(&target.get_type(), intern!(self.py, "__setstate__")));
        }
        if let (_, Some(setter)) = &self.setter {
            let done = made::call_with(setter, &target, Some(&state));
            return self.kept(done).map(drop);
        }
        let method = attribute(&target, intern!(self.py, "__setstate__"));
        if let Some(method) = self.kept(method)? {
            let done = made::call_with(&method, &state, None);
            return self.kept(done).map(drop);
        }
        let done = set_state(&target, &state);
        self.kept(done)
    }

    /// Puts items into what is no dict itself.
    #[cold]
    pub fn put_items_elsewhere(&mut self, target: &Object<'py>, start: usize) -> Step {
        for pair in self.stack[start..].chunks_exact(2) {
            self.kept(target.set_item(&*pair[0], &*pair[1]))?;
        }
        self.stack.truncate(start);
        Ok(())
    }

    /// Appends items to what is no list itself.
    #[cold]
    pub fn append_elsewhere(&mut self, start: usize) -> Step {
        let target = self.top_below(start)?.clone();
        let items = made::list(self.py, &mut self.stack, start).ok_or(Odd)?;
        let done = append_each(&target, &items);
        self.kept(done)
    }

    /// Adds members to what is no set itself.
    #[cold]
    pub fn add_elsewhere(&mut self, start: usize) -> Step {
        let target = self.top_below(start)?.clone();
        let add = target.getattr(intern!(self.py, "add"));
        let add = self.kept(add)?;
        for item in &self.stack[start..] {
            self.kept(add.call1((&**item,)))?;
        }
        self.stack.truncate(start);
        Ok(())
    }
}

/// Gives an attribute; None where it is lacking. `getattr_opt` of the stable ABI knows no subclasses of the exception.
pub fn attribute<'py>(target: &Object<'py>, name: &Bound<'py, PyString>) -> PyResult<Option<Object<'py>>> {
    match target.getattr(name) {
        Err(error) if error.is_instance_of::<PyAttributeError>(target.py()) => Ok(None),
        found => found.map(Some),
    }
}

fn append_each<'py>(target: &Object<'py>, items: &Bound<'py, PyList>) -> PyResult<()> {
    let py = target.py();
    if let Some(extend) = attribute(target, intern!(py, "extend"))? {
        return extend.call1((items,)).map(drop);
    }
    let append = target.getattr(intern!(py, "append"))?;
    for item in items {
        append.call1((item,))?;
    }
    Ok(())
}

/// Sets the state of an instance whose class has no `__setstate__`.
fn set_state<'py>(target: &Object<'py>, state: &Object<'py>) -> PyResult<()> {
    let (state, slots) = match state.cast::<PyTuple>() {
        Ok(both) if both.len() == 2 => (both.get_item(0)?, Some(both.get_item(1)?)),
        _ => (state.clone(), None),
    };
    if !state.is_none() {
        set_entries(target, dict_of(&state, "state is not a dictionary")?)?;
    }
    if let Some(slots) = slots {
        set_slots(target, dict_of(&slots, "slot state is not a dictionary")?)?;
    }
    Ok(())
}

/// Puts a state into the namespace of an instance.
pub fn set_entries<'py>(target: &Object<'py>, state: &Bound<'py, PyDict>) -> PyResult<()> {
    let space = target.getattr(intern!(target.py(), "__dict__"))?;
    for item in state.items() {
        let (key, value): (Object<'py>, Object<'py>) = item.extract()?;
        space.set_item(made::interned(key), value)?;
    }
    Ok(())
}

/// Sets attributes of an instance, by descriptors of its class.
pub fn set_slots<'py>(target: &Object<'py>, state: &Bound<'py, PyDict>) -> PyResult<()> {
    for item in state.items() {
        let (key, value): (Object<'py>, Object<'py>) = item.extract()?;
        made::set_attribute(target, &key, &value)?;
    }
    Ok(())
}

fn dict_of<'a, 'py>(state: &'a Object<'py>, sentence: &'static str) -> PyResult<&'a Bound<'py, PyDict>> {
    state.cast::<PyDict>().map_err(|_| unpickling_error(state.py(), sentence))
}
