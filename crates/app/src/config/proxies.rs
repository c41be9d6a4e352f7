//! `trusted_proxies`: who may say where a request comes from.

use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, toml_by};
use longshore_listener::TrustedProxies;

section! {
    pub(super) struct ProxySettings in "" {
        /// Proxies and load balancers in front of our public ports: the address that they name in `X-Forwarded-For` is taken
        /// for the one a request comes from. Limits on connections are by that address. Addresses and networks:
        /// `["10.0.0.0/8"]`.
        pub(super) trusted: TrustedProxies = "trusted_proxies", toml_by(proxies).or("[]");
    }
}

fn proxies(reader: &mut Reader<'_>, path: &KeyPath) -> Option<TrustedProxies> {
    let texts = reader.text_list(path)?;
    match TrustedProxies::parse(texts.iter().map(String::as_str)) {
        Ok(proxies) => Some(proxies),
        Err(error) => {
            let cure =
                "write addresses such as 10.0.0.7, and networks such as 10.0.0.0/8 or fd00::/8";
            reader.error(path, format!("holds {error}"), cure);
            None
        }
    }
}
