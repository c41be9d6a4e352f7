//! What is sent compressed, and to whom.
//!
//! The size of a compressed page tells what its texts have in common. Whoever can have a browser ask for pages with texts of their
//! choice, and sees how long the answers are, finds out by and by what else stands there. So a page is compressed only for a
//! request that the browser says was made by a page of ours, or typed: nobody else's page can have one made. The token in
//! its forms is written differently each time all the same (`session::masked`), and what shows personal data is not compressed.

use std::io::Write;

use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderMap, HeaderValue};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::headers::FETCH_SITE;

/// What is compressed once, and kept.
pub(crate) const BEST: Compression = Compression::best();

/// What is compressed for each request: more would take longer than it saves.
pub(crate) const QUICK: Compression = Compression::new(4);

/// The same, compressed.
pub(crate) fn gzip(text: &[u8], level: Compression) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), level);
    // A vector takes all that it is given.
    let written = encoder.write_all(text).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// Whether the browser reads it.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter();
    let mut codings = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = quality.trim().strip_prefix("q=").unwrap_or("1");
        name.trim().eq_ignore_ascii_case("gzip") && quality.parse() != Ok(0.0_f32)
    })
}

/// Whether a page may be compressed for this request.
pub(crate) fn may_pack(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    takes_gzip(headers) && matches!(site, Some(b"same-origin" | b"none"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use axum::http::HeaderName;
    use flate2::read::GzDecoder;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().cloned();
        pairs
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_who_takes_it_gets_it() {
        for (said, takes) in [
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip;q=0.0, br", false),
            ("br", false),
            ("xgzip", false),
            ("", false),
        ] {
            assert_eq!(
                takes_gzip(&headers(&[(ACCEPT_ENCODING, said)])),
                takes,
                "{said:?}"
            );
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_anothers_page_asks_for_is_not_compressed() {
        for (site, may) in [
            ("same-origin", true),
            ("none", true),
            ("cross-site", false),
            ("same-site", false),
        ] {
            let both = headers(&[(ACCEPT_ENCODING, "gzip"), (FETCH_SITE, site)]);
            assert_eq!(may_pack(&both), may, "{site}");
        }
        assert!(
            !may_pack(&headers(&[(ACCEPT_ENCODING, "gzip")])),
            "nothing is said"
        );
    }

    #[test]
    fn nothing_is_lost() {
        let text = "a page ".repeat(1_000);
        for level in [BEST, QUICK] {
            let packed = gzip(text.as_bytes(), level);
            assert!(packed.len() < 200, "{}", packed.len());
            let mut read = String::new();
            let mut decoder = GzDecoder::new(&packed[..]);
            decoder.read_to_string(&mut read).expect("it is gzip");
            assert_eq!(read, text);
        }
    }
}
