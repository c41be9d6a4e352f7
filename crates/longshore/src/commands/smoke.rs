//! `smoke`: one harmless job for each provider that has test-mode credentials, carried out by the code that carries out
//! all others, without a queue and without Redis.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use longshore_job::{Gate, JobError, JobId, Outcome, Run};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cli::Shown;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::registry::{PROVIDERS, Provider};
use crate::session::Session;

/// How long one provider may take.
const WITHIN: Duration = Duration::from_secs(30);

/// What a provider is asked.
struct Question {
    provider: &'static str,
    /// The keys that have to be set.
    needs: &'static [&'static str],
    kind: &'static str,
    args: fn() -> Value,
    /// In words.
    what: &'static str,
}

/// None of them reaches anybody, moves money or deletes anything, whatever the credentials are for.
const QUESTIONS: &[Question] = &[
    Question {
        provider: "sendgrid",
        needs: &["providers.sendgrid.api_key", "email.templates.welcome"],
        kind: "send_email",
        args: || json!({ "template": "welcome", "to": { "email": "smoke@example.com" }, "data": {} }),
        what: "a mail was checked in sandbox mode",
    },
    // Sent from a magic number that only test credentials may send from: with live ones it is refused.
    Question {
        provider: "twilio",
        needs: &[
            "providers.twilio.account_sid",
            "providers.twilio.auth_token",
        ],
        kind: "send_sms",
        args: || json!({ "to": "+15005550006", "body": "longshore smoke" }),
        what: "a message between magic numbers was taken on",
    },
    Question {
        provider: "google_maps",
        needs: &["providers.google_maps.api_key"],
        kind: "geocode_address",
        args: || json!({ "address": "Slottsplassen 1, Oslo", "region": "no" }),
        what: "the Royal Palace in Oslo was looked up",
    },
    // The customer stays, in test mode, under the user id of this command.
    Question {
        provider: "stripe",
        needs: &["providers.stripe.secret_key"],
        kind: "create_customer",
        args: || json!({ "user_id": "longshore-smoke" }),
        what: "a customer was created in test mode",
    },
    Question {
        provider: "s3",
        needs: &["buckets.exports.name"],
        kind: "sweep_bucket",
        args: || json!({ "bucket": "exports", "dry_run": true }),
        what: "the exports bucket was listed",
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Ok,
    Failed,
    Skipped,
}

#[derive(Debug, Serialize)]
struct Row {
    provider: &'static str,
    result: Said,
    detail: String,
}

/// Lets everything out: there is no queue that could lose the job to somebody else.
struct Open;

impl Gate for Open {
    fn clear_to_send(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

pub(super) async fn run(session: &Session, args: &Shown) -> Result<(), Failure> {
    if matches!(session.config.profile.as_deref(), None | Some("production")) {
        return Err(Failure::input(
            "smoke makes real calls, and only with test-mode credentials: say --profile staging",
        ));
    }
    let mut rows = Vec::new();
    for provider in PROVIDERS {
        let (result, detail) = ask(session, provider).await;
        let row = Row {
            provider: provider.name,
            result,
            detail,
        };
        // One by one: the next may take its time.
        if !args.json {
            let word = match row.result {
                Said::Ok => "ok",
                Said::Failed => "failed",
                Said::Skipped => "skipped",
            };
            let line = format!("{word:<8} {:<12} {}", row.provider, row.detail);
            output::line(&output::plain(&line))?;
        }
        rows.push(row);
    }
    if args.json {
        output::json(&rows)?;
    }
    match rows.iter().filter(|row| row.result == Said::Failed).count() {
        0 => Ok(()),
        failed => Err(Failure::failed(format!(
            "{} failed: see its credentials, and `longshore --profile staging doctor`",
            counted(failed as u64, "provider")
        ))),
    }
}

async fn ask(session: &Session, provider: &Provider) -> (Said, String) {
    let config = &session.config;
    let question = QUESTIONS
        .iter()
        .find(|question| question.provider == provider.name);
    let Some(question) = question else {
        let why = "nothing harmless is known to ask it";
        return (Said::Skipped, why.to_owned());
    };
    let is_set = |key: &str| {
        let mut values = config.values().iter();
        values.any(|shown| shown.key == key && shown.value != "")
    };
    if let Some(missing) = question.needs.iter().find(|key| !is_set(key)) {
        let variable = missing.replace('.', "__").to_uppercase();
        return (
            Said::Skipped,
            format!("LONGSHORE_{variable} is not set ({missing})"),
        );
    }
    if let Some(sendgrid) = config.sendgrid().filter(|_| provider.name == "sendgrid")
        && !sendgrid.sandbox
        && sendgrid.base_url.to_string().starts_with("https:")
    {
        let why = "providers.sendgrid.sandbox is false: it would send a mail; set it to true";
        return (Said::Failed, why.to_owned());
    }
    let handlers = match (provider.set_up)(config) {
        Ok(Some(set_up)) => set_up.handlers,
        Ok(None) => {
            return (
                Said::Skipped,
                format!("{} is not set", provider.turned_on_by),
            );
        }
        Err(error) => return (Said::Failed, error),
    };
    let payload = json!({ "kind": question.kind, "v": 1, "args": (question.args)() }).to_string();
    let run = Run::new(JobId::generate(), 1, 1, Arc::new(Open));
    match timeout(WITHIN, handlers.try_out(payload.as_bytes(), run)).await {
        Ok(Some(Ok(Outcome::Done { .. }))) => (Said::Ok, question.what.to_owned()),
        Ok(Some(Ok(Outcome::Skipped { reason }))) => (Said::Skipped, reason),
        Ok(Some(Err(error))) => (Said::Failed, why(&error)),
        Ok(None) => (Said::Failed, format!("nobody knows {}", question.kind)),
        Err(_) => (Said::Failed, "no answer within 30 s".to_owned()),
    }
}

fn why(error: &JobError) -> String {
    match error {
        JobError::Unauthorized { reason, .. } => format!("the credentials are refused: {reason}"),
        error => error.reason().to_owned(),
    }
}
