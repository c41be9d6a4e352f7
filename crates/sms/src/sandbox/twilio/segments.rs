//! How many messages a text takes on the air.

/// The letters of GSM 03.38 that take one place, beside printable ASCII.
const GSM_7: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Those that take two, for the escape before them.
const GSM_7_ESCAPED: &str = "\u{c}^{}\\[~]|€";

/// The number of segments: one of 160 places (70 when a letter is not in GSM-7), or as many of 153 (67) as it
/// takes. What takes two places is never cut in two.
pub(super) fn segments(text: &str) -> usize {
    match text.chars().map(gsm_7_places).collect::<Option<Vec<_>>>() {
        Some(places) => count(&places, 160, 153),
        None => {
            let places: Vec<usize> = text.chars().map(char::len_utf16).collect();
            count(&places, 70, 67)
        }
    }
}

fn gsm_7_places(letter: char) -> Option<usize> {
    match letter {
        _ if GSM_7.contains(letter) => Some(1),
        _ if GSM_7_ESCAPED.contains(letter) => Some(2),
        _ => None,
    }
}

fn count(places: &[usize], alone: usize, joined: usize) -> usize {
    if places.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (full, _) = places.iter().fold((1, 0), |(segments, used), &places| {
        match used + places <= joined {
            true => (segments, used + places),
            false => (segments + 1, places),
        }
    });
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        for (letter, times, expected) in [
            ("a", 1, 1),
            ("a", 160, 1),
            ("a", 161, 2),
            ("a", 306, 2),
            ("a", 307, 3),
            ("å", 160, 1),
            ("€", 80, 1),
            // 76 pairs fit into 153 places, the last place stays empty.
            ("€", 81, 2),
            ("€", 153, 3),
            ("ç", 70, 1),
            ("ç", 71, 2),
            ("ç", 134, 2),
            ("ç", 135, 3),
            ("🫐", 35, 1),
            ("🫐", 36, 2),
            // 33 of them in 67 places.
            ("🫐", 67, 3),
            ("🫐", 1600, 49),
        ] {
            assert_eq!(
                segments(&letter.repeat(times)),
                expected,
                "{times} {letter}"
            );
        }
        assert_eq!(segments(""), 1);
    }
}
