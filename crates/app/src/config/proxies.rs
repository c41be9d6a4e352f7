//! `trusted_proxies`: who may say where a request comes from.

use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, toml_by};
use longshore_listener::TrustedProxies;

section! {
    pub(super) struct ProxySettings in "" {
        /// Proxies and load balancers in front of our public ports, as addresses and networks: `["10.0.0.0/8"]`. A request
        /// from one of them counts as coming from the address that it names in `X-Forwarded-For`. Limits on connections
        /// go by that address.
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
