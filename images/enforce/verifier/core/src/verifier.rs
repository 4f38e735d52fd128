//! The verifier of one Unpickler, and its verdicts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::entries::empty;
use crate::followed::{Followed, Stretch};
use crate::lean::{Lean, Puts};
use crate::machine::Machine;
use crate::memory::Memory;
use crate::report::{Halt, Malformed, Obligation, Violation};
use crate::survey::Survey;
use crate::tag::{Sort, Tag};
use crate::{Host, Import, Interrupted, Settings, Tables};

const USUAL_SHAPE: usize = 1 << 8; // for an import
const LONGEST_SHAPE: usize = 1 << 12;
const LARGEST_ROOM: usize = 1 << 12;

/// The memo: a vector, as long as the largest index.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    tags: Vec<Tag>,
    holes: usize,
}

impl Memo {
    #[inline(always)]
    pub fn get(&self, index: u64) -> Option<Tag> {
        self.tags.get(index as usize).copied().filter(|tag| !tag.is(Sort::Nothing))
    }

    /// Whether no index is left out.
    pub fn is_dense(&self) -> bool {
        self.holes == 0
    }

    /// Sets the entry behind all others, if these are fewer than so many; tells whether they were.
    #[inline(always)]
    pub fn append(&mut self, tag: Tag, most: usize) -> bool {
        let fits = self.tags.len() < most;
        if fits {
            self.tags.push(tag);
        }
        fits
    }

    pub fn set(&mut self, index: u64, tag: Tag) {
        let index = index as usize;
        if index >= self.tags.len() {
            self.holes += index + 1 - self.tags.len();
            self.tags.resize(index + 1, Tag::NOTHING);
        }
        self.holes -= usize::from(self.tags[index].is(Sort::Nothing));
        self.tags[index] = tag;
    }

    /// Forgets all entries; the room stays, unless it is large.
    fn clear(&mut self) {
        empty(&mut self.tags);
        self.holes = 0;
    }

    /// How many entries are set.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.tags.len() - self.holes
    }

    pub fn keys(&self) -> impl Iterator<Item = usize> {
        self.tags.iter().enumerate().filter(|(_, tag)| !tag.is(Sort::Nothing)).map(|(index, _)| index)
    }

    pub(crate) fn tags_mut(&mut self) -> &mut [Tag] {
        &mut self.tags
    }
}

/// The judgement of one pickle up to STOP; imports are indexes for [`Verifier::import`].
#[derive(Debug)]
pub struct Verdict {
    pub start: u64,
    pub end: u64,
    pub error: Option<Malformed>,
    pub violations: Vec<Violation>,
    pub imports: Vec<usize>,
    pub needs: Vec<usize>,
    pub late: Vec<(usize, Obligation)>,
    pub persistent: Vec<(u64, usize)>,
    pub suppressed: u64,
}

impl Verdict {
    /// Whether the stream may run.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.error.is_none() && self.violations.is_empty()
    }
}

/// A clean pickle that is loaded once and asks for nothing but checks of its imports.
#[derive(Debug)]
pub struct Shape {
    pub end: u64,
    /// The same for all pickles that use their imports alike.
    pub text: Vec<u8>,
    /// Indexes for [`Verifier::import`].
    pub imports: Vec<usize>,
    /// What a look at each of its opcodes would tell; None where the builder lacks some of them.
    pub survey: Option<Survey>,
}

/// Opcodes of a pickle that the builder lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// None has been seen, or nobody asks.
    #[default]
    Unseen,
    Seen,
    /// The first one ends the judgement.
    Ends,
}

/// Judges the pickles of one Unpickler.
#[derive(Debug)]
pub struct Verifier {
    pub settings: Settings,
    pub(crate) tables: Arc<Tables>,
    pub(crate) memory: Memory,
    pub(crate) memo: Memo,
    pub(crate) puts: Puts,
    pub(crate) identified: u64,
    pub(crate) memo_span: u64,
    pub(crate) at: u64,
    pub(crate) lacking: Lacking,
    needs: Vec<usize>,
    stack: Vec<Tag>,
    marks: Vec<usize>,
    followed: Option<Box<Followed>>,
}

impl Verifier {
    #[must_use]
    pub fn new(tables: Arc<Tables>, settings: Settings) -> Verifier {
        Verifier {
            settings,
            tables,
            memory: Memory::new(),
            memo: Memo::default(),
            puts: Puts::default(),
            identified: 0,
            memo_span: 0,
            at: 0,
            lacking: Lacking::default(),
            needs: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            followed: None,
        }
    }

    /// Begins anew, as for another Unpickler; the room stays, unless it is large.
    pub fn reset(&mut self) {
        self.memory.clear();
        self.puts.give_up();
        self.stack.shrink_to(LARGEST_ROOM);
        self.marks.shrink_to(LARGEST_ROOM);
        self.memo.clear();
        self.identified = 0;
        self.memo_span = 0;
        self.at = 0;
        self.needs.clear();
    }

    /// Judges one pickle from `start` up to its STOP. `last` says that no other load will use the memo; `gaps` where the
    /// buffer leaves out the bytes of literals (they are only data), and how many.
    pub fn verify(
        &mut self,
        host: &mut dyn Host,
        data: &[u8],
        gaps: &[(usize, u64)],
        start: usize,
        last: bool,
    ) -> Result<Verdict, Interrupted> {
        self.run(host, (data, gaps), start, last)
    }

    /// Judges one pickle from `start` on that is loaded once, when it is clean and asks nothing of a driver but the checks of
    /// its imports. Its imports are there until the next load, or until `reset`. `gaps` as for `verify`.
    ///
    /// Where it is longer than `longest` and has opcodes that the builder lacks, it is not judged to its end.
    pub fn shape(
        &mut self,
        host: &mut dyn Host,
        data: &[u8],
        gaps: &[(usize, u64)],
        start: usize,
        longest: usize,
    ) -> Option<Shape> {
        self.lacking = if data.len() - start > longest { Lacking::Ends } else { Lacking::Unseen };
        let found = self.run(host, (data, gaps), start, true);
        let lacking = std::mem::take(&mut self.lacking);
        let found = found.ok()?;
        if !found.is_clean() || self.identified != 0 || !found.late.is_empty() {
            return None;
        }
        let text = self.shape_of(&found.imports)?;
        let whole = gaps.is_empty() && lacking != Lacking::Seen;
        let survey = whole.then(|| Survey::of_judged(found.end as usize, self.puts.take()));
        Some(Shape { end: found.end, text, imports: found.imports, survey })
    }

    /// Gives a pickle that loads as the one between these places, which was judged last and is loaded once, and sooner.
    #[must_use]
    pub fn lean<'a>(&'a self, data: &'a [u8], start: usize, end: usize, least: usize) -> Option<Lean<'a>> {
        self.puts.leave_out(data, start, end, least)
    }

    /// Forgets what `lean` needs.
    pub fn forget_puts(&mut self) {
        self.puts.give_up();
    }

    fn shape_of(&self, imports: &[usize]) -> Option<Vec<u8>> {
        let mut shape = Vec::with_capacity(imports.len() * USUAL_SHAPE);
        for &index in imports {
            self.memory.imports[index].add_shape(&mut shape)?;
        }
        Some(shape).filter(|shape| shape.len() <= LONGEST_SHAPE)
    }

    fn run(
        &mut self,
        host: &mut dyn Host,
        (data, gaps): (&[u8], &[(usize, u64)]),
        start: usize,
        last: bool,
    ) -> Result<Verdict, Interrupted> {
        let saved = (self.memo.len() > 0).then(|| self.memo.clone());
        self.puts.begin(last && saved.is_none() && gaps.is_empty(), data);
        for &index in &self.needs {
            self.memory.seal(index);
        }
        let first_identified = self.identified;
        let room = (std::mem::take(&mut self.stack), std::mem::take(&mut self.marks));
        let mut machine = Machine::new(self, host, (data, gaps), start, first_identified, room);
        let outcome = machine.run();
        let (mut verdict, position, room) = machine.finish();
        (self.stack, self.marks) = room;
        match outcome.map_err(|halt| *halt) {
            Ok(()) => {}
            Err(Halt::Malformed(sentence)) => verdict.error = Some(Malformed { offset: self.at, sentence }),
            Err(Halt::Interrupted) => {
                self.memo = saved.unwrap_or_default();
                self.puts.give_up();
                self.keep(data);
                return Err(Interrupted);
            }
        }
        self.memo_span += (position - start) as u64;
        self.needs.clone_from(&verdict.needs);
        self.puts.end(self.memo.len());
        if !verdict.is_clean() {
            self.memo = saved.unwrap_or_default(); // nothing of it will run
            self.puts.give_up();
        }
        if !last {
            self.keep(data);
        }
        Ok(verdict)
    }

    /// Begins a load that is followed: its pickle comes in pieces, each of them whole opcodes, as they are read.
    pub fn begin(&mut self) {
        if let Some(before) = self.followed.take() {
            self.memo_span += before.read();
            self.keep(&before.stream);
            self.needs.extend(before.needs);
        }
        for index in std::mem::take(&mut self.needs) {
            self.memory.seal(index);
        }
        self.followed = Some(Box::new(Followed::new(self.identified)));
    }

    /// Judges the next piece of the pickle; `gap` says how many bytes of a literal it leaves out at its end. `stops`
    /// tells the opcodes at which the driver has something to do.
    pub fn follow(
        &mut self,
        host: &mut dyn Host,
        piece: &[u8],
        gap: Option<u64>,
        stops: &[bool; 256],
    ) -> Result<Stretch, Interrupted> {
        let Some(mut followed) = self.followed.take() else { return Err(Interrupted) };
        for &index in &followed.needs {
            self.memory.seal(index);
        }
        self.needs.append(&mut followed.needs);
        let found = followed.run(self, host, piece, gap, stops);
        self.followed = Some(followed);
        found
    }

    /// Keeps what the memo needs without the buffer.
    fn keep(&mut self, data: &[u8]) {
        if self.memo.len() > 0 {
            self.memory.own_texts(self.memo.tags_mut(), |tag| Machine::text_in(data, tag));
        } else {
            self.memory.disown_texts();
        }
    }

    /// Forgets what the memo held: the load that was judged did not run to its end, or it was refused.
    pub fn abandon(&mut self) {
        for tag in self.memo.tags_mut() {
            if !tag.is(Sort::Nothing) {
                *tag = Tag::plain(Sort::Lost);
            }
        }
    }

    /// Takes memo entries that the application set; they are its data.
    pub fn adopt(&mut self, keys: &[u64]) {
        self.memo = Memo::default();
        for &key in keys {
            self.memo.set(key, Tag::plain(Sort::Foreign));
        }
    }

    pub fn memo_keys(&self) -> impl Iterator<Item = usize> {
        self.memo.keys()
    }

    #[must_use]
    pub fn import(&self, index: usize) -> &Import {
        &self.memory.imports[index]
    }

    /// Gives the imports that have changed since this was asked.
    pub fn take_changed(&mut self) -> Vec<usize> {
        self.memory.take_changed()
    }
}

/// Keys of dicts with their last values, each at the place where it was first put.
pub(crate) fn latest<'a>(entries: &[(Tag, Tag)], text: impl Fn(Tag) -> &'a [u8]) -> Vec<(Tag, Tag)> {
    let mut places: HashMap<&[u8], usize> = HashMap::with_capacity(entries.len());
    let mut found: Vec<(Tag, Tag)> = Vec::with_capacity(entries.len());
    for &(key, value) in entries {
        match places.entry(text(key)) {
            std::collections::hash_map::Entry::Occupied(place) => found[*place.get()].1 = value,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(found.len());
                found.push((key, value));
            }
        }
    }
    found
}
