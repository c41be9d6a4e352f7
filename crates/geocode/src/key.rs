//! The API key, which has to stand in the query of every request and nowhere else, and what else no reason may hold.

use longshore_provider::secret::{ExposeSecret, SecretString};

/// A key that is not empty. Its debug form does not show it.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey(SecretString);

impl ApiKey {
    /// `None` when there is nothing in it.
    pub(crate) fn new(key: SecretString) -> Option<Self> {
        (!key.expose_secret().trim().is_empty()).then_some(Self(key))
    }

    /// For the query.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text without this very key, plain or as a query has it. Keys of other looks than Google's are found
    /// only so.
    pub(crate) fn remove_from(&self, text: &str) -> String {
        remove(text, self.expose(), "[secret]")
    }
}

/// What no reason may hold, whoever quotes it. Error pages like to quote the whole URL.
#[derive(Clone, Copy)]
pub(crate) struct Unsaid<'a> {
    /// The key.
    pub(crate) key: &'a ApiKey,
    /// The address, which is personal.
    pub(crate) address: &'a str,
}

impl Unsaid<'_> {
    /// The text without them.
    pub(crate) fn remove_from(&self, text: &str) -> String {
        let text = self.key.remove_from(text);
        remove(&text, self.address.trim(), "[address]")
    }
}

/// The text without `unsaid`, plain or as a query has it.
fn remove(text: &str, unsaid: &str, becomes: &str) -> String {
    if unsaid.is_empty() {
        return text.to_owned();
    }
    let encoded: String = form_urlencoded::byte_serialize(unsaid.as_bytes()).collect();
    text.replace(unsaid, becomes).replace(&encoded, becomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_address_are_removed_in_all_their_forms() {
        let key = ApiKey::new("k/1 +x".into()).expect("a key");
        let text = "k/1 +x, k%2F1+%2Bx and key=k%2F1+%2Bx&y, but not k/1";
        let without = "[secret], [secret] and key=[secret]&y, but not k/1";
        assert_eq!(key.remove_from(text), without);
        assert!(!format!("{key:?}").contains("k/1"));
        let unsaid = Unsaid {
            key: &key,
            address: " Øvre gate 1 ",
        };
        let page = "no /json?address=+%C3%98vre+gate+1+&key=k%2F1+%2Bx, nor Øvre gate 1";
        let without = "no /json?address=+[address]+&key=[secret], nor [address]";
        assert_eq!(unsaid.remove_from(page), without);
        for nothing in ["", " ", "\n"] {
            assert!(ApiKey::new(nothing.into()).is_none(), "{nothing:?}");
        }
    }
}
