//! `smoke`: one harmless job for each provider that has test-mode credentials, carried out by the code that carries out
//! all others, without a queue and without Redis.

use std::time::Duration;

use longshore_integration::{Integration, Provider};
use longshore_job::{JobError, Outcome, Run};
use serde::Serialize;
use serde_json::json;
use tokio::time::timeout;

use crate::cli::Shown;
use crate::failure::Failure;
use crate::output::{self, counted};
use crate::registry::{self, SetupContext};
use crate::secrets::Secrets;
use crate::session::Session;

/// How long one provider may take.
const WITHIN: Duration = Duration::from_secs(30);

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

pub(super) async fn run(session: &Session, args: &Shown) -> Result<(), Failure> {
    if matches!(session.config.profile.as_deref(), None | Some("production")) {
        return Err(Failure::input(
            "smoke makes real calls with test-mode credentials: use --profile staging",
        ));
    }
    let secrets = Secrets::new(&session.config)?;
    let mut rows = Vec::new();
    for (integration, provider) in session.config.providers() {
        let (result, detail) = test_provider(session, &secrets, integration, provider).await;
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
            "{} failed: check its credentials, and run `longshore --profile staging doctor`",
            counted(failed as u64, "provider")
        ))),
    }
}

async fn test_provider(
    session: &Session,
    secrets: &Secrets,
    integration: &Integration,
    provider: &Provider,
) -> (Said, String) {
    let config = &session.config;
    let Some(question) = &provider.smoke else {
        let why = "it has no harmless call";
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
    if let Some(why) = (question.unsafe_because)(config.sections()) {
        return (Said::Failed, why);
    }
    let set_up = SetupContext::new(config, secrets).set_up(integration).await;
    let handlers = match set_up {
        Ok(Some(set_up)) => set_up.handlers,
        Ok(None) => {
            return (
                Said::Skipped,
                format!("{} is not set", registry::all_of(provider.turned_on_by)),
            );
        }
        Err(error) => return (Said::Failed, error.to_string()),
    };
    let origin = (provider.origin)(config.sections()).unwrap_or_default();
    output::note(&format!(
        "calls {} at {origin}, {}",
        provider.name,
        session.profile()
    ));
    let payload =
        json!({ "kind": question.kind, "v": 1, "args": (question.args)(config.sections()) })
            .to_string();
    let run = Run::standalone();
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
