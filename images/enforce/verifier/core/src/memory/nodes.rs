//! What stands for one value of the stream each.

use super::CONTAINER_COST_LIMIT;
use crate::entries::END;

/// A tuple of this stream: `cost` and `depth` bound what hashing it takes.
#[derive(Clone, Copy, Debug)]
pub struct TupleNode {
    pub(super) start: u32,
    pub(super) length: u32,
    pub depth: u32,
    pub cost: u64,
    pub flags: u8,
    /// Whether all items are literals.
    pub literal: bool,
}

impl TupleNode {
    #[inline(always)]
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    List,
    Dict,
    Set,
}

impl ContainerKind {
    pub fn name(self) -> &'static str {
        match self {
            ContainerKind::List => "list",
            ContainerKind::Dict => "dict",
            ContainerKind::Set => "set",
        }
    }
}

/// A list, dict or set of this stream; `frozen` once it has become the state of an object.
#[allow(clippy::struct_excessive_bools)] // one for each thing that a rule asks
#[derive(Clone, Copy, Debug)]
pub struct ContainerNode {
    pub cost: u64,
    pub depth: u32,
    pub(super) dict: u32,
    pub kind: ContainerKind,
    pub flags: u8,
    pub frozen: bool,
    /// Something else holds it: a container, the arguments of a call.
    pub nested: bool,
    pub overflow: bool,
    pub texts: bool,
    pub obscure: bool,
    /// Whether an entry has a special name or a value that may be callable: the rules pass over others.
    pub notable: bool,
}

impl ContainerNode {
    #[inline(always)]
    pub(super) fn take(&mut self, flags: u8, cost: u64, depth: u32) {
        self.flags |= flags;
        self.cost = self.cost.saturating_add(cost).min(CONTAINER_COST_LIMIT);
        self.depth = self.depth.max(depth);
    }
}

/// A part of a state that is checked by itself.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Part {
    Attributes = 1,
    Slots = 2,
}

/// How an object came to be: by instantiation, by a call, by a call that gives a plain array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    New,
    Called,
    Array,
}

/// What a call or an instantiation of this stream gave.
#[derive(Clone, Copy, Debug)]
pub struct ObjectNode {
    pub(super) origin: u32,
    pub made: Made,
    pub built: bool,
    pub frozen: bool,
}

/// What a partial calls, and how deep partials nest in what it gives to that.
#[derive(Clone, Copy, Debug)]
pub struct Partial {
    pub called: usize,
    pub level: u8,
}

impl ObjectNode {
    pub fn is_called(self) -> bool {
        self.made != Made::New
    }

    pub fn origin(self) -> Option<usize> {
        (self.origin != END).then_some(self.origin as usize)
    }
}

/// A frozenset, or a persistent object whose id held one import.
#[derive(Clone, Copy, Debug)]
pub struct IdentifiedNode {
    pub index: u64,
    pub candidate: usize,
}
