//! What the application is told of its jobs, as far as that can be checked beside all other settings.

use longshore_integration::settings::Reader;
use longshore_integration::{Integration, Sections};
use longshore_job::Kinds;

/// Finds kinds that the application wants to be told of, and of whose jobs it never will be.
pub(super) fn check(
    reader: &mut Reader<'_>,
    integration: &Integration,
    sections: &Sections,
    known: &Kinds,
) {
    let Some(jobs) = integration.notices else {
        return;
    };
    let wanted = (jobs.wanted)(sections).and_then(|wanted| wanted.kinds.clone());
    let told = known.of_producers();
    let unknown = wanted
        .iter()
        .flatten()
        .find(|kind| told.find(kind).is_none());
    if let Some(kind) = unknown {
        let all: Vec<_> = told.iter().map(|spec| spec.kind).collect();
        let problem = format!("names the kind `{kind}`, whose jobs are never told");
        let cure = format!("the kinds are {}", all.join(", "));
        reader.error(jobs.kinds_key, problem, cure);
    }
}
