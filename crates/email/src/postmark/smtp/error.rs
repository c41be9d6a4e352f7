//! What an SMTP server's replies mean for a job, and what it means when there are none: the only place that decides it.

use lettre::transport::smtp::Error;
use longshore_job::{Answer, Blame, JobError};
use longshore_provider::{Meaning, Purpose, excerpt, is_our_own, redact};

use crate::postmark::{NAME, answer};

/// How far the dialogue has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// TCP, the greeting, TLS.
    Connect,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, and the mail up to its dot.
    Data,
    /// The dot is begun.
    Dot,
}

/// A mail that the server has not surely taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SmtpError {
    /// There was no connection, or none with TLS: nothing was said to the server.
    NotReached {
        /// What failed, redacted.
        cause: String,
        /// This machine is short of what a connection needs.
        ours: bool,
    },
    /// The mail was not handed over, or not whole.
    NeverSent {
        /// What broke, redacted.
        cause: String,
    },
    /// The mail was handed over, and no reply came.
    NoAnswer {
        /// What broke, redacted.
        cause: String,
    },
    /// A reply that refuses.
    Refused {
        /// What.
        step: Step,
        /// With which code: 4xx or 5xx.
        code: u16,
        /// In its words, redacted.
        said: String,
    },
    /// A mailbox has characters in its name that this server does not take.
    NotAscii,
}

impl SmtpError {
    pub(super) fn not_reached(cause: &str, ours: bool) -> Self {
        Self::NotReached {
            cause: redact(cause),
            ours,
        }
    }

    pub(super) fn never_sent(cause: &str) -> Self {
        Self::NeverSent {
            cause: redact(cause),
        }
    }

    pub(super) fn no_answer(cause: &str) -> Self {
        Self::NoAnswer {
            cause: redact(cause),
        }
    }

    /// What broke at this step.
    pub(super) fn at(step: Step, error: &Error) -> Self {
        if let Some(code) = error.status() {
            let said = std::error::Error::source(error).map(ToString::to_string);
            return Self::Refused {
                step,
                code: code.into(),
                said: excerpt(&said.unwrap_or_default()),
            };
        }
        match step {
            Step::Connect => Self::not_reached(&error.to_string(), is_our_own(error)),
            Step::Dot => Self::no_answer(&error.to_string()),
            _ => Self::never_sent(&error.to_string()),
        }
    }

    /// Another connection may do better: this one broke, or the server closes it (421).
    pub(super) fn is_about_the_connection(&self) -> bool {
        matches!(
            self,
            Self::NotReached { .. } | Self::NeverSent { .. } | Self::Refused { code: 421, .. }
        )
    }
}

impl From<SmtpError> for JobError {
    fn from(error: SmtpError) -> Self {
        match error {
            SmtpError::NotReached { cause, .. } => Self::NotReached {
                reason: format!("Postmark was not reached by SMTP: {cause}"),
                answer: quoting("", answer(None, Some("not reached".to_owned()))),
            },
            SmtpError::NeverSent { cause } => Self::Transient {
                reason: format!("the mail was not handed over to Postmark by SMTP: {cause}"),
                answer: quoting(&cause, answer(None, Some("not handed over".to_owned()))),
            },
            SmtpError::NoAnswer { cause } => Self::OutcomeUnknown {
                reason: format!(
                    "the mail was sent to Postmark by SMTP and no answer came: {cause}"
                ),
                answer: quoting(&cause, answer(None, Some("no answer".to_owned()))),
            },
            // SendGrid takes no such mailbox either, so it is not waited for.
            SmtpError::NotAscii => Self::Permanent {
                reason: "Postmark's SMTP server has no SMTPUTF8, so it takes no address with characters beyond ASCII \
                         before the @"
                    .to_owned(),
                answer: Answer {
                    code: Some("address beyond ASCII".to_owned()),
                    ..Answer::of(NAME).quoting_nothing()
                },
                blame: Blame::Theirs,
            },
            SmtpError::Refused { step, code, said } => refused(step, code, &said),
        }
    }
}

/// Of a reason that holds what the server said.
fn quoting(said: &str, answer: Answer) -> Answer {
    Answer {
        quoted: Some(said.to_owned()),
        ..answer
    }
}

fn refused(step: Step, code: u16, said: &str) -> JobError {
    let what = match step {
        Step::Connect => "the connection",
        Step::Login => "our credentials",
        Step::Sender => "the sender",
        Step::Recipient => "the recipient",
        Step::Data | Step::Dot => "the mail",
    };
    let reason = match said {
        "" => format!("Postmark refused {what} by SMTP: {code}"),
        said => format!("Postmark refused {what} by SMTP: {code} {said}"),
    };
    let answer = quoting(said, answer(Some(code), Some(format!("smtp {code}"))));
    meaning(step, code).means(Purpose::Effect, reason, answer, None)
}

/// A reply is the server's word for what became of the mail, so none leaves that unknown.
fn meaning(step: Step, code: u16) -> Meaning {
    match (code, step) {
        // RFC 4954: authentication failed, needed, too weak, not as it is now.
        (530 | 534 | 535 | 538, _) => Meaning::Account,
        // The server's own refusal, or the sender's: no mail at all can be sent until that is mended.
        (500.., Step::Connect | Step::Login | Step::Sender) => Meaning::Account,
        (500.., Step::Recipient) => Meaning::Refused(Blame::Theirs),
        (500.., Step::Data | Step::Dot) => Meaning::Refused(Blame::Ours),
        _ => Meaning::NotDone,
    }
}

#[cfg(test)]
mod tests {
    use longshore_testing::fuzz::{cases, text};
    use proptest::prelude::*;

    use super::*;

    const REPLIES: &[&str] = &[
        "5.1.1 mailbox of <ada@example.com> is not there",
        "4.7.0 try again later",
    ];

    proptest! {
        #![proptest_config(cases(128))]

        /// No reply completes a mail, none leaves it unknown, and only 5xx kills it.
        #[test]
        fn fuzz_any_reply_has_what_follows(code in any::<u16>(), said in text(REPLIES), step in 0..6) {
            let steps = [
                Step::Connect, Step::Login, Step::Sender, Step::Recipient, Step::Data, Step::Dot,
            ];
            let end = refused(steps[usize::try_from(step).expect("small")], code, &said);
            let is_open = matches!(end, JobError::OutcomeUnknown { .. } | JobError::NotReached { .. });
            prop_assert!(!is_open);
            let is_dead = matches!(end, JobError::Permanent { .. });
            prop_assert!(!is_dead || code >= 500, "{code}");
        }
    }

    #[test]
    fn replies_become_outcomes() {
        use Step::{Connect, Data, Dot, Login, Recipient, Sender};
        for (step, code, kind) in [
            (Connect, 421, "transient"),
            (Connect, 554, "unauthorized"),
            (Login, 454, "transient"),
            (Login, 535, "unauthorized"),
            (Login, 504, "unauthorized"),
            (Sender, 451, "transient"),
            (Sender, 530, "unauthorized"),
            (Sender, 550, "unauthorized"),
            (Recipient, 450, "transient"),
            (Recipient, 550, "permanent"),
            (Data, 421, "transient"),
            (Data, 554, "permanent"),
            (Dot, 451, "transient"),
            (Dot, 552, "permanent"),
            (Dot, 535, "unauthorized"),
        ] {
            let said = "Because.".to_owned();
            let error = JobError::from(SmtpError::Refused { step, code, said });
            let found = match &error {
                JobError::Permanent { .. } => "permanent",
                JobError::Transient { .. } => "transient",
                JobError::NotReached { .. } => "not_reached",
                JobError::Unauthorized { .. } => "unauthorized",
                other => panic!("{other:?}"),
            };
            assert_eq!(found, kind, "{step:?} {code}");
            let answer = error.answer();
            assert_eq!(answer.provider.as_deref(), Some("postmark"));
            assert_eq!(answer.status, Some(code));
            assert_eq!(answer.code, Some(format!("smtp {code}")));
            assert_eq!(answer.quoted.as_deref(), Some("Because."));
        }
    }

    #[test]
    fn silence_is_unknown_only_once_the_dot_is_begun() {
        let away = JobError::from(SmtpError::not_reached("ada@example.com is gone", false));
        assert!(matches!(away, JobError::NotReached { .. }));
        assert_eq!(
            away.reason(),
            "Postmark was not reached by SMTP: [email] is gone"
        );
        let never = JobError::from(SmtpError::never_sent("reset"));
        assert!(matches!(never, JobError::Transient { .. }));
        let lost = JobError::from(SmtpError::no_answer("reset"));
        assert!(matches!(lost, JobError::OutcomeUnknown { .. }));
        assert_eq!(lost.answer().code.as_deref(), Some("no answer"));
    }
}
