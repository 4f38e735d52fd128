//! A reference that is counted in place, as C extensions do which keep to the stable ABI of Python 3.9.
//!
//! `PyO3` asks a function of Python each time: for objects that lie on a stack for a few nanoseconds that is a good part of
//! their life.

#![allow(unsafe_code)] // the count of an object, and what Python does with one that nobody holds any more

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

use crate::made::Object;

const _: () = assert!(usize::BITS == 64, "a count of 32 bits has other marks");

unsafe extern "C" {
    // Of the stable ABI: what its macros call.
    fn _Py_Dealloc(object: *mut ffi::PyObject);
}

/// Whether this Python has objects that live for ever (3.12 and later). A number of 32 bits below zero tells them; their
/// count is not touched.
static IMMORTAL: AtomicBool = AtomicBool::new(true);

/// Learns how this Python counts. Python without a lock for all threads does not load a module of this ABI.
pub fn learn(py: Python<'_>) {
    let none = py.None();
    // SAFETY: an object, and the lock is held.
    let count = unsafe { *counted(none.as_ptr()) };
    IMMORTAL.store(is_negative(count), Ordering::Relaxed);
}

/// Where an object has its count.
///
/// # Safety
///
/// It is an object.
#[inline(always)]
unsafe fn counted(object: *mut ffi::PyObject) -> *mut ffi::Py_ssize_t {
    unsafe { &raw mut (*object).ob_refcnt }
}

#[inline(always)]
fn is_negative(count: ffi::Py_ssize_t) -> bool {
    count & (1 << 31) != 0
}

#[inline(always)]
fn is_fixed(count: ffi::Py_ssize_t) -> bool {
    is_negative(count) && IMMORTAL.load(Ordering::Relaxed)
}

/// An object that is held.
pub struct Held<'py>(ManuallyDrop<Object<'py>>);

impl<'py> Held<'py> {
    /// Hands the reference over.
    #[inline(always)]
    pub fn into_object(self) -> Object<'py> {
        let mut held = ManuallyDrop::new(self);
        // SAFETY: nobody uses it afterwards, and it is not dropped.
        unsafe { ManuallyDrop::take(&mut held.0) }
    }
}

impl<'py> From<Object<'py>> for Held<'py> {
    #[inline(always)]
    fn from(object: Object<'py>) -> Held<'py> {
        Held(ManuallyDrop::new(object))
    }
}

impl<'py> Deref for Held<'py> {
    type Target = Object<'py>;

    #[inline(always)]
    fn deref(&self) -> &Object<'py> {
        &self.0
    }
}

impl Clone for Held<'_> {
    #[inline(always)]
    fn clone(&self) -> Self {
        // SAFETY: an object that is held, and the lock is held, as its lifetime says. The new reference is counted before
        // it is made. A count of 63 bits does not overflow.
        unsafe {
            let count = counted(self.as_ptr());
            if !is_fixed(*count) {
                *count = count.read().wrapping_add(1);
            }
            Held(ManuallyDrop::new(Bound::from_owned_ptr(self.py(), self.as_ptr())))
        }
    }
}

impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: an object of which this is one reference, and the lock is held; nobody uses it afterwards.
        unsafe {
            let count = counted(self.as_ptr());
            if is_fixed(*count) {
                return;
            }
            *count = count.read().wrapping_sub(1);
            if *count == 0 {
                _Py_Dealloc(self.as_ptr());
            }
        }
    }
}
