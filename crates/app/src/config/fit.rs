//! Whether all attempts of a kind fit into its expiry. If they do not, jobs die as expired that would have got another one.

use std::time::Duration;

use longshore_integration::settings::{KeyPath, Reader};
use longshore_integration::{Integration, Sections};
use longshore_job::KindSpec;

use super::kinds::{KindKeys, KindPolicies, KindSettings, SetBy};
use super::queues::RetryKeys;

/// What does not fit, and what to do about it.
struct Misfit {
    key: KeyPath,
    expires: Duration,
    problem: String,
    cure: String,
}

/// Finds kinds whose attempts do not fit into their expiry, among those that are in use; of several with the same cause the
/// one that expires first.
pub(super) fn check(
    reader: &mut Reader<'_>,
    policies: &KindPolicies,
    integrations: &[Integration],
    sections: &Sections,
) {
    let in_use = integrations.iter().flat_map(|of| {
        let expects = move |kind: &&KindSpec| match &of.provider {
            Some(provider) => (provider.expects)(sections, kind.kind),
            None => true,
        };
        of.kinds.iter().filter(expects)
    });
    let mut misfits: Vec<_> = in_use
        .filter_map(|kind| misfit(policies.get(&(kind.kind, kind.queue))?, kind))
        .collect();
    misfits.sort_by(|a, b| (&a.key, a.expires).cmp(&(&b.key, b.expires)));
    misfits.dedup_by(|b, a| a.key == b.key);
    for misfit in misfits {
        reader.error(misfit.key, misfit.problem, misfit.cure);
    }
}

fn misfit(settings: &KindSettings, spec: &KindSpec) -> Option<Misfit> {
    let expires = settings.shortest_expiry?;
    let policy = settings.run_policy();
    let longest = policy.longest();
    if longest <= expires {
        return None;
    }
    let problem = format!(
        "does not fit {}, which expires after {} s: its {} of {} s and the waits between them take up to {} s",
        spec.kind,
        expires.as_secs_f64(),
        match policy.retry.max_attempts() {
            1 => "one attempt".to_owned(),
            n => format!("{n} attempts"),
        },
        policy.timeout.as_secs_f64(),
        longest.as_secs_f64(),
    );
    let (key, cure) = blame(settings, spec);
    Some(Misfit {
        key,
        expires,
        problem,
        cure,
    })
}

/// One setting of three that do not go together.
struct Part {
    by: SetBy,
    name: &'static str,
    cure: &'static str,
    /// The kind says something itself, which holds once this is left out.
    kind_says: bool,
}

/// The key that is likely wrong, and what to do about it: what is set for the kind alone before what is set for its queue.
fn blame(settings: &KindSettings, spec: &KindSpec) -> (KeyPath, String) {
    let retry = Part {
        by: settings.retry.by,
        name: KindKeys::RETRY,
        cure: "make fewer retries, or wait less between them",
        kind_says: spec.policy.retry.is_some(),
    };
    let timeout = Part {
        by: settings.timeout.by,
        name: KindKeys::TIMEOUT,
        cure: "make it shorter",
        kind_says: spec.policy.timeout.is_some(),
    };
    let expires = Part {
        by: settings.expires.by,
        name: KindKeys::EXPIRES,
        cure: "make it longer",
        kind_says: spec.shortest_expiry.is_some(),
    };
    // The schedule is what takes the most time as a rule; where there is one attempt it takes none.
    let has_retries = settings.retry.value.max_attempts() > 1;
    let retry = Some(retry).filter(|_| has_retries);
    let for_it_alone = |name| KeyPath::new(&["kinds", spec.kind, name]);
    let parts = retry.into_iter().chain([timeout, expires]);
    let configured = parts.filter(|part| part.by <= SetBy::QueueSection);
    let Some(part) = configured.min_by_key(|part| part.by) else {
        let alone = for_it_alone(KindKeys::RETRY);
        return match settings.retry.by {
            SetBy::Default if has_retries => (
                RetryKeys::SCHEDULE.into(),
                format!(
                    "make fewer retries, or wait less between them; or set {alone} for it alone"
                ),
            ),
            _ => {
                let cure = "set it so that all attempts fit".to_owned();
                (for_it_alone(KindKeys::TIMEOUT), cure)
            }
        };
    };
    let alone = for_it_alone(part.name);
    let cure = match part.kind_says {
        true => format!(
            "leave it out, and {} is run as its kind says; or {}",
            spec.kind, part.cure
        ),
        false => part.cure.to_owned(),
    };
    match part.by {
        SetBy::KindSection => (alone, cure),
        _ => (
            KeyPath::new(&["queues", spec.queue, part.name]),
            format!("{cure}; or set {alone} for it alone"),
        ),
    }
}
