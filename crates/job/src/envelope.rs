//! The envelope of a payload, as it is read from Redis: anybody can have written there.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::explain::explain;

/// The fields of an envelope. There are no others.
const FIELDS: &[&str] = &["kind", "v", "args"];

/// What UTF-8 text begins with that some editors and encoders write a mark before.
const MARK: &str = "\u{feff}";

/// Why a payload cannot be read. The words are codes: dead letters are grouped by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndecodableWhy {
    /// There are no bytes at all.
    Empty,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not JSON of the envelope's shape.
    NotAnEnvelope,
    /// No handler here knows the kind.
    UnknownKind,
    /// The args are not this kind's args.
    BadArgs,
    /// It is larger than [`MAX_PAYLOAD_BYTES`](crate::MAX_PAYLOAD_BYTES), and was not read.
    TooLarge,
    /// The id is not a ULID.
    BadId,
    /// There is an id, but no payload under it.
    NoPayload,
    /// There is a payload, but its record is gone, so it is not known whether it ran before.
    NoRecord,
}

impl UndecodableWhy {
    /// The code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "payload empty",
            Self::NotUtf8 => "payload not UTF-8",
            Self::NotAnEnvelope => "payload not an envelope",
            Self::UnknownKind => "kind unknown",
            Self::BadArgs => "args do not decode",
            Self::TooLarge => "payload too large",
            Self::BadId => "id not a ULID",
            Self::NoPayload => "payload missing",
            Self::NoRecord => "record missing",
        }
    }
}

/// A payload that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", why.as_str())]
pub struct Undecodable {
    /// The code.
    pub why: UndecodableWhy,
    /// What exactly was wrong, without quoting the payload.
    pub detail: String,
}

/// A payload read from Redis, with args that are not decoded yet.
#[derive(Debug)]
pub struct Envelope<'a> {
    /// The kind.
    pub kind: Cow<'a, str>,
    /// The version of the args.
    pub v: u32,
    /// The args as they stand.
    pub args: &'a RawValue,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope.
    ///
    /// # Errors
    /// When the bytes are not UTF-8 JSON of the envelope's shape.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Undecodable> {
        let undecodable = |why, detail: String| Undecodable { why, detail };
        if payload.is_empty() {
            return Err(undecodable(UndecodableWhy::Empty, "0 bytes".to_owned()));
        }
        let text = std::str::from_utf8(payload).map_err(|error| {
            undecodable(
                UndecodableWhy::NotUtf8,
                format!("invalid at byte {}", error.valid_up_to()),
            )
        })?;
        if text.starts_with(MARK) {
            return Err(undecodable(
                UndecodableWhy::NotAnEnvelope,
                "it begins with a byte order mark, and JSON has none".to_owned(),
            ));
        }
        serde_json::from_str(text)
            .map_err(|error| undecodable(UndecodableWhy::NotAnEnvelope, explain(&error)))
    }
}

/// By hand, and not derived: what is wrong is said in words that the author of a producer knows, and a list is no envelope.
impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(EnvelopeVisitor)
    }
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with kind, v and args")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut kind, mut v, mut args) = (None, None, None);
        while let Some(Text(name)) = map.next_key()? {
            let twice = match &*name {
                "kind" => kind.replace(map.next_value::<Text<'de>>()?.0).is_some(),
                "v" => v.replace(map.next_value::<Version>()?.0).is_some(),
                "args" => args.replace(map.next_value::<&RawValue>()?).is_some(),
                _ => return Err(de::Error::unknown_field(&name, FIELDS)),
            };
            if twice {
                let name = FIELDS.iter().find(|field| **field == name).copied();
                return Err(de::Error::duplicate_field(name.unwrap_or_default()));
            }
        }
        Ok(Envelope {
            kind: kind.ok_or_else(|| de::Error::missing_field("kind"))?,
            v: v.ok_or_else(|| de::Error::missing_field("v"))?,
            args: args.ok_or_else(|| de::Error::missing_field("args"))?,
        })
    }
}

/// A name, or the kind: as it stands where nothing in it is escaped.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text as `kind`")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// The version of args.
struct Version(u32);

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_u32(VersionVisitor)
    }
}

struct VersionVisitor;

impl Visitor<'_> for VersionVisitor {
    type Value = Version;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 1 as `v`")
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<Version, E> {
        let whole = u32::try_from(v).ok().filter(|v| *v > 0);
        whole
            .map(Version)
            .ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(v), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an operator reads of a payload that is none.
    fn refused(payload: &[u8]) -> String {
        Envelope::parse(payload).expect_err("refused").to_string()
    }

    #[test]
    fn a_refusal_says_what_to_write_instead() {
        let cases: [(&[u8], &str); 14] = [
            (b"", "payload empty: 0 bytes"),
            (b"\xff{", "payload not UTF-8: invalid at byte 0"),
            (
                b"\xef\xbb\xbf{}",
                "payload not an envelope: it begins with a byte order mark, and JSON has none",
            ),
            (
                b"hello",
                "payload not an envelope: expected value (line 1, column 1)",
            ),
            (
                br#"["a",1,{}]"#,
                "payload not an envelope: wrong type or value, expected an object with kind, v and args (line 1, column 0)",
            ),
            (
                br#""{}""#,
                "payload not an envelope: wrong type or value, expected an object with kind, v and args (line 1, column 4)",
            ),
            (
                br#"{"kind":"a","v":1}"#,
                "payload not an envelope: missing field `args` (line 1, column 18)",
            ),
            (
                br#"{"kind":7,"v":1,"args":{}}"#,
                "payload not an envelope: wrong type or value, expected a text as `kind` (line 1, column 9)",
            ),
            (
                br#"{"kind":"a","v":"1","args":{}}"#,
                "payload not an envelope: wrong type or value, expected a whole number from 1 as `v` (line 1, column 19)",
            ),
            (
                br#"{"kind":"a","v":0,"args":{}}"#,
                "payload not an envelope: wrong type or value, expected a whole number from 1 as `v` (line 1, column 17)",
            ),
            (
                br#"{"kind":"a","v":10000000000,"args":{}}"#,
                "payload not an envelope: wrong type or value, expected a whole number from 1 as `v` (line 1, column 27)",
            ),
            (
                br#"{"kind":"a","kind":"b","v":1,"args":{}}"#,
                "payload not an envelope: duplicate field `kind` (line 1, column 22)",
            ),
            (
                br#"{"kind":"a","v":1,"args":{},"id":7}"#,
                "payload not an envelope: unknown field `id`, expected one of `kind`, `v`, `args` (line 1, column 32)",
            ),
            (
                br#"{"kind":"a","v":1,"args":{"x":NaN}}"#,
                "payload not an envelope: expected value (line 1, column 31)",
            ),
        ];
        for (payload, said) in cases {
            assert_eq!(refused(payload), said, "{}", payload.escape_ascii());
        }
    }

    #[test]
    fn escapes_are_read_in_the_kind_and_in_names() {
        let payload = br#"{"\u006bind":"send\u005femail","v":2,"args": {"a": 1.10}}"#;
        let envelope = Envelope::parse(payload).expect("an envelope");
        assert_eq!((&*envelope.kind, envelope.v), ("send_email", 2));
        assert_eq!(envelope.args.get(), r#"{"a": 1.10}"#);
    }
}
