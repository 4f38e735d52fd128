//! What the verifier says: violations, predicted imports with their obligations (report.py).

use std::collections::{HashMap, HashSet};

use crate::Name;
use crate::name::Facts;
use crate::tag::Tag;

/// Joins texts to a sentence.
macro_rules! say {
    ($($part:expr),+ $(,)?) => {{
        let mut sentence: Vec<u8> = Vec::new();
        $(sentence.extend_from_slice(::std::convert::AsRef::<[u8]>::as_ref($part));)+
        sentence
    }};
}
pub(crate) use say;

/// One of the lists of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    Globals,
    Reduces,
}

/// One thing that a stream does and the policy or a rule does not allow.
#[derive(Clone, Debug)]
pub struct Violation {
    pub rule: &'static str,
    pub name: Vec<u8>,
    pub opcode: &'static str,
    pub offset: u64,
    pub sentence: Vec<u8>,
    pub allow: Option<(List, Vec<u8>)>,
}

/// Where a stream stops being a pickle, and why.
#[derive(Clone, Debug)]
pub struct Malformed {
    pub offset: u64,
    pub sentence: Vec<u8>,
}

/// Why a judgement ended before STOP.
#[derive(Debug)]
pub enum Halt {
    /// These bytes are not read alike by C and Python, or not at all.
    Malformed(Vec<u8>),
    /// The host failed.
    Interrupted,
}

impl From<crate::Interrupted> for Box<Halt> {
    fn from(_: crate::Interrupted) -> Self {
        Box::new(Halt::Interrupted)
    }
}

/// What must hold for the real object behind an import (obligations.py says what each means).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    Callee,
    Class,
    NoInitargs,
    Type,
    Base,
    Build,
    Setstate,
    OwnState,
    EmptyState,
    Shadow,
    Slot,
    Items,
    Attribute,
    Method,
    Receives,
    Handed,
    Array,
    Replaces,
    Subclass,
    Called,
    Instantiated,
    Kept,
    CalledOrType,
    AttributeAsked,
    MethodAsked,
    MethodCalled,
    ResultBuild,
    ResultSetstate,
    ResultEmptyState,
    ResultShadow,
    ResultSlot,
    ResultItems,
    ResultMethod,
}

impl Kind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Callee => "callee",
            Kind::Class => "class",
            Kind::NoInitargs => "no-initargs",
            Kind::Type => "type",
            Kind::Base => "base",
            Kind::Build => "build",
            Kind::Setstate => "setstate",
            Kind::OwnState => "own-state",
            Kind::EmptyState => "empty-state",
            Kind::Shadow => "shadow",
            Kind::Slot => "slot",
            Kind::Items => "items",
            Kind::Attribute => "attribute",
            Kind::Method => "method",
            Kind::Receives => "receives",
            Kind::Handed => "handed",
            Kind::Array => "array",
            Kind::Replaces => "replaces",
            Kind::Subclass => "subclass",
            Kind::Called => "called",
            Kind::Instantiated => "instantiated",
            Kind::Kept => "kept",
            Kind::CalledOrType => "called-or-type",
            Kind::AttributeAsked => "attribute-asked",
            Kind::MethodAsked => "method-asked",
            Kind::MethodCalled => "method-called",
            Kind::ResultBuild => "result-build",
            Kind::ResultSetstate => "result-setstate",
            Kind::ResultEmptyState => "result-empty-state",
            Kind::ResultShadow => "result-shadow",
            Kind::ResultSlot => "result-slot",
            Kind::ResultItems => "result-items",
            Kind::ResultMethod => "result-method",
        }
    }

    #[must_use]
    pub fn is_result(self) -> bool {
        self as u8 >= Kind::ResultBuild as u8
    }

    /// The same of what calling the import returns.
    #[must_use]
    pub fn of_result(self) -> Kind {
        match self {
            Kind::Build => Kind::ResultBuild,
            Kind::Setstate => Kind::ResultSetstate,
            Kind::EmptyState => Kind::ResultEmptyState,
            Kind::Shadow => Kind::ResultShadow,
            Kind::Slot => Kind::ResultSlot,
            Kind::Items => Kind::ResultItems,
            Kind::Method => Kind::ResultMethod,
            other => other,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Obligation {
    pub kind: Kind,
    pub detail: Vec<u8>,
    pub opcode: &'static str,
    pub offset: u64,
}

/// What `find_class` gives for an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allow,
    Stub,
    Ask,
}

/// What the stream does with an import, as bits.
pub mod uses {
    pub const DATA: u8 = 1;
    pub const CALL: u8 = 2;
    pub const CALLABLE: u8 = 4;
    pub const INSTANCE: u8 = 8;
    pub const HELPED: u8 = 16;
    pub const HELD: u8 = 32;
}

/// The names of uses, as report.py has them.
pub fn use_names(bits: u8) -> impl Iterator<Item = &'static str> {
    ["data", "call", "callable", "instance", "helped", "held"]
        .into_iter()
        .enumerate()
        .filter_map(move |(bit, name)| (bits & 1 << bit != 0).then_some(name))
}

/// One predicted call of `find_class`, and all that the stream does with what it returns.
#[allow(clippy::struct_excessive_bools)] // those of report.py
#[derive(Debug)]
pub struct Import {
    pub index: i64,
    pub offset: u64,
    pub opcode: &'static str,
    pub module: Vec<u8>,
    pub name: Vec<u8>,
    pub proto: u8,
    pub canonical: Name,
    pub decision: Decision,
    pub code: i64,
    pub fix_imports: bool,
    pub helper: bool,
    pub operand: bool,
    /// Nothing keeps it as data yet, and that matters: instances of it may be all that is allowed.
    pub unkept: bool,
    pub parent: Option<usize>,
    pub attribute: Vec<u8>,
    pub children: Vec<usize>,
    pub obligations: Vec<Obligation>,
    pub uses: u8,
    pub sealed: bool,
    pub path: Vec<u8>,
    pub facts: Facts,
    pub changed: bool,
    pub(crate) guarded: bool,
    /// Keys of items of its instances whose values may be called.
    pub(crate) items: Vec<Vec<u8>>,
    /// ... and whether there are items of which nothing is known.
    pub(crate) odd_items: bool,
    /// What was done with it before, and asks for nothing more when it is done again with literals.
    pub(crate) routine: u8,
    /// Imports that it was given before, which ask for nothing more when it is given them again.
    pub(crate) taken: Vec<Tag>,
    /// What stands for the keys of the slot state that was checked last.
    pub(crate) slots: u32,
    pub(crate) seen_plain: u32,
    pub(crate) latest: (Kind, Vec<u8>),
    pub(crate) seen: HashMap<Kind, HashSet<Vec<u8>>>,
}

impl Import {
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.code > 0
    }

    /// Writes all that a driver's checks depend on; None where it has more to do than to check the object.
    pub(crate) fn add_shape(&self, shape: &mut Vec<u8>) -> Option<()> {
        if self.decision != Decision::Allow || self.is_optional() || !self.children.is_empty() {
            return None;
        }
        let mut add = |text: &[u8]| {
            shape.extend_from_slice(&(text.len() as u64).to_le_bytes());
            shape.extend_from_slice(text);
        };
        add(&self.module);
        add(&self.name);
        add(&[self.proto, self.uses, u8::from(self.fix_imports), u8::from(self.helper), u8::from(self.operand)]);
        for held in &self.obligations {
            add(&[held.kind as u8]);
            add(&held.detail);
        }
        add(b"");
        Some(())
    }
}
