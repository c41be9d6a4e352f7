//! Google's words for languages.

/// Those that Google lists for its maps (developers.google.com/maps/faq#languagesupport). It says that the list may not be
/// whole.
const LISTED: &[&str] = &[
    "ar", "be", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "en-AU", "en-GB", "es", "eu", "fa",
    "fi", "fil", "fr", "gl", "gu", "hi", "hr", "hu", "id", "it", "iw", "ja", "kk", "kn", "ko",
    "ky", "lt", "lv", "mk", "ml", "mr", "my", "nl", "no", "pa", "pl", "pt", "pt-BR", "pt-PT", "ro",
    "ru", "sk", "sl", "sq", "sr", "sv", "ta", "te", "th", "tl", "tr", "uk", "uz", "vi", "zh-CN",
    "zh-TW",
];

/// What Google calls otherwise.
const OTHERWISE: &[(&str, &str)] = &[
    ("nb", "no"),
    ("nn", "no"),
    ("he", "iw"),
    ("zh", "zh-CN"),
    ("zh-Hans", "zh-CN"),
    ("zh-Hant", "zh-TW"),
    ("zh-HK", "zh-TW"),
];

/// Google's word for a language: itself where it is listed, another where Google has another, and the language without its
/// country where only that is listed. What is not listed at all is left to Google.
pub(crate) fn googles(tag: &str) -> &str {
    let base = tag.split('-').next().unwrap_or(tag);
    listed(tag)
        .or_else(|| otherwise(tag))
        .or_else(|| listed(base))
        .or_else(|| otherwise(base))
        .unwrap_or(tag)
}

fn listed(tag: &str) -> Option<&'static str> {
    let mut all = LISTED.iter();
    all.find(|word| word.eq_ignore_ascii_case(tag)).copied()
}

fn otherwise(tag: &str) -> Option<&'static str> {
    let mut all = OTHERWISE.iter();
    let (_, word) = all.find(|(word, _)| word.eq_ignore_ascii_case(tag))?;
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_named_as_google_lists_them() {
        for (tag, word) in [
            ("no", "no"),
            ("nb", "no"),
            ("nb-NO", "no"),
            ("nn", "no"),
            ("NO", "no"),
            ("en-gb", "en-GB"),
            ("en-US", "en"),
            ("pt-BR", "pt-BR"),
            ("he", "iw"),
            ("zh-hant", "zh-TW"),
            ("is", "is"),
        ] {
            assert_eq!(googles(tag), word, "{tag}");
        }
    }
}
