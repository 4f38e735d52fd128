//! How an Unpickler was made, and the bounds of what is judged (settings.py says what each means).

/// How byte strings of Python 2 become texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// They stay bytes.
    Bytes,
    /// ASCII bytes stand for themselves; the host reads others.
    Ascii,
    /// Each byte is a character.
    Latin1,
    /// The host reads all of them.
    Other,
}

/// Settings of one verifier.
#[allow(clippy::struct_excessive_bools)] // those of the Unpickler
#[derive(Clone, Debug)]
pub struct Settings {
    pub texts: Texts,
    pub fix_imports: bool,
    pub no_buffers: bool,
    pub renames: bool,
    pub persistent_classes: bool,
    pub max_length: u64,
    pub max_depth: usize,
    pub max_memo: usize,
    pub memo_floor: u64,
    pub max_hash_cost: u64,
    pub max_hash_depth: u64,
    pub max_work: u64,
    pub max_name: u64,
    pub max_violations: usize,
}
