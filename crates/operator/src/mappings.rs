//! Which of the app's users and subscriptions are which at a payment provider: exported, and imported after a move.

use std::collections::BTreeMap;

use longshore_queue::{Note, Queue, Signed};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::OperatorError;
use crate::operator::Operator;

/// The queue that has them.
const QUEUE: &str = "payment-reconcile";

/// The maps there are.
const MAPS: [&str; 2] = ["customers", "subscriptions"];

/// One line of an export: `{"map":"customers","key":"user-7","value":{"provider":"stripe","customer":"cus_1"}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// `customers` by the app's user id, or `subscriptions` by the provider's id.
    pub map: String,
    /// What is mapped.
    pub key: String,
    /// What to: the name of a provider; or an object with `provider`, `customer`, and perhaps `was`: what the user was before,
    /// in the same form.
    pub value: Value,
}

/// How many entries of a map are at one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappingCount {
    /// `customers` or `subscriptions`.
    pub map: &'static str,
    /// The provider.
    pub provider: String,
    /// How many.
    pub count: u64,
}

/// What an import came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// New ones.
    pub added: u64,
    /// Those that were there, and the same.
    pub same: u64,
    /// Those that were there, and others.
    pub replaced: u64,
}

impl Mapping {
    /// Why it cannot be imported.
    ///
    /// # Errors
    /// With a reason that names the field.
    pub fn check(&self) -> Result<(), String> {
        if !MAPS.contains(&self.map.as_str()) {
            return Err(format!("map: is none of {}", MAPS.join(", ")));
        }
        if self.key.is_empty() || self.key.chars().any(char::is_control) {
            return Err("key: is empty, or has control characters".to_owned());
        }
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
        let is_customer =
            |value: &Value| is_text(&value["provider"]) && is_text(&value["customer"]);
        let fits = match (self.map.as_str(), &self.value) {
            ("subscriptions", value) => is_text(value),
            (_, value) => is_customer(value) && value.get("was").is_none_or(is_customer),
        };
        match fits {
            true => Ok(()),
            false if self.map == "subscriptions" => {
                Err("value: must be the name of a provider".to_owned())
            }
            false => Err(
                "value: must be an object with provider and customer, and perhaps was, which has the same"
                    .to_owned(),
            ),
        }
    }

    /// As it is stored.
    fn stored(&self) -> String {
        match self.value.as_str() {
            Some(text) => text.to_owned(),
            None => self.value.to_string(),
        }
    }

    /// The name of the provider.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        let value = self.value.get("provider").unwrap_or(&self.value);
        value.as_str()
    }

    /// Whether the entry that is there says the same. What a user was before need not be repeated.
    fn is_same(&self, there: &Self) -> bool {
        let now = |value: &Value| [value["provider"].clone(), value["customer"].clone()];
        let was = self.value.get("was");
        match self.value.is_object() {
            true => {
                now(&self.value) == now(&there.value)
                    && (was.is_none() || was == there.value.get("was"))
            }
            false => self.value == there.value,
        }
    }

    /// The same, with the customer that it replaces, unless it says itself what the user was before.
    fn replacing(&self, there: &Self) -> Self {
        let mut new = self.clone();
        if let (Some(value), Some(old)) = (new.value.as_object_mut(), there.value.as_object())
            && !value.contains_key("was")
        {
            let mut was = old.clone();
            was.remove("was");
            value.insert("was".to_owned(), was.into());
        }
        new
    }

    fn read(map: &str, key: String, stored: String) -> Self {
        let value = serde_json::from_str(&stored).ok().filter(Value::is_object);
        Self {
            map: map.to_owned(),
            key,
            value: value.unwrap_or(Value::String(stored)),
        }
    }
}

impl Operator {
    fn mappings_queue(&self) -> Result<&Queue, OperatorError> {
        Ok(&self.queue(QUEUE)?.1)
    }

    /// Hands over every mapping, once it is written down that they are. One that changes meanwhile may come twice.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn export_mappings(
        &self,
        signed: &Signed,
        mut each: impl FnMut(Mapping),
    ) -> Result<(), OperatorError> {
        let queue = self.mappings_queue()?;
        let note = Note {
            action: "export_mappings",
            target: QUEUE,
            ..Note::default()
        };
        queue.note(signed, &note).await?;
        for map in MAPS {
            queue
                .entries(map, |key, value| each(Mapping::read(map, key, value)))
                .await?;
        }
        Ok(())
    }

    /// How many entries are at each provider, by map and name. One that changes meanwhile may count twice.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn count_mappings(&self) -> Result<Vec<MappingCount>, OperatorError> {
        let queue = self.mappings_queue()?;
        let mut counts = BTreeMap::<_, u64>::new();
        for map in MAPS {
            let count = |key, value| {
                let mapping = Mapping::read(map, key, value);
                let provider = mapping.provider().unwrap_or("(unreadable)").to_owned();
                *counts.entry((map, provider)).or_default() += 1;
            };
            queue.entries(map, count).await?;
        }
        let counts = counts.into_iter();
        let counts = counts.map(|((map, provider), count)| MappingCount {
            map,
            provider,
            count,
        });
        Ok(counts.collect())
    }

    /// Those of these mappings that are there with another value, by their place in the list.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses.
    pub async fn mapped_otherwise(
        &self,
        mappings: &[Mapping],
    ) -> Result<BTreeMap<usize, Mapping>, OperatorError> {
        let queue = self.mappings_queue()?;
        let mut others = BTreeMap::new();
        for (n, mapping) in mappings.iter().enumerate() {
            let there = queue.find(&mapping.map, &mapping.key).await?;
            let there = there.map(|value| Mapping::read(&mapping.map, mapping.key.clone(), value));
            if let Some(there) = there.filter(|there| !mapping.is_same(there)) {
                others.insert(n, there);
            }
        }
        Ok(others)
    }

    /// Imports mappings, over those that are there. That it begins is written down first.
    ///
    /// # Errors
    /// When Redis cannot be reached or refuses: then the first ones are imported, and repeating it is safe.
    pub async fn import_mappings(
        &self,
        mappings: &[Mapping],
        signed: &Signed,
    ) -> Result<Imported, OperatorError> {
        let queue = self.mappings_queue()?;
        let result = format!("{} mappings", mappings.len());
        let note = Note {
            action: "import_mappings",
            target: QUEUE,
            result: &result,
            ..Note::default()
        };
        queue.note(signed, &note).await?;
        let mut imported = Imported::default();
        for mapping in mappings {
            let (map, key) = (&mapping.map, &mapping.key);
            let there = queue.find(map, key).await?;
            let value = match there.map(|there| Mapping::read(map, key.clone(), there)) {
                Some(there) if mapping.is_same(&there) => {
                    imported.same += 1;
                    continue;
                }
                Some(there) => {
                    imported.replaced += 1;
                    mapping.replacing(&there).stored()
                }
                None => {
                    imported.added += 1;
                    mapping.stored()
                }
            };
            queue.reassign(map, key, &value).await?;
        }
        Ok(imported)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_imported_is_said() {
        let mapping = |map: &str, key: &str, value| Mapping {
            map: map.to_owned(),
            key: key.to_owned(),
            value,
        };
        let customer = json!({ "provider": "stripe", "customer": "cus_1" });
        for (good, stored) in [
            (
                mapping("customers", "user-7", customer.clone()),
                r#"{"customer":"cus_1","provider":"stripe"}"#,
            ),
            (mapping("subscriptions", "sub_1", json!("stripe")), "stripe"),
        ] {
            assert_eq!(good.check(), Ok(()));
            assert_eq!(good.stored(), stored);
            let read = Mapping::read(&good.map, good.key.clone(), stored.to_owned());
            assert_eq!(read, good);
        }
        for (bad, field) in [
            (mapping("intents", "pi_1", json!("stripe")), "map"),
            (mapping("customers", "", customer), "key"),
            (mapping("customers", "user-7", json!("cus_1")), "value"),
            (
                mapping("customers", "user-7", json!({ "provider": "stripe" })),
                "value",
            ),
            (
                mapping(
                    "customers",
                    "user-7",
                    json!({ "provider": "b", "customer": "c", "was": "cus_1" }),
                ),
                "value",
            ),
            (mapping("subscriptions", "sub_1", json!("")), "value"),
        ] {
            assert!(bad.check().expect_err(field).starts_with(field));
        }
    }
}
