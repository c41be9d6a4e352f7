//! Paths of keys, made of what sections declare.

/// The path of a key below a section, as a constant: a path that is written out would stay behind when the key is renamed.
///
/// ```
/// use longshore_integration::settings::Section;
/// use longshore_integration::{key_path, section};
///
/// section! {
///     /// A fax service.
///     pub struct FaxSettings in "providers.fax" {
///         /// Its account.
///         pub account: Option<String> = "account" as ACCOUNT, longshore_integration::settings::text().optional();
///     }
/// }
///
/// assert_eq!(key_path!(FaxSettings::AT, "account"), FaxSettings::ACCOUNT);
/// ```
#[macro_export]
macro_rules! key_path {
    ($at:expr, $name:expr) => {{
        const AT: &str = $at;
        const NAME: &str = $name;
        const PATH: [u8; AT.len() + 1 + NAME.len()] = $crate::settings::joined(AT, NAME);
        const TEXT: &str = match ::core::str::from_utf8(&PATH) {
            Ok(text) => text,
            Err(_) => panic!("two texts and a dot are a text"),
        };
        TEXT
    }};
}

/// Both, with a dot between them. `LENGTH` is theirs and one more.
#[doc(hidden)]
#[must_use]
pub const fn joined<const LENGTH: usize>(at: &str, name: &str) -> [u8; LENGTH] {
    let mut path = [b'.'; LENGTH];
    let mut n = 0;
    while n < at.len() {
        path[n] = at.as_bytes()[n];
        n += 1;
    }
    let mut n = 0;
    while n < name.len() {
        path[at.len() + 1 + n] = name.as_bytes()[n];
        n += 1;
    }
    path
}
