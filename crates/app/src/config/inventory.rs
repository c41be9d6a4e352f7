//! `providers.<provider>.criticality`, `.sla_percent` and `.owner`: what the inventory says of each provider.
//!
//! Every provider that has any key has these. What they are unless configured, each integration says of its own.

use std::collections::BTreeMap;
use std::fmt;

use longshore_integration::Inventory;
use longshore_integration::settings::{Key, KeyPath, Reader};

/// The longest name of a team.
const MAX_OWNER_CHARS: usize = 64;

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.<provider>.criticality").or_per_provider(|of| Some(of.criticality)),
    Key::toml("providers.<provider>.sla_percent").or_per_provider(|of| of.sla_percent),
    Key::text("providers.<provider>.owner").or_per_provider(|of| of.owner),
];

/// What is said of those that the program itself calls, by section 1 of the integration document. Vault holds everybody's
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

/// What happens to the company's users while a provider is away: the integration document's four words.
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

/// What the inventory says of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// How much depends on it.
    pub criticality: Criticality,
    /// The share of calls that it promises to answer, in percent.
    pub sla_percent: Option<f64>,
    /// The team that it belongs to.
    pub owner: Option<String>,
}

/// `critical, SLA 99.99 %, owner Backend`
impl fmt::Display for Listed {
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

/// All of these providers, by name.
pub(super) fn read(
    reader: &mut Reader<'_>,
    providers: impl IntoIterator<Item = &'static str>,
) -> BTreeMap<&'static str, Listed> {
    providers
        .into_iter()
        .filter_map(|provider| Some((provider, listed(reader, provider)?)))
        .collect()
}

fn listed(reader: &mut Reader<'_>, provider: &str) -> Option<Listed> {
    let section = KeyPath::new(&["providers", provider]);
    let criticality = criticality(reader, &section.join("criticality"));
    let sla = section.join("sla_percent");
    let sla_percent = match reader.has(&sla) {
        true => reader.percent(&sla).map(|sla| (sla > 0.0).then_some(sla)),
        false => Some(None),
    };
    let owner = owner(reader, &section.join("owner"));
    Some(Listed {
        criticality: criticality?,
        sla_percent: sla_percent?,
        owner: owner?,
    })
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

/// An empty text is nobody.
fn owner(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Option<String>> {
    if !reader.has(path) {
        return Some(None);
    }
    let owner = reader.text(path)?;
    if owner.chars().count() > MAX_OWNER_CHARS || owner.chars().any(char::is_control) {
        let cure = "write the name of a team, at most 64 characters on one line";
        reader.error(path, "is not the name of a team", cure);
        return None;
    }
    Some(Some(owner).filter(|owner| !owner.is_empty()))
}
