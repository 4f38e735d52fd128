//! Tags: what the verifier knows about a value instead of having it, in eight bytes.

/// What a value holds, itself or inside: a stub, a helper's operand, something that is not literal data.
pub const STUB: u8 = 1;
pub const OPERAND: u8 = 2;
pub const HELPER: u8 = 4;
pub const LIVE: u8 = 8;
pub const MUTABLE: u8 = 16;
pub const SPECIAL: u8 = 32; // a special name with a callable value
pub const NOT_LITERAL: u8 = STUB | OPERAND | HELPER | LIVE;

/// What a tag is of.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    None,
    Bool,
    Int,
    /// A text of the buffer that is judged.
    Text,
    /// A text that the memory holds.
    OwnText,
    /// A byte string of Python 2, its text in the buffer.
    ByteText,
    /// A byte string of Python 2, its text in the memory.
    OwnByteText,
    /// A byte string of Python 2 that is too long to be a name.
    LongByteText,
    Bytes,
    // Immutable data, or something that belongs to the application: nothing more is known.
    Float,
    Long,
    LongText,
    Buffer,
    Persistent,
    /// A persistent object whose id held one import.
    Identified,
    Foreign,
    /// A bound method; in a trace, of the import that stands for its entry.
    Bound,
    /// A bound method that `reduces` lists.
    Listed,
    Class,
    ByteArray,
    // Nodes of the memory.
    Tuple,
    Frozen,
    Container,
    Object,
    Import,
    /// A memo entry of a load that failed: nothing gets it.
    Lost,
    /// No value: a memo entry that is not set.
    Nothing,
}

/// A tag: its sort, and where the memory or the buffer has more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(u64);

const BITS: u32 = 8;

impl Tag {
    pub const NOTHING: Tag = Tag::plain(Sort::Nothing);
    pub const EMPTY_TUPLE: Tag = Tag::plain(Sort::Tuple); // node 0

    pub const fn plain(sort: Sort) -> Tag {
        Tag(sort as u64)
    }

    pub fn at(sort: Sort, index: usize) -> Tag {
        Tag((index as u64) << BITS | sort as u64)
    }

    #[inline(always)]
    pub fn sort(self) -> Sort {
        SORTS[(self.0 & 0xff) as usize]
    }

    #[inline(always)]
    pub fn index(self) -> usize {
        (self.0 >> BITS) as usize
    }

    /// Whether it is of this sort.
    #[inline(always)]
    pub fn is(self, sort: Sort) -> bool {
        self.0 as u8 == sort as u8
    }

    /// A text of the buffer: where it lies, how wide the length before it is, whether it begins as special names do.
    #[inline(always)]
    pub fn text(sort: Sort, start: usize, width: usize, special: bool) -> Tag {
        Tag::at(sort, start << 5 | width << 1 | usize::from(special))
    }

    /// Where a text of the buffer lies, and how wide the length before it is.
    pub fn place(self) -> (usize, usize) {
        (self.index() >> 5, self.index() >> 1 & 15)
    }

    /// Whether it is a text of the buffer that is no special name: no rule looks at it as a key.
    #[inline(always)]
    pub fn is_dull_key(self) -> bool {
        self.0 & (0xff | 1 << BITS) == Sort::Text as u64
    }

    /// Whether it is a literal, a float or a long literal: no rule looks at it as a value.
    #[inline(always)]
    pub fn is_dull(self) -> bool {
        self.0 as u8 <= Sort::LongText as u8
    }

    /// Whether it may be something that runs when it is called, or that nothing is known of.
    #[inline(always)]
    pub fn may_be_callable(self) -> bool {
        let sort = self.0 as u8;
        !(sort <= Sort::LongText as u8 || (Sort::ByteArray as u8..=Sort::Container as u8).contains(&sort))
    }

    /// Whether it is a literal whose hash costs one.
    #[inline(always)]
    pub fn is_literal(self) -> bool {
        self.0 as u8 <= Sort::Bytes as u8
    }

    /// Whether it is a text of this stream that may be a name.
    #[inline(always)]
    pub fn is_text(self) -> bool {
        matches!(self.sort(), Sort::Text | Sort::OwnText)
    }

    pub fn is_byte_text(self) -> bool {
        matches!(self.sort(), Sort::ByteText | Sort::OwnByteText | Sort::LongByteText)
    }

    /// Whether it is one of those of which nothing more is known.
    pub fn is_opaque(self) -> bool {
        (Sort::Float as u64..=Sort::ByteArray as u64).contains(&(self.0 & 0xff))
    }
}

const SORTS: [Sort; 256] = {
    let listed = [
        Sort::None,
        Sort::Bool,
        Sort::Int,
        Sort::Text,
        Sort::OwnText,
        Sort::ByteText,
        Sort::OwnByteText,
        Sort::LongByteText,
        Sort::Bytes,
        Sort::Float,
        Sort::Long,
        Sort::LongText,
        Sort::Buffer,
        Sort::Persistent,
        Sort::Identified,
        Sort::Foreign,
        Sort::Bound,
        Sort::Listed,
        Sort::Class,
        Sort::ByteArray,
        Sort::Tuple,
        Sort::Frozen,
        Sort::Container,
        Sort::Object,
        Sort::Import,
        Sort::Lost,
        Sort::Nothing,
    ];
    let mut table = [Sort::Nothing; 256];
    let mut at = 0;
    while at < listed.len() {
        assert!(listed[at] as usize == at);
        table[at] = listed[at];
        at += 1;
    }
    table
};
