//! Troubles as Sentry's events.

use std::borrow::Cow;

use longshore_operator::ThisProgram;
use sentry::ClientOptions;
use sentry::protocol::{Event, Level};
use sentry::types::Dsn;

use super::post::EnvelopeQueue;
use super::scrub::scrub;
use super::trouble::{Letter, Trouble};

/// How the SDK is set up: it adds nothing of its own to an event but its name, and nothing leaves unscrubbed.
pub(super) fn options(dsn: Dsn, profile: Option<String>, post_box: EnvelopeQueue) -> ClientOptions {
    let program = ThisProgram::get();
    let mut options = ClientOptions::new()
        .release(format!("{}@{}", program.name, program.version))
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
    let (level, transaction) = match trouble {
        Trouble::Failed { .. } => (Level::Fatal, None),
        Trouble::Dead(letter) => (Level::Error, letter.kind.clone()),
        _ => (Level::Error, None),
    };
    let Content {
        message,
        tags,
        extra,
    } = content(trouble);
    let tags = tags.into_iter();
    let extra = extra.into_iter();
    let mut event = Event {
        level,
        transaction,
        message: Some(message),
        logger: Some("longshore".to_owned()),
        fingerprint: Cow::Owned(trouble.fingerprint().into_iter().map(Cow::Owned).collect()),
        tags: tags.map(|(name, value)| (name.to_owned(), value)).collect(),
        extra: extra
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect(),
        ..Event::default()
    };
    event.extra.insert("count".to_owned(), count.into());
    if missed > 0 {
        event.extra.insert("not_counted".to_owned(), missed.into());
    }
    event
}

/// What an event says of one trouble.
struct Content {
    message: String,
    /// Sentry finds events by these.
    tags: Vec<(&'static str, String)>,
    /// These it only shows.
    extra: Vec<(&'static str, String)>,
}

fn content(trouble: &Trouble) -> Content {
    let program = ThisProgram::get().name;
    let (message, tags, extra) = match trouble {
        Trouble::Dead(letter) => return content_of_letter(letter),
        Trouble::Refused { queue, provider } => (
            format!("{provider} refuses our credentials: the queue {queue} has paused itself"),
            vec![
                ("trouble", "credentials refused".to_owned()),
                ("queue", queue.clone()),
                ("provider", provider.clone()),
            ],
            vec![],
        ),
        Trouble::Panic { place, thread, job } => {
            let mut tags = vec![("trouble", "panic".to_owned()), ("thread", thread.clone())];
            if let Some(job) = job {
                tags.push(("queue", job.queue.to_string()));
                tags.push(("attempt", job.attempt.to_string()));
                tags.extend(job.job_id.map(|id| ("job_id", id.to_string())));
            }
            (format!("panic at {place}"), tags, vec![])
        }
        Trouble::Failed {
            command,
            what,
            reason,
        } => (
            match *what {
                "redis" => format!("`{program} {command}` ended: Redis could not be reached"),
                _ => format!("`{program} {command}` ended by itself"),
            },
            vec![
                ("trouble", "process failed".to_owned()),
                ("command", (*command).to_owned()),
            ],
            vec![("reason", reason.clone())],
        ),
        Trouble::Others => (
            format!("more causes at a time than are told apart: see `{program} dead groups`"),
            vec![("trouble", "others".to_owned())],
            vec![],
        ),
    };
    Content {
        message,
        tags,
        extra,
    }
}

fn content_of_letter(letter: &Letter) -> Content {
    let cause = &letter.cause;
    let mut tags = vec![
        ("trouble", "dead letter".to_owned()),
        ("queue", letter.queue.clone()),
        ("group", letter.group.clone()),
        ("class", cause.class.to_string()),
        ("attempt", letter.attempt.to_string()),
    ];
    tags.extend(letter.kind.clone().map(|kind| ("kind", kind)));
    tags.extend(letter.job_id.clone().map(|id| ("job_id", id)));
    let provider = cause.provider.as_deref().map(str::to_owned);
    tags.extend(provider.map(|provider| ("provider", provider)));
    tags.extend(cause.code.clone().map(|code| ("code", code)));
    let status = letter.answer.status;
    tags.extend(status.map(|status| ("status", status.to_string())));
    let mut extra = vec![("reason", letter.reason.clone())];
    let request_id = letter.answer.request_id.clone();
    extra.extend(request_id.map(|id| ("request_id", id)));
    Content {
        message: match &letter.kind {
            Some(kind) => format!("{kind}: {cause}"),
            None => format!("{}: {cause}", letter.queue),
        },
        tags,
        extra,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use longshore_job::{Answer, Blame, Cause, Class, JobId};
    use longshore_worker::NewDeadLetter;

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
        Trouble::dead(&NewDeadLetter {
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
