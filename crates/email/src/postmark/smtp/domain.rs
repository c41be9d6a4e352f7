//! Domains in ASCII, as every mail server takes them.

use unicode_normalization::UnicodeNormalization;

/// The longest label of a domain, in bytes.
const LONGEST_LABEL: usize = 63;

/// A domain with each label that is not ASCII as `xn--…` (RFC 3492): what registries hold, and what mail servers look up.
/// `None` where a label would be too long.
///
/// Labels are folded as registries fold them: compatibility forms (NFKC) and lower case. Whether a registry sells such a name
/// is not looked at: a domain that is not there has no mail server.
pub(super) fn in_ascii(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_owned());
    }
    let folded: String = domain.nfkc().collect::<String>().to_lowercase();
    let folded: String = folded.nfc().collect();
    // Full stops of other scripts part labels, too.
    let labels = folded.split(['.', '\u{3002}']).map(|label| {
        let label = match label.is_ascii() {
            true => label.to_owned(),
            false => format!("xn--{}", idna::punycode::encode_str(label)?),
        };
        (label.len() <= LONGEST_LABEL).then_some(label)
    });
    Some(labels.collect::<Option<Vec<_>>>()?.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side by Python's `idna` package 3.20, `idna.encode(domain, uts46=True)`.
    #[test]
    fn labels_are_those_of_registries() {
        for (domain, expected) in [
            ("Example.COM", "Example.COM"),
            ("blåbær.no", "xn--blbr-roah.no"),
            ("BLÅBÆR.no", "xn--blbr-roah.no"),
            ("bla\u{30a}bær.no", "xn--blbr-roah.no"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("straße.de", "xn--strae-oqa.de"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
            ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ] {
            assert_eq!(in_ascii(domain).as_deref(), Some(expected), "{domain}");
        }
        assert_eq!(in_ascii(&format!("{}.no", "ø".repeat(64))), None);
    }
}
