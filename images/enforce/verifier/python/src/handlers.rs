//! What stock's handlers in Python do to the stack and the memo of an unpickler, for opcodes that move data (numbers, texts,
//! marks, tuples, lists, dicts), and for those that call, instantiate and give states, which the verifier has judged.
//! Whoever asks has seen that these handlers are stock's.
//!
//! Where anything is not as it mostly is (another kind of stack, a missing entry, a target with rules of its own), nothing
//! is done for that opcode: its handler does it, or says what is wrong. Before code of Python may run, the unpickler is
//! told which stack it has; after it, the stack is looked up again.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyCFunction, PyDict, PyList, PyTuple};

use crate::calls;
use crate::made::{self, Object};

const STOP: u8 = b'.';

/// The state of an unpickler in Python, while its handlers do not run.
struct State<'py> {
    owner: Object<'py>,
    stack: Bound<'py, PyList>,
    metastack: Bound<'py, PyList>,
    memo: Bound<'py, PyDict>,
    /// Whether the stack is another than the unpickler knows of.
    moved: bool,
    /// Whether code of Python has run that may have put another stack there.
    stale: bool,
}

/// That an opcode is left to its handler.
type Done = PyResult<Option<()>>;

/// How far opcodes were run.
pub enum Outcome<'py> {
    /// The object that a load gives.
    Loaded(Object<'py>),
    /// Up to this opcode, whose handler has to do it, or to the end.
    Reached(usize),
}

/// Does what the handlers of these opcodes do, as far as it can, and steps over their arguments.
pub fn run<'py>(owner: &Object<'py>, opcodes: &[u8], rest: &mut &[u8]) -> PyResult<Outcome<'py>> {
    let mut at = 0;
    while at < opcodes.len() {
        let Some(mut state) = State::of(owner)? else { break };
        let outcome = state.run(opcodes, &mut at, rest);
        state.tell()?;
        if let Some(loaded) = outcome? {
            return Ok(Outcome::Loaded(loaded));
        }
        if !state.stale {
            break;
        }
    }
    Ok(Outcome::Reached(at))
}

/// Reads an argument of some bytes; steps over it.
fn fixed<const WIDTH: usize>(rest: &mut &[u8]) -> Option<[u8; WIDTH]> {
    let (found, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*found)
}

fn number<const WIDTH: usize>(rest: &mut &[u8]) -> Option<usize> {
    let mut bytes = [0; 8];
    bytes[..WIDTH].copy_from_slice(&fixed::<WIDTH>(rest)?);
    usize::try_from(u64::from_le_bytes(bytes)).ok()
}

fn counted<'a, const WIDTH: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = number::<WIDTH>(rest)?;
    let (found, after) = rest.split_at_checked(size)?;
    *rest = after;
    Some(found)
}

/// Gives what a function of C has made, or what it raised.
fn made<'py>(py: Python<'py>, made: Option<Object<'py>>) -> PyResult<Object<'py>> {
    made.ok_or_else(|| PyErr::fetch(py))
}

impl<'py> State<'py> {
    fn of(owner: &Object<'py>) -> PyResult<Option<State<'py>>> {
        let py = owner.py();
        let stack = owner.getattr(intern!(py, "stack"))?.cast_into_exact::<PyList>();
        let metastack = owner.getattr(intern!(py, "metastack"))?.cast_into_exact();
        let memo = owner.getattr(intern!(py, "memo"))?.cast_into_exact();
        let (Ok(stack), Ok(metastack), Ok(memo)) = (stack, metastack, memo) else { return Ok(None) };
        let append = owner.getattr(intern!(py, "append"))?; // by which stock's handlers push
        if !append.is_exact_instance_of::<PyCFunction>() || !append.eq(stack.getattr(intern!(py, "append"))?)? {
            return Ok(None);
        }
        Ok(Some(State { owner: owner.clone(), stack, metastack, memo, moved: false, stale: false }))
    }

    /// Tells the unpickler which stack it has.
    fn tell(&mut self) -> PyResult<()> {
        if std::mem::take(&mut self.moved) {
            let py = self.owner.py();
            self.owner.setattr(intern!(py, "stack"), &self.stack)?;
            self.owner.setattr(intern!(py, "append"), self.stack.getattr(intern!(py, "append"))?)?;
        }
        Ok(())
    }

    /// Runs opcodes up to one that is left to its handler, or until the stack has to be looked up again.
    fn run(&mut self, opcodes: &[u8], at: &mut usize, rest: &mut &[u8]) -> PyResult<Option<Object<'py>>> {
        while let Some(&code) = opcodes.get(*at) {
            if code == STOP && !self.stack.is_empty() {
                return self.take_last().map(Some);
            }
            let before = *rest;
            if self.step(code, rest)?.is_none() {
                *rest = before;
                self.stale = false;
                break;
            }
            *at += 1;
            if self.stale {
                break;
            }
        }
        Ok(None)
    }

    fn step(&mut self, code: u8, rest: &mut &[u8]) -> Done {
        let py = self.owner.py();
        let value = match code {
            b'h' => return self.get(number::<1>(rest)),
            b'j' => return self.get(number::<4>(rest)),
            0x94 => return self.put(Some(self.memo.len())),
            b'q' => return self.put(number::<1>(rest)),
            b'r' => return self.put(number::<4>(rest)),
            b'(' => return self.mark(),
            b'u' => return self.set_items(),
            b'e' => return self.append_items(),
            b't' => return self.tie_marked(),
            b'R' => return self.call(),
            0x81 => return self.instantiate(),
            b'b' => return self.give_state(),
            0x85..=0x87 => return self.tie(usize::from(code - 0x84)),
            b'K' => fixed::<1>(rest).map(|bytes| made::int(py, i32::from(bytes[0]))),
            b'M' => fixed(rest).map(|bytes| made::int(py, i32::from(u16::from_le_bytes(bytes)))),
            b'J' => fixed(rest).map(|bytes| made::int(py, i32::from_le_bytes(bytes))),
            b'G' => fixed(rest).map(|bytes| made::float(py, f64::from_be_bytes(bytes))),
            0x8c => counted::<1>(rest).map(|text| made::text(py, text)),
            b'X' => counted::<4>(rest).map(|text| made::text(py, text)),
            b'C' => counted::<1>(rest).map(|bytes| Some(PyBytes::new(py, bytes).into_any())),
            b'N' => Some(Some(py.None().into_bound(py))),
            0x88 | 0x89 => Some(Some(PyBool::new(py, code == 0x88).to_owned().into_any())),
            b')' => Some(Some(PyTuple::empty(py).into_any())),
            b']' => Some(made::empty_list(py)),
            b'}' => Some(made::dict(py)),
            _ => None,
        };
        let Some(value) = value else { return Ok(None) };
        self.stack.append(made(py, value)?)?;
        Ok(Some(()))
    }

    fn get(&mut self, index: Option<usize>) -> Done {
        let Some(index) = index else { return Ok(None) };
        let Some(value) = self.memo.get_item(index)? else { return Ok(None) };
        self.stack.append(value)?;
        Ok(Some(()))
    }

    fn put(&mut self, index: Option<usize>) -> Done {
        let (Some(index), Some(last)) = (index, self.stack.len().checked_sub(1)) else { return Ok(None) };
        self.memo.set_item(index, self.stack.get_item(last)?)?;
        Ok(Some(()))
    }

    fn mark(&mut self) -> Done {
        self.metastack.append(&self.stack)?;
        self.stack = PyList::empty(self.owner.py());
        self.moved = true;
        Ok(Some(()))
    }

    /// The stack below the last mark; None where it is none of the usual kind.
    fn below(&self) -> Option<Bound<'py, PyList>> {
        let last = self.metastack.len().checked_sub(1)?;
        self.metastack.get_item(last).ok()?.cast_into_exact().ok()
    }

    /// Removes the last mark, and gives the items above it.
    fn take_mark(&mut self, below: Bound<'py, PyList>) -> PyResult<Bound<'py, PyList>> {
        self.metastack.del_item(self.metastack.len() - 1)?;
        self.moved = true;
        Ok(std::mem::replace(&mut self.stack, below))
    }

    fn set_items(&mut self) -> Done {
        let Some(below) = self.below() else { return Ok(None) };
        let Some(last) = below.len().checked_sub(1) else { return Ok(None) };
        let Ok(target) = below.get_item(last)?.cast_into_exact::<PyDict>() else { return Ok(None) };
        if self.stack.len() % 2 != 0 {
            return Ok(None);
        }
        let items = self.take_mark(below)?;
        let mut items = items.iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            target.set_item(key, value)?;
        }
        Ok(Some(()))
    }

    fn append_items(&mut self) -> Done {
        let Some(below) = self.below() else { return Ok(None) };
        let Some(last) = below.len().checked_sub(1) else { return Ok(None) };
        let Ok(target) = below.get_item(last)?.cast_into_exact::<PyList>() else { return Ok(None) };
        let items = self.take_mark(below)?;
        target.set_slice(target.len(), target.len(), items.as_any())?;
        Ok(Some(()))
    }

    fn tie_marked(&mut self) -> Done {
        let Some(below) = self.below() else { return Ok(None) };
        let items = self.take_mark(below)?;
        self.stack.append(items.to_tuple())?;
        Ok(Some(()))
    }

    fn tie(&mut self, size: usize) -> Done {
        let Some(start) = self.stack.len().checked_sub(size) else { return Ok(None) };
        let items = self.stack.get_slice(start, start + size).to_tuple();
        self.stack.del_slice(start + 1, start + size)?;
        self.stack.set_item(start, items)?;
        Ok(Some(()))
    }

    /// Takes what lies on top of the stack.
    fn take_last(&mut self) -> PyResult<Object<'py>> {
        let last = self.stack.len() - 1;
        let value = self.stack.get_item(last)?;
        self.stack.del_item(last)?;
        Ok(value)
    }

    /// Gives what lies so many places below the top of the stack.
    fn peek(&self, below: usize) -> Option<Object<'py>> {
        self.stack.get_item(self.stack.len().checked_sub(below + 1)?).ok()
    }

    /// Gets ready for code of Python.
    fn leave(&mut self) -> PyResult<()> {
        self.stale = true;
        self.tell()
    }

    /// Calls what lies below a tuple with it, and puts what that gives in its place.
    fn call(&mut self) -> Done {
        let (Some(args), Some(callee)) = (self.peek(0), self.peek(1)) else { return Ok(None) };
        let Ok(args) = args.cast_into_exact::<PyTuple>() else { return Ok(None) };
        self.take_last()?;
        self.leave()?;
        let made = callee.call1(&args)?;
        self.stack.set_item(self.stack.len().wrapping_sub(1), made)?; // an IndexError where nothing is left, as in stock
        Ok(Some(()))
    }

    /// Makes an instance of the class that lies below a tuple of arguments.
    fn instantiate(&mut self) -> Done {
        let py = self.owner.py();
        let (Some(args), Some(class)) = (self.peek(0), self.peek(1)) else { return Ok(None) };
        let Ok(args) = args.cast_into_exact::<PyTuple>() else { return Ok(None) };
        self.stack.del_slice(self.stack.len() - 2, self.stack.len())?;
        self.leave()?;
        let new = class.getattr(intern!(py, "__new__"))?;
        let made = if args.is_empty() {
            new.call1((class,))?
        } else {
            new.call1(PyTuple::new(py, std::iter::once(class).chain(args.iter()).collect::<Vec<_>>())?)?
        };
        self.owner.getattr(intern!(py, "append"))?.call1((made,))?;
        Ok(Some(()))
    }

    /// Gives what lies below a state that state.
    fn give_state(&mut self) -> Done {
        let (Some(state), Some(target)) = (self.peek(0), self.peek(1)) else { return Ok(None) };
        self.take_last()?;
        self.leave()?;
        let done = match calls::attribute(&target, intern!(self.owner.py(), "__setstate__"))? {
            Some(method) if method.is_none() => None, // it depends on the Python what that means
            Some(method) => return method.call1((state,)).map(|_| Some(())),
            None => set_state(&target, &state)?,
        };
        if done.is_none() {
            self.owner.getattr(intern!(self.owner.py(), "stack"))?.call_method1("append", (state,))?;
        }
        Ok(done)
    }
}

/// Sets the state of an instance whose class does not read it.
fn set_state<'py>(target: &Object<'py>, state: &Object<'py>) -> Done {
    let (entries, slots) = match state.cast_exact::<PyTuple>() {
        Ok(both) if both.len() == 2 => (both.get_item(0)?, Some(both.get_item(1)?)),
        _ => (state.clone(), None),
    };
    let known = |part: &Object<'_>| part.is_none() || part.is_exact_instance_of::<PyDict>();
    if !known(&entries) || !slots.as_ref().is_none_or(known) {
        return Ok(None);
    }
    let filled = |part: Object<'py>| part.cast_into_exact::<PyDict>().ok().filter(|dict| !dict.is_empty());
    if let Some(entries) = filled(entries) {
        calls::set_entries(target, &entries)?;
    }
    if let Some(slots) = slots.and_then(filled) {
        calls::set_slots(target, &slots)?;
    }
    Ok(Some(()))
}
