//! Addresses that nothing is sent to.

use longshore_job::{AddressHash, Answer, Blame, JobError, Run, SUPPRESSED, Suppression};

use crate::{Recipient, SendEmail};

/// Refuses an address that is on the list. For mails of every kind: a provider would drop one to an address that has
/// bounced, and each complaint costs the mails of everybody else.
///
/// The refusal names no provider, since none was asked, and so says nothing of one's health. While the list cannot be
/// looked at, the job waits, at the cost of no attempt.
pub(crate) async fn check(run: &Run, address: &str) -> Result<(), JobError> {
    let address = AddressHash::of(address);
    match run.memory().find(SUPPRESSED, address.as_str()).await? {
        None => Ok(()),
        Some(entry) => Err(refused(&entry)),
    }
}

/// Leaves out of a mail who is on the list and would only get a copy; returns how many. The mail is for somebody else, and
/// theirs is no reason not to send it.
pub(crate) async fn leave_out(run: &Run, job: &mut SendEmail) -> Result<usize, JobError> {
    let copies = job.cc.iter().chain(&job.bcc);
    let hashes: Vec<_> = copies
        .map(|recipient| AddressHash::of(&recipient.email).to_string())
        .collect();
    if hashes.is_empty() {
        return Ok(0);
    }
    let mut listed = run
        .memory()
        .find_which(SUPPRESSED, &hashes)
        .await?
        .into_iter();
    let mut left_out = 0;
    let mut stays = |_: &Recipient| {
        // One of which nothing was said is not sent to.
        let is_listed = listed.next().unwrap_or(true);
        left_out += usize::from(is_listed);
        !is_listed
    };
    job.cc.retain(&mut stays);
    job.bcc.retain(&mut stays);
    Ok(left_out)
}

fn refused(entry: &str) -> JobError {
    // An entry that does not read is an entry.
    let known = Suppression::read(entry);
    let why = known.as_ref().map(|known| known.reason.as_str());
    let why = match why {
        Some("bounce") => "a mail to it has bounced",
        Some("spam_report") => "a mail to it was reported as spam",
        Some("unsubscribe") => "who has it wants no more mail",
        _ => "it was put there",
    };
    let job = known.and_then(|known| known.job);
    let job = job.map_or_else(String::new, |job| format!(" (job {job})"));
    JobError::Permanent {
        reason: format!(
            "the address is on the suppression list: {why}{job}; `longshore suppressions remove` takes it off"
        ),
        answer: Answer {
            code: Some("suppressed".to_owned()),
            ..Answer::default().quoting_nothing()
        },
        blame: Blame::Theirs,
    }
}
