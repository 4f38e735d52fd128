//! A pickle that comes in pieces, as an unpickler in Python reads it: what the driver has to do, and where.
//!
//! The state of the machine rests here between two pieces, and the bytes, for the texts in them.

use crate::machine::{Machine, NO_FRAME, Step};
use crate::report::{Halt, Malformed, Obligation, Violation};
use crate::tag::Tag;
use crate::verifier::Verifier;
use crate::{Host, Interrupted};

const FRAME: u8 = 0x95;
const REDUCE: u8 = b'R';
const STOP: u8 = b'.';

/// A place between two opcodes: how many opcodes and bytes of arguments lie before it, and how deep the stacks are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Boundary {
    pub opcodes: usize,
    pub arguments: usize,
    pub marks: usize,
    pub depth: usize,
}

/// Opcodes that run without the driver, or a single one at which it has something to do.
#[derive(Debug)]
pub struct Segment {
    pub start: Boundary,
    pub end: Boundary,
    pub single: bool,
    /// The import that it makes.
    pub import: Option<usize>,
    /// What has to hold for its target, the result of a call of this import.
    pub events: Vec<(usize, Obligation)>,
    /// The object that this is: its target, or what it makes.
    pub object: Option<usize>,
}

/// The judgement of one piece.
#[derive(Debug, Default)]
pub struct Stretch {
    pub error: Option<Malformed>,
    pub violations: Vec<Violation>,
    pub late: Vec<(usize, Obligation)>,
    pub opcodes: Vec<u8>,
    pub arguments: Vec<u8>,
    pub segments: Vec<Segment>,
    pub stopped: bool,
}

/// What is known of a pickle that has not come to its end.
#[derive(Debug)]
pub struct Followed {
    pub stream: Vec<u8>,
    pub needs: Vec<usize>,
    imports: Vec<usize>,
    first_identified: u64,
    stack: Vec<Tag>,
    marks: Vec<usize>,
    shift: usize,
    proto: u8,
    hash_cost: u64,
    worked: u64,
    extensions: Vec<(i64, usize)>,
    persistent: Vec<(u64, usize)>,
    stopped: bool,
}

impl Followed {
    pub fn new(first_identified: u64) -> Followed {
        Followed {
            stream: Vec::new(),
            needs: Vec::new(),
            imports: Vec::new(),
            first_identified,
            stack: Vec::new(),
            marks: Vec::new(),
            shift: 0,
            proto: 0,
            hash_cost: 0,
            worked: 0,
            extensions: Vec::new(),
            persistent: Vec::new(),
            stopped: false,
        }
    }

    /// How many bytes of the pickle were read.
    pub fn read(&self) -> u64 {
        (self.stream.len() + self.shift) as u64
    }

    /// Judges the next piece.
    pub fn run(
        &mut self,
        v: &mut Verifier,
        host: &mut dyn Host,
        piece: &[u8],
        gap: Option<u64>,
        stops: &[bool; 256],
    ) -> Result<Stretch, Interrupted> {
        let mut data = std::mem::take(&mut self.stream);
        let start = data.len();
        data.extend_from_slice(piece);
        let gaps: Vec<(usize, u64)> = gap.iter().map(|&length| (data.len(), length)).collect();
        let room = (std::mem::take(&mut self.stack), std::mem::take(&mut self.marks));
        let mut machine = Machine::new(v, host, (&data, &gaps), 0, self.first_identified, room);
        self.lend(&mut machine, start);
        let (mut stretch, outcome) = self.go(&mut machine, stops);
        self.take_back(machine);
        self.stream = data;
        match outcome.map_err(|halt| *halt) {
            Ok(()) => {}
            Err(Halt::Malformed(sentence)) => stretch.error = Some(Malformed { offset: v.at, sentence }),
            Err(Halt::Interrupted) => return Err(Interrupted),
        }
        Ok(stretch)
    }

    fn lend(&mut self, machine: &mut Machine<'_>, start: usize) {
        machine.following = true;
        machine.pos = start;
        machine.shift = self.shift;
        machine.proto = self.proto;
        machine.hash_cost = self.hash_cost;
        machine.worked = self.worked;
        machine.fence = machine.marks.last().copied().unwrap_or(0);
        machine.imports = std::mem::take(&mut self.imports);
        machine.extensions = std::mem::take(&mut self.extensions);
        machine.persistent = std::mem::take(&mut self.persistent);
    }

    fn take_back(&mut self, machine: Machine<'_>) {
        machine.v.at = machine.at as u64;
        self.shift = machine.shift;
        self.proto = machine.proto;
        self.hash_cost = machine.hash_cost;
        self.worked = machine.worked;
        self.stack = machine.stack;
        self.marks = machine.marks;
        self.imports = machine.imports;
        self.needs = machine.needs;
        self.extensions = machine.extensions;
        self.persistent = machine.persistent;
    }

    fn go(&mut self, machine: &mut Machine<'_>, stops: &[bool; 256]) -> (Stretch, Step) {
        let mut found = Stretch::default();
        let mut cuts = Cuts { end: here(machine, &found), ..Cuts::default() };
        let outcome = self.steps(machine, stops, &mut found, &mut cuts);
        found.violations = std::mem::take(&mut machine.violations);
        found.late = std::mem::take(&mut machine.late);
        found.stopped = self.stopped;
        found.segments = cuts.segments();
        (found, outcome)
    }

    fn steps(&mut self, machine: &mut Machine<'_>, stops: &[bool; 256], found: &mut Stretch, cuts: &mut Cuts) -> Step {
        machine.check_length()?;
        let data = machine.data;
        while let Some(&code) = data.get(machine.pos) {
            machine.at = machine.pos + machine.shift;
            machine.opcode = code;
            if self.stopped {
                return machine.malformed("An opcode follows STOP.");
            }
            machine.pos += 1;
            let (argument, imports) = (machine.pos, machine.imports.len());
            machine.step(code)?;
            if machine.pos + machine.shift >= machine.frame_end {
                machine.leave_frame()?;
            }
            if code == FRAME {
                continue;
            }
            found.opcodes.push(code);
            found.arguments.extend_from_slice(&data[argument..machine.pos]);
            let before = std::mem::replace(&mut cuts.end, here(machine, found));
            if code == REDUCE {
                cuts.note_call(machine, before);
            }
            let import = (machine.imports.len() > imports).then(|| machine.imports[imports]);
            if stops[code as usize] || import.is_some() || !machine.events.is_empty() {
                let target = machine.events.first().map(|(object, ..)| *object);
                let events = machine.events.drain(..).map(|(_, origin, obligation)| (origin, obligation)).collect();
                cuts.cut(before, import, events, target);
            }
            if code == STOP {
                self.stopped = true;
                if machine.frame_end != NO_FRAME {
                    return machine.malformed("A frame reaches past STOP.");
                }
            }
        }
        Ok(())
    }
}

fn here(machine: &Machine<'_>, found: &Stretch) -> Boundary {
    Boundary {
        opcodes: found.opcodes.len(),
        arguments: found.arguments.len(),
        marks: machine.marks.len(),
        depth: machine.stack.len() - machine.fence,
    }
}

/// Where the driver has something to do, in the order of the opcodes but for calls whose results turn out to be
/// changed later.
#[derive(Default)]
struct Cuts {
    end: Boundary,
    singles: Vec<Segment>,
    calls: Vec<(usize, Boundary, Boundary)>, // the object that a REDUCE made, and where
}

impl Cuts {
    fn note_call(&mut self, machine: &Machine<'_>, before: Boundary) {
        if let Some(made) = machine.stack.last().filter(|tag| tag.is(crate::tag::Sort::Object)) {
            self.calls.push((made.index(), before, self.end));
        }
    }

    fn cut(
        &mut self,
        before: Boundary,
        import: Option<usize>,
        events: Vec<(usize, Obligation)>,
        object: Option<usize>,
    ) {
        self.singles.push(Segment { start: before, end: self.end, single: true, import, events, object });
    }

    /// Gives all segments, one after the other: what runs alone, and what is between.
    fn segments(mut self) -> Vec<Segment> {
        let mut targets: Vec<usize> = self.singles.iter().filter_map(|cut| cut.object).collect();
        targets.sort_unstable();
        let last = self.end.opcodes; // what its last opcode makes, the next piece may change
        let changed = |object: &usize| targets.binary_search(object).is_ok();
        let made = self.calls.iter().filter(|(object, _, end)| end.opcodes == last || changed(object));
        let calls: Vec<Segment> = made.map(|&(object, start, end)| run(start, end, true, Some(object))).collect();
        self.singles.extend(calls);
        self.singles.sort_by_key(|cut| cut.start.opcodes);
        self.singles.dedup_by(|again, cut| {
            let same = again.start.opcodes == cut.start.opcodes; // a REDUCE at which the driver stops anyway
            if same {
                cut.object = cut.object.or(again.object);
            }
            same
        });
        let mut segments = Vec::with_capacity(2 * self.singles.len() + 1);
        let mut at = Boundary::default();
        for cut in self.singles {
            if cut.start.opcodes > at.opcodes {
                segments.push(run(at, cut.start, false, None));
            }
            at = cut.end;
            segments.push(cut);
        }
        if self.end.opcodes > at.opcodes {
            segments.push(run(at, self.end, false, None));
        }
        segments
    }
}

fn run(start: Boundary, end: Boundary, single: bool, object: Option<usize>) -> Segment {
    Segment { start, end, single, import: None, events: Vec::new(), object }
}
