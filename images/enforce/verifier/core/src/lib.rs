//! The verifier: an abstract unpickler that imports and calls nothing, and knows nothing of Python's objects.
//!
//! A [`Verifier`] lives as long as its Unpickler: its memo of tags persists over several loads. [`Verifier::verify`]
//! judges one pickle. What only the running Python knows (the tables that map names, codecs) it asks of a [`Host`].
//!
//! The same contract as `pickleball_enforce.verifier`, rule by rule: every change goes into both, and the tests compare
//! all that the two say.

mod ahead;
mod calls;
mod containers;
mod entries;
mod followed;
mod judgement;
mod lean;
mod literals;
mod machine;
mod memory;
mod name;
mod number;
mod opcode;
mod partials;
mod rare;
mod reading;
mod received;
mod report;
mod rush;
mod scan;
mod settings;
mod stack;
mod survey;
mod tag;
mod targets;
mod verifier;

pub use followed::{Boundary, Segment, Stretch};
pub use lean::Lean;
pub use name::Tables;
pub use report::{Decision, Halt, Import, Kind, List, Malformed, Obligation, Violation, use_names};
pub use scan::scan;
pub use settings::{Settings, Texts};
pub use survey::{ENCODE, Survey, survey};
pub use verifier::{Shape, Verdict, Verifier};

/// A module and a qualified name in it.
pub type Name = (Vec<u8>, Vec<u8>);

/// What the verifier asks of the Python that will load the stream, as that is now.
pub trait Host {
    /// The name of Python 3 that the live tables give for a name of Python 2.
    fn canonical(&mut self, module: &[u8], name: &[u8]) -> Result<Name, Interrupted>;
    /// The module and name that are registered for an extension code.
    fn extension(&mut self, code: i64) -> Result<Option<Name>, Interrupted>;
    /// The text of these bytes, or the sentence why they are none.
    fn decode(&mut self, form: Form, opcode: &str, bytes: &[u8]) -> Result<Result<Vec<u8>, Vec<u8>>, Interrupted>;
    /// Whether Python takes the text for an identifier.
    fn is_identifier(&mut self, text: &[u8]) -> Result<bool, Interrupted>;
}

/// How the bytes of a text are to be read. Texts are kept as UTF-8 in which lone surrogates may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A byte string of Python 2: by the Unpickler's `encoding` and `errors`.
    Python2,
    /// UTF-8 with surrogates.
    Utf8,
    /// The lines of UNICODE.
    RawUnicodeEscape,
}

/// The host failed: the judgement is void.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted;
