//! Integrations that the configuration makes.

use std::fmt;

use longshore_job::{InvalidArgs, KindSpec};
use serde_json::Value;

use crate::settings::Declaration;
use crate::{Integration, QueueSpec, Sandbox, Sections};

/// Integrations of one sort: the configuration has a table, and each name in it makes one. Each has a queue and a provider of its own,
/// so a limit, a breaker or a pause of one holds up no other.
#[derive(Clone, Copy)]
pub struct Family {
    /// Its crate, `env!("CARGO_CRATE_NAME")`. Log lines of this crate are shown.
    pub crate_name: &'static str,
    /// The table, `services`.
    pub section: &'static str,
    /// Whether one may have this name.
    pub is_name: fn(&str) -> bool,
    /// What names may be, as a cure.
    pub name_rule: &'static str,
    /// What their queues have in common. The name is what the names of their queues begin with.
    pub queue: QueueSpec,
    /// The kinds of their jobs, which are known also where none is configured.
    pub kinds: &'static [KindSpec],
    /// What can be set, for all of them. The program reads the inventory's keys (`criticality`, `sla_percent`, `owner`) of each.
    pub declarations: &'static [Declaration],
    /// The integration of one name. Asked once for each name in a process.
    pub make: fn(&'static str) -> Integration,
    /// What is wrong with the args of a job of theirs (JSON), as far as these settings say.
    pub check_args: fn(&Sections, &str) -> Result<(), InvalidArgs>,
    /// Adds to the JSON Schema of the args of one of their kinds, as it is in one queue or in general, what these settings say.
    pub describe_args: fn(&Sections, &KindSpec, &mut Value),
    /// The stand-in for one of them. None in a build for production.
    pub sandbox: Option<OpenSandbox>,
}

/// The stand-in for the one of this name, as it is configured; `None` where it is not, or not on this machine.
pub type OpenSandbox = fn(&Sections, &'static str) -> Option<Sandbox>;

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("section", &self.section)
            .finish_non_exhaustive()
    }
}
