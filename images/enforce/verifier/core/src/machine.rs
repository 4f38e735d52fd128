//! The machine: runs through the opcodes of one pickle with a stack of tags (machine.py, effects.py, verifier.py).

use crate::Host;
use crate::ahead::Ahead;
use crate::memory::ContainerKind;
use crate::opcode::HIGHEST_PROTOCOL;
use crate::report::{Halt, Obligation, Violation, say};
use crate::tag::{Sort, Tag};
use crate::verifier::{Lacking, Verdict, Verifier};

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
    pub(crate) gaps: &'a [(usize, u64)],
    pub(crate) shift: usize,
    pub(crate) marks: Vec<usize>,
    pub(crate) fence: usize,
    pub(crate) proto: u8,
    pub(crate) start: usize,
    pub(crate) position: usize,
    pub(crate) frame_end: usize,
    pub(crate) hash_cost: u64,
    pub(crate) worked: u64,
    pub(crate) extensions: Vec<(i64, usize)>,
    pub(crate) spare: Vec<Tag>,
    pub(crate) ahead: Ahead,
    pub(crate) max_depth: usize,
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
            b'R' => self.step_call(),
            0x81 => {
                self.lack()?;
                let (args, class) = (self.pop()?, self.pop()?);
                let made = self.new_object(class, args, None)?;
                self.push(made)
            }
            _ => self.step_rare(code),
        }
    }

    #[inline(never)] // it is large, and both loops have it
    pub(crate) fn step_call(&mut self) -> Step {
        let (args, callee) = (self.pop()?, self.pop()?);
        let made = self.call(callee, args)?;
        self.push(made)
    }

    #[inline(always)]
    pub(crate) fn step_build(&mut self) -> Step {
        let state = self.pop()?;
        let target = self.top()?;
        self.build(target, state)
    }

    /// Notes an opcode that the builder lacks.
    fn lack(&mut self) -> Step {
        if self.v.lacking == Lacking::Ends {
            return Err(Box::new(Halt::Interrupted));
        }
        self.v.lacking = Lacking::Seen;
        Ok(())
    }

    fn step_rare(&mut self, code: u8) -> Step {
        match code {
            b'0' | b'1' | b'2' | b'.' | b'c' | b'B' | 0x8a | 0x8d | 0x8e | 0x93 | 0x95 | 0x96 => {}
            0x80 if self.pos == self.start + 1 => {}
            _ => self.lack()?,
        }
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
}
