//! Troubles as Sentry's events.

use std::borrow::Cow;

use sentry_core::ClientOptions;
use sentry_core::protocol::{Event, Level};
use sentry_core::types::Dsn;

use super::post::PostBox;
use super::scrub::scrub;
use super::trouble::Trouble;

/// How the SDK is set up: it adds nothing of its own to an event but its name, and nothing leaves unscrubbed.
pub(super) fn options(dsn: Dsn, profile: Option<String>, post_box: PostBox) -> ClientOptions {
    let mut options = ClientOptions::new()
        .release(concat!("longshore@", env!("CARGO_PKG_VERSION")))
        .default_integrations(false)
        .max_breadcrumbs(0)
        .send_default_pii(false)
        .before_send(|event| Some(scrub(event)))
        .transport(post_box);
    // Not by its builder, which panics where a text is no DSN.
    options.dsn = Some(dsn);
    options.environment = profile.map(Cow::Owned);
    options
}

/// The event of a trouble that happened `count` times since it was last told. `missed` are others that could not be
/// counted.
pub(super) fn event(trouble: &Trouble, count: u64, missed: u64) -> Event<'static> {
    let mut event = Event {
        level: Level::Error,
        logger: Some("longshore".to_owned()),
        fingerprint: Cow::Owned(trouble.fingerprint().into_iter().map(Cow::Owned).collect()),
        ..Event::default()
    };
    let mut tags: Vec<(&str, String)> = Vec::new();
    let mut more: Vec<(&str, String)> = Vec::new();
    let message = match trouble {
        Trouble::Dead(letter) => {
            let cause = &letter.cause;
            tags.push(("trouble", "dead letter".to_owned()));
            tags.push(("queue", letter.queue.clone()));
            tags.push(("group", letter.group.clone()));
            tags.push(("class", cause.class.to_string()));
            tags.push(("attempt", letter.attempt.to_string()));
            tags.extend(letter.kind.clone().map(|kind| ("kind", kind)));
            tags.extend(letter.job_id.clone().map(|id| ("job_id", id)));
            let provider = cause.provider.as_deref().map(str::to_owned);
            tags.extend(provider.map(|provider| ("provider", provider)));
            tags.extend(cause.code.clone().map(|code| ("code", code)));
            let status = letter.answer.status;
            tags.extend(status.map(|status| ("status", status.to_string())));
            let request = letter.answer.request_id.clone();
            more.extend(request.map(|request| ("request_id", request)));
            more.push(("reason", letter.reason.clone()));
            event.transaction.clone_from(&letter.kind);
            match &letter.kind {
                Some(kind) => format!("{kind}: {cause}"),
                None => format!("{}: {cause}", letter.queue),
            }
        }
        Trouble::Refused { queue, provider } => {
            tags.push(("trouble", "credentials refused".to_owned()));
            tags.push(("queue", queue.clone()));
            tags.push(("provider", provider.clone()));
            format!("{provider} refuses our credentials: the queue {queue} has paused itself")
        }
        Trouble::Panic { place, thread, job } => {
            tags.push(("trouble", "panic".to_owned()));
            tags.push(("thread", thread.clone()));
            if let Some(job) = job {
                tags.push(("queue", job.queue.to_string()));
                tags.push(("attempt", job.attempt.to_string()));
                tags.extend(job.job_id.map(|id| ("job_id", id.to_string())));
            }
            format!("panic at {place}")
        }
        Trouble::Failed {
            command,
            what,
            reason,
        } => {
            event.level = Level::Fatal;
            tags.push(("trouble", "process failed".to_owned()));
            tags.push(("command", (*command).to_owned()));
            more.push(("reason", reason.clone()));
            match *what {
                "redis" => format!("`longshore {command}` ended: Redis could not be reached"),
                _ => format!("`longshore {command}` ended by itself"),
            }
        }
        Trouble::Others => {
            tags.push(("trouble", "others".to_owned()));
            "more causes at a time than are told apart: see `longshore dead groups`".to_owned()
        }
    };
    event.message = Some(message);
    event.tags = tags
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    event.extra = more
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    event.extra.insert("count".to_owned(), count.into());
    if missed > 0 {
        event.extra.insert("not_counted".to_owned(), missed.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use longshore_job::{Answer, Blame, Cause, Class, JobId};
    use longshore_worker::Dead;

    use super::*;

    fn letter(class: Class, provider: Option<&'static str>) -> Option<Trouble> {
        blamed(class, provider, None)
    }

    fn blamed(
        class: Class,
        provider: Option<&'static str>,
        blame: Option<Blame>,
    ) -> Option<Trouble> {
        let cause = Cause {
            class,
            provider: provider.map(Cow::Borrowed),
            code: Some("503".to_owned()),
        };
        let answer = Answer {
            status: Some(503),
            ..Answer::default()
        };
        Trouble::dead(&Dead {
            queue: "email",
            job_id: Some(JobId::generate()),
            kind: Some("send_email"),
            attempt: 4,
            cause: &cause,
            group: "0123456789ab",
            blame,
            answer: &answer,
            reason: "no mailbox for ada@example.com",
        })
    }

    #[test]
    fn a_dead_letter_is_its_group() {
        let trouble = letter(Class::Failed, Some("sendgrid")).expect("an error");
        let event = scrub(event(&trouble, 7, 0));
        assert_eq!(*event.fingerprint, ["0123456789ab"]);
        let message = event.message.as_deref();
        assert_eq!(message, Some("send_email: failed at sendgrid: 503"));
        for (tag, value) in [
            ("kind", "send_email"),
            ("queue", "email"),
            ("provider", "sendgrid"),
            ("code", "503"),
            ("status", "503"),
            ("attempt", "4"),
        ] {
            assert_eq!(event.tags[tag], value);
        }
        assert_eq!(event.tags["job_id"].len(), 26);
        assert_eq!(event.extra["count"], 7);
        assert_eq!(event.extra["reason"], "no mailbox for [email]");
    }

    #[test]
    fn only_what_somebody_of_ours_can_mend_is_an_error() {
        use Class::{Expired, Failed, OutcomeUnknown, Poison, Refused, Undecodable};
        let (ours, theirs) = (Some(Blame::Ours), Some(Blame::Theirs));
        for (class, provider, blame, is_error) in [
            (Refused, Some("stripe"), theirs, false),
            (Refused, None, theirs, false),
            (Refused, Some("stripe"), ours, true),
            (Refused, None, ours, true),
            // A letter that does not say.
            (Refused, Some("stripe"), None, true),
            (Expired, None, None, false),
            (Failed, Some("stripe"), None, true),
            (Failed, None, None, true),
            (OutcomeUnknown, Some("stripe"), None, true),
            (Undecodable, None, None, true),
            (Poison, None, None, true),
        ] {
            let found = blamed(class, provider, blame).is_some();
            assert_eq!(found, is_error, "{class} {blame:?}");
        }
    }
}
