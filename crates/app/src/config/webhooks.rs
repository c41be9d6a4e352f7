//! `webhooks.*`: the public listener.

use std::net::SocketAddr;

use longshore_integration::PublicUrl;
use longshore_integration::settings::{Key, Reader};

const PUBLIC_URL: &str = "webhooks.public_url";

pub(super) const KEYS: &[Key] = &[
    Key::text("webhooks.http_addr").or("127.0.0.1:9465"),
    Key::text("webhooks.private_addr").or("127.0.0.1:9467"),
    Key::text(PUBLIC_URL),
];

/// How the outside reaches us.
#[derive(Debug, Clone)]
pub struct WebhooksSettings {
    /// Where events are listened for. Port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` are served, apart from what the outside reaches.
    pub private_addr: SocketAddr,
    /// The origin that the outside knows the listener by; signatures are over it.
    pub public_url: Option<PublicUrl>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<WebhooksSettings> {
    let http_addr = reader.listen_addr("webhooks.http_addr");
    let private_addr = reader.listen_addr("webhooks.private_addr");
    let public_url = match reader.is_set(PUBLIC_URL) {
        true => public_url(reader).map(Some),
        false => Some(None),
    };
    Some(WebhooksSettings {
        http_addr: http_addr?,
        private_addr: private_addr?,
        public_url: public_url?,
    })
}

fn public_url(reader: &mut Reader<'_>) -> Option<PublicUrl> {
    let url = match reader.text(PUBLIC_URL)?.parse::<PublicUrl>() {
        Ok(url) => url,
        // Says what is wrong without quoting the text, which may have credentials in it.
        Err(error) => {
            let cure = "write scheme, host and port only; https, or http for loopback";
            reader.error(PUBLIC_URL, format!("cannot be used, {error}"), cure);
            return None;
        }
    };
    if reader.is_profile("production") && !url.to_string().starts_with("https:") {
        let cure = "use https: events hold personal data";
        reader.error(PUBLIC_URL, "is plain http", cure);
        return None;
    }
    Some(url)
}
