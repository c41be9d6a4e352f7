//! The keys there are: those of the program itself, and those of its integrations.

use std::collections::BTreeSet;

use figment::Figment;
use figment::value::{Dict, Value};
use longshore_integration::settings::{
    BUILT_IN, BuiltIn, Declaration, Declared, KIND, KeyAt, KeyPath, NAME, PROVIDER, QUEUE, Shape,
};
use longshore_integration::{Family, Integration, Inventory, QueueSpec};
use longshore_job::KindSpec;

use super::api::{ApiSettings, TokenSettings};
use super::console::{ConsoleSettings, UserSettings};
use super::cron::{self, CronKeys};
use super::document;
use super::inventory::{self, InventorySettings};
use super::kinds::KindKeys;
use super::layer::{self, Layer};
use super::log::LogSettings;
use super::outbox::OutboxSettings;
use super::proxies::ProxySettings;
use super::queues::{QueueKeys, RetryKeys};
use super::redis::RedisSettings;
use super::sentry::SentryKeys;
use super::telemetry::TelemetryKeys;
use super::vault::VaultKeys;
use super::webhooks::WebhooksSettings;
use super::worker::WorkerSettings;

/// The sections that every program has, in the order in which they are explained: these before those of integrations …
pub(super) const BEFORE: &[Declaration] = &[
    Declaration::of::<ProxySettings>(),
    Declaration::of::<RedisSettings>(),
    Declaration::of::<RetryKeys>(),
    Declaration::of::<WorkerSettings>(),
    Declaration::of::<QueueKeys>(),
    Declaration::of::<KindKeys>(),
    Declaration::of::<VaultKeys>(),
    Declaration::of::<LogSettings>(),
];

/// … and these after them.
pub(super) const AFTER: &[Declaration] = &[
    Declaration::of::<SentryKeys>(),
    Declaration::of::<TelemetryKeys>(),
    Declaration::of::<WebhooksSettings>(),
    Declaration::of::<ApiSettings>(),
    Declaration::of::<TokenSettings>(),
    Declaration::of::<ConsoleSettings>(),
    Declaration::of::<UserSettings>(),
    Declaration::of::<OutboxSettings>(),
    Declaration::of::<CronKeys>(),
];

/// What the program knows of every provider, whoever's it is.
pub(super) const OF_PROVIDERS: Declaration = Declaration::of::<InventorySettings>();

/// What stands at a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    /// A key.
    Key(&'a KeyAt),
    /// A table of keys.
    Section,
    /// Nothing.
    Unknown,
}

/// The keys of a program with these integrations.
#[derive(Debug)]
pub(super) struct Schema<'a> {
    integrations: &'a [Integration],
    families: &'a [Family],
    keys: Vec<(KeyPath, KeyAt)>,
}

impl<'a> Schema<'a> {
    pub(super) fn new(integrations: &'a [Integration], families: &'a [Family]) -> Self {
        let sections = Self::sections_of(integrations, families).chain([&OF_PROVIDERS]);
        let keys = sections.flat_map(Declaration::keys);
        Self {
            integrations,
            families,
            keys: keys.map(|key| (key.path(), key)).collect(),
        }
    }

    /// All sections but what the program knows of every provider, in the order in which they are explained.
    pub(super) fn sections(&self) -> impl Iterator<Item = &'a Declaration> + use<'a> {
        Self::sections_of(self.integrations, self.families)
    }

    fn sections_of(
        integrations: &'a [Integration],
        families: &'a [Family],
    ) -> impl Iterator<Item = &'a Declaration> + use<'a> {
        let theirs = integrations.iter().flat_map(|of| of.settings.sections);
        let made = families.iter().flat_map(|of| of.declarations);
        BEFORE.iter().chain(theirs).chain(made).chain(AFTER)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &KeyAt> {
        self.keys.iter().map(|(_, key)| key)
    }

    pub(super) fn integrations(&self) -> &'a [Integration] {
        self.integrations
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = &'a QueueSpec> + use<'a> {
        self.integrations
            .iter()
            .map(|integration| &integration.queue)
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static KindSpec> + use<'a> {
        let theirs = self.integrations.iter().flat_map(|of| of.kinds);
        theirs.chain(self.families.iter().flat_map(|of| of.kinds))
    }

    /// Every provider that has a key of its own.
    pub(super) fn providers(&self) -> BTreeSet<&str> {
        self.keys
            .iter()
            .filter_map(|(path, _)| provider_of(path))
            .collect()
    }

    /// What is said of a provider unless it is configured.
    pub(super) fn inventory(&self, provider: &str) -> Inventory {
        let mut providers = self.integrations.iter().flat_map(Integration::providers);
        providers
            .find_map(|one| (one.name == provider).then_some(one.inventory))
            .unwrap_or_else(|| inventory::of_ours(provider))
    }

    /// The lowest layer.
    pub(super) fn built_in(&self) -> Layer {
        let mut values = Dict::new();
        for (path, at) in &self.keys {
            let path = path.to_string();
            let mut set = |word: &str, name: &str, text: &str| {
                let path = KeyPath::from(path.replace(word, name).as_str());
                layer::insert(&mut values, path.words(), read(at.key.shape, text));
            };
            match at.key.built_in {
                BuiltIn::None => {}
                // Those are known once the other layers are.
                BuiltIn::Always(_) if path.contains(NAME) => {}
                BuiltIn::Always(text) if path.contains(QUEUE) => {
                    for queue in self.queues() {
                        set(QUEUE, queue.name, text);
                    }
                }
                BuiltIn::Always(text) => set("", "", text),
                BuiltIn::PerQueue(text) => {
                    for queue in self.queues() {
                        if let Some(text) = text(queue) {
                            set(QUEUE, queue.name, &text);
                        }
                    }
                }
                BuiltIn::PerProvider(text) => {
                    for provider in self.providers() {
                        if let Some(text) = text(self.inventory(provider)) {
                            set(PROVIDER, provider, text);
                        }
                    }
                }
            }
        }
        cron::built_in(&mut values, self.integrations);
        Layer::of(BUILT_IN, values)
    }

    /// The layer of what holds for each name that the other layers make up.
    pub(super) fn built_in_by_name(&self, layers: &Figment) -> Layer {
        let mut values = Dict::new();
        for (path, at) in &self.keys {
            let BuiltIn::Always(text) = at.key.built_in else {
                continue;
            };
            let words = path.words();
            let Some(place) = words.iter().position(|word| word == NAME) else {
                continue;
            };
            let above = layers.find_value(&KeyPath::new(&words[..place]).to_string());
            let named = above.ok().and_then(Value::into_dict).unwrap_or_default();
            // What is no table is answered as such.
            for (name, _) in named.iter().filter(|(_, value)| value.as_dict().is_some()) {
                let mut words = words.to_vec();
                words[place].clone_from(name);
                layer::insert(&mut values, &words, read(at.key.shape, text));
            }
        }
        Layer::of(BUILT_IN, values)
    }

    /// Every path that can be known beforehand: those of each queue, kind and provider.
    pub(super) fn paths(&self) -> Vec<KeyPath> {
        let mut paths: Vec<KeyPath> = vec![KeyPath::default()];
        let mut whole = Vec::new();
        while let Some(path) = paths.pop() {
            if matches!(self.place(&path), Place::Key(_)) {
                whole.push(path.clone());
            }
            let under = self.words_under(&path);
            paths.extend(under.into_iter().map(|word| path.join(word)));
        }
        whole
    }

    /// What stands at this path.
    pub(super) fn place(&self, path: &KeyPath) -> Place<'_> {
        let mut place = Place::Unknown;
        for (pattern, key) in &self.keys {
            match self.rest(pattern, path.words()) {
                Some([]) => return Place::Key(key),
                Some(_) => place = Place::Section,
                None => {}
            }
        }
        place
    }

    /// The words that may follow this path, where they are known beforehand.
    pub(super) fn words_under(&self, path: &KeyPath) -> BTreeSet<&str> {
        self.keys
            .iter()
            .filter_map(|(pattern, _)| self.rest(pattern, path.words())?.first())
            .flat_map(|word| match word.as_str() {
                QUEUE => self.queues().map(|queue| queue.name).collect(),
                KIND => self.kinds().map(|kind| kind.kind).collect(),
                NAME => Vec::new(),
                PROVIDER => self.providers().into_iter().collect(),
                word => vec![word],
            })
            .collect()
    }

    /// What is left of a key's words when it begins with these.
    fn rest<'k>(&self, pattern: &'k KeyPath, words: &[String]) -> Option<&'k [String]> {
        let (head, rest) = pattern.words().split_at_checked(words.len())?;
        let fits = |(pattern, word): (&String, &String)| match pattern.as_str() {
            QUEUE => self.queues().any(|queue| queue.name == word),
            KIND => self.kinds().any(|kind| kind.kind == word),
            NAME => true,
            PROVIDER => self
                .keys
                .iter()
                .any(|(path, _)| provider_of(path) == Some(word)),
            fixed => fixed == word,
        };
        head.iter().zip(words).all(fits).then_some(rest)
    }
}

impl Declared for Schema<'_> {
    fn has(&self, path: &KeyPath) -> bool {
        !matches!(self.place(path), Place::Unknown)
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
fn provider_of(path: &KeyPath) -> Option<&str> {
    match path.words() {
        [providers, name, _, ..] if providers == "providers" && name != PROVIDER => Some(name),
        _ => None,
    }
}
