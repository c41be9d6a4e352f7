//! Styles and scripts: in the binary, each under a name that holds its digest, so that browsers keep it for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

use crate::packed::{BEST, gzip, takes_gzip};

/// A file that is served.
#[derive(Debug)]
pub(crate) struct Asset {
    name: String,
    content_type: &'static str,
    text: &'static str,
    packed: Vec<u8>,
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, text: &'static str) -> Self {
        Self {
            name: hashed(stem, extension, text),
            content_type,
            text,
            packed: gzip(text.as_bytes(), BEST),
        }
    }

    /// Its path within the console.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// The one style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/style.css");
    Asset::new("style", "css", "text/css; charset=utf-8", text)
});

/// Our own script: shortcuts, what moves by itself, ages and countdowns.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/script.js");
    Asset::new("script", "js", "text/javascript; charset=utf-8", text)
});

/// Where it is drawn in the corner of the browser's tab.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", text)
});

/// `GET /assets/{name}`
pub(crate) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let assets = [&*STYLE, &*SCRIPT, &*ICON];
    let Some(asset) = assets.into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let said = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
    ];
    match takes_gzip(&headers) {
        true => (said, [(CONTENT_ENCODING, "gzip")], &asset.packed[..]).into_response(),
        false => (said, asset.text).into_response(),
    }
}

fn hashed(stem: &str, extension: &str, text: &str) -> String {
    let digest = digest(&SHA256, text.as_bytes());
    let short: String = digest.as_ref()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{stem}.{short}.{extension}")
}
