//! `services.<name>.*`.

mod auth;
mod operation;

use std::collections::{BTreeMap, BTreeSet};

use longshore_integration::Sections;
use longshore_integration::section;
use longshore_integration::settings::{
    Calls, Declaration, KeyPath, Reader, Section, SectionSecrets, calls, group, origin, text,
    toml_by,
};
use longshore_job::{InvalidArgs, Job, KindSpec};
use longshore_provider::Origin;
use serde_json::{Value, json};

use crate::args::{is_name, is_service};
use crate::{CallService, ServiceOperation};

pub use auth::{AuthSettings, AuthType, TokenUrl};
pub use operation::OperationSettings;

/// The table of all services.
pub(crate) const SERVICES: &str = "services";

section! {
    /// A provider that the configuration alone describes (docs/services.md). Its jobs are of the kind `call_service` and wait in a queue of
    /// their own, `svc-<name>`. A name has 1 to 40 of a-z, 0-9 and -, a letter first.
    pub struct ServiceSettings in "services.<name>" {
        /// Scheme, host and port only. https, or http for loopback.
        pub base_url: Origin = "base_url" as BASE_URL, origin().example("https://api.crm.example.com");
        /// How it is called.
        pub calls: Calls = "", calls("10", "10");
        /// How much depends on it: critical, high, medium or low, as for every provider.
        pub _criticality: String = "criticality", text().or("medium");
        /// The share of calls that it promises to answer, in percent.
        pub _sla_percent: Option<()> = "sla_percent", toml_by(elsewhere).optional().example("99.9");
        /// The team that it belongs to.
        pub _owner: Option<String> = "owner", text().optional().example("Sales");
        /// The operation that `longshore smoke` calls: a GET whose path has no parameters.
        pub smoke: Option<String> = "smoke" as SMOKE, text().optional().example("ping");
        /// How it knows us.
        pub auth: AuthSettings = "auth", group::<AuthSettings>();
    }
}

/// Read with the inventory of all providers.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it stands where keys are read that can be wrong"
)]
fn elsewhere(_: &mut Reader<'_>, _: &KeyPath) -> Option<()> {
    Some(())
}

/// One service, as configured.
#[derive(Debug, Clone)]
pub struct ConfiguredService {
    /// Its keys.
    pub keys: ServiceSettings,
    /// Its operations, by name.
    pub operations: BTreeMap<String, ServiceOperation>,
}

/// All services that are configured, by name.
#[derive(Debug, Clone, Default)]
pub struct ServicesSettings(BTreeMap<String, ConfiguredService>);

impl ServicesSettings {
    /// What is declared of them.
    pub(crate) const DECLARATIONS: &'static [Declaration] = &[
        Declaration {
            at: ServiceSettings::AT,
            doc: ServiceSettings::DOC,
            entries: ServiceSettings::ENTRIES,
            read: |reader, sections| sections.insert(Self::read(reader)),
            secrets: Self::secrets,
        },
        // They are read with their service.
        Declaration {
            at: OperationSettings::AT,
            doc: OperationSettings::DOC,
            entries: OperationSettings::ENTRIES,
            read: |_, _| {},
            secrets: |_| Vec::new(),
        },
    ];

    /// The service of this name, if it is configured and on.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ConfiguredService> {
        self.0.get(name)
    }

    /// Those that can be read; what is wrong with the others is found.
    fn read(reader: &mut Reader<'_>) -> Self {
        let table = KeyPath::from(SERVICES);
        let mut services = BTreeMap::new();
        for name in reader.names(&table) {
            let path = table.join(&name);
            let is_table = reader
                .get(&path)
                .is_some_and(|value| value.as_dict().is_some());
            // What is no table is answered as such, and a wrong name where names are looked at.
            if is_table
                && is_service(&name)
                && let Some(service) = ConfiguredService::read(reader, &path)
            {
                services.insert(name, service);
            }
        }
        Self(services)
    }

    fn secrets(sections: &Sections) -> SectionSecrets<'_> {
        let mut found = Vec::new();
        let services = sections.get::<Self>().into_iter().flat_map(|of| &of.0);
        for (name, service) in services {
            let at = KeyPath::from(SERVICES).join(name);
            service.keys.secrets(&at, &mut found);
        }
        found
    }

    /// Whether a service can carry these args out, as far as the configuration says.
    pub(crate) fn check_args(sections: &Sections, args: &str) -> Result<(), InvalidArgs> {
        // Args of another form are refused before.
        let Ok(job) = serde_json::from_str::<CallService>(args) else {
            return Ok(());
        };
        let services = sections.get::<Self>().map(|of| &of.0);
        let Some(service) = services.and_then(|of| of.get(&job.service)) else {
            let known: Vec<_> = services.into_iter().flat_map(BTreeMap::keys).collect();
            let what = match known.as_slice() {
                [] => "is not configured; there is none: describe it by services.<name>".to_owned(),
                known => format!("is not configured; there are {}", joined(known)),
            };
            return Err(InvalidArgs::field("service", what));
        };
        let Some(operation) = service.operations.get(&job.operation) else {
            let known: Vec<_> = service.operations.keys().collect();
            let what = format!(
                "{} has no such one; there are {}",
                job.service,
                joined(&known)
            );
            return Err(InvalidArgs::field("operation", what));
        };
        operation.path_of(&job).map(drop)
    }

    /// Says which services and operations there are, where there are any: of a queue, its own.
    pub(crate) fn describe_args(sections: &Sections, kind: &KindSpec, schema: &mut Value) {
        let own = kind.queue.strip_prefix(CallService::QUEUE);
        let own = own.filter(|name| !name.is_empty());
        let is_meant = |name: &String| own.is_none_or(|own| own == name);
        let services = sections.get::<Self>().into_iter().flat_map(|of| &of.0);
        let services: Vec<_> = services.filter(|(name, _)| is_meant(name)).collect();
        if services.is_empty() {
            return;
        }
        let names: Vec<_> = services.iter().map(|(name, _)| name).collect();
        let each = services.iter().map(|(name, of)| {
            let operations: Vec<_> = of.operations.keys().collect();
            format!("{name}: {}", joined(&operations))
        });
        let each = each.collect::<Vec<_>>().join("; ");
        let operations = services.iter().flat_map(|(_, of)| of.operations.keys());
        let operations: BTreeSet<_> = operations.collect();
        let properties = &mut schema["properties"];
        properties["service"]["enum"] = json!(names);
        properties["operation"]["enum"] = json!(operations);
        properties["operation"]["description"] = each.into();
    }
}

fn joined(names: &[&String]) -> String {
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    names.join(", ")
}

impl ConfiguredService {
    /// All of it, before the first that is wrong ends it.
    fn read(reader: &mut Reader<'_>, path: &KeyPath) -> Option<Self> {
        if !reader.has(path.join(ServiceSettings::BASE_URL)) {
            let cure = "write scheme and host, such as https://api.crm.example.com";
            reader.missing(path.join(ServiceSettings::BASE_URL), "is not set", cure);
        }
        let keys = ServiceSettings::read(reader, path);
        let operations = operations(reader, &path.join("operations"));
        let keys = keys?;
        if let (Some(name), Some(operations)) = (&keys.smoke, &operations) {
            check_smoke(reader, &path.join(ServiceSettings::SMOKE), name, operations);
        }
        Some(Self {
            keys,
            operations: operations?,
        })
    }
}

/// `None` when one of them could not be read, but all have been tried.
fn operations(
    reader: &mut Reader<'_>,
    table: &KeyPath,
) -> Option<BTreeMap<String, ServiceOperation>> {
    let names = reader.names(table);
    if names.is_empty() {
        let cure =
            "describe at least one: operations.ping = { method = \"GET\", path = \"/ping\" }";
        reader.missing(table, "has no operation", cure);
        return None;
    }
    let read = names.into_iter().map(|name| {
        let path = table.join(&name);
        reader.get(&path)?.as_dict()?;
        if !is_name(&name) {
            let cure = "use 1 to 64 of a-z, A-Z, 0-9, _ and -";
            reader.error(&path, "cannot be the name of an operation", cure);
            return None;
        }
        Some((name, operation::read(reader, &path)?))
    });
    let read: Vec<_> = read.collect();
    read.into_iter().collect()
}

/// It runs against the real service, so it must change nothing.
fn check_smoke(
    reader: &mut Reader<'_>,
    path: &KeyPath,
    name: &str,
    operations: &BTreeMap<String, ServiceOperation>,
) {
    let is_harmless = |of: &ServiceOperation| of.is_read() && of.path.parameters().is_empty();
    let problem = match operations.get(name) {
        Some(operation) if is_harmless(operation) => return,
        Some(_) => "is not a GET of a path without parameters",
        None => "is none of its operations",
    };
    let fit: Vec<_> = operations
        .iter()
        .filter(|(_, of)| is_harmless(of))
        .map(|(name, _)| name)
        .collect();
    let cure = match fit.is_empty() {
        true => "describe one, or leave it out".to_owned(),
        false => format!("name one that is: {}", joined(&fit)),
    };
    reader.error(path, problem, cure);
}
