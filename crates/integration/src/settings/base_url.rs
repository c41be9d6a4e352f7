//! `base_url` of a provider.

use longshore_provider::Origin;

use super::key::KeyPath;
use super::reader::Reader;

/// Reads a provider's `base_url`.
///
/// Credentials go to whatever it names. So an [`Origin`] is plain http for loopback alone, where the sandbox is, and
/// in production not even there.
pub(super) fn read(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Origin> {
    let origin = match reader.text(path)?.parse::<Origin>() {
        Ok(origin) => origin,
        // Says what is wrong without quoting the text, which may have credentials in it.
        Err(error) => {
            let cure = "write scheme, host and port only; https, or http for loopback";
            reader.error(path, format!("is not an origin, {error}"), cure);
            return None;
        }
    };
    // What is built in is a stand-in's that is off.
    let is_configured = reader.is_configured(path);
    if is_configured && reader.is_profile("production") && !origin.to_string().starts_with("https:")
    {
        let cure = "use https: production sends credentials to real services only";
        reader.error(path, "is plain http", cure);
        return None;
    }
    Some(origin)
}
