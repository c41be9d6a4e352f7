//! The API key, which has to stand in the query of every request and nowhere else, and what else no reason may hold.

use longshore_provider::secret::{ExposeSecret, Secret, SecretString, Unusable};

/// The key of one run: what is sent is what reasons are rid of, also when there is another one meanwhile. Its debug form
/// does not show it.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey(SecretString);

/// From now on the key takes no value that is empty; `None` when it is.
pub(crate) fn not_empty(key: &Secret) -> Option<()> {
    let rule = |key: &str| match key.trim().is_empty() {
        true => Err(Unusable("it is empty")),
        false => Ok(()),
    };
    key.require(rule).ok()
}

impl ApiKey {
    /// As it is now.
    pub(crate) fn of(key: &Secret) -> Self {
        Self(key.current())
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
pub(crate) struct Redactions<'a> {
    /// The key.
    pub(crate) key: &'a ApiKey,
    /// What was looked for, which is personal.
    pub(crate) sought: &'a [String],
}

impl Redactions<'_> {
    /// The text without them.
    pub(crate) fn remove_from(&self, text: &str) -> String {
        let text = self.key.remove_from(text);
        // A word of two letters is in every text.
        let personal = self.sought.iter().map(|text| text.trim());
        let personal = personal.filter(|text| text.chars().count() > 2);
        personal.fold(text, |text, sought| remove(&text, sought, "[address]"))
    }
}

/// The text without `secret`, plain or as a query has it.
fn remove(text: &str, secret: &str, becomes: &str) -> String {
    if secret.is_empty() {
        return text.to_owned();
    }
    let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    text.replace(secret, becomes).replace(&encoded, becomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_address_are_removed_in_all_their_forms() {
        let key = ApiKey::of(&"k/1 +x".into());
        let text = "k/1 +x, k%2F1+%2Bx and key=k%2F1+%2Bx&y, but not k/1";
        let without = "[secret], [secret] and key=[secret]&y, but not k/1";
        assert_eq!(key.remove_from(text), without);
        assert!(!format!("{key:?}").contains("k/1"));
        let redactions = Redactions {
            key: &key,
            sought: &[" Øvre gate 1 ".to_owned()],
        };
        let page = "no /json?address=+%C3%98vre+gate+1+&key=k%2F1+%2Bx, nor Øvre gate 1";
        let without = "no /json?address=+[address]+&key=[secret], nor [address]";
        assert_eq!(redactions.remove_from(page), without);
        for nothing in ["", " ", "\n"] {
            assert!(not_empty(&nothing.into()).is_none(), "{nothing:?}");
        }
    }
}
