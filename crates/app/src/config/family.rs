//! Integrations that the configuration makes: one for each name in a family's table.
//!
//! Which they are has to be known before the rest is read, since each has a queue, with keys of its own. So the layers are merged
//! twice: for their names, and then with all keys.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use figment::Figment;
use figment::value::Value;
use longshore_integration::settings::{Findings, KeyPath, Reader};
use longshore_integration::{Family, Integration, Sandbox, Sections};
use longshore_job::{KindSpec, Kinds};
use serde_json::Value as Json;

use super::merged;
use super::schema::Schema;

/// The most that one table may make. Each has a queue, which workers look at, and figures in the metrics.
const MOST: usize = 100;

/// Those that were made in this process: what an integration consists of stays until its end.
static MADE: Mutex<BTreeMap<(&'static str, String), Integration>> = Mutex::new(BTreeMap::new());

/// What a configuration makes, beside what the program has.
#[derive(Debug)]
pub(super) struct Made<'a> {
    pub(super) families: &'a [Family],
    /// All integrations: those of the program, then those that were made.
    pub(super) integrations: Vec<Integration>,
    members: Vec<Member>,
    /// Names of providers that the program has.
    taken: BTreeSet<String>,
}

/// One that was made, and the table whose name made it.
#[derive(Debug, Clone, Copy)]
struct Member {
    section: &'static str,
    integration: Integration,
}

impl<'a> Made<'a> {
    /// Looks for names in the layers. What is wrong with the layers is found once they are read with all keys.
    pub(super) fn find(
        dir: Option<&Path>,
        profile: Option<&str>,
        integrations: &[Integration],
        families: &'a [Family],
        env: &[(OsString, OsString)],
    ) -> Self {
        let schema = Schema::new(integrations, families);
        let (layers, _) = merged::merged(
            dir,
            profile,
            env.iter().cloned(),
            &schema,
            &mut Findings::default(),
        );
        let taken = schema.providers().into_iter().map(str::to_owned).collect();
        let members = members(families, &layers, &taken);
        let made = members.iter().map(|of| of.integration);
        Self {
            families,
            integrations: integrations.iter().copied().chain(made).collect(),
            members,
            taken,
        }
    }

    /// The providers that were made, each with its table.
    pub(super) fn providers(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let members = self.members.iter();
        members.map(|of| (of.section, of.integration.name))
    }

    /// Finds names that make no integration.
    pub(super) fn refuse_names(&self, reader: &mut Reader<'_>) {
        for family in self.families {
            let table = KeyPath::from(family.section);
            let names = reader.names(&table);
            if names.len() > MOST {
                let problem = format!("has {} tables", names.len());
                let cure = format!("describe at most {MOST}; a second program takes more");
                reader.error(&table, problem, cure);
            }
            for name in names {
                let path = table.join(&name);
                if !(family.is_name)(&name) {
                    reader.error(&path, "cannot be a name", family.name_rule);
                } else if self.taken.contains(&name) {
                    let problem = "is the name of a provider that this program has";
                    reader.error(&path, problem, "give it another name");
                }
            }
        }
    }

    /// The stand-ins for those that are on this machine.
    pub(super) fn stand_ins(&self, sections: &Sections) -> Vec<Sandbox> {
        let of = |member: &Member| {
            let mut families = self.families.iter();
            let family = families.find(|family| family.section == member.section)?;
            family.sandbox?(sections, member.integration.name)
        };
        self.members.iter().filter_map(of).collect()
    }

    /// The kinds of all families, which are known whatever there is of them.
    pub(super) fn kinds(&self) -> impl Iterator<Item = &'static KindSpec> {
        self.families.iter().flat_map(|family| family.kinds)
    }

    /// The kinds, with what these settings say of the args of those that a family has.
    pub(super) fn checked(&self, kinds: &Kinds, sections: &Sections) -> Kinds {
        let mut checked: Vec<_> = kinds.in_queues().copied().collect();
        let mut general: Vec<_> = kinds.families().copied().collect();
        for family in self.families {
            let theirs = |spec: &KindSpec| family.kinds.iter().any(|kind| kind.kind == spec.kind);
            // A kind is copied into all that asks for it. A process loads its configuration once.
            let (check, of_check) = (family.check_args, sections.clone());
            let check = Box::leak(Box::new(move |args: &str| check(&of_check, args)));
            let all = checked.iter_mut().chain(&mut general);
            for spec in all.filter(|spec| theirs(spec)) {
                let (describe, of_schema, as_it_was) =
                    (family.describe_args, sections.clone(), *spec);
                let describe = move |schema: &mut Json| describe(&of_schema, &as_it_was, schema);
                let describe = Box::leak(Box::new(describe));
                *spec = spec.with_check(check).with_description(describe);
            }
        }
        Kinds::new(checked).with_families(general)
    }
}

/// What the layers make. Names that cannot be used make none.
fn members(families: &[Family], layers: &Figment, taken: &BTreeSet<String>) -> Vec<Member> {
    let of = |family: &Family| {
        let table = layers.find_value(family.section).ok();
        let table = table.and_then(Value::into_dict).unwrap_or_default();
        let tables = table.into_iter();
        let names = tables.filter_map(|(name, value)| value.as_dict().is_some().then_some(name));
        let fit = names.filter(|name| (family.is_name)(name) && !taken.contains(name));
        let made = fit.take(MOST).map(|name| Member {
            section: family.section,
            integration: made(family, name),
        });
        made.collect::<Vec<_>>()
    };
    families.iter().flat_map(of).collect()
}

fn made(family: &Family, name: String) -> Integration {
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (family.section, name);
    if let Some(made) = made.get(&key) {
        return *made;
    }
    let integration = (family.make)(key.1.clone().leak());
    made.insert(key, integration);
    integration
}
