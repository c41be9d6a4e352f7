//! What stands of a job before its payload, in one value of Redis: when it was enqueued, and what its producer said of it.
//! `lua/part/header.lua` has its form.

use crate::lane::encode_tags;
use crate::{EnqueuedBy, NewJob};

/// No JSON begins with one of these. The second says that the job has a record.
const FRESH: u8 = 1;
const WITH_RECORD: u8 = 2;

const DUE: u8 = 1;
const EXPIRES: u8 = 2;

const KEY: u8 = 1;
const TRACE: u8 = 2;
const TRACE_TEXT: u8 = 4;
const TRACESTATE: u8 = 8;
const CRON: u8 = 16;
const LANE: u8 = 32;
const TAGS: u8 = 64;
const BY: u8 = 128;

/// A header, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// The job has a record: where there is none, it was lost.
    pub(crate) has_record: bool,
    /// When it was enqueued, in ms since the epoch.
    pub(crate) at_ms: u64,
    /// When it was first due, if that was later.
    pub(crate) due_ms: Option<u64>,
    /// When it expires.
    pub(crate) expires_ms: Option<u64>,
    /// The idempotency key it was enqueued with, `<kind>:<key>`.
    pub(crate) key: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) tracestate: Option<String>,
    /// The cron entry and tick that it comes from.
    pub(crate) cron: Option<String>,
    /// Its priority and tenant ([`Lane`](crate::Lane)), where they differ from those of most jobs.
    pub(crate) lane: Option<String>,
    /// Its tags.
    pub(crate) tags: Option<String>,
    /// Who enqueued it ([`EnqueuedBy`](crate::EnqueuedBy)).
    pub(crate) by: Option<String>,
}

impl Header {
    /// The header before a payload, and how long it is; `None` where a payload has none, or not a whole one: another
    /// program pushed it.
    pub(crate) fn read(value: &[u8]) -> Option<(Self, usize)> {
        let mut rest = Rest(value);
        let has_record = match rest.byte()? {
            FRESH => false,
            WITH_RECORD => true,
            _ => return None,
        };
        let mut header = Self {
            has_record,
            at_ms: rest.time()?,
            ..Self::default()
        };
        let times = rest.byte()?;
        if times & DUE != 0 {
            header.due_ms = Some(rest.time()?);
        }
        if times & EXPIRES != 0 {
            header.expires_ms = Some(rest.time()?);
        }
        let has = rest.byte()?;
        if has & KEY != 0 {
            header.key = Some(rest.text()?);
        }
        if has & TRACE != 0 {
            header.traceparent = Some(trace_as_text(rest.take(25)?));
        }
        if has & TRACE_TEXT != 0 {
            header.traceparent = Some(rest.text()?);
        }
        if has & TRACESTATE != 0 {
            header.tracestate = Some(rest.text()?);
        }
        if has & CRON != 0 {
            header.cron = Some(rest.text()?);
        }
        if has & LANE != 0 {
            header.lane = Some(rest.text()?);
        }
        if has & TAGS != 0 {
            header.tags = Some(rest.text()?);
        }
        if has & BY != 0 {
            header.by = Some(rest.text()?);
        }
        Some((header, value.len() - rest.0.len()))
    }

    /// What a producer sends of it: the second flags, what they announce, and the payload.
    pub(crate) fn of_producer(job: &NewJob) -> Vec<u8> {
        let key = job.key.as_ref().map(crate::Key::full_name);
        let mut bytes = Vec::with_capacity(job.payload.len() + 32 + key.map_or(0, str::len));
        bytes.push(0);
        let mut has = 0;
        if let Some(key) = key {
            has |= KEY;
            push_text(&mut bytes, key);
        }
        if let Some(trace) = &job.traceparent {
            match trace_as_numbers(trace) {
                Some(numbers) => {
                    has |= TRACE;
                    bytes.extend(numbers);
                }
                None => {
                    has |= TRACE_TEXT;
                    push_text(&mut bytes, trace);
                }
            }
        }
        if let Some(state) = &job.tracestate {
            has |= TRACESTATE;
            push_text(&mut bytes, state);
        }
        let lane = job.lane.encode();
        let tags = encode_tags(&job.tags);
        let by = job.by.as_ref().map(EnqueuedBy::encode);
        for (flag, text) in [(LANE, lane), (TAGS, tags), (BY, by)] {
            if let Some(text) = text {
                has |= flag;
                push_text(&mut bytes, &text);
            }
        }
        bytes[0] = has;
        bytes.extend_from_slice(&job.payload);
        bytes
    }
}

/// Takes the header off a value. What is left is the payload.
pub(crate) fn split(mut value: Vec<u8>) -> (Option<Header>, Vec<u8>) {
    match Header::read(&value) {
        Some((header, length)) => {
            value.drain(..length);
            (Some(header), value)
        }
        None => (None, value),
    }
}

/// What is left of a value.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    /// Six bytes.
    fn time(&mut self) -> Option<u64> {
        let bytes = self.take(6)?.iter();
        Some(bytes.fold(0, |ms, byte| ms << 8 | u64::from(*byte)))
    }

    fn text(&mut self) -> Option<String> {
        let length = self.take(2)?;
        let length = usize::from(length[0]) << 8 | usize::from(length[1]);
        // Another program may have written it.
        Some(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

/// As much of it as a length of two bytes can say: the doors of producers allow less.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    let mut most = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(most) {
        most -= 1;
    }
    let text = &text.as_bytes()[..most];
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(text);
}

/// `00-<32 hex digits>-<16 hex digits>-<2 hex digits>` in 25 bytes; `None` where it is of another form.
fn trace_as_numbers(text: &str) -> Option<[u8; 25]> {
    let bytes = text.as_bytes();
    let dashes =
        bytes.len() == 55 && bytes.starts_with(b"00-") && bytes[35] == b'-' && bytes[52] == b'-';
    if !dashes {
        return None;
    }
    let digits = [&bytes[3..35], &bytes[36..52], &bytes[53..55]].concat();
    let mut numbers = [0; 25];
    for (number, pair) in numbers.iter_mut().zip(digits.chunks_exact(2)) {
        *number = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(numbers)
}

/// Lower case only, as the standard has it: the same text comes out again.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn trace_as_text(numbers: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    for (n, number) in numbers.iter().enumerate() {
        if n == 16 || n == 24 {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(number >> 4)]));
        text.push(char::from(DIGITS[usize::from(number & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, Lane, Priority, RunAt};
    use longshore_job::JobId;

    const TRACE_CONTEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn job(key: Option<&str>, traceparent: &str, tracestate: Option<&str>) -> NewJob {
        NewJob {
            id: JobId::generate(),
            payload: b"{}".to_vec(),
            run_at: RunAt::Now,
            key: key.map(|key| Key::new("greet", key)),
            expires_in: None,
            traceparent: Some(traceparent.to_owned()),
            tracestate: tracestate.map(str::to_owned),
            lane: Lane::of(Priority::High).with_tenant("acme"),
            tags: vec!["spring".to_owned(), "å b".to_owned()],
            by: Some(EnqueuedBy::Client("checkout".to_owned())),
        }
    }

    /// As the script puts it together.
    fn value(times: &[u8], of_producer: &[u8]) -> Vec<u8> {
        [&[FRESH], times, of_producer].concat()
    }

    #[test]
    fn what_a_producer_says_is_read_again() {
        for (key, trace, state) in [
            (None, TRACE_CONTEXT, None),
            (Some("ada"), TRACE_CONTEXT, Some("vendor=1")),
            (Some("å"), "01-new-form", None),
            (None, &TRACE_CONTEXT.to_uppercase(), None),
        ] {
            let sent = Header::of_producer(&job(key, trace, state));
            let value = value(
                &[0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 3],
                &sent,
            );
            let (header, payload) = split(value);
            let header = header.expect("a header");
            assert_eq!(header.at_ms, 258);
            assert_eq!(header.due_ms, Some(2 << 8));
            assert_eq!(header.expires_ms, Some(1 << 8 | 3));
            assert_eq!(header.key, key.map(|key| format!("greet:{key}")));
            assert_eq!(header.traceparent.as_deref(), Some(trace));
            assert_eq!(header.tracestate.as_deref(), state);
            assert_eq!(header.lane.as_deref(), Some("hacme"));
            assert_eq!(header.tags.as_deref(), Some("spring\nå b"));
            assert_eq!(header.by.as_deref(), Some("ccheckout"));
            assert_eq!(payload, b"{}");
        }
    }

    #[test]
    fn a_payload_alone_and_half_a_header_are_none() {
        let sent = Header::of_producer(&job(Some("ada"), TRACE_CONTEXT, Some("vendor=1")));
        let whole = value(&[0, 0, 0, 0, 1, 2, 0], &sent);
        for length in 0..whole.len() - 2 {
            assert_eq!(Header::read(&whole[..length]), None, "{length}");
        }
        assert!(Header::read(&whole).is_some());
        assert_eq!(Header::read(br#"{"kind":"greet"}"#), None);
        let garbage = b"garbage".to_vec();
        assert_eq!(split(garbage.clone()), (None, garbage));
    }

    #[test]
    fn a_fresh_job_with_a_trace_takes_less_than_forty_bytes_more() {
        let plain = NewJob {
            lane: Lane::default(),
            tags: Vec::new(),
            by: None,
            ..job(None, TRACE_CONTEXT, None)
        };
        let sent = Header::of_producer(&plain);
        assert_eq!(value(&[0; 7], &sent).len() - 2, 34);
    }
}
