//! Addresses of mails.

use email_address::{EmailAddress, Options};

/// Whether a text is an address, `local@domain.tld`, without a name or anything else.
#[must_use]
pub fn is_email_address(text: &str) -> bool {
    let options = Options::default()
        .with_required_tld()
        .without_display_text();
    text.len() <= 254 && EmailAddress::parse_with_options(text, options).is_ok()
}
