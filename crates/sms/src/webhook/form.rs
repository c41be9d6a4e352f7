//! Reading forms.

use percent_encoding::percent_decode;

/// The pairs of a form (or of a query), decoded, in the order in which they came. `+` is a space, and `%` without
/// two hexadecimal digits behind it stands for itself, as everywhere on the web.
///
/// `None` when a name or a value is not UTF-8. Replacing what is not, as most readers do, would make different bytes
/// the same text, and signatures are over the text.
pub(super) fn pairs(form: &[u8]) -> Option<Vec<(String, String)>> {
    form.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decode(halves.next().unwrap_or_default());
            Some((half()?, half()?))
        })
        .collect()
}

fn decode(text: &[u8]) -> Option<String> {
    let blanks: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    String::from_utf8(percent_decode(&blanks).collect()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_everywhere_on_the_web() {
        for (form, expected) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a=1", &[("a", "1")]),
            (
                "a=1&b=&c&=d",
                &[("a", "1"), ("b", ""), ("c", ""), ("", "d")],
            ),
            ("a=1=2&a=1", &[("a", "1=2"), ("a", "1")]),
            ("a+b=%2B47+9%20", &[("a b", "+47 9 ")]),
            ("a=%c3%B8%F0%9f%98%80ø", &[("a", "ø😀ø")]),
            ("a=100%&b=%zz%4", &[("a", "100%"), ("b", "%zz%4")]),
            ("a=%26%3D%25", &[("a", "&=%")]),
        ] {
            let read = pairs(form.as_bytes()).expect("UTF-8");
            let read: Vec<_> = read.iter().map(|(n, v)| (&**n, &**v)).collect();
            assert_eq!(read, expected, "{form}");
            // The library that everybody reads forms with agrees.
            let theirs: Vec<_> = form_urlencoded::parse(form.as_bytes()).collect();
            let theirs: Vec<_> = theirs.iter().map(|(n, v)| (&**n, &**v)).collect();
            assert_eq!(read, theirs, "{form}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        for form in [
            &b"a=%FF"[..],
            b"a=\xff",
            b"%c3=a",
            b"a=%c3&b=%b8",
            b"b=1&\xc3\x28=2",
        ] {
            assert_eq!(pairs(form), None, "{form:?}");
        }
    }
}
