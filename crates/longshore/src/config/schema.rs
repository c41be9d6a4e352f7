//! The one list of keys.

use std::collections::BTreeSet;

use figment::value::Dict;

use super::key::{BuiltIn, Key, KeyPath, NAME, PROVIDER, QUEUE};
use super::layer::{self, Layer};
use super::queues::QueueSpec;
use super::{
    app, buckets, cron, email, google_maps, inventory, postmark, proxies, queues, redis, sendgrid,
    sentry, storage, stripe, testpay, twilio, vault, webhooks, worker,
};

/// The keys of every section.
const SECTIONS: &[&[Key]] = &[
    redis::KEYS,
    proxies::KEYS,
    vault::KEYS,
    worker::KEYS,
    queues::KEYS,
    sendgrid::KEYS,
    postmark::KEYS,
    email::KEYS,
    twilio::KEYS,
    google_maps::KEYS,
    stripe::KEYS,
    testpay::KEYS,
    sentry::KEYS,
    app::KEYS,
    storage::KEYS,
    buckets::KEYS,
    webhooks::KEYS,
    inventory::KEYS,
    cron::KEYS,
];

/// What stands at a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// A key.
    Key(&'static Key),
    /// A table of keys.
    Section,
    /// Nothing.
    Unknown,
}

/// The keys, for the queues of this binary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'a> {
    queues: &'a [QueueSpec],
}

impl<'a> Schema<'a> {
    pub(super) fn new(queues: &'a [QueueSpec]) -> Self {
        Self { queues }
    }

    pub(super) fn keys() -> impl Iterator<Item = &'static Key> {
        SECTIONS.iter().copied().flatten()
    }

    /// Every provider that has a key of its own.
    pub(super) fn providers() -> BTreeSet<&'static str> {
        Self::keys().filter_map(provider_of).collect()
    }

    /// The lowest layer.
    pub(super) fn built_in(&self) -> Layer {
        let mut values = Dict::new();
        for key in Self::keys() {
            if let BuiltIn::PerProvider(text) = key.built_in {
                for provider in Self::providers() {
                    if let Some(text) = text(provider) {
                        let path = KeyPath::from(&*key.path.replace(PROVIDER, provider));
                        layer::insert(&mut values, path.words(), key.shape.read(text));
                    }
                }
                continue;
            }
            let queues = match key.path.contains(QUEUE) {
                true => self.queues.iter().map(Some).collect(),
                false => vec![None],
            };
            for queue in queues {
                let text = match (&key.built_in, queue) {
                    (BuiltIn::Always(text), _) => (*text).to_owned(),
                    (BuiltIn::PerQueue(text), Some(queue)) => match text(queue) {
                        Some(text) => text,
                        None => continue,
                    },
                    (BuiltIn::PerQueue(_), None) | (BuiltIn::None | BuiltIn::PerProvider(_), _) => {
                        continue;
                    }
                };
                let path = KeyPath::from(&*key.path.replace(QUEUE, queue.map_or("", |q| q.name)));
                layer::insert(&mut values, path.words(), key.shape.read(&text));
            }
        }
        cron::built_in(&mut values, self.queues);
        Layer::of(layer::BUILT_IN, values)
    }

    /// What stands at this path.
    pub(super) fn place(&self, path: &KeyPath) -> Place {
        let mut place = Place::Unknown;
        for key in Self::keys() {
            match self.rest(key, path.words()).as_deref() {
                Some([]) => return Place::Key(key),
                Some(_) => place = Place::Section,
                None => {}
            }
        }
        place
    }

    /// The words that may follow this path, where they are known beforehand.
    pub(super) fn words_under(&self, path: &KeyPath) -> BTreeSet<&'a str> {
        Self::keys()
            .filter_map(|key| self.rest(key, path.words())?.first().copied())
            .flat_map(|word| match word {
                QUEUE => self.queues.iter().map(|queue| queue.name).collect(),
                NAME => Vec::new(),
                PROVIDER => Self::providers().into_iter().collect(),
                word => vec![word],
            })
            .collect()
    }

    /// What is left of a key's words when it begins with these.
    fn rest(&self, key: &'static Key, words: &[String]) -> Option<Vec<&'static str>> {
        let mut pattern = key.path.split('.');
        for word in words {
            let fits = match pattern.next()? {
                QUEUE => self.queues.iter().any(|queue| queue.name == word),
                NAME => true,
                PROVIDER => Self::keys().any(|key| provider_of(key) == Some(word)),
                fixed => fixed == word,
            };
            if !fits {
                return None;
            }
        }
        Some(pattern.collect())
    }
}

/// The provider that a key belongs to, if it is one's own.
fn provider_of(key: &Key) -> Option<&'static str> {
    let name = key.path.strip_prefix("providers.")?.split('.').next();
    name.filter(|name| *name != PROVIDER)
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::value::Value;

    use super::super::document::Document;
    use super::super::key::Shape;
    use super::*;

    type Setting = (KeyPath, &'static Key, Value);

    const EMAIL: &[QueueSpec] = &[QueueSpec::new("email")];
    const DEFAULT_TOML: &str = include_str!("../../../../config/default.toml");

    /// Every key that is set, with its value.
    fn settings(schema: &Schema<'_>, above: &KeyPath, table: &Dict, found: &mut Vec<Setting>) {
        for (name, value) in table {
            let path = above.join(name);
            match (schema.place(&path), value.as_dict()) {
                (Place::Key(key), None) => found.push((path, key, value.clone())),
                (Place::Unknown, _) | (_, None) => panic!("default.toml: {path} is not known"),
                (_, Some(inner)) => settings(schema, &path, inner, found),
            }
        }
    }

    #[test]
    fn default_toml_shows_every_key_with_its_default() {
        let schema = Schema::new(EMAIL);
        let built_in = Figment::from(schema.built_in());
        let uncommented: String = DEFAULT_TOML
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
                _ => line,
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        let document = Document::parse(&uncommented).unwrap_or_else(|b| panic!("{}", b.why));
        let mut found = Vec::new();
        settings(&schema, &KeyPath::default(), &document.values, &mut found);

        for (path, key, value) in &found {
            if let Ok(default) = built_in.find_value(&path.to_string()) {
                assert_eq!(*value, default, "default.toml shows another {path}");
            } else {
                assert!(matches!(key.built_in, BuiltIn::None), "{path}");
            }
        }
        for key in Schema::keys().filter(|key| key.shape != Shape::TextOrTable) {
            let shown = found.iter().any(|(_, k, _)| k.path == key.path);
            assert!(shown, "default.toml does not show {}", key.path);
        }
    }

    #[test]
    fn default_toml_as_shipped_sets_nothing() {
        let schema = Schema::new(EMAIL);
        let document = Document::parse(DEFAULT_TOML).unwrap_or_else(|b| panic!("{}", b.why));
        let mut found = Vec::new();
        settings(&schema, &KeyPath::default(), &document.values, &mut found);
        assert_eq!(found.len(), 0, "{:?}", found.first());
    }
}
