//! JSON without what readers understand differently: names that stand twice in one object, half characters, numbers that no
//! double holds, more depth than is read.

use std::collections::HashSet;
use std::fmt;

use longshore_job::explain;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::error::Finding;

/// How deep serde_json reads.
const DEEPEST: usize = 127;

/// Whether this is one JSON text that all readers understand alike.
///
/// # Errors
/// Says what is wrong, and quotes nothing.
pub(crate) fn check(text: &str) -> Result<(), Finding> {
    if text.trim_ascii().is_empty() {
        return Err(Finding::new("", "is empty: send a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Anything.deserialize(&mut reader);
    read.and_then(|()| reader.end())
        .map_err(|error| Finding::new("", said(&error)))
}

fn said(error: &serde_json::Error) -> String {
    let what = explain(error);
    match what.strip_prefix("recursion limit exceeded") {
        Some(place) => format!("is nested more than {DEEPEST} levels deep{place}"),
        None => format!("is no JSON that can be read: {what}"),
    }
}

/// Any value.
#[derive(Clone, Copy)]
struct Anything;

impl<'de> DeserializeSeed<'de> for Anything {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Anything {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a name stands twice in one object"));
            }
            fields.next_value_seed(self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_readers_understand_differently_is_refused() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        for good in [
            "{}",
            r#"{"a":{"a":1},"b":{"a":2}}"#,
            r#"["😀","\ud83d\ude00","\u0000",18446744073709551615,-1.5e300]"#,
            &nested(127),
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (wrong, told) in [
            ("", "is empty: send a JSON object"),
            (" \n", "is empty: send a JSON object"),
            ("{", "is no JSON that can be read: EOF"),
            ("{} {}", "is no JSON that can be read: trailing"),
            (
                r#"{"a":1,"b":{"c":1,"\u0063":2}}"#,
                "is no JSON that can be read: a name stands twice in one object (line 1, column",
            ),
            (r#"["\ud83d"]"#, "is no JSON that can be read: "),
            (
                "[1e400]",
                "is no JSON that can be read: number out of range",
            ),
            (&nested(128), "is nested more than 127 levels deep (line 1"),
            (
                &nested(100_000),
                "is nested more than 127 levels deep (line 1",
            ),
        ] {
            let problem = check(wrong).expect_err("refused").problem;
            assert!(problem.starts_with(told), "{wrong}: {problem}");
        }
    }
}
