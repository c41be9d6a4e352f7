//! The keys there are: those of the program itself, and those of its integrations.

use std::collections::BTreeSet;

use figment::value::{Dict, Value};
use longshore_integration::settings::{
    BUILT_IN, BuiltIn, Key, KeyPath, NAME, PROVIDER, QUEUE, Shape,
};
use longshore_integration::{Integration, Inventory, QueueSpec};

use super::document;
use super::layer::{self, Layer};
use super::{cron, inventory, proxies, queues, redis, sentry, vault, webhooks, worker};

/// The keys of every section that the program itself has.
const SECTIONS: &[&[Key]] = &[
    redis::KEYS,
    proxies::KEYS,
    vault::KEYS,
    worker::KEYS,
    queues::KEYS,
    sentry::KEYS,
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

/// The keys of a program with these integrations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema<'a> {
    integrations: &'a [Integration],
}

impl<'a> Schema<'a> {
    pub(super) fn new(integrations: &'a [Integration]) -> Self {
        Self { integrations }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> + use<'a> {
        let sections = |integration: &'a Integration| integration.settings.keys;
        let theirs = self.integrations.iter().flat_map(sections);
        SECTIONS.iter().chain(theirs).copied().flatten()
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &'a QueueSpec> + use<'a> {
        self.integrations
            .iter()
            .map(|integration| &integration.queue)
    }

    /// Every provider that has a key of its own.
    pub(super) fn providers(&self) -> BTreeSet<&'static str> {
        self.keys().filter_map(provider_of).collect()
    }

    /// What is said of a provider unless it is configured.
    fn inventory(&self, provider: &str) -> Inventory {
        let providers = self
            .integrations
            .iter()
            .filter_map(|of| of.provider.as_ref());
        providers
            .flat_map(|of| {
                let beside = of
                    .beside
                    .iter()
                    .map(|beside| (beside.name, beside.inventory));
                std::iter::once((of.name, of.inventory)).chain(beside)
            })
            .find_map(|(name, inventory)| (name == provider).then_some(inventory))
            .unwrap_or_else(|| inventory::of_ours(provider))
    }

    /// The lowest layer.
    pub(super) fn built_in(&self) -> Layer {
        let mut values = Dict::new();
        for key in self.keys() {
            let mut set = |path: &str, text: &str| {
                let path = KeyPath::from(path);
                layer::insert(&mut values, path.words(), read(key.shape, text));
            };
            match key.built_in {
                BuiltIn::None => {}
                BuiltIn::Always(text) if key.path.contains(QUEUE) => {
                    for queue in self.queues() {
                        set(&key.path.replace(QUEUE, queue.name), text);
                    }
                }
                BuiltIn::Always(text) => set(key.path, text),
                BuiltIn::PerQueue(text) => {
                    for queue in self.queues() {
                        if let Some(text) = text(queue) {
                            set(&key.path.replace(QUEUE, queue.name), &text);
                        }
                    }
                }
                BuiltIn::PerProvider(text) => {
                    for provider in self.providers() {
                        if let Some(text) = text(self.inventory(provider)) {
                            set(&key.path.replace(PROVIDER, provider), text);
                        }
                    }
                }
            }
        }
        cron::built_in(&mut values, self.integrations);
        Layer::of(BUILT_IN, values)
    }

    /// What stands at this path.
    pub(super) fn place(&self, path: &KeyPath) -> Place {
        let mut place = Place::Unknown;
        for key in self.keys() {
            match self.rest(key, path.words()).as_deref() {
                Some([]) => return Place::Key(key),
                Some(_) => place = Place::Section,
                None => {}
            }
        }
        place
    }

    /// The words that may follow this path, where they are known beforehand.
    pub(super) fn words_under(&self, path: &KeyPath) -> BTreeSet<&'static str> {
        self.keys()
            .filter_map(|key| self.rest(key, path.words())?.first().copied())
            .flat_map(|word| match word {
                QUEUE => self.queues().map(|queue| queue.name).collect(),
                NAME => Vec::new(),
                PROVIDER => self.providers().into_iter().collect(),
                word => vec![word],
            })
            .collect()
    }

    /// What is left of a key's words when it begins with these.
    fn rest(&self, key: &'static Key, words: &[String]) -> Option<Vec<&'static str>> {
        let mut pattern = key.path.split('.');
        for word in words {
            let fits = match pattern.next()? {
                QUEUE => self.queues().any(|queue| queue.name == word),
                NAME => true,
                PROVIDER => self.keys().any(|key| provider_of(key) == Some(word)),
                fixed => fixed == word,
            };
            if !fits {
                return None;
            }
        }
        Some(pattern.collect())
    }
}

/// The value that a text from outside TOML means.
pub(super) fn read(shape: Shape, text: &str) -> Value {
    let parsed = match shape {
        Shape::Text => None,
        Shape::Toml => document::parse_value(text),
        Shape::TextOrTable => document::parse_value(text).filter(|value| value.as_dict().is_some()),
    };
    parsed.unwrap_or_else(|| Value::from(text))
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
    use super::*;

    type Setting = (KeyPath, &'static Key, Value);

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
        let program = crate::program();
        let schema = Schema::new(program.integrations());
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
        for key in schema.keys().filter(|key| key.shape != Shape::TextOrTable) {
            let shown = found.iter().any(|(_, k, _)| k.path == key.path);
            assert!(shown, "default.toml does not show {}", key.path);
        }
    }

    #[test]
    fn default_toml_as_shipped_sets_nothing() {
        let program = crate::program();
        let schema = Schema::new(program.integrations());
        let document = Document::parse(DEFAULT_TOML).unwrap_or_else(|b| panic!("{}", b.why));
        let mut found = Vec::new();
        settings(&schema, &KeyPath::default(), &document.values, &mut found);
        assert_eq!(found.len(), 0, "{:?}", found.first());
    }
}
