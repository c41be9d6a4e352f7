//! Where the address of a provider stands.

use longshore_integration::settings::KeyPath;

use super::Config;
use super::schema::{Place, Schema};

impl Config {
    /// The key of a provider's address, as messages have it; `None` where none is known by its name.
    #[must_use]
    pub fn address_key(&self, provider: &str) -> Option<String> {
        let schema = Schema::new(&self.integrations, &self.families);
        let keys = [
            format!("providers.{provider}.base_url"),
            format!("providers.{provider}.endpoint_url"),
            format!("{provider}.url"),
            format!("services.{provider}.base_url"),
        ];
        let mut keys = keys.into_iter();
        keys.find(|key| matches!(schema.place(&KeyPath::from(key.as_str())), Place::Key(_)))
    }
}
