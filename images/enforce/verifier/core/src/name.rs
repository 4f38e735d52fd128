//! The tables of names that rules treat by name, and the policy's (names.py holds them; the binding hands them over).

use std::collections::{HashMap, HashSet};

pub const RECONSTRUCTOR: &[u8] = b"copyreg._reconstructor";
pub const NEWOBJ: &[u8] = b"copyreg.__newobj__";
pub const NEWOBJ_EX: &[u8] = b"copyreg.__newobj_ex__";
pub const ENCODE: &[u8] = b"_codecs.encode";
pub const TYPE: &[u8] = b"builtins.type";
pub const GETATTR: &[u8] = b"builtins.getattr";
/// The class of numpy's arrays.
pub const ARRAY: &[u8] = b"numpy.ndarray";

/// A helper whose arguments are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helper {
    Reconstructor,
    Newobj,
    NewobjEx,
    Encode,
    Type,
    Getattr,
}

/// What is known of a name as such.
#[allow(clippy::struct_excessive_bools)] // one for each table
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    pub global: bool,
    pub reduce: bool,
    /// Of `globals`: a stream may only make instances of it.
    pub instances_only: bool,
    pub owner: bool,
    pub base: bool,
    pub singleton: bool,
    pub literal_arguments: bool,
    pub caller: bool,
    pub holder: bool,
    /// Its results call the function that their state names.
    pub partial: bool,
    pub plain_result: bool,
    pub array_maker: bool,
    pub hashing: bool,
    pub rebuilder: bool,
    pub positioned: bool,
    pub helper: Option<Helper>,
    pub library: Option<Library>,
}

impl Facts {
    /// Whether what is called under this name calls what it is given, or holds it for somebody who will. What is itself
    /// only `held` may hold: a default dict of default dicts.
    pub fn hands_on(&self, held: bool) -> bool {
        self.caller || self.helper.is_some() || (self.holder && !held)
    }
}

/// Which library rebuilds code under a name: an index into the tables' list of libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library(pub usize);

/// The tables of names.py, and the lists of a policy (without one, the verifier traces).
#[derive(Debug, Default)]
pub struct Tables {
    facts: HashMap<Vec<u8>, Facts>,
    positions: HashMap<Vec<u8>, Vec<usize>>,
    libraries: Vec<(Vec<u8>, HashSet<Vec<u8>>)>,
    library_modules: HashMap<Vec<u8>, usize>,
    protocol_names: HashSet<Vec<u8>>,
    protocol_prefixes: Vec<Vec<u8>>,
    harmless_names: HashSet<Vec<u8>>,
    bounds: HashMap<Vec<u8>, Vec<u8>>,
    pub(crate) tracing: bool,
}

impl Tables {
    /// Gives empty tables, without a policy: the verifier traces.
    #[must_use]
    pub fn new() -> Tables {
        Tables { tracing: true, ..Tables::default() }
    }

    /// Lists names under what they are.
    pub fn list(&mut self, paths: impl IntoIterator<Item = Vec<u8>>, note: impl Fn(&mut Facts)) {
        for path in paths {
            note(self.facts.entry(path).or_default());
        }
    }

    pub fn set_positions(&mut self, path: Vec<u8>, positions: Vec<usize>) {
        self.list([path.clone()], |facts| facts.positioned = true);
        self.positions.insert(path, positions);
    }

    /// Adds a library that rebuilds code by value: its modules (their last parts) and the names in them.
    pub fn add_library(&mut self, name: Vec<u8>, modules: impl IntoIterator<Item = Vec<u8>>, names: HashSet<Vec<u8>>) {
        for module in modules {
            self.library_modules.insert(module, self.libraries.len());
        }
        self.libraries.push((name, names));
    }

    /// Lists names that stand for code wherever they are.
    pub fn add_code(&mut self, paths: impl IntoIterator<Item = Vec<u8>>) {
        let library = Library(self.libraries.len());
        self.libraries.push((b"Python".to_vec(), HashSet::new()));
        self.list(paths, |facts| facts.library = Some(library));
    }

    /// Lists the special names that protocols look up, how others of theirs begin, and those that are harmless.
    pub fn set_special_names(&mut self, names: HashSet<Vec<u8>>, prefixes: Vec<Vec<u8>>, harmless: HashSet<Vec<u8>>) {
        self.protocol_names = names;
        self.protocol_prefixes = prefixes;
        self.harmless_names = harmless;
    }

    /// Notes that a callable calls the class which it is given, and which class that has to derive from.
    pub fn set_bound(&mut self, path: Vec<u8>, base: Vec<u8>) {
        self.bounds.insert(path, base);
    }

    /// Takes a copy of the tables with the lists of a policy.
    #[must_use]
    pub fn with_policy(&self, globals: Vec<Vec<u8>>, reduces: Vec<Vec<u8>>, instances: Vec<Vec<u8>>) -> Tables {
        let mut tables = Tables {
            facts: self.facts.clone(),
            positions: self.positions.clone(),
            libraries: self.libraries.clone(),
            library_modules: self.library_modules.clone(),
            protocol_names: self.protocol_names.clone(),
            protocol_prefixes: self.protocol_prefixes.clone(),
            harmless_names: self.harmless_names.clone(),
            bounds: self.bounds.clone(),
            tracing: false,
        };
        let owners: Vec<Vec<u8>> = globals.iter().chain(&reduces).map(|path| split_last(path).0.to_vec()).collect();
        tables.list(owners, |facts| facts.owner = true);
        tables.list(globals, |facts| facts.global = true);
        tables.list(reduces, |facts| facts.reduce = true);
        tables.list(instances, |facts| facts.instances_only = true);
        tables
    }

    pub(crate) fn facts(&self, path: &[u8]) -> Facts {
        let mut facts = self.facts.get(path).copied().unwrap_or_default();
        facts.helper = match path {
            RECONSTRUCTOR => Some(Helper::Reconstructor),
            NEWOBJ => Some(Helper::Newobj),
            NEWOBJ_EX => Some(Helper::NewobjEx),
            ENCODE => Some(Helper::Encode),
            TYPE => Some(Helper::Type),
            GETATTR => Some(Helper::Getattr),
            _ => None,
        };
        facts.library = self.by_value(path).or(facts.library);
        facts
    }

    fn by_value(&self, path: &[u8]) -> Option<Library> {
        let (module, name) = split_last(path);
        let index = *self.library_modules.get(split_last(module).1)?;
        self.libraries[index].1.contains(name).then_some(Library(index))
    }

    pub(crate) fn library(&self, library: Library) -> &[u8] {
        &self.libraries[library.0].0
    }

    pub(crate) fn positions(&self, path: &[u8]) -> Option<&[usize]> {
        self.positions.get(path).map(Vec::as_slice)
    }

    pub(crate) fn bound(&self, path: &[u8]) -> Option<&[u8]> {
        self.bounds.get(path).map(Vec::as_slice)
    }

    /// Whether a live value under this name could run because somebody looks the name up on an object.
    pub(crate) fn is_special(&self, key: &[u8]) -> bool {
        key.len() > 4
            && key.starts_with(b"__")
            && key.ends_with(b"__")
            && !matches!(key, b"__class__" | b"__dict__")
            && !self.harmless_names.contains(key)
    }

    /// Whether Python's protocols, or numeric libraries, look this name up on an object.
    pub(crate) fn looked_up(&self, key: &[u8]) -> bool {
        key.starts_with(b"__")
            && (self.protocol_names.contains(key)
                || (key.ends_with(b"__") && self.protocol_prefixes.iter().any(|prefix| key.starts_with(prefix))))
    }
}

/// Splits a dotted name before its last part.
pub fn split_last(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'.') {
        Some(dot) => (&path[..dot], &path[dot + 1..]),
        None => (&[], path),
    }
}

/// Says why these names cannot be those of an import.
pub fn fault(module: &[u8], name: &[u8]) -> Option<&'static str> {
    for text in [module, name] {
        if text.is_empty() {
            return Some("An import has an empty name.");
        }
        let surrogate = |pair: &[u8]| pair[0] == 0xed && pair[1] >= 0xa0;
        if text.iter().any(|&byte| byte < 0x20 || byte == 0x7f) || text.windows(2).any(surrogate) {
            return Some("A name holds control characters or lone surrogates.");
        }
    }
    None
}

/// How many characters a text has.
pub fn characters(text: &[u8]) -> u64 {
    const NARROW: usize = 255; // what a sum of one byte holds: many are counted at once
    let begins = |&byte: &u8| u8::from(byte & 0xc0 != 0x80);
    text.chunks(NARROW).map(|part| u64::from(part.iter().map(begins).fold(0u8, u8::wrapping_add))).sum()
}
