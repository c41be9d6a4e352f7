//! `providers.<provider>.criticality`, `.sla_percent` and `.owner`: what the inventory says of each provider.
//!
//! Every provider that has any key has these, so that a new one needs no line here; the figures below are those of the
//! integration document's inventory, and whoever is not in it is of medium criticality until somebody says otherwise.

use std::collections::BTreeMap;
use std::fmt;

use super::key::{Key, KeyPath};
use super::reader::Reader;
use super::schema::Schema;

/// The longest name of a team.
const MAX_OWNER_CHARS: usize = 64;

pub(super) const KEYS: &[Key] = &[
    Key::text("providers.<provider>.criticality").or_per_provider(|provider| {
        Some(figures(provider).map_or("medium", |figures| figures.criticality))
    }),
    Key::toml("providers.<provider>.sla_percent")
        .or_per_provider(|provider| figures(provider)?.sla),
    Key::text("providers.<provider>.owner").or_per_provider(|provider| figures(provider)?.owner),
];

/// What the inventory says of one provider, as it would be written in the environment.
struct Figures {
    criticality: &'static str,
    sla: Option<&'static str>,
    owner: Option<&'static str>,
}

/// Section 1 of the integration document. A provider that stands in is as critical as what it stands in for; Vault holds
/// everybody's credentials, and a running fleet goes on without it for a while.
fn figures(provider: &str) -> Option<Figures> {
    let (criticality, sla, owner) = match provider {
        "stripe" => ("critical", Some("99.99"), Some("Backend")),
        "sendgrid" => ("high", Some("99.95"), Some("Backend")),
        "postmark" => ("high", None, Some("Backend")),
        "twilio" => ("medium", Some("99.95"), Some("Backend")),
        "s3" => ("high", Some("99.99"), Some("Infrastructure")),
        "r2" => ("high", None, Some("Infrastructure")),
        "google_maps" => ("medium", Some("99.9"), Some("Backend")),
        "vault" => ("high", None, Some("Infrastructure")),
        "sentry" => ("low", None, Some("DevOps")),
        // Made up, to try a switch with.
        "testpay" => ("low", None, None),
        _ => return None,
    };
    Some(Figures {
        criticality,
        sla,
        owner,
    })
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

/// All of them, by name.
pub(super) fn read(reader: &mut Reader<'_>) -> BTreeMap<&'static str, Listed> {
    Schema::providers()
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
