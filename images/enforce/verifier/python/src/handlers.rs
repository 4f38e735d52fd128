//! What stock's handlers in Python do that only move data between the opcodes, the stack and the memo of an unpickler:
//! numbers, texts, marks, tuples, lists, dicts. Whoever asks has seen that these handlers are stock's.
//!
//! Where anything is not as it mostly is (another kind of stack, a missing entry, a target with rules of its own), nothing
//! is done for that opcode: its handler does it, or says what is wrong.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyCFunction, PyDict, PyList, PyTuple};

use crate::made::{self, Object};

/// The state of an unpickler in Python, while its handlers do not run.
struct State<'py> {
    owner: Object<'py>,
    stack: Bound<'py, PyList>,
    metastack: Bound<'py, PyList>,
    memo: Bound<'py, PyDict>,
    /// Whether the stack is another than the unpickler knows of.
    moved: bool,
}

/// That an opcode is left to its handler.
type Done = PyResult<Option<()>>;

/// Does what the handlers of these opcodes do, from `at` on, as far as it can; gives where it stopped among the opcodes,
/// and among their arguments.
#[pyfunction]
pub fn handle(
    owner: Object<'_>,
    opcodes: &Bound<'_, PyBytes>,
    arguments: &Bound<'_, PyBytes>,
    at: usize,
    read: usize,
) -> PyResult<(usize, usize)> {
    let Some(mut state) = State::of(owner)? else { return Ok((at, read)) };
    let outcome = state.run(opcodes.as_bytes(), arguments.as_bytes(), at, read);
    state.tell()?;
    outcome
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
    fn of(owner: Object<'py>) -> PyResult<Option<State<'py>>> {
        let py = owner.py();
        let stack = owner.getattr(intern!(py, "stack"))?.cast_into_exact::<PyList>();
        let metastack = owner.getattr(intern!(py, "metastack"))?.cast_into_exact();
        let memo = owner.getattr(intern!(py, "memo"))?.cast_into_exact();
        let (Ok(stack), Ok(metastack), Ok(memo)) = (stack, metastack, memo) else { return Ok(None) };
        let append = owner.getattr(intern!(py, "append"))?; // by which stock's handlers push
        if !append.is_exact_instance_of::<PyCFunction>() || !append.eq(stack.getattr(intern!(py, "append"))?)? {
            return Ok(None);
        }
        Ok(Some(State { owner, stack, metastack, memo, moved: false }))
    }

    /// Tells the unpickler which stack it has.
    fn tell(&self) -> PyResult<()> {
        if self.moved {
            let py = self.owner.py();
            self.owner.setattr(intern!(py, "stack"), &self.stack)?;
            self.owner.setattr(intern!(py, "append"), self.stack.getattr(intern!(py, "append"))?)?;
        }
        Ok(())
    }

    fn run(&mut self, opcodes: &[u8], arguments: &[u8], at: usize, read: usize) -> PyResult<(usize, usize)> {
        let Some(mut rest) = arguments.get(read..) else { return Ok((at, read)) };
        for (index, &code) in opcodes.iter().enumerate().skip(at) {
            let before = rest;
            if self.step(code, &mut rest)?.is_none() {
                return Ok((index, arguments.len() - before.len()));
            }
        }
        Ok((opcodes.len(), arguments.len() - rest.len()))
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
            b't' => return self.tie_marked(),
            0x85..=0x87 => return self.tie(usize::from(code - 0x84)),
            b'K' => fixed::<1>(rest).map(|bytes| made::int(py, i32::from(bytes[0]))),
            b'M' => fixed(rest).map(|bytes| made::int(py, i32::from(u16::from_le_bytes(bytes)))),
            b'J' => fixed(rest).map(|bytes| made::int(py, i32::from_le_bytes(bytes))),
            b'G' => fixed(rest).map(|bytes| made::float(py, f64::from_be_bytes(bytes))),
            0x8c => counted::<1>(rest).map(|text| made::text(py, text)),
            b'X' => counted::<4>(rest).map(|text| made::text(py, text)),
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
}
