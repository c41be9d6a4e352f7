//! `webhooks.*`: the public listener.

use std::net::SocketAddr;

use longshore_integration::PublicUrl;
use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, listen_addr, text_by};

section! {
    /// How providers' events reach us.
    pub struct WebhooksSettings in "webhooks" {
        /// Where `longshore webhooks` listens for providers' events. Port 0 picks a free one.
        pub http_addr: SocketAddr = "http_addr" as HTTP_ADDR, listen_addr().or("127.0.0.1:9465");
        /// Where it serves `/livez`, `/readyz` and `/metrics`, apart from what the outside reaches.
        pub private_addr: SocketAddr = "private_addr" as PRIVATE_ADDR, listen_addr().or("127.0.0.1:9467");
        /// Scheme, host and port that the outside knows the listener by. With it, Twilio is asked to report what becomes of
        /// each message; its signatures are over this URL, whatever stands between. Without it events of other providers are taken,
        /// and none of Twilio's.
        pub public_url: Option<PublicUrl> = "public_url" as PUBLIC_URL,
            text_by(public_url).optional().example("https://hooks.example.com");
    }
}

fn public_url(reader: &mut Reader<'_>, path: &KeyPath) -> Option<PublicUrl> {
    let url = match reader.text(path)?.parse::<PublicUrl>() {
        Ok(url) => url,
        // Says what is wrong without quoting the text, which may have credentials in it.
        Err(error) => {
            let cure = "write scheme, host and port only; https, or http for loopback";
            reader.error(path, format!("cannot be used, {error}"), cure);
            return None;
        }
    };
    if reader.is_profile("production") && !url.to_string().starts_with("https:") {
        let cure = "use https: events hold personal data";
        reader.error(path, "is plain http", cure);
        return None;
    }
    Some(url)
}
