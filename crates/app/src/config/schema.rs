//! The keys there are: those of the program itself, and those of its integrations.

use std::collections::BTreeSet;

use figment::value::{Dict, Value};
use longshore_integration::settings::{
    BUILT_IN, BuiltIn, Declared, KIND, Key, KeyPath, NAME, PROVIDER, QUEUE, Shape,
};
use longshore_integration::{Integration, Inventory, QueueSpec};

use super::document;
use super::layer::{self, Layer};
use super::{cron, inventory, kinds, proxies, queues, redis, sentry, vault, webhooks, worker};

/// The keys of every section that the program itself has.
const SECTIONS: &[&[Key]] = &[
    redis::KEYS,
    proxies::KEYS,
    vault::KEYS,
    worker::KEYS,
    queues::KEYS,
    kinds::KEYS,
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

    fn kinds(&self) -> impl Iterator<Item = &'static str> + use<'a> {
        let kinds = self.integrations.iter().flat_map(|of| of.kinds);
        kinds.map(|kind| kind.kind)
    }

    /// Every provider that has a key of its own.
    pub(super) fn providers(&self) -> BTreeSet<&'static str> {
        self.keys().filter_map(provider_of).collect()
    }

    /// What is said of a provider unless it is configured.
    fn inventory(&self, provider: &str) -> Inventory {
        let mut providers = self.integrations.iter().flat_map(Integration::providers);
        providers
            .find_map(|one| (one.name == provider).then_some(one.inventory))
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
                KIND => self.kinds().collect(),
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
                KIND => self.kinds().any(|kind| kind == word),
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

impl Declared for Schema<'_> {
    fn has(&self, path: &KeyPath) -> bool {
        !matches!(self.place(path), Place::Unknown)
    }

    fn is_secret(&self, path: &KeyPath) -> bool {
        matches!(self.place(path), Place::Key(key) if key.secret)
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
