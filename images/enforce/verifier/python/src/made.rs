//! Objects of Python made by its C functions, where `PyO3` panics when memory is short, or copies what can be handed over.
//!
//! Everything here is for exact builtin types. A function gives None where Python has raised; the exception is then set.

#![allow(unsafe_code)] // each of these calls one function of the stable ABI, with what that asks for

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple, PyType};

use crate::held::Held;
use crate::latin1;

const WRITE: std::ffi::c_int = 0x200; // PyBUF_WRITE, which PyO3 has for later Pythons only

pub type Object<'py> = Bound<'py, PyAny>;

/// Takes over what a function of Python has just made.
///
/// # Safety
///
/// `made` is a new reference that nobody else gives back, or null with an exception set.
#[inline(always)]
unsafe fn owned(py: Python<'_>, made: *mut ffi::PyObject) -> Option<Object<'_>> {
    unsafe { Bound::from_owned_ptr_or_opt(py, made) }
}

#[inline(always)]
fn length(bytes: &[u8]) -> ffi::Py_ssize_t {
    bytes.len().cast_signed() // a slice is never longer than isize::MAX
}

#[inline(always)]
pub fn int(py: Python<'_>, value: i32) -> Option<Object<'_>> {
    // SAFETY: takes any number, gives a new reference.
    unsafe { owned(py, ffi::PyLong_FromLong(value.into())) }
}

#[inline(always)]
pub fn wide_int(py: Python<'_>, value: i64) -> Option<Object<'_>> {
    // SAFETY: takes any number, gives a new reference.
    unsafe { owned(py, ffi::PyLong_FromLongLong(value)) }
}

#[inline(always)]
pub fn float(py: Python<'_>, value: f64) -> Option<Object<'_>> {
    // SAFETY: takes any number, gives a new reference.
    unsafe { owned(py, ffi::PyFloat_FromDouble(value)) }
}

/// Makes a text as stock's unpickler does; bytes that are none make Python raise.
#[inline(always)]
pub fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Option<Object<'py>> {
    // SAFETY: reads so many bytes, and a C string, and keeps neither; gives a new reference.
    unsafe { owned(py, ffi::PyUnicode_DecodeUTF8(bytes.as_ptr().cast(), length(bytes), c"surrogatepass".as_ptr())) }
}

/// Makes bytes as stock's unpickler does: a single one is an object of its own.
#[inline(always)]
pub fn bytes<'py>(py: Python<'py>, bytes: &[u8]) -> Option<Object<'py>> {
    // SAFETY: with null the content is left to be written, so many bytes, before anybody else has the object; the empty
    // bytes, which others have too, are not written to.
    unsafe {
        let made = owned(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), length(bytes)))?;
        let content = ffi::PyBytes_AsString(made.as_ptr());
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), content.cast(), bytes.len());
        Some(made)
    }
}

/// Makes bytes of a text as `_codecs.encode` does with latin1; None without an exception where that is no text.
pub fn latin1<'py>(text: &Object<'py>) -> Option<Object<'py>> {
    let text = text.cast_exact::<PyString>().ok()?;
    // SAFETY: reads a text, which this is; gives a new reference.
    unsafe { owned(text.py(), ffi::PyUnicode_AsLatin1String(text.as_ptr())) }
}

/// Makes of UTF-8 what `_codecs.encode` makes of its text with latin1; None without an exception where that has to be done
/// by Python.
pub fn bytes_of_latin1<'py>(py: Python<'py>, text: &[u8]) -> Option<Object<'py>> {
    let size = latin1::characters(text);
    // SAFETY: with null the content is left to be written, so many bytes, before anybody else has the object; the empty
    // bytes, which others have too, have none. Nothing is read from it before, and it goes where not all of it is written.
    unsafe {
        let made = owned(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), size.cast_signed()))?;
        let content = std::slice::from_raw_parts_mut(ffi::PyBytes_AsString(made.as_ptr()).cast(), size);
        latin1::write(text, content)?.then_some(made)
    }
}

/// Gives what encodes with latin1 in this interpreter: programs may have put something else there.
pub fn latin1_encoder(py: Python<'_>) -> PyResult<Object<'_>> {
    // SAFETY: reads a C string; gives a new reference.
    unsafe { owned(py, ffi::PyCodec_Encoder(c"latin1".as_ptr())) }.ok_or_else(|| PyErr::fetch(py))
}

/// Gives the text that Python keeps for this one, as stock does with names of attributes; anything else as it is.
pub fn interned(key: Object<'_>) -> Object<'_> {
    if !key.is_exact_instance_of::<PyString>() {
        return key;
    }
    let py = key.py();
    let mut held = key.into_ptr();
    // SAFETY: takes over a reference to an exact text, and gives one to a text back in its place.
    unsafe {
        ffi::PyUnicode_InternInPlace(&raw mut held);
        Bound::from_owned_ptr(py, held)
    }
}

/// Sets an attribute; of a name that is no text Python says so.
pub fn set_attribute<'py>(target: &Object<'py>, name: &Object<'py>, value: &Object<'py>) -> PyResult<()> {
    // SAFETY: looks at what it is given, and keeps references of its own.
    let failed = unsafe { ffi::PyObject_SetAttr(target.as_ptr(), name.as_ptr(), value.as_ptr()) } != 0;
    if failed { Err(PyErr::fetch(target.py())) } else { Ok(()) }
}

pub fn bytearray<'py>(py: Python<'py>, bytes: &[u8]) -> Option<Object<'py>> {
    // SAFETY: copies so many bytes; gives a new reference.
    unsafe { owned(py, ffi::PyByteArray_FromStringAndSize(bytes.as_ptr().cast(), length(bytes))) }
}

/// Makes bytes, or a bytearray, of a content that `write` puts into a view of it; `write` tells how many bytes it has put
/// there. None where that are not all.
pub fn written<'py>(
    py: Python<'py>,
    size: usize,
    changeable: bool,
    write: impl FnOnce(&Object<'py>) -> PyResult<usize>,
) -> PyResult<Option<Object<'py>>> {
    let Ok(length) = ffi::Py_ssize_t::try_from(size) else { return Ok(None) };
    // SAFETY: with null the content is left to be written, so many bytes, before anybody else has the object; the empty
    // bytes, which others have too, have none. The view is of these bytes, which stay where they are: who writes has the
    // view alone. As with stock, who writes (a file of the program) must not keep it.
    let (made, view) = unsafe {
        let (made, content) = if changeable {
            let made = owned(py, ffi::PyByteArray_FromStringAndSize(std::ptr::null(), length));
            let made = made.ok_or_else(|| PyErr::fetch(py))?;
            let content = ffi::PyByteArray_AsString(made.as_ptr());
            (made, content)
        } else {
            let made = owned(py, ffi::PyBytes_FromStringAndSize(std::ptr::null(), length));
            let made = made.ok_or_else(|| PyErr::fetch(py))?;
            let content = ffi::PyBytes_AsString(made.as_ptr());
            (made, content)
        };
        let view = owned(py, ffi::PyMemoryView_FromMemory(content, length, WRITE)).ok_or_else(|| PyErr::fetch(py))?;
        (made, view)
    };
    Ok((write(&view)? == size).then_some(made))
}

pub fn dict(py: Python<'_>) -> Option<Object<'_>> {
    // SAFETY: gives a new reference.
    unsafe { owned(py, ffi::PyDict_New()) }
}

pub fn empty_list(py: Python<'_>) -> Option<Object<'_>> {
    // SAFETY: gives a new reference.
    unsafe { owned(py, ffi::PyList_New(0)) }
}

pub fn empty_set(py: Python<'_>) -> Option<Object<'_>> {
    // SAFETY: null stands for no items; gives a new reference.
    unsafe { owned(py, ffi::PySet_New(std::ptr::null_mut())) }
}

pub fn frozenset<'py>(items: &Bound<'py, PyTuple>) -> Option<Object<'py>> {
    // SAFETY: reads an iterable, which a tuple is; gives a new reference.
    unsafe { owned(items.py(), ffi::PyFrozenSet_New(items.as_ptr())) }
}

/// Makes a list of what lies on a stack from a place on, which is handed over.
#[inline(always)]
pub fn list<'py>(py: Python<'py>, stack: &mut Vec<Held<'py>>, start: usize) -> Option<Bound<'py, PyList>> {
    // SAFETY: the list has as many places as there are items, nobody else has it, and nothing of Python runs until all
    // are filled: PyList_SetItem takes a reference over and has nothing to give back. An exact list is a PyList.
    unsafe {
        let made = owned(py, ffi::PyList_New(stack[start..].len().cast_signed()))?;
        hand_over(stack, start, |index, item| {
            ffi::PyList_SetItem(made.as_ptr(), index, item);
        });
        Some(made.cast_into_unchecked())
    }
}

/// Makes a tuple of what lies on a stack from a place on, which is handed over. That of a few is made at once: what sets
/// items looks at what was there before, and so waits for all that was written before, which may be an array.
#[inline(always)]
pub fn tuple<'py>(py: Python<'py>, stack: &mut Vec<Held<'py>>, start: usize) -> Option<Bound<'py, PyTuple>> {
    let items = &stack[start..];
    let at = |index: usize| items[index].as_ptr();
    // SAFETY: as many objects follow a number as it says, and the tuple has references of its own to them; an exact tuple
    // is a PyTuple.
    let made = unsafe {
        let packed = match items.len() {
            1 => ffi::PyTuple_Pack(1, at(0)),
            2 => ffi::PyTuple_Pack(2, at(0), at(1)),
            3 => ffi::PyTuple_Pack(3, at(0), at(1), at(2)),
            4 => ffi::PyTuple_Pack(4, at(0), at(1), at(2), at(3)),
            5 => ffi::PyTuple_Pack(5, at(0), at(1), at(2), at(3), at(4)),
            _ => return long_tuple(py, stack, start),
        };
        owned(py, packed)?.cast_into_unchecked()
    };
    stack.truncate(start);
    Some(made)
}

fn long_tuple<'py>(py: Python<'py>, stack: &mut Vec<Held<'py>>, start: usize) -> Option<Bound<'py, PyTuple>> {
    // SAFETY: as for a list; the empty tuple, which others have too, is not written to.
    unsafe {
        let made = owned(py, ffi::PyTuple_New(stack[start..].len().cast_signed()))?;
        hand_over(stack, start, |index, item| {
            ffi::PyTuple_SetItem(made.as_ptr(), index, item);
        });
        Some(made.cast_into_unchecked())
    }
}

/// Calls with one argument, or with two, without a tuple of our own for them.
#[inline(always)]
pub fn call_with<'py>(
    callee: &Object<'py>,
    first: &Object<'py>,
    second: Option<&Object<'py>>,
) -> PyResult<Object<'py>> {
    let end = std::ptr::null_mut::<ffi::PyObject>();
    let second = second.map_or(end, Bound::as_ptr);
    // SAFETY: looks at what it is given, up to the first null; gives a new reference.
    let made = unsafe { ffi::PyObject_CallFunctionObjArgs(callee.as_ptr(), first.as_ptr(), second, end) };
    // SAFETY: as it says.
    unsafe { owned(callee.py(), made) }.ok_or_else(|| PyErr::fetch(callee.py()))
}

/// Whether a class is a static one, whose instances are asked for attributes as Python does it. Of none before 3.10.
pub fn looks_up_plainly(class: &Bound<'_, PyType>) -> bool {
    // SAFETY: reads a class.
    if unsafe { ffi::PyType_GetFlags(class.as_type_ptr()) } & ffi::Py_TPFLAGS_HEAPTYPE != 0 {
        return false;
    }
    // SAFETY: reads a class; Python before 3.10 gives no slots of static ones, and raises.
    let getter = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_tp_getattro) };
    drop(PyErr::take(class.py()));
    getter.addr() == (ffi::PyObject_GenericGetAttr as *const ()).addr()
}

/// Gives the method of this name that all instances of a class have, as Python finds it: the class is one of C that cannot
/// change, and none of them has attributes of its own. None for any other.
pub fn fixed_method<'py>(class: &Bound<'py, PyType>, name: &Bound<'py, PyString>) -> Option<Object<'py>> {
    let py = class.py();
    if !looks_up_plainly(class) || !class.get_type().is(py.get_type::<PyType>()) {
        return None;
    }
    let bare = class.getattr(intern!(py, "__dictoffset__")).and_then(|offset| offset.extract::<isize>());
    let method = class.getattr(name).ok().filter(|_| bare.is_ok_and(|offset| offset == 0))?;
    // SAFETY: a class of Python that is always there.
    (method.get_type_ptr() == &raw mut ffi::PyMethodDescr_Type).then_some(method)
}

/// Takes what lies on a stack from a place on, one after the other. `Vec::drain` does it by a struct that is copied, for
/// which a processor waits until all that it has written before is in its cache: after bytes of an array, that is long.
///
/// # Safety
///
/// `give` takes the references over that it gets.
#[inline(always)]
unsafe fn hand_over(stack: &mut Vec<Held<'_>>, start: usize, give: impl Fn(ffi::Py_ssize_t, *mut ffi::PyObject)) {
    let count = stack[start..].len();
    // SAFETY: these items lie behind the end from here on, so that nobody else drops them; none is read twice.
    unsafe {
        stack.set_len(start);
        let items = stack.as_ptr().add(start);
        for index in 0..count {
            give(index.cast_signed(), items.add(index).read().into_object().into_ptr());
        }
    }
}
