//! Objects that are written as their id or, expanded, as themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

/// Another object: its id, or itself where the request has asked for that.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Linked<T> {
    /// Its id.
    Id(String),
    /// Itself.
    Object(Box<T>),
}

impl<T> Linked<T> {
    /// The object, if it was expanded.
    pub(crate) fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// What has an id.
pub(crate) trait Identified {
    fn id(&self) -> &str;
}

impl<T: Identified> Linked<T> {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }
}

/// Something of which only what the app wrote on it is needed: a payment, a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct WithMetadata {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Identified for WithMetadata {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The id of something of which nothing else is needed.
pub(super) fn id_of<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Union {
        Id(String),
        Object { id: String },
    }
    let union = Option::<Union>::deserialize(deserializer)?;
    Ok(union.map(|union| match union {
        Union::Id(id) | Union::Object { id } => id,
    }))
}
