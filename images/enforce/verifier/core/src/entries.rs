//! Entries of dicts: what was put into each dict of the stream, as far as a rule may ask for it.
//!
//! Picklers write the dicts of one class with the same keys in the same order. Such dicts share one run of keys.

use crate::tag::{Sort, Tag};

pub(crate) const KEYS_KEPT: u16 = 256;
pub const END: u32 = u32::MAX;
const RECENT: usize = 256;
const SPREAD: usize = 0x9e37_79b9;
const SPREAD_BITS: u32 = 20;
const LARGEST_ROOM: usize = 1 << 14;

/// What is known of a dict beside: it begins with its first entry, or when it is given away.
#[derive(Clone, Copy, Debug)]
pub struct DictNode {
    /// The import that it was given to, as an argument.
    pub given: u32,
    last_run: u32,
    pub kept: u32,
    /// The import whose instances it was checked for first, and in which parts.
    pub checked: u32,
    puts: u16,
    pub checked_parts: u8,
}

pub const NEW_DICT: DictNode = DictNode { given: END, last_run: END, kept: 0, checked: END, puts: 0, checked_parts: 0 };

/// Keys and values that were put into one dict, one after the other; keys only, where no rule looks at the values.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: u32,
    length: u32,
    previous: u32,
    keys_only: bool,
    /// Whether it stays as it is: other dicts begin with it, or it is remembered.
    shared: bool,
}

impl Run {
    fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }

    /// How many tags an entry takes.
    fn width(&self) -> usize {
        if self.keys_only { 1 } else { 2 }
    }
}

/// The runs of all dicts.
#[derive(Debug)]
pub struct Entries {
    pairs: Vec<Tag>,
    runs: Vec<Run>,
    /// Runs with which a dict began, by a hash of their keys.
    recent: [u32; RECENT],
    remembers: bool,
    owned: usize, // pairs from here on may have texts in the buffer
}

/// Narrows an index; END is none.
pub fn index32(index: usize) -> u32 {
    match u32::try_from(index) {
        Ok(narrow) if narrow != END => narrow,
        _ => panic!("more than {END} of one kind"), // becomes an exception: the load is refused
    }
}

/// Forgets what a vector holds; the room stays, unless it is large.
pub fn empty<T>(nodes: &mut Vec<T>) {
    nodes.clear();
    if nodes.capacity() > LARGEST_ROOM {
        nodes.shrink_to(0);
    }
}

#[inline(always)]
fn has_keys(known: &[Tag], items: &[Tag]) -> bool {
    for (known, pair) in known.iter().zip(items.chunks_exact(2)) {
        if *known != pair[0] {
            return false;
        }
    }
    true
}

impl Entries {
    pub fn new() -> Entries {
        Entries { pairs: Vec::new(), runs: Vec::new(), recent: [END; RECENT], remembers: false, owned: 0 }
    }

    pub fn clear(&mut self) {
        empty(&mut self.pairs);
        empty(&mut self.runs);
        self.disown_texts();
    }

    /// Leaves the texts of the buffer there: nothing that is new can be reached any more, and nothing is shared with it.
    pub fn disown_texts(&mut self) {
        self.owned = self.pairs.len();
        if self.remembers {
            self.recent = [END; RECENT];
            self.remembers = false;
        }
    }

    /// The tags that may have texts in the buffer.
    pub fn unowned(&mut self) -> &mut [Tag] {
        &mut self.pairs[self.owned..]
    }

    /// Notes an item of which all is kept, if that is notable or there is room; else gives false.
    pub fn put(&mut self, dict: &mut DictNode, key: Tag, value: Tag, notable: bool) -> bool {
        dict.puts = dict.puts.saturating_add(1);
        let kept = dict.puts <= KEYS_KEPT || notable;
        if kept {
            dict.kept += 1;
            self.add_run(dict, [key, value].into_iter(), false);
        }
        kept
    }

    /// Begins a dict with items that no rule looks at, which are few enough to be kept all.
    #[inline(always)]
    pub fn begin_dull(&mut self, items: &[Tag]) -> DictNode {
        let count = items.len() / 2;
        let last_run = self.run_of(items);
        DictNode { last_run, kept: count as u32, puts: count as u16, ..NEW_DICT }
    }

    /// Notes items that no rule looks at, as long as there is room; tells whether there was.
    pub fn put_dull(&mut self, dict: &mut DictNode, items: &[Tag]) -> bool {
        let room = (usize::from(KEYS_KEPT.saturating_sub(dict.puts)) * 2).min(items.len());
        dict.puts = dict.puts.saturating_add(u16::try_from(items.len() / 2).unwrap_or(u16::MAX));
        dict.kept += (room / 2) as u32;
        if room > 0 {
            self.add_run(dict, items[..room].iter().step_by(2).copied(), true);
        }
        room == items.len()
    }

    /// Gives the run of these keys: one of this buffer that a dict began with lately, or a new one.
    #[inline(always)]
    fn run_of(&mut self, items: &[Tag]) -> u32 {
        let slot = items.first().map_or(0, |key| key.index().wrapping_mul(SPREAD) >> SPREAD_BITS) % RECENT;
        if let Some(run) = self.runs.get_mut(self.recent[slot] as usize)
            && run.length as usize * 2 == items.len()
            && has_keys(&self.pairs[run.range()], items)
        {
            run.shared = true;
            return self.recent[slot];
        }
        let mut dict = NEW_DICT;
        self.add_run(&mut dict, items.iter().step_by(2).copied(), true);
        (self.recent[slot], self.remembers) = (dict.last_run, true);
        dict.last_run
    }

    #[inline(always)]
    fn add_run(&mut self, dict: &mut DictNode, tags: impl Iterator<Item = Tag>, keys_only: bool) {
        let start = self.pairs.len();
        self.pairs.extend(tags);
        let length = (self.pairs.len() - start) as u32;
        if let Some(last) = self.runs.get_mut(dict.last_run as usize)
            && last.range().end == start
            && last.keys_only == keys_only
            && !last.shared
        {
            last.length += length;
            return;
        }
        let run = Run { start: index32(start), length, previous: dict.last_run, keys_only, shared: false };
        dict.last_run = index32(self.runs.len());
        self.runs.push(run);
    }

    /// Gives what stands for the keys of a dict and their order, as long as nothing more is put into it; END where that
    /// is not one run.
    pub fn shape(&mut self, dict: &DictNode) -> u32 {
        match self.runs.get_mut(dict.last_run as usize) {
            Some(run) if run.previous == END => {
                run.shared = true;
                dict.last_run
            }
            _ => END,
        }
    }

    /// Gives the keys that were put into a dict, the last first.
    pub fn keys(&self, dict: &DictNode) -> impl Iterator<Item = Tag> {
        let mut at = dict.last_run;
        std::iter::from_fn(move || {
            let run = *self.runs.get(at as usize)?;
            at = run.previous;
            Some(self.pairs[run.range()].chunks_exact(run.width()).rev().map(|entry| entry[0]))
        })
        .flatten()
    }

    /// Gives what was put into a dict, in this order; None for values that no rule looks at.
    pub fn list(&self, dict: &DictNode) -> Vec<(Tag, Tag)> {
        let mut runs = Vec::new();
        let mut at = dict.last_run;
        while at != END {
            let run = self.runs[at as usize];
            runs.push(run);
            at = run.previous;
        }
        let entry = |tags: &[Tag]| (tags[0], tags.get(1).copied().unwrap_or(Tag::plain(Sort::None)));
        runs.iter().rev().flat_map(|run| self.pairs[run.range()].chunks_exact(run.width())).map(entry).collect()
    }
}
