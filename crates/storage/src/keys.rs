//! Keys of every sort: in lists as a URL has them, and told apart by whether XML can carry them.
//!
//! An answer in XML can hold no control characters, and a reader may change others. So lists are asked for with
//! `encoding-type=url`. Some stores say that they encode keys, and do not; a key that is decoded all the same would be
//! another object's. So a page with a key that no encoder leaves so is not decoded, and `Session::encodes` looks whether there is
//! an object under a decoded key.

use aws_sdk_s3::types::EncodingType;

use crate::error::{Error, ErrorClass};
use crate::name::Name;

/// Whether these keys are encoded: the store says so, and none of them shows the opposite.
pub(crate) fn is_encoded(told: Option<&EncodingType>, keys: &[&mut String]) -> bool {
    told == Some(&EncodingType::Url) && keys.iter().all(|key| could_be_encoded(key))
}

fn could_be_encoded(key: &str) -> bool {
    let mut bytes = key.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => {
                let hex = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_hexdigit());
                hex(bytes.next()) && hex(bytes.next())
            }
            byte => byte.is_ascii_graphic(),
        };
        if !good {
            return false;
        }
    }
    true
}

/// A key as it is. `None` when it is no UTF-8, which no key is.
pub(crate) fn decoded(key: &str) -> Option<String> {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digit = |b: &u8| char::from(*b).to_digit(16);
                let value = digit(high)? * 16 + digit(low)?;
                out.push(u8::try_from(value).ok()?);
                rest = after;
            }
            (b'%', _) => return None,
            (byte, _) => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

/// Decodes all of them.
///
/// # Errors
/// When one is no UTF-8.
pub(crate) fn decode(store: Name, keys: &mut [&mut String]) -> Result<(), Error> {
    for key in keys {
        let Some(plain) = decoded(key) else {
            let reason = format!("{store} lists a key that is no UTF-8: nothing can be said of it");
            return Err(Error::local(store, ErrorClass::Refused, reason));
        };
        **key = plain;
    }
    Ok(())
}

/// Whether XML carries a key unchanged, whoever reads it: no control characters, no code points that XML forbids or that
/// readers take for line ends, no blanks that they may cut off. A key of blanks alone has to go this way: the SDK takes
/// it for none.
pub(crate) fn fits_xml(key: &str) -> bool {
    let odd =
        |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}');
    let inner = key.trim();
    !key.contains(odd) && (inner == key || inner.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_as_a_url_has_them() {
        for (encoded, plain) in [
            ("a/b.csv", Some("a/b.csv")),
            ("a+b%2Bc%20d", Some("a b+c d")),
            ("%01%0A%C3%B8%25", Some("\u{1}\nø%")),
            ("%FF", None),
            ("%4", None),
            ("%zz", None),
        ] {
            assert_eq!(decoded(encoded).as_deref(), plain, "{encoded}");
        }
    }

    #[test]
    fn what_no_encoder_leaves_shows_that_nothing_was_encoded() {
        for (key, could) in [
            ("a+b", true),
            ("100%25", true),
            ("a b", false),
            ("ø", false),
            ("100%", false),
            ("100%2", false),
            ("\n", false),
        ] {
            assert_eq!(could_be_encoded(key), could, "{key:?}");
        }
    }

    #[test]
    fn only_what_every_reader_of_xml_leaves_alone_goes_together_with_others() {
        for plain in ["a/b.csv", "a <b> & \"c\"", "ø 🏠", "a  b", "../x", "a//b"] {
            assert!(fits_xml(plain), "{plain:?}");
        }
        for odd in [
            "\u{1}", "a\nb", "a\r", " a", "a ", "\t", "\u{85}", "\u{2028}", "\u{ffff}",
        ] {
            assert!(!fits_xml(odd), "{odd:?}");
        }
    }
}
