//! The kinds and the sections of all integrations.

use longshore_integration::settings::Reader;
use longshore_integration::{Provider, Sections};
use longshore_job::{KindSpec, Kinds};

use super::family::Made;
use super::kinds::{KindPolicies, KindSettings};
use super::{fit, notices};

/// Every kind, with the expiry and the priority that are configured for it.
pub(super) fn known_kinds(made: &Made<'_>, policies: Option<&KindPolicies>) -> Kinds {
    let with_policy = |spec: &KindSpec| {
        let policy = policies.and_then(|policies| policies.get(&(spec.kind, spec.queue)));
        let set = policy.map(KindSettings::overrides).unwrap_or_default();
        spec.with_expiry(set.expires).with_priority(set.priority)
    };
    let kinds = made.integrations.iter().flat_map(|of| of.kinds);
    Kinds::new(kinds.map(with_policy)).with_families(made.kinds().map(with_policy))
}

/// Reads the sections of all integrations, and looks for what does not go together.
pub(super) fn read(
    reader: &mut Reader<'_>,
    made: &Made<'_>,
    policies: Option<&KindPolicies>,
    kinds: &Kinds,
) -> Sections {
    let integrations = made.integrations.as_slice();
    let mut sections = Sections::default();
    for section in made.families.iter().flat_map(|of| of.declarations) {
        (section.read)(reader, &mut sections);
    }
    for integration in integrations {
        for section in integration.settings.sections {
            (section.read)(reader, &mut sections);
        }
        (integration.settings.complete)(reader, &mut sections);
    }
    if let Some(policies) = policies {
        fit::check(reader, policies, integrations, &sections);
    }
    for integration in integrations {
        (integration.settings.check)(reader, &sections);
        notices::check(reader, integration, &sections, kinds);
        // What is off has no jobs for others to follow from.
        let is_on = |provider: &Provider| (provider.origin)(&sections).is_some();
        let on = integration.provider.as_ref().is_none_or(is_on);
        for follows in integration.follow_ups {
            if on && kinds.find(follows).is_none() {
                let name = integration.name;
                let problem = format!(
                    "no integration of this program has jobs of this kind, which follow from those of {name}"
                );
                let cure = "add the one that carries them out; without it they are not enqueued";
                reader.warn(*follows, problem, cure);
            }
        }
    }
    sections
}
