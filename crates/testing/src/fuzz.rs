//! Inputs that are nearly right, for property tests: samples with a few edits, and plain noise.
//!
//! `LONGSHORE_FUZZ_CASES` says how many inputs a test tries, where it is set. An input that failed is written into `fuzz-corpus.txt` of
//! the crate, as a seed that is tried first from then on; keep that file.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::FileFailurePersistence;

/// How many inputs are tried: `few`, unless `LONGSHORE_FUZZ_CASES` says otherwise.
#[must_use]
pub fn cases(few: u32) -> ProptestConfig {
    let cases = std::env::var("LONGSHORE_FUZZ_CASES");
    let cases = cases.ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(few),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("fuzz-corpus.txt"))),
        ..ProptestConfig::default()
    }
}

/// What takes the place of a part of a sample.
const WORDS: [&str; 24] = [
    "",
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "18446744073709551616",
    "[]",
    "{}",
    "[[[[",
    "\"",
    "\\",
    "\\ud800",
    "\u{0}",
    "\u{202e}",
    "=",
    "&",
    "%",
    "%zz",
    ",",
    ":",
    "\r\n",
    "\n",
    "\u{fffd}\u{10ffff}",
];

/// One edit of a sample.
#[derive(Debug, Clone)]
enum Edit {
    /// A part of it goes away, or is replaced.
    Replace(Index, Index, Vec<u8>),
    /// A part of it stands there again.
    Repeat(Index, Index),
    /// It ends there.
    End(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let with = prop_oneof![
        3 => select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ];
    let place = any::<Index>;
    prop_oneof![
        6 => (place(), place(), with).prop_map(|(at, to, with)| Edit::Replace(at, to, with)),
        2 => (place(), place()).prop_map(|(at, to)| Edit::Repeat(at, to)),
        1 => place().prop_map(Edit::End),
    ]
}

/// Some bytes: one of the samples with up to five edits; now and then a sample as it is, or noise.
pub fn bytes(samples: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let edited = (select(samples), vec(edit(), 1..6))
        .prop_map(|(sample, edits)| edits.into_iter().fold(sample.as_bytes().to_vec(), edited));
    prop_oneof![
        12 => edited,
        1 => select(samples).prop_map(|sample| sample.as_bytes().to_vec()),
        2 => vec(any::<u8>(), 0..80),
    ]
}

/// The same as text: what is no UTF-8 is replaced.
pub fn text(samples: &'static [&'static str]) -> impl Strategy<Value = String> {
    bytes(samples).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn edited(mut bytes: Vec<u8>, edit: Edit) -> Vec<u8> {
    // Short parts: a sample with a word in the place of half of it is only noise.
    let part = |bytes: &[u8], at: Index, to: Index| {
        let from = at.index(bytes.len() + 1);
        from..bytes.len().min(from + to.index(12))
    };
    match edit {
        Edit::Replace(at, to, with) => {
            let part = part(&bytes, at, to);
            bytes.splice(part, with);
        }
        Edit::Repeat(at, to) => {
            let part = part(&bytes, at, to);
            let again = bytes[part.clone()].to_vec();
            bytes.splice(part.end..part.end, again);
        }
        Edit::End(at) => bytes.truncate(at.index(bytes.len() + 1)),
    }
    bytes
}
