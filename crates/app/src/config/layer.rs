//! One layer of values and where each of them stands, as a figment provider.

use std::collections::BTreeMap;

use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use longshore_integration::settings::KeyPath;

/// Values with their origins. figment tags each value with the metadata of its layer, and the metadata's interpolater
/// turns a key into the origin: so the origin of what wins a merge is known without a second book.
#[derive(Clone)]
pub(super) struct Layer {
    metadata: Metadata,
    values: Dict,
}

impl Layer {
    /// A layer whose every value has this one origin.
    pub(super) fn of(name: &'static str, values: Dict) -> Self {
        Self {
            metadata: Metadata::named(name).interpolater(move |_, _| name.to_owned()),
            values,
        }
    }

    /// A layer that knows the origins of these keys; one it does not know stands where its nearest ancestor stands.
    pub(super) fn with_origins(
        name: String,
        values: Dict,
        origins: BTreeMap<KeyPath, String>,
    ) -> Self {
        let whole = name.clone();
        let origin = move |_: &Profile, path: &[&str]| {
            (1..=path.len())
                .rev()
                .find_map(|depth| origins.get(&KeyPath::new(&path[..depth])))
                .unwrap_or(&whole)
                .clone()
        };
        Self {
            metadata: Metadata::named(name).interpolater(origin),
            values,
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.metadata.clone()
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// Puts a value at a path, making the tables on the way. What stands in the way is replaced.
pub(super) fn insert(values: &mut Dict, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            values.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let mut table = values
                .remove(name)
                .and_then(Value::into_dict)
                .unwrap_or_default();
            insert(&mut table, rest, value);
            values.insert(name.clone(), Value::from(table));
        }
    }
}
