//! What only those who wait for a job are told.

use std::fmt;

use serde_json::Value;

/// A result that is kept nowhere: only those who wait for the job while it runs are told. For what a browser needs and nobody else
/// may have, such as a payment's client secret. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateResult(Value);

impl PrivateResult {
    /// This value, as private.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The value itself. Log it nowhere, and store it nowhere.
    #[must_use]
    pub fn expose(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for PrivateResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateResult(_)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let private = PrivateResult::new(serde_json::json!({ "client_secret": "pi_1_secret_x" }));
        assert_eq!(format!("{private:?}"), "PrivateResult(_)");
        assert_eq!(private.expose()["client_secret"], "pi_1_secret_x");
    }
}
