//! Takes out of a reason what it quotes of the job's own args.
//!
//! Job crates redact what can be told by its looks: addresses, numbers, keys. A name cannot; but what a provider quotes
//! back came from the args, and those are known here. Reasons go from here to the log, the history, an operator's
//! table and Sentry.
//!
//! How much is taken out depends on whose words they are ([`Answer::quoted`]):
//!
//! | part of a reason | what is taken out of it |
//! |---|---|
//! | what a provider said | every word of the args, however short, in whatever case |
//! | our own words | only what none of them is by chance: addresses, numbers, long texts |
//! | not known whose | as of a provider: a handler may put args into its words |

use std::collections::HashSet;
use std::ops::Range;

use longshore_job::{Answer, Envelope, Handlers, JobError, Names, Outcome};
use serde_json::Value;

use super::End;

/// What stands in the place of a value.
const REDACTED: &str = "[redacted]";

/// What stands in the place of a value already.
const PLACEHOLDERS: &[&str] = &["redacted", "email", "phone", "secret", "key"];

/// Shorter ones are looked for only as whole words, since they are parts of other words.
const SHORTEST: usize = 4;

/// As many digits are a number of somebody's. A status and an amount of days have fewer.
const NUMBER: usize = 5;

/// A number is written in no more groups of digits than this.
const MAX_GROUPS: usize = 10;

/// So long a text is none of our words by chance.
const LONG: usize = 24;

/// Takes a run's args out of the reason that it ended with.
pub(super) fn take_out(end: &mut End, payload: &[u8], handlers: &Handlers) {
    let End::Ran(end) = end else { return };
    let (reason, quoted) = match end {
        Ok(Outcome::Done { .. }) => return,
        Ok(Outcome::Skipped { reason }) => (reason, None),
        Err(
            JobError::Permanent { reason, answer, .. }
            | JobError::Throttled { reason, answer, .. }
            | JobError::Transient { reason, answer, .. }
            | JobError::NotReached { reason, answer, .. }
            | JobError::OutcomeUnknown { reason, answer, .. }
            | JobError::Unauthorized { reason, answer, .. },
        ) => (reason, quoted_by(answer)),
    };
    let private = Private::of(payload, handlers);
    *reason = match quoted.as_deref() {
        Some("") => private.out_of_ours(reason),
        Some(said) if reason.contains(said) => {
            let ours: Vec<_> = reason.split(said).collect();
            let ours: Vec<_> = ours.iter().map(|text| private.out_of_ours(text)).collect();
            ours.join(&private.out_of_said(said))
        }
        // It is not known whose words they are; or what was said was put into others, and where it stands among them cannot
        // be told.
        None | Some(_) => private.out_of_said(reason),
    };
}

/// Nobody else is to read it.
fn quoted_by(answer: &mut Answer) -> Option<String> {
    answer.quoted.take()
}

/// What is private in a job's args.
#[derive(Debug, Default)]
struct Private {
    /// Every text, the longest first.
    texts: Vec<Folded>,
    /// Every word of them, folded.
    words: HashSet<String>,
    /// The digits of every number in them.
    numbers: HashSet<String>,
}

impl Private {
    fn of(payload: &[u8], handlers: &Handlers) -> Self {
        let Ok(envelope) = Envelope::parse(payload) else {
            return Self::default();
        };
        let handler = handlers.get(&envelope.kind);
        let public = handler.map_or(&[][..], |handler| handler.public_args());
        let mut texts = Vec::new();
        if let Ok(mut args) = serde_json::from_str::<Value>(envelope.args.get()) {
            let names = handler.map_or_else(Names::new, |handler| handler.names(args.clone()));
            let mut shown = Vec::new();
            if let Value::Object(fields) = &mut args {
                let (open, hidden): (Vec<_>, Vec<_>) = std::mem::take(fields)
                    .into_iter()
                    .partition(|(name, _)| public.contains(&name.as_str()));
                open.iter()
                    .for_each(|(_, value)| texts_of(value, &mut shown));
                fields.extend(hidden);
            }
            let mut keys = Vec::new();
            collect(&args, &names, &mut texts, &mut keys);
            texts.extend(without_shown(keys, &shown));
        }
        let words = texts.iter().flat_map(|text| words(text));
        let numbers = texts.iter().flat_map(|text| numbers(text));
        Self {
            words: words.map(|word| fold(word).collect()).collect(),
            numbers: numbers.collect(),
            texts: folded(texts.iter().map(String::as_str)),
        }
    }

    /// Out of what a provider said.
    fn out_of_said(&self, text: &str) -> String {
        let text = self.without(text, Folded::is_no_single_word);
        joined(self.without_words(&self.without_numbers(&text)))
    }

    /// Out of our own words.
    fn out_of_ours(&self, text: &str) -> String {
        let text = self.without(text, Folded::is_nobodys_word);
        self.without_numbers(&text)
    }

    fn without(&self, text: &str, which: impl Fn(&Folded) -> bool) -> String {
        let mut text = text.to_owned();
        for private in self.texts.iter().filter(|private| which(private)) {
            text = private.out_of(&text);
        }
        text
    }

    /// Numbers in whatever form they are written, and parts of them.
    fn without_numbers(&self, text: &str) -> String {
        let groups = groups(text);
        let (mut clean, mut done, mut first) = (String::new(), 0, 0);
        while first < groups.len() {
            let longest = (first..groups.len().min(first + MAX_GROUPS))
                .rev()
                .find(|last| self.is_number(text, &groups[first..=*last]));
            if let Some(last) = longest {
                clean += &text[done..groups[first].start];
                clean += REDACTED;
                done = groups[last].end;
                first = last;
            }
            first += 1;
        }
        clean + &text[done..]
    }

    /// Whether these groups of digits are one of the args' numbers, or part of one.
    fn is_number(&self, text: &str, groups: &[Range<usize>]) -> bool {
        let are_one = groups
            .windows(2)
            .all(|pair| is_within_a_number(&text[pair[0].end..pair[1].start]));
        let digits: String = groups.iter().map(|group| &text[group.clone()]).collect();
        let is_one = |number: &String| number.contains(&digits) || digits.contains(number);
        are_one && digits.len() >= NUMBER && self.numbers.iter().any(is_one)
    }

    /// Word by word.
    fn without_words(&self, text: &str) -> String {
        let (mut clean, mut rest) = (String::new(), text);
        while let Some(word) = words(rest).next() {
            let start = word.as_ptr() as usize - rest.as_ptr() as usize;
            let (between, after) = (&rest[..start], &rest[start + word.len()..]);
            let is_placeholder =
                between.ends_with('[') && after.starts_with(']') && PLACEHOLDERS.contains(&word);
            clean += between;
            clean += match !is_placeholder && self.holds(word) {
                true => REDACTED,
                false => word,
            };
            rest = after;
        }
        clean + rest
    }

    /// Whether a word is one of the args', or one of some length is part of it.
    fn holds(&self, word: &str) -> bool {
        let word: String = fold(word).collect();
        let is_part = |private: &String| {
            private.chars().count() >= SHORTEST && word.contains(private.as_str())
        };
        self.words.contains(&word) || self.words.iter().any(is_part)
    }
}

/// A text without the case of its letters.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Folded(Vec<char>);

impl Folded {
    /// An address or a long text.
    fn is_nobodys_word(&self) -> bool {
        let is_address = self.0.contains(&'@') || self.0.windows(3).any(|at| at == [':', '/', '/']);
        is_address || self.0.len() >= LONG
    }

    fn is_no_single_word(&self) -> bool {
        !self.0.iter().all(|c| c.is_alphanumeric())
    }

    /// A text without this one.
    fn out_of(&self, text: &str) -> String {
        let (mut clean, mut rest) = (String::new(), text);
        while let Some(found) = self.find(rest) {
            clean += &rest[..found.start];
            clean += REDACTED;
            rest = &rest[found.end..];
        }
        clean + rest
    }

    fn find(&self, text: &str) -> Option<Range<usize>> {
        let starts = text.char_indices().map(|(start, _)| start);
        starts
            .filter_map(|start| Some(start..start + self.begins(&text[start..])?))
            .next()
    }

    /// How much of a text it is the beginning of.
    fn begins(&self, text: &str) -> Option<usize> {
        let mut rest = self.0.iter();
        for (at, c) in text.char_indices() {
            if rest.as_slice().is_empty() {
                return Some(at);
            }
            let mut buffer = [0; 4];
            if !fold(c.encode_utf8(&mut buffer)).all(|c| rest.next() == Some(&c)) {
                return None;
            }
        }
        rest.as_slice().is_empty().then_some(text.len())
    }
}

/// Those of some length, each once, the longest first.
fn folded<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Folded> {
    let mut all: Vec<_> = texts
        .map(|text| Folded(fold(text).collect()))
        .filter(|text| text.0.len() >= SHORTEST)
        .collect();
    all.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

/// Upper case first: some letters have two lower ones.
fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Several that follow each other as the words of a name do become one.
fn joined(mut text: String) -> String {
    for between in ["", " ", "-", "'", "’", ".", ". ", "_", "/"] {
        let several = format!("{REDACTED}{between}{REDACTED}");
        while text.contains(&several) {
            text = text.replace(&several, REDACTED);
        }
    }
    text
}

/// Where digits follow each other in a text.
fn groups(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        match found.last_mut().filter(|group| group.end == at) {
            Some(group) => group.end += 1,
            None => found.push(at..at + 1),
        }
    }
    found
}

/// The digits of the numbers in a text, whatever groups them.
fn numbers(text: &str) -> Vec<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for group in groups(text) {
        let digits = &text[group.clone()];
        match found.last_mut() {
            Some((end, number)) if is_within_a_number(&text[*end..group.start]) => {
                *end = group.end;
                *number += digits;
            }
            _ => found.push((group.end, digits.to_owned())),
        }
    }
    let numbers = found.into_iter().map(|(_, number)| number);
    numbers.filter(|number| number.len() >= NUMBER).collect()
}

fn is_within_a_number(between: &str) -> bool {
    let groups = [' ', '\u{a0}', '.', '-', '/', '(', ')'];
    between.chars().count() <= 2 && between.chars().all(|c| groups.contains(&c))
}

/// Every text and number; apart from them every key that is not the program's own.
fn collect(value: &Value, names: &Names, texts: &mut Vec<String>, keys: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => texts.push(number.to_string()),
        Value::String(text) => texts.push(text.trim().to_owned()),
        Value::Array(values) => {
            for value in values {
                collect(value, names, texts, keys);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if !names.contains(name.as_str()) {
                    keys.push(name.trim().to_owned());
                }
                collect(value, names, texts, keys);
            }
        }
    }
}

/// Every text of a value.
fn texts_of(value: &Value, texts: &mut Vec<String>) {
    collect(value, &Names::new(), texts, &mut Vec::new());
}

/// Keys are rarely somebody's name. One whose every word stands in args that all may read is none: the key `order` in the data of
/// the template `order-confirmation` would take that word out of the template's name.
fn without_shown(keys: Vec<String>, shown: &[String]) -> impl Iterator<Item = String> {
    let folded = |word: &str| fold(word).collect::<String>();
    let shown: HashSet<String> = shown
        .iter()
        .flat_map(|text| words(text))
        .map(folded)
        .collect();
    keys.into_iter()
        .filter(move |key| !words(key).all(|word| shown.contains(&folded(word))))
}

#[cfg(test)]
mod tests;
