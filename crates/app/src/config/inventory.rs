//! `providers.<provider>.criticality`, `.sla_percent` and `.owner`: what the inventory says of each provider.
//!
//! Every provider that has any key has these. What they are unless configured, each integration says of its own.

use std::collections::BTreeMap;
use std::fmt;

use longshore_integration::Inventory;
use longshore_integration::section;
use longshore_integration::settings::{KeyPath, Reader, Section, text_by, toml_by};

/// The longest name of a team.
const MAX_OWNER_CHARS: usize = 64;

section! {
    /// What the inventory says of a provider.
    pub struct InventorySettings derive(PartialEq) in "providers.<provider>" {
        /// How much depends on it, by the company's inventory: critical (a feature fails altogether), high (core functions
        /// get worse), medium (something less important fails) or low (users notice nothing). Alerts go by it. A provider
        /// that the inventory does not list is medium. Every provider has this key and the next two.
        pub criticality: Criticality = "criticality",
            text_by(criticality).or_per_provider(|of| Some(of.criticality));
        /// The share of calls that it promises to answer, in percent; 0: nothing is promised.
        pub sla_percent: Option<f64> = "sla_percent",
            toml_by(sla_percent).or_per_provider(|of| of.sla_percent).example("99.95");
        /// The team that it belongs to.
        pub owner: Option<String> = "owner",
            text_by(owner).optional().or_per_provider(|of| of.owner).example("Backend");
    }
}

/// What is said of those that the program itself calls. Vault holds everybody's
/// credentials, and a running fleet goes on without it for a while. Who is not listed at all is of medium criticality.
pub(super) fn of_ours(provider: &str) -> Inventory {
    let (criticality, owner) = match provider {
        "vault" => ("high", Some("Infrastructure")),
        "sentry" => ("low", Some("DevOps")),
        _ => ("medium", None),
    };
    Inventory {
        criticality,
        sla_percent: None,
        owner,
    }
}

/// What happens to the company's users while a provider is away, in four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Criticality {
    /// They notice nothing.
    Low,
    /// Something beside the point fails.
    Medium,
    /// Core functions are worse.
    High,
    /// A feature fails altogether.
    Critical,
}

impl Criticality {
    const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

impl fmt::Display for Criticality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `critical, SLA 99.99 %, owner Backend`
impl fmt::Display for InventorySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.criticality)?;
        if let Some(sla) = self.sla_percent {
            write!(f, ", SLA {sla} %")?;
        }
        match &self.owner {
            Some(owner) => write!(f, ", owner {owner}"),
            None => Ok(()),
        }
    }
}

/// All of these providers, by name. `made` are those with their keys in another table than `providers`, which comes first.
pub(super) fn read<'a>(
    reader: &mut Reader<'_>,
    providers: impl IntoIterator<Item = &'a str>,
    made: impl IntoIterator<Item = (&'static str, &'static str)>,
) -> BTreeMap<String, InventorySettings> {
    let providers = providers.into_iter().map(|name| ("providers", name));
    let mut all: Vec<(&str, &str)> = providers.collect();
    for made in made {
        all.push(made);
    }
    all.into_iter()
        .filter_map(|(table, provider)| {
            let at = KeyPath::new(&[table, provider]);
            Some((provider.to_owned(), InventorySettings::read(reader, &at)?))
        })
        .collect()
}

fn sla_percent(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Option<f64>> {
    match reader.has(path) {
        true => reader.percent(path).map(|sla| (sla > 0.0).then_some(sla)),
        false => Some(None),
    }
}

fn criticality(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Criticality> {
    let word = reader.text(path)?;
    let known = Criticality::ALL
        .into_iter()
        .find(|known| known.as_str() == word);
    if known.is_none() {
        let problem = format!("is `{word}`");
        reader.error(path, problem, "write critical, high, medium or low");
    }
    known
}

fn owner(reader: &mut Reader<'_>, path: &KeyPath) -> Option<String> {
    let owner = reader.text(path)?;
    if owner.chars().count() > MAX_OWNER_CHARS || owner.chars().any(char::is_control) {
        let cure = "write the name of a team, at most 64 characters on one line";
        reader.error(path, "is not the name of a team", cure);
        return None;
    }
    Some(owner)
}
