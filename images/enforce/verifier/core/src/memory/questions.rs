//! What the rules ask of a value.

use super::{COST_LIMIT, ContainerKind, ITEMS, ITEMS_OF_RESULT, Memory};
use crate::report::{Decision, say, uses};
use crate::tag::{HELPER, LIVE, MUTABLE, OPERAND, SPECIAL, STUB, Sort, Tag};

impl Memory {
    /// What a value holds.
    #[inline(always)]
    pub fn flags_of(&self, tag: Tag) -> u8 {
        match tag.sort() {
            Sort::Tuple => self.tuples[tag.index()].flags,
            Sort::Frozen => self.frozen[tag.index()].0,
            Sort::Container => self.containers[tag.index()].flags,
            Sort::Import => {
                let import = &self.imports[tag.index()];
                match (import.decision, import.helper || import.unkept, import.operand) {
                    (Decision::Stub, ..) => STUB | LIVE,
                    (_, true, true) => OPERAND | LIVE,
                    (_, true, false) => HELPER | LIVE,
                    _ => LIVE,
                }
            }
            Sort::Object
            | Sort::Buffer
            | Sort::Persistent
            | Sort::Identified
            | Sort::Foreign
            | Sort::Bound
            | Sort::Listed
            | Sort::Class => LIVE,
            Sort::ByteArray => MUTABLE,
            _ => 0,
        }
    }

    /// What the items hold together, the cost of hashing them, and how deep they nest.
    #[inline(always)]
    pub fn summary(&mut self, items: &[Tag]) -> (u8, u64, u32) {
        let mut sum = (0, 1 + items.len() as u64, 1);
        for &item in items {
            self.add_weight(item, &mut sum);
        }
        (sum.0, sum.1.min(COST_LIMIT), sum.2)
    }

    /// The same of keys and values of a dict; None where a rule may look at one of them.
    #[inline(always)]
    fn summary_of_pairs(&mut self, items: &[Tag]) -> Option<(u8, u64, u32)> {
        let mut sum = (0, 1 + items.len() as u64, 1);
        for pair in items.chunks_exact(2) {
            if !pair[0].is_dull_key() || pair[1].may_be_callable() {
                return None;
            }
            self.add_weight(pair[1], &mut sum);
        }
        Some((sum.0, sum.1.min(COST_LIMIT), sum.2))
    }

    /// Adds what a value holds, what it costs beyond one, and how deep it nests.
    #[inline(always)]
    fn add_weight(&mut self, item: Tag, sum: &mut (u8, u64, u32)) {
        if !(item.is_literal() || item.is(Sort::Float)) {
            let (flags, cost, depth) = self.weigh(item);
            *sum = (sum.0 | flags, sum.1.saturating_add(cost - 1), sum.2.max(depth));
        }
    }

    /// The same of one value, which something else holds from now on.
    #[inline(always)]
    fn weigh(&mut self, item: Tag) -> (u8, u64, u32) {
        if item.is(Sort::Container) {
            let node = &mut self.containers[item.index()];
            node.nested = true;
            (node.flags, node.cost, node.depth.saturating_add(1))
        } else if item.is(Sort::Tuple) {
            let node = &self.tuples[item.index()];
            (node.flags, node.cost, node.depth.saturating_add(1))
        } else if item.is(Sort::Object) {
            (LIVE, 1, 1)
        } else {
            self.weigh_rare(item)
        }
    }

    fn weigh_rare(&mut self, item: Tag) -> (u8, u64, u32) {
        let cost = match item.sort() {
            Sort::Frozen => self.frozen_cost(item),
            Sort::Long => 1 + item.index() as u64,
            Sort::Import => {
                self.put_to(item.index(), uses::DATA);
                1
            }
            _ => 1,
        };
        (self.flags_of(item), cost, 1)
    }

    /// Whether the tag is a container of this kind that may still change.
    #[inline(always)]
    pub fn is_open(&self, tag: Tag, kind: ContainerKind) -> bool {
        tag.is(Sort::Container) && {
            let node = &self.containers[tag.index()];
            node.kind == kind && !node.frozen
        }
    }

    /// Notes that a list takes these items, unless a rule may look at one; then gives false.
    #[inline(always)]
    pub fn appends_plainly(&mut self, list: Tag, items: &[Tag]) -> bool {
        if items.is_empty() {
            return true;
        }
        let sum = self.summary(items);
        self.takes_plainly(list, sum)
    }

    /// Notes that a dict takes these keys and values, unless a rule may look at one; then gives false.
    #[inline(always)]
    pub fn sets_plainly(&mut self, dict: Tag, items: &[Tag]) -> bool {
        if items.is_empty() {
            return true;
        }
        let sum = self.summary_of_pairs(items);
        let done = sum.is_some_and(|sum| self.takes_plainly(dict, sum));
        if done {
            self.put_dull(dict, items);
        }
        done
    }

    /// Notes that a container takes what this is the summary of, unless it holds a helper or its operand, or brings a special
    /// name into what something else holds: then gives false.
    #[inline(always)]
    fn takes_plainly(&mut self, container: Tag, (flags, cost, depth): (u8, u64, u32)) -> bool {
        let node = &mut self.containers[container.index()];
        if flags & (HELPER | OPERAND) != 0 || node.nested && (flags | node.flags) & SPECIAL != 0 {
            return false;
        }
        node.take(flags, cost, depth);
        true
    }

    /// Whether items of a dict were put into an object of the same import, which may still take some.
    #[inline(always)]
    pub fn takes_routinely(&self, tag: Tag) -> bool {
        if !tag.is(Sort::Object) {
            return false;
        }
        let node = self.objects[tag.index()];
        let before = if node.is_called() { ITEMS_OF_RESULT } else { ITEMS };
        !node.built && !node.frozen && node.origin().is_some_and(|origin| self.imports[origin].routine & before != 0)
    }

    /// Notes that a container takes these items; whether it holds a special name, and something else holds it.
    pub fn absorb(&mut self, container: Tag, items: &[Tag]) -> bool {
        let (flags, cost, depth) = self.summary(items);
        let node = self.container_mut(container);
        node.take(flags, cost, depth);
        node.nested && node.flags & SPECIAL != 0
    }

    /// Whether the value could be something that runs when it is called.
    #[inline(always)]
    pub fn is_callable_like(&self, tag: Tag) -> bool {
        matches!(tag.sort(), Sort::Import | Sort::Object) || (tag.is_opaque() && self.flags_of(tag) & LIVE != 0)
    }

    /// Whether a dict key can be compared and hashed without code of a class.
    pub fn is_plain(&self, tag: Tag) -> bool {
        self.flags_of(tag) & crate::tag::NOT_LITERAL == 0
    }

    /// Whether stock could hash the value.
    pub fn is_hashable(&self, tag: Tag) -> bool {
        match tag.sort() {
            Sort::Container | Sort::ByteArray => false,
            Sort::Tuple => self.tuples[tag.index()].flags & MUTABLE == 0,
            _ => true,
        }
    }

    /// Says in two or three words what the value is.
    pub fn describe(&self, tag: Tag) -> Vec<u8> {
        let words = match tag.sort() {
            Sort::None | Sort::Nothing => "None",
            Sort::Bool | Sort::Int => "a number",
            Sort::Text | Sort::OwnText | Sort::ByteText | Sort::OwnByteText | Sort::LongByteText => "a text",
            Sort::Bytes => "a bytes literal",
            Sort::Float => "a float",
            Sort::Long => "a long integer",
            Sort::LongText => "a long text",
            Sort::Buffer => "an out-of-band buffer",
            Sort::Persistent | Sort::Identified => "a persistent object",
            Sort::Foreign => "an object of the application",
            Sort::Lost => "an object of a load that failed",
            Sort::Bound | Sort::Listed => "a bound method",
            Sort::Class => "the class of a singleton",
            Sort::ByteArray => "a bytearray",
            Sort::Tuple => "a tuple",
            Sort::Frozen => "a frozenset",
            Sort::Container => return say!("a ", self.container(tag).kind.name()),
            Sort::Import => return self.import(tag).path.clone(),
            Sort::Object => {
                let node = self.object(tag);
                let words = if node.is_called() { "the result" } else { "an instance" };
                return match node.origin() {
                    Some(origin) => say!(words, " of ", &self.imports[origin].path),
                    None => words.into(),
                };
            }
        };
        words.into()
    }
}
