//! `trusted_proxies`: who may say where a request comes from.

use longshore_integration::settings::{Key, Reader};
use longshore_listener::TrustedProxies;

const TRUSTED_PROXIES: &str = "trusted_proxies";

pub(super) const KEYS: &[Key] = &[Key::toml(TRUSTED_PROXIES).or("[]")];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<TrustedProxies> {
    let texts = reader.text_list(TRUSTED_PROXIES)?;
    match TrustedProxies::parse(texts.iter().map(String::as_str)) {
        Ok(proxies) => Some(proxies),
        Err(error) => {
            let cure =
                "write addresses such as 10.0.0.7, and networks such as 10.0.0.0/8 or fd00::/8";
            reader.error(TRUSTED_PROXIES, format!("holds {error}"), cure);
            None
        }
    }
}
