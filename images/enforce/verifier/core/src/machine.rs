//! The machine: runs through the opcodes of one pickle with a stack of tags (machine.py, effects.py, verifier.py).

use crate::ahead::Ahead;
use crate::memory::ContainerKind;
use crate::name;
use crate::opcode::{self, HIGHEST_PROTOCOL};
use crate::report::{Halt, Obligation, Violation, say};
use crate::tag::{Sort, Tag};
use crate::verifier::{Verdict, Verifier};
use crate::{Form, Host, Name};

pub type Step<T = ()> = Result<T, Box<Halt>>;
pub type Room = (Vec<Tag>, Vec<usize>);

pub const MEMOIZE: u8 = 0x94;
pub const NO_FRAME: usize = usize::MAX;

/// One run over one pickle.
pub struct Machine<'a> {
    pub(crate) v: &'a mut Verifier,
    pub(crate) host: &'a mut dyn Host,
    pub(crate) data: &'a [u8],
    pub(crate) stack: Vec<Tag>,
    pub(crate) violations: Vec<Violation>,
    pub(crate) suppressed: u64,
    pub(crate) imports: Vec<usize>,
    pub(crate) needs: Vec<usize>,
    pub(crate) late: Vec<(usize, Obligation)>,
    /// Whether the load is followed: then `events` says which targets of BUILD and of item operations a call gave.
    pub(crate) following: bool,
    pub(crate) events: Vec<(usize, usize, Obligation)>,
    pub(crate) persistent: Vec<(u64, usize)>,
    pub(crate) first_identified: u64,
    pub(crate) opcode: u8,
    pub(crate) at: usize,
    pub(crate) pos: usize,
    gaps: &'a [(usize, u64)],
    pub(crate) shift: usize,
    pub(crate) marks: Vec<usize>,
    pub(crate) fence: usize,
    pub(crate) proto: u8,
    start: usize,
    position: usize,
    pub(crate) frame_end: usize,
    pub(crate) hash_cost: u64,
    pub(crate) worked: u64,
    pub(crate) extensions: Vec<(i64, usize)>,
    pub(crate) spare: Vec<Tag>,
    pub(crate) ahead: Ahead,
    max_depth: usize,
    /// How many entries the memo may have before a put needs a look: till then none is left out, and each was put there by
    /// an opcode that was read, so that no index is larger than the stream.
    pub(crate) memo_room: usize,
}

impl<'a> Machine<'a> {
    pub fn new(
        v: &'a mut Verifier,
        host: &'a mut dyn Host,
        (data, gaps): (&'a [u8], &'a [(usize, u64)]),
        start: usize,
        first_identified: u64,
        room: Room,
    ) -> Machine<'a> {
        let at = v.at as usize;
        let max_depth = v.settings.max_depth;
        let read = v.memo.is_dense() && v.memo.len() as u64 <= v.memo_span;
        let memo_room = if read { v.settings.max_memo } else { 0 };
        Machine {
            v,
            host,
            data,
            stack: room.0,
            violations: Vec::new(),
            suppressed: 0,
            imports: Vec::new(),
            needs: Vec::new(),
            late: Vec::new(),
            following: false,
            events: Vec::new(),
            persistent: Vec::new(),
            first_identified,
            opcode: 0,
            at,
            pos: start,
            gaps,
            shift: 0,
            marks: room.1,
            fence: 0,
            proto: 0,
            start,
            position: start,
            frame_end: NO_FRAME,
            hash_cost: 0,
            worked: 0,
            extensions: Vec::new(),
            spare: Vec::new(),
            ahead: Ahead::default(),
            max_depth,
            memo_room,
        }
    }

    /// Gives what was found, where the reading ended, and the vectors for another run.
    pub fn finish(mut self) -> (Verdict, usize, Room) {
        self.v.at = self.at as u64;
        self.stack.clear();
        self.marks.clear();
        let verdict = Verdict {
            start: self.start as u64,
            end: self.position as u64,
            error: None,
            violations: self.violations,
            imports: self.imports,
            needs: self.needs,
            late: self.late,
            persistent: self.persistent,
            suppressed: self.suppressed,
        };
        (verdict, self.pos + self.shift, (self.stack, self.marks))
    }

    /// Ends the judgement of what is longer than the settings allow.
    pub(crate) fn check_length(&self) -> Step {
        let length = (self.data.len().saturating_sub(self.start) + self.shift) as u64;
        if length.saturating_add(self.left_out()) > self.v.settings.max_length {
            let length = self.v.settings.max_length.to_string();
            return self.malformed(say!("The stream is longer than ", &length, " bytes."));
        }
        Ok(())
    }

    pub fn run(&mut self) -> Step {
        let data = self.data;
        self.check_length()?;
        loop {
            self.rush()?;
            if self.pos + self.shift >= self.frame_end {
                self.leave_frame()?;
            }
            self.at = self.pos + self.shift;
            let Some(&code) = data.get(self.pos) else {
                self.position = self.at;
                return self.malformed("The stream ends without STOP.");
            };
            self.opcode = code;
            self.pos += 1;
            self.step(code)?;
            if self.pos + self.shift >= self.frame_end {
                self.leave_frame()?;
            }
            if code == b'.' {
                break;
            }
        }
        self.position = self.pos + self.shift;
        if self.frame_end != NO_FRAME {
            return self.malformed("A frame reaches past STOP.");
        }
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn step(&mut self, code: u8) -> Step {
        match code {
            MEMOIZE => self.put(self.v.memo.len() as u64),
            0x8c => self.utf8(1),
            b'h' => {
                let index = self.number::<1>()?;
                self.get(index)
            }
            b'q' => {
                let index = self.number::<1>()?;
                self.put(index)
            }
            b'K' => self.skip_then(1, Sort::Int),
            b'J' => self.skip_then(4, Sort::Int),
            b'M' => self.skip_then(2, Sort::Int),
            b'G' => {
                self.skip(8)?;
                self.push(Tag::plain(Sort::Float))
            }
            b'N' => self.push(Tag::plain(Sort::None)),
            0x88 | 0x89 => self.push(Tag::plain(Sort::Bool)),
            b'(' => self.mark(),
            b'X' => self.utf8(4),
            b'C' => {
                let size = self.number::<1>()?;
                self.skip(size)?;
                self.push(Tag::plain(Sort::Bytes))
            }
            b'j' => {
                let index = self.number::<4>()?;
                self.get(index)
            }
            b'r' => {
                let index = self.number::<4>()?;
                self.put(index)
            }
            0x85 => self.push_tuple::<1>(),
            0x86 => self.push_tuple::<2>(),
            0x87 => self.push_tuple::<3>(),
            b't' => {
                let mark = self.take_mark()?;
                self.tie(mark)
            }
            b')' => self.push(Tag::EMPTY_TUPLE),
            b']' => self.push_container(ContainerKind::List),
            b'}' => self.push_container(ContainerKind::Dict),
            0x8f => self.push_container(ContainerKind::Set),
            b'a' => self.append(),
            b'e' => self.appends(),
            b's' => self.set_item(),
            b'u' => self.set_items(),
            0x90 => self.add_to_set(),
            b'l' => self.list(),
            b'd' => self.dict(),
            0x91 => self.frozenset(),
            b'b' => self.step_build(),
            b'R' => {
                let (args, callee) = (self.pop()?, self.pop()?);
                let made = self.call(callee, args)?;
                self.push(made)
            }
            0x81 => {
                let (args, class) = (self.pop()?, self.pop()?);
                let made = self.new_object(class, args, None)?;
                self.push(made)
            }
            _ => self.step_rare(code),
        }
    }

    #[inline(always)]
    pub(crate) fn step_build(&mut self) -> Step {
        let state = self.pop()?;
        let target = self.top()?;
        self.build(target, state)
    }

    fn step_rare(&mut self, code: u8) -> Step {
        match code {
            b'0' => self.pop_any(),
            b'1' => {
                let mark = self.take_mark()?;
                self.stack.truncate(mark);
                Ok(())
            }
            b'2' => {
                let top = self.top()?;
                self.push(top)
            }
            b'.' => self.stop(),
            b'g' => {
                let index = self.line_index()?;
                self.get(index)
            }
            b'p' => {
                let index = self.line_index()?;
                self.v.puts.give_up();
                self.put(index)
            }
            b'c' => {
                let (module, name) = self.two_names(false)?;
                let found = self.import(&module, &name, 0)?;
                self.push(found)
            }
            0x93 => self.stack_global(),
            b'i' => self.inst(),
            b'o' => self.obj(),
            0x82 => {
                let code = self.number::<1>()?;
                self.extension(code.cast_signed())
            }
            0x83 => {
                let code = self.number::<2>()?;
                self.extension(code.cast_signed())
            }
            0x84 => {
                let code = self.number::<4>()? as u32;
                self.extension(i64::from(code.cast_signed()))
            }
            0x92 => {
                let (kwargs, args, class) = (self.pop()?, self.pop()?, self.pop()?);
                let made = self.new_object(class, args, Some(kwargs))?;
                self.push(made)
            }
            b'P' => self.persistent_line(),
            b'Q' => self.persistent_id(),
            0x80 => {
                let proto = self.number::<1>()? as u8;
                if proto > HIGHEST_PROTOCOL {
                    return self.malformed(say!("Protocol ", &proto.to_string(), " is not known."));
                }
                self.proto = proto;
                Ok(())
            }
            0x95 => self.frame(),
            _ => self.literal(code),
        }
    }

    // ---- reading ----------------------------------------------------------------------------------------------------

    /// Ends the judgement: these bytes are not read alike by C and Python, or not at all.
    #[cold]
    #[allow(clippy::unused_self)] // reads as what the machine does
    pub fn malformed<T>(&self, sentence: impl Into<Vec<u8>>) -> Step<T> {
        Err(Box::new(Halt::Malformed(sentence.into())))
    }

    pub(crate) fn leave_frame(&mut self) -> Step {
        if self.pos + self.shift > self.frame_end {
            return self.malformed("A frame ends inside an opcode.");
        }
        self.frame_end = NO_FRAME;
        Ok(())
    }

    #[inline(always)]
    pub fn take(&mut self, size: usize) -> Step<&'a [u8]> {
        let data = self.data;
        match data.get(self.pos..self.pos.saturating_add(size)) {
            Some(found) => {
                self.pos += size;
                Ok(found)
            }
            None => self.ends_inside(),
        }
    }

    #[cold]
    fn ends_inside<T>(&self) -> Step<T> {
        if self.following && self.frame_end != NO_FRAME {
            return self.malformed("A frame ends inside an opcode.");
        }
        self.malformed(say!("The stream ends inside the argument of ", opcode::name(self.opcode), "."))
    }

    /// Steps over an argument that is only data; gives where it starts.
    #[inline(always)]
    pub fn skip(&mut self, size: u64) -> Step<usize> {
        let start = self.pos;
        if size > (self.data.len() - start) as u64 {
            return self.too_long();
        }
        self.pos = start + size as usize;
        Ok(start)
    }

    #[cold]
    fn too_long<T>(&self) -> Step<T> {
        if self.following && self.frame_end != NO_FRAME {
            return self.malformed("A frame ends inside an opcode.");
        }
        self.malformed(say!(opcode::name(self.opcode), " is longer than the rest of the stream."))
    }

    /// Steps over bytes that are only data and that the buffer leaves out; gives false where it does not.
    pub fn skip_gap(&mut self, size: u64) -> bool {
        match self.gaps {
            [(place, length), rest @ ..] if *place == self.pos && *length == size => {
                self.gaps = rest;
                self.shift += size as usize;
                true
            }
            _ => false,
        }
    }

    /// How many bytes from here on the buffer leaves out.
    fn left_out(&self) -> u64 {
        self.gaps.iter().map(|(_, length)| length).sum()
    }

    #[inline(always)]
    fn skip_then(&mut self, size: usize, sort: Sort) -> Step {
        self.take(size)?;
        self.push(Tag::plain(sort))
    }

    #[inline(always)]
    pub fn number<const WIDTH: usize>(&mut self) -> Step<u64> {
        let mut bytes = [0; 8];
        bytes[..WIDTH].copy_from_slice(self.take(WIDTH)?);
        Ok(u64::from_le_bytes(bytes))
    }

    pub fn line(&mut self) -> Step<&'a [u8]> {
        let rest = &self.data[self.pos..];
        match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                self.pos += length + 1;
                Ok(&rest[..length])
            }
            None => self.ends_inside(),
        }
    }

    fn line_index(&mut self) -> Step<u64> {
        let line = self.line()?;
        crate::number::read_index(line).or_else(|sentence| self.malformed(say!(sentence, ".")))
    }

    /// How many bytes the loads of this verifier have read.
    fn read(&self) -> u64 {
        self.v.memo_span + (self.pos - self.start + self.shift) as u64
    }

    /// Gives a text of the buffer: its tag says where it lies and how wide the length before it is.
    pub fn text_in(data: &[u8], tag: Tag) -> &[u8] {
        let (start, width) = tag.place();
        let mut length = [0; 8];
        length[..width].copy_from_slice(&data[start - width..start]);
        &data[start..start + u64::from_le_bytes(length) as usize]
    }

    /// Gives the text of a tag that has one.
    pub fn text(&self, tag: Tag) -> &[u8] {
        match tag.sort() {
            Sort::Text | Sort::ByteText => Machine::text_in(self.data, tag),
            Sort::OwnText | Sort::OwnByteText => self.v.memory.own_text(tag.index()),
            _ => &[],
        }
    }

    // ---- the stack --------------------------------------------------------------------------------------------------

    #[inline(always)]
    pub fn push(&mut self, tag: Tag) -> Step {
        if self.stack.len() >= self.max_depth {
            let depth = self.max_depth.to_string();
            return self.malformed(say!("The stack is deeper than ", &depth, "."));
        }
        self.stack.push(tag);
        Ok(())
    }

    fn push_tuple<const COUNT: usize>(&mut self) -> Step {
        if self.ties_plainly::<COUNT>() { Ok(()) } else { self.empty() }
    }

    /// Makes a tuple of so many values on the stack; gives false where there are fewer.
    #[inline(never)]
    pub(crate) fn ties_plainly<const COUNT: usize>(&mut self) -> bool {
        let fits = self.stack.len() >= self.fence + COUNT;
        if fits && let Some(&items) = self.stack.last_chunk::<COUNT>() {
            let made = self.v.memory.make_tuple(&items);
            self.stack.truncate(self.stack.len() - COUNT);
            self.stack.push(made);
        }
        fits
    }

    /// Makes a tuple of the values from a place of the stack on.
    pub(crate) fn tie(&mut self, place: usize) -> Step {
        let made = self.v.memory.make_tuple(&self.stack[place..]);
        self.stack.truncate(place);
        self.push(made)
    }

    fn push_container(&mut self, kind: ContainerKind) -> Step {
        let made = self.v.memory.make_container(kind);
        self.push(made)
    }

    #[inline(always)]
    pub fn pop(&mut self) -> Step<Tag> {
        if self.stack.len() > self.fence
            && let Some(tag) = self.stack.pop()
        {
            return Ok(tag);
        }
        self.empty()
    }

    #[inline(always)]
    pub fn top(&self) -> Step<Tag> {
        match self.stack.last() {
            Some(&tag) if self.stack.len() > self.fence => Ok(tag),
            _ => self.empty(),
        }
    }

    #[cold]
    fn empty<T>(&self) -> Step<T> {
        self.malformed(say!(opcode::name(self.opcode), " finds too little on the stack."))
    }

    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.stack.len() >= self.max_depth
    }

    /// Marks the stack, unless too many marks are open: then gives false.
    #[inline(always)]
    pub(crate) fn marks_plainly(&mut self) -> bool {
        let fits = self.marks.len() < self.max_depth;
        if fits {
            self.fence = self.stack.len();
            self.marks.push(self.fence);
        }
        fits
    }

    /// Pushes a value, if there is room; tells whether there was.
    #[inline(always)]
    pub(crate) fn pushes_plainly(&mut self, tag: Tag) -> bool {
        let fits = !self.is_full();
        if fits {
            self.stack.push(tag);
        }
        fits
    }

    /// Puts the top of the stack behind all entries of the memo, unless something may be wrong with that: then gives false.
    #[inline(always)]
    pub(crate) fn memoizes_plainly(&mut self) -> bool {
        let depth = self.stack.len();
        depth > self.fence && self.v.memo.append(self.stack[depth - 1], self.memo_room)
    }

    fn mark(&mut self) -> Step {
        if self.marks.len() >= self.max_depth {
            let depth = self.max_depth.to_string();
            return self.malformed(say!("More than ", &depth, " marks are open."));
        }
        self.fence = self.stack.len();
        self.marks.push(self.fence);
        Ok(())
    }

    /// Where the items above the last mark begin, when something lies below it that may take them.
    #[inline(always)]
    pub fn last_mark(&self) -> Option<usize> {
        let below = self.marks.len().checked_sub(2).map_or(0, |index| self.marks[index]);
        self.marks.last().copied().filter(|&mark| mark > below)
    }

    /// Where so many items begin on top of the stack, when something lies below them that may take them.
    #[inline(always)]
    pub fn top_items(&self, count: usize) -> Option<usize> {
        self.stack.len().checked_sub(count).filter(|&place| place > self.fence)
    }

    /// Removes the last mark.
    #[inline(always)]
    pub fn drop_mark(&mut self) {
        self.marks.pop();
        self.fence = self.marks.last().copied().unwrap_or(0);
    }

    #[inline(always)]
    pub fn add_hash_cost(&mut self, cost: u64) {
        self.hash_cost = self.hash_cost.saturating_add(cost);
    }

    /// Removes the last mark; gives where its items begin on the stack.
    pub fn take_mark(&mut self) -> Step<usize> {
        let Some(mark) = self.marks.pop() else {
            return self.malformed(say!(opcode::name(self.opcode), " finds no mark."));
        };
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark)
    }

    /// Removes the last mark and the items above it.
    pub fn pop_mark(&mut self) -> Step<Vec<Tag>> {
        let mark = self.take_mark()?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_any(&mut self) -> Step {
        if self.stack.len() > self.fence {
            self.stack.pop();
        } else {
            let mark = self.take_mark()?;
            self.stack.truncate(mark);
        }
        Ok(())
    }

    #[inline(always)]
    fn put(&mut self, index: u64) -> Step {
        let tag = self.top()?;
        if index > self.v.settings.memo_floor && index > self.read() {
            return self.malformed(say!("The memo index ", &index.to_string(), " is larger than the stream."));
        }
        if self.v.memo.len() >= self.v.settings.max_memo {
            let limit = self.v.settings.max_memo.to_string();
            return self.malformed(say!("The memo has more than ", &limit, " entries."));
        }
        if index != self.v.memo.len() as u64 {
            self.v.puts.give_up();
        }
        self.v.memo.set(index, tag);
        if !self.v.memo.is_dense() {
            self.memo_room = 0;
        }
        Ok(())
    }

    #[inline(always)]
    fn get(&mut self, index: u64) -> Step {
        match self.v.memo.get(index) {
            Some(tag) if tag.is(Sort::Lost) => {
                self.malformed(say!("The memo entry ", &index.to_string(), " is of a load that failed."))
            }
            Some(tag) => {
                self.v.puts.get(index);
                self.push(tag)
            }
            None => self.malformed(say!("The memo has no entry ", &index.to_string(), ".")),
        }
    }

    /// Counts what hashing and comparing keys cost; refuses what exceeds the bound.
    pub fn charge(&mut self, cost: u64, depth: u64) -> Step {
        self.hash_cost = self.hash_cost.saturating_add(cost);
        let settings = &self.v.settings;
        let bound = settings.max_hash_cost.saturating_add(self.read().saturating_mul(8));
        if self.hash_cost > bound || depth > settings.max_hash_depth {
            return self.malformed("A key or set member costs more to hash than the settings allow.");
        }
        Ok(())
    }

    /// Counts what judging costs beyond a step for each opcode; refuses what the stream's size cannot justify.
    pub fn work(&mut self, amount: usize) -> Step {
        self.worked = self.worked.saturating_add(amount as u64);
        let most = self.v.settings.max_work;
        if self.worked > most && self.worked > most.saturating_add(self.read().saturating_mul(2)) {
            return self.malformed("The stream repeats large arguments more often than the settings allow.");
        }
        Ok(())
    }

    #[inline(always)]
    pub fn hash(&mut self, key: Tag) -> Step {
        if key.is_literal() {
            self.hash_cost = self.hash_cost.saturating_add(1);
            return Ok(());
        }
        if !self.v.memory.is_hashable(key) {
            return self.malformed("A key or set member is not hashable.");
        }
        if key.is(Sort::Tuple) {
            let (cost, depth) = (self.v.memory.tuple(key).cost, self.v.memory.tuple(key).depth);
            return self.charge(cost, u64::from(depth));
        }
        if key.is(Sort::Long) && key.index() > 0 {
            return self.charge(1 + key.index() as u64, 0); // it does not keep its hash
        }
        if key.is(Sort::Frozen) {
            return self.charge(self.v.memory.frozen_cost(key), 0); // it keeps its hash, but is compared
        }
        Ok(())
    }

    // ---- imports ----------------------------------------------------------------------------------------------------

    fn two_names(&mut self, ascii: bool) -> Step<Name> {
        let fits = |line: &[u8]| if ascii { line.is_ascii() } else { str::from_utf8(line).is_ok() };
        let mut both = [&[][..], &[][..]];
        for line in &mut both {
            *line = self.line()?;
            if !fits(line) {
                let kind = if ascii { "ASCII" } else { "UTF-8" };
                return self.malformed(say!(opcode::name(self.opcode), " has names that are not ", kind, "."));
            }
        }
        Ok((both[0].to_vec(), both[1].to_vec()))
    }

    fn import(&mut self, module: &[u8], name: &[u8], code: i64) -> Step<Tag> {
        if let Some(sentence) = name::fault(module, name) {
            return self.malformed(sentence);
        }
        let longest = self.v.settings.max_name;
        if name::characters(module) > longest || name::characters(name) > longest {
            return self.malformed(say!("A name is longer than ", &longest.to_string(), " characters."));
        }
        self.predict(module, name, self.proto, code)
    }

    fn stack_global(&mut self) -> Step {
        let (name, module) = (self.pop()?, self.pop()?);
        if !name.is_text() || !module.is_text() {
            let sentence = "The stream imports a name that it does not write as a text.";
            self.refuse("name-not-literal", "?", sentence, None);
            let made = self.v.memory.make_object(None, true);
            return self.push(made);
        }
        let (module, name) = (self.text(module).to_vec(), self.text(name).to_vec());
        let found = self.import(&module, &name, 0)?;
        self.push(found)
    }

    fn inst(&mut self) -> Step {
        let (module, name) = self.two_names(true)?;
        if self.marks.is_empty() {
            return self.malformed("INST finds no mark.");
        }
        let found = self.import(&module, &name, 0)?;
        let items = self.pop_mark()?;
        let made = self.instantiate(found, &items)?;
        self.push(made)
    }

    fn obj(&mut self) -> Step {
        let items = self.pop_mark()?;
        let Some((&class, args)) = items.split_first() else {
            return self.malformed("OBJ finds no class after its mark.");
        };
        let made = self.instantiate(class, args)?;
        self.push(made)
    }

    fn extension(&mut self, code: i64) -> Step {
        if let Some(&(_, index)) = self.extensions.iter().find(|(known, _)| *known == code) {
            return self.push(Tag::at(Sort::Import, index));
        }
        let known = if code > 0 { self.host.extension(code)? } else { None };
        let Some((module, name)) = known else {
            return self.malformed(say!("The extension code ", &code.to_string(), " is not registered."));
        };
        let found = self.import(&module, &name, code)?;
        self.extensions.push((code, found.index()));
        if self.is_stub(found) {
            let path = self.v.memory.import(found).path.clone();
            let how = say!(" by extension code ", &code.to_string(), ", which the policy does not allow.");
            let sentence = say!("The stream imports ", &path, &how);
            self.refuse("extension-not-allowed", &path, sentence, Some(crate::List::Globals));
        }
        self.push(found)
    }

    // ---- persistent ids, frames, the end ----------------------------------------------------------------------------

    fn persistent_line(&mut self) -> Step {
        if !self.line()?.is_ascii() {
            return self.malformed("PERSID holds an id that is not ASCII.");
        }
        self.v.identified += 1;
        self.push(Tag::plain(Sort::Persistent))
    }

    fn persistent_id(&mut self) -> Step {
        let id = self.pop()?;
        self.check_persistent(id)?;
        if id.is(Sort::Tuple) {
            self.work(self.v.memory.tuple_length(id))?;
        }
        let tag = self.identify(id);
        self.v.identified += 1;
        self.push(tag)
    }

    fn frame(&mut self) -> Step {
        let size = self.number::<8>()?;
        if self.frame_end != NO_FRAME {
            return self.malformed("A frame begins before the end of another.");
        }
        if size > (self.data.len() - self.pos) as u64 + self.left_out() {
            return self.malformed("A frame is longer than the rest of the stream.");
        }
        self.frame_end = self.pos + self.shift + size as usize;
        Ok(())
    }

    fn stop(&mut self) -> Step {
        let result = self.pop()?;
        self.release(result);
        self.keep(result);
        Ok(())
    }

    /// Asks the host for a text.
    pub fn decode(&mut self, form: Form, bytes: &[u8]) -> Step<Vec<u8>> {
        match self.host.decode(form, opcode::name(self.opcode), bytes)? {
            Ok(text) => Ok(text),
            Err(sentence) => self.malformed(sentence),
        }
    }
}
