//! The table, and its name.

use std::fmt;
use std::str::FromStr;

/// The definition of the table, for the app's migrations. Running it again changes nothing.
pub const SCHEMA: &str = include_str!("../sql/longshore_outbox.sql");

/// The name that [`SCHEMA`] gives it.
const NAME: &str = "longshore_outbox";

/// The name of the table: `longshore_outbox`, unless the app keeps it elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxTable(String);

/// A text that cannot be the table's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be the table's name: use a-z, 0-9 and _, at most 48 of them, and where it is not in the search path its schema and a dot before it"
)]
pub struct InvalidOutboxTable(String);

impl OutboxTable {
    /// Its definition under this name.
    #[must_use]
    pub fn schema(&self) -> String {
        let (schema, name) = self.parts();
        let of_table = SCHEMA.replace(NAME, name);
        match schema {
            None => of_table,
            Some(schema) => {
                format!("SET search_path = {schema}, public;\n\n{of_table}\nRESET search_path;\n")
            }
        }
    }

    /// Its name, as statements have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The channel that its trigger notifies.
    #[cfg(feature = "carrier")]
    pub(crate) fn channel(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (Option<&str>, &str) {
        match self.0.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, &self.0),
        }
    }
}

impl Default for OutboxTable {
    fn default() -> Self {
        Self(NAME.to_owned())
    }
}

impl FromStr for OutboxTable {
    type Err = InvalidOutboxTable;

    fn from_str(text: &str) -> Result<Self, InvalidOutboxTable> {
        // 63 is Postgres's limit; the names of its indexes are longer than its own by up to ten.
        let fits = |name: &str| {
            let mut bytes = name.bytes();
            let begins = |b: u8| b.is_ascii_lowercase() || b == b'_';
            name.len() <= 48
                && bytes.next().is_some_and(begins)
                && bytes.all(|b| begins(b) || b.is_ascii_digit())
        };
        let table = Self(text.to_owned());
        let (schema, name) = table.parts();
        match fits(name) && schema.is_none_or(fits) {
            true => Ok(table),
            false => Err(InvalidOutboxTable(text.chars().take(100).collect())),
        }
    }
}

impl fmt::Display for OutboxTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for name in ["longshore_outbox", "app.jobs", "_a1"] {
            assert_eq!(name.parse::<OutboxTable>().expect(name).as_str(), name);
        }
        let long = "a".repeat(49);
        for name in [
            "", "a.", ".a", "a.b.c", "a b", "a;b", "A", "1a", "\"a\"", &long,
        ] {
            assert!(name.parse::<OutboxTable>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_definition_is_made_for_a_name() {
        assert_eq!(OutboxTable::default().schema(), SCHEMA);
        let other: OutboxTable = "app.jobs".parse().expect("good");
        let schema = other.schema();
        assert!(schema.starts_with("SET search_path = app, public;"));
        assert!(schema.contains("CREATE TABLE IF NOT EXISTS jobs ("));
        assert!(schema.contains("pg_notify('jobs', '')") && !schema.contains(NAME));
    }
}
