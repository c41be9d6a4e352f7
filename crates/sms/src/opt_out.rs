//! Numbers that nothing is sent to: whoever has them answered STOP, or Twilio says that they want nothing.

use longshore_job::{
    AddressHash, Answer, Blame, JobError, Run, SUPPRESSED, SuppressedFor, Suppression,
};

/// Twilio's code for a recipient who has opted out.
pub(crate) const OPTED_OUT: &str = "21610";

/// Refuses a number that is on the list, before Twilio is asked. The list holds for all senders: Twilio's own lists are kept by
/// sender, and whoever says STOP to one wants nothing from the others either.
///
/// While the list cannot be looked at, the job waits, at the cost of no attempt.
pub(crate) async fn check(run: &Run, to: &str) -> Result<(), JobError> {
    let number = AddressHash::of(to);
    match run.memory().find(SUPPRESSED, number.as_str()).await? {
        None => Ok(()),
        Some(entry) => Err(refused(&entry)),
    }
}

fn refused(entry: &str) -> JobError {
    // An entry that does not read is an entry.
    let known = Suppression::read(entry);
    let why = match known.as_ref().map(|known| known.reason.as_str()) {
        Some("opt_out") => "its owner wants no texts",
        _ => "it was put there",
    };
    JobError::Permanent {
        reason: format!(
            "the number is on the suppression list: {why}; `longshore suppressions remove --channel sms` takes it off"
        ),
        answer: Answer {
            code: Some("suppressed".to_owned()),
            ..Answer::default().quoting_nothing()
        },
        blame: Blame::Theirs,
    }
}

/// Notes a number that Twilio refuses because its owner has opted out. The refusal stands, whether or not that can be noted.
pub(crate) async fn note(run: &Run, to: &str) {
    let number = AddressHash::of(to);
    let entry = Suppression::now(SuppressedFor::OptOut, Some(run.id.to_string())).written();
    let noted = run.memory().assign(SUPPRESSED, number.as_str(), &entry);
    if let Err(error) = noted.await {
        tracing::warn!(job = %run.id, %error, "a number whose owner has opted out is not noted");
    }
}
