//! Where the records of a CSV file begin, without knowing where reading began.
//!
//! A line end inside quotes ends no record, and whether a byte is inside quotes depends on all bytes before it. The tokenizer of the csv
//! crate has five states between bytes, so a piece of a file is a map of five states to five: pieces are scanned side by side, from every
//! state that they may begin in, and their maps are composed in the order of the file.

/// What the tokenizer knows between two bytes; RFC 4180 as the csv crate reads it, where a carriage return alone ends a record too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// After a line end, or at the begin of the file: line ends are skipped, anything else begins a record.
    Between,
    /// After a delimiter: a quote opens a quoted field.
    FieldStart,
    /// In a field where quotes stand for themselves.
    Bare,
    /// In quotes.
    Quoted,
    /// After a quote in quotes: another one stands for itself.
    QuoteInQuoted,
}

/// All of them, each at the place of its number.
pub(crate) const STATES: [State; 5] =
    [State::Between, State::FieldStart, State::Bare, State::Quoted, State::QuoteInQuoted];

/// The tokenizer of one dialect.
pub(crate) struct Tokenizer {
    next: [[State; 256]; STATES.len()],
}

impl Tokenizer {
    pub(crate) fn new(delimiter: u8) -> Self {
        let next = |state, byte: u8| match (state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::Between | State::FieldStart | State::QuoteInQuoted, b'"') => State::Quoted,
            (_, b'\r' | b'\n') => State::Between,
            (_, byte) if byte == delimiter => State::FieldStart,
            _ => State::Bare,
        };
        Self { next: STATES.map(|state| std::array::from_fn(|byte| next(state, byte as u8))) }
    }

    pub(crate) fn next(&self, state: State, byte: u8) -> State {
        self.next[state as usize][usize::from(byte)]
    }

    /// Whether this byte is the first of a record.
    pub(crate) fn begins(&self, state: State, byte: u8) -> bool {
        state == State::Between && self.next(state, byte) != State::Between
    }
}

/// What a piece of a file does, from each state that it may begin in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Piece {
    /// Line ends (\n) in it.
    pub(crate) lines: u64,
    /// The state behind it.
    pub(crate) end: [State; STATES.len()],
    /// Records that begin in it.
    pub(crate) records: [u64; STATES.len()],
}

impl Piece {
    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self { lines: 0, end: STATES, records: [0; STATES.len()] }
    }

    /// Adds the bytes that follow.
    ///
    /// Most states meet at the first line end: one pass serves all that agree, so text costs about two passes, not five.
    pub(crate) fn extend(&mut self, tokenizer: &Tokenizer, bytes: &[u8]) {
        /// Bytes between two looks at which states agree.
        const LOOK: usize = 1024;
        for bytes in bytes.chunks(LOOK) {
            self.lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
            let mut passes: [Option<(State, u64)>; STATES.len()] = [None; STATES.len()];
            for (end, records) in self.end.iter_mut().zip(&mut self.records) {
                let pass = &mut passes[*end as usize];
                let (state, begun) = *pass.get_or_insert_with(|| run(tokenizer, *end, bytes));
                (*end, *records) = (state, *records + begun);
            }
        }
    }
}

fn run(tokenizer: &Tokenizer, mut state: State, bytes: &[u8]) -> (State, u64) {
    let mut begun = 0;
    for &byte in bytes {
        begun += u64::from(tokenizer.begins(state, byte));
        state = tokenizer.next(state, byte);
    }
    (state, begun)
}
