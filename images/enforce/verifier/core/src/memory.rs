//! What tags point to: tuples, containers, objects, imports and texts, each kind in one vector.
//!
//! Nodes are never freed one by one; a memory lives as long as its Unpickler's memo needs it.

mod nodes;
mod questions;

use std::collections::{HashMap, HashSet};

use crate::entries::{DictNode, END, Entries, KEYS_KEPT, NEW_DICT, empty, index32};
use crate::report::Import;
use crate::tag::{MUTABLE, SPECIAL, Sort, Tag};

pub use nodes::{ContainerKind, ContainerNode, IdentifiedNode, Made, ObjectNode, Part, Partial, TupleNode};

const COST_LIMIT: u64 = 1 << 60;
const CONTAINER_COST_LIMIT: u64 = 1 << 62;
/// That instances, or results of calls, got items of a dict: bits of `Import::routine` beside those of `uses`.
pub const ITEMS: u8 = 64;
pub const ITEMS_OF_RESULT: u8 = 128;

#[derive(Debug)]
pub struct Memory {
    tuples: Vec<TupleNode>,
    items: Vec<Tag>,
    containers: Vec<ContainerNode>,
    dicts: Vec<DictNode>,
    entries: Entries,
    objects: Vec<ObjectNode>,
    /// What frozensets hold, and what comparing them costs.
    frozen: Vec<(u8, u64)>,
    pub identified: Vec<IdentifiedNode>,
    pub imports: Vec<Import>,
    changed: Vec<usize>, // imports
    texts: Vec<u8>,
    checked: HashSet<(usize, u32, u8)>,
    /// Of arrays: the import that is to be numpy's class of them, where the application may have changed it.
    pub array_classes: HashMap<usize, usize>,
    /// Of partials whose state is known.
    pub partials: HashMap<usize, Partial>,
    owned: usize, // items from here on may have texts in the buffer
}

impl Memory {
    pub fn new() -> Memory {
        let mut memory = Memory {
            tuples: Vec::new(),
            items: Vec::new(),
            containers: Vec::new(),
            dicts: Vec::new(),
            entries: Entries::new(),
            objects: Vec::new(),
            frozen: Vec::new(),
            identified: Vec::new(),
            imports: Vec::new(),
            changed: Vec::new(),
            texts: Vec::new(),
            checked: HashSet::new(),
            array_classes: HashMap::new(),
            partials: HashMap::new(),
            owned: 0,
        };
        memory.clear();
        memory
    }

    /// Forgets everything; the room stays, unless it is large.
    pub fn clear(&mut self) {
        empty(&mut self.tuples);
        empty(&mut self.items);
        empty(&mut self.containers);
        empty(&mut self.dicts);
        self.entries.clear();
        empty(&mut self.objects);
        empty(&mut self.frozen);
        empty(&mut self.identified);
        empty(&mut self.imports);
        empty(&mut self.changed);
        empty(&mut self.texts);
        self.checked.clear();
        self.array_classes.clear();
        self.partials.clear();
        self.owned = 0;
        self.tuples.push(TupleNode { start: 0, length: 0, depth: 1, cost: 1, flags: 0, literal: true }); // Tag::EMPTY_TUPLE
    }

    // ---- texts ------------------------------------------------------------------------------------------------------

    /// Keeps a text; gives where.
    pub fn keep_text(&mut self, text: &[u8]) -> usize {
        let at = self.texts.len();
        self.texts.extend_from_slice(&(text.len() as u64).to_le_bytes());
        self.texts.extend_from_slice(text);
        at
    }

    pub fn own_text(&self, at: usize) -> &[u8] {
        let (start, stop) = (at + 8, self.texts[at..at + 8].try_into().map_or(0, u64::from_le_bytes) as usize);
        &self.texts[start..start + stop]
    }

    /// Leaves the texts of the buffer there: nothing that is new can be reached any more.
    pub fn disown_texts(&mut self) {
        self.owned = self.items.len();
        self.entries.disown_texts();
    }

    /// Takes over the texts that new tags have in the buffer; `read` gives a text of the buffer.
    pub fn own_texts<'a>(&mut self, memo: &mut [Tag], read: impl Fn(Tag) -> &'a [u8]) {
        let texts = &mut self.texts;
        let mut own = |tag: &mut Tag| {
            let sort = match tag.sort() {
                Sort::Text => Sort::OwnText,
                Sort::ByteText => Sort::OwnByteText,
                _ => return,
            };
            let (at, text) = (texts.len(), read(*tag));
            texts.extend_from_slice(&(text.len() as u64).to_le_bytes());
            texts.extend_from_slice(text);
            *tag = Tag::at(sort, at);
        };
        memo.iter_mut().for_each(&mut own);
        self.items[self.owned..].iter_mut().for_each(&mut own);
        self.entries.unowned().iter_mut().for_each(&mut own);
        self.disown_texts();
    }

    // ---- nodes ------------------------------------------------------------------------------------------------------

    #[inline(always)]
    pub fn make_tuple(&mut self, items: &[Tag]) -> Tag {
        if items.is_empty() {
            return Tag::EMPTY_TUPLE;
        }
        let literal = items.iter().all(|item| item.is_literal());
        let (flags, cost, depth) = if literal { (0, 1 + items.len() as u64, 1) } else { self.summary(items) };
        if literal && self.ends_with(items) {
            return Tag::at(Sort::Tuple, self.tuples.len() - 1); // the same again and again: nothing sets them apart
        }
        let start = index32(self.items.len());
        self.items.extend_from_slice(items);
        self.tuples.push(TupleNode { start, length: index32(items.len()), depth, cost, flags, literal });
        Tag::at(Sort::Tuple, self.tuples.len() - 1)
    }

    /// Whether the last tuple, of this very buffer, has these items.
    #[inline(always)]
    fn ends_with(&self, items: &[Tag]) -> bool {
        let last = self.tuples.last().filter(|last| last.literal && last.start as usize >= self.owned);
        last.is_some_and(|last| self.items[last.range()] == *items)
    }

    pub fn tuple(&self, tag: Tag) -> &TupleNode {
        &self.tuples[tag.index()]
    }

    pub fn clear_tuple_flags(&mut self, tag: Tag, flags: u8) {
        self.tuples[tag.index()].flags &= !flags;
    }

    /// How many items a tuple has.
    pub fn tuple_length(&self, tag: Tag) -> usize {
        self.tuples[tag.index()].length as usize
    }

    pub fn tuple_item(&self, tag: Tag, position: usize) -> Tag {
        self.items[self.tuples[tag.index()].range()][position]
    }

    pub fn tuple_items(&self, tag: Tag) -> &[Tag] {
        &self.items[self.tuples[tag.index()].range()]
    }

    pub fn make_container(&mut self, kind: ContainerKind) -> Tag {
        self.containers.push(ContainerNode {
            cost: 1,
            depth: 1,
            dict: END,
            kind,
            flags: MUTABLE,
            frozen: false,
            nested: false,
            overflow: false,
            texts: true,
            obscure: false,
            notable: false,
        });
        Tag::at(Sort::Container, self.containers.len() - 1)
    }

    pub fn container(&self, tag: Tag) -> &ContainerNode {
        &self.containers[tag.index()]
    }

    pub fn container_mut(&mut self, tag: Tag) -> &mut ContainerNode {
        &mut self.containers[tag.index()]
    }

    fn dict(&self, tag: Tag) -> &DictNode {
        self.dicts.get(self.containers[tag.index()].dict as usize).unwrap_or(&NEW_DICT)
    }

    #[inline(always)]
    fn dict_mut(&mut self, tag: Tag) -> (&mut Entries, &mut DictNode) {
        let node = &mut self.containers[tag.index()];
        if node.dict == END {
            node.dict = index32(self.dicts.len());
            self.dicts.push(NEW_DICT);
        }
        (&mut self.entries, &mut self.dicts[node.dict as usize])
    }

    /// How many entries of a dict are kept.
    pub fn kept(&self, tag: Tag) -> usize {
        self.dict(tag).kept as usize
    }

    /// The import that a dict was given to, as an argument.
    pub fn given(&self, tag: Tag) -> Option<usize> {
        let given = self.dict(tag).given;
        (given != END).then_some(given as usize)
    }

    /// Notes that a dict is an argument of a call of an import.
    pub fn give(&mut self, tag: Tag, import: usize) {
        self.dict_mut(tag).1.given = index32(import);
    }

    /// Whether the tag is a container of this kind.
    pub fn is_container(&self, tag: Tag, kind: ContainerKind) -> bool {
        tag.is(Sort::Container) && self.containers[tag.index()].kind == kind
    }

    pub fn make_frozen(&mut self, flags: u8, cost: u64) -> Tag {
        self.frozen.push((flags, cost));
        Tag::at(Sort::Frozen, self.frozen.len() - 1)
    }

    /// What comparing a frozenset with one that is alike costs.
    pub fn frozen_cost(&self, tag: Tag) -> u64 {
        self.frozen[tag.index()].1
    }

    pub fn make_object(&mut self, origin: Option<usize>, called: bool) -> Tag {
        let origin = origin.map_or(END, index32);
        let made = if called { Made::Called } else { Made::New };
        self.objects.push(ObjectNode { origin, made, built: false, frozen: false });
        Tag::at(Sort::Object, self.objects.len() - 1)
    }

    pub fn object(&self, tag: Tag) -> &ObjectNode {
        &self.objects[tag.index()]
    }

    pub fn object_mut(&mut self, tag: Tag) -> &mut ObjectNode {
        &mut self.objects[tag.index()]
    }

    pub fn import(&self, tag: Tag) -> &Import {
        &self.imports[tag.index()]
    }

    /// Notes that an import is not what Python knows of it.
    pub fn touch(&mut self, import: usize) {
        let known = &mut self.imports[import].changed;
        if !std::mem::replace(known, true) {
            self.changed.push(import);
        }
    }

    /// Gives the imports that were touched since this was asked.
    pub fn take_changed(&mut self) -> Vec<usize> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        for &index in &changed {
            self.imports[index].changed = false;
        }
        changed
    }

    /// Notes what the stream does with an import.
    pub fn put_to(&mut self, import: usize, use_: u8) {
        let found = &mut self.imports[import];
        if found.uses & use_ == 0 {
            found.uses |= use_;
            self.touch(import);
        }
    }

    /// Notes that the object of an import is there already: what the stream brings for it is told apart.
    pub fn seal(&mut self, import: usize) {
        if !std::mem::replace(&mut self.imports[import].sealed, true) {
            self.touch(import);
        }
    }

    // ---- entries of dicts -------------------------------------------------------------------------------------------

    /// Whether this part of a state was checked before for instances of this import; from now on it was.
    #[inline(always)]
    pub fn was_checked(&mut self, state: Tag, origin: usize, part: Part) -> bool {
        let origin = index32(origin);
        let (_, node) = self.dict_mut(state);
        if node.checked == END {
            node.checked = origin;
        }
        if node.checked == origin {
            let before = node.checked_parts & part as u8 != 0;
            node.checked_parts |= part as u8;
            return before;
        }
        !self.checked.insert((state.index(), origin, part as u8))
    }

    /// Makes a dict the slots of an instance, if it has these keys, is nothing else yet and has nothing that a rule looks at;
    /// gives how many keys it has.
    #[inline(always)]
    pub fn slots_alike(&mut self, state: Tag, keys: u32, origin: usize) -> Option<usize> {
        let node = &mut self.containers[state.index()];
        if node.frozen || node.notable || node.obscure || node.overflow || keys == END {
            return None;
        }
        let dict = self.dicts.get_mut(node.dict as usize)?;
        if dict.given != END || self.entries.shape(dict) != keys {
            return None;
        }
        (node.frozen, node.nested) = (true, true);
        (dict.given, dict.checked, dict.checked_parts) = (index32(origin), index32(origin), Part::Slots as u8);
        Some(dict.kept as usize)
    }

    /// Notes an item of a dict; `dunder` says whether the key begins as special names do, `special` whether it is one.
    pub fn put(&mut self, container: Tag, key: Tag, value: Tag, dunder: bool, special: bool) {
        let named = key.is_text() || matches!(key.sort(), Sort::ByteText | Sort::OwnByteText);
        if !named {
            let plain = self.is_plain(key);
            let node = &mut self.containers[container.index()];
            node.texts = node.texts && key.is(Sort::LongText);
            node.obscure = node.obscure || !plain;
            return;
        }
        let live = self.is_callable_like(value);
        let notable = dunder || live;
        let node = &mut self.containers[container.index()];
        if special && live {
            node.flags |= SPECIAL;
        }
        node.notable = node.notable || notable;
        let (entries, dict) = self.dict_mut(container);
        let kept = entries.put(dict, key, value, notable);
        self.containers[container.index()].overflow |= !kept;
    }

    /// Notes items of a dict that no rule looks at, as long as the keys are kept.
    #[inline(always)]
    fn put_dull(&mut self, container: Tag, items: &[Tag]) {
        let node = &mut self.containers[container.index()];
        if node.dict == END && items.len() <= usize::from(KEYS_KEPT) * 2 {
            node.dict = index32(self.dicts.len());
            self.dicts.push(self.entries.begin_dull(items));
            return;
        }
        let (entries, dict) = self.dict_mut(container);
        let all = entries.put_dull(dict, items);
        self.containers[container.index()].overflow |= !all;
    }

    /// Gives the keys that were put into a dict, the last first.
    pub fn keys(&self, container: Tag) -> impl Iterator<Item = Tag> {
        self.entries.keys(self.dict(container))
    }

    /// Gives what stands for the keys of a dict that takes no more; END for none.
    pub fn shape(&mut self, container: Tag) -> u32 {
        let dict = *self.dict(container);
        self.entries.shape(&dict)
    }

    /// Gives what was put into a dict, in this order; None for values that no rule looks at.
    pub fn entries(&self, container: Tag) -> Vec<(Tag, Tag)> {
        self.entries.list(self.dict(container))
    }
}
