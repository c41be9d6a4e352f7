//! Styles and scripts: in the binary, each under a name that holds its digest, so that browsers keep it for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use ring::digest::{SHA256, digest};

/// A file that is served.
#[derive(Debug)]
pub(crate) struct Asset {
    name: String,
    content_type: &'static str,
    text: &'static str,
}

/// The one style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| Asset {
    name: hashed("style", "css", include_str!("../assets/style.css")),
    content_type: "text/css; charset=utf-8",
    text: include_str!("../assets/style.css"),
});

/// Our own script: shortcuts, what moves by itself, ages and countdowns.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| Asset {
    name: hashed("script", "js", include_str!("../assets/script.js")),
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("../assets/script.js"),
});

/// htmx 2, unchanged; its licence is beside it.
pub(crate) static HTMX: LazyLock<Asset> = LazyLock::new(|| Asset {
    name: hashed("htmx", "js", include_str!("../assets/htmx.min.js")),
    content_type: "text/javascript; charset=utf-8",
    text: include_str!("../assets/htmx.min.js"),
});

/// Where it is drawn in the corner of the browser's tab.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| Asset {
    name: hashed("icon", "svg", include_str!("../assets/icon.svg")),
    content_type: "image/svg+xml",
    text: include_str!("../assets/icon.svg"),
});

impl Asset {
    /// Its path within the console.
    pub(crate) fn path(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// `GET /assets/{name}`
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let assets = [&*STYLE, &*SCRIPT, &*HTMX, &*ICON];
    match assets.into_iter().find(|asset| asset.name == name) {
        Some(asset) => (
            [
                (CONTENT_TYPE, asset.content_type),
                (CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.text,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
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
