//! What can be configured, written for people from what the sections declare: `default.toml`, and a page of it.

mod page;
mod tables;
mod toml;

use longshore_integration::{Family, Integration};

use super::schema::Schema;

/// `default.toml` of a program with these integrations: every key there is, with its default or an example.
#[must_use]
pub fn defaults(integrations: &[Integration], families: &[Family]) -> String {
    toml::write(&Schema::new(integrations, families))
}

/// The reference page of a program with these integrations, in Markdown.
#[must_use]
pub fn page(integrations: &[Integration], families: &[Family]) -> String {
    page::write(&Schema::new(integrations, families))
}
