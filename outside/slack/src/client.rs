//! Slack's `chat.postMessage`: the call, what its answers mean, and the handler.

use longshore_job::{Blame, Handler, JobError, Outcome, Run};
use longshore_provider::secret::Secret;
use longshore_provider::{
    AnswerTable, CallError, Http, Meaning, ProviderError, Purpose, Request, Response, Row,
};
use longshore_provider::{bearer, decode, word};
use serde::Deserialize;
use serde_json::json;

use crate::PostMessage;

pub(crate) const NAME: &str = "slack";

pub(crate) struct PostMessageHandler {
    pub(crate) http: Http,
    pub(crate) token: Secret,
}

/// Slack answers 200 to nearly everything, and says here whether it means it.
#[derive(Deserialize)]
struct Said {
    ok: bool,
    error: Option<String>,
    ts: Option<String>,
}

impl PostMessageHandler {
    async fn post(&self, run: &Run, job: &PostMessage) -> Result<(Response, Said), CallError> {
        let token = bearer(&self.token.current()).map_err(|error| CallError::NotAsked {
            code: "token",
            reason: error.to_string(),
        })?;
        let request = Request::post("/api/chat.postMessage")
            .authorization(token)
            .json(&json!({ "channel": job.channel, "text": job.text }))
            .map_err(|error| CallError::NotAsked {
                code: "text",
                reason: error.to_string(),
            })?;
        let response = self.http.send(run, request).await?;
        let said: Said = decode(&response)?;
        match said.ok {
            true => Ok((response, said)),
            false => Err(ProviderError::Rejected {
                response: Box::new(response),
            }
            .into()),
        }
    }
}

impl Handler for PostMessageHandler {
    type Job = PostMessage;

    async fn run(&self, job: PostMessage, run: Run) -> Result<Outcome, JobError> {
        // Slack knows no idempotency keys: a second call may post a second message.
        let posted = self.post(&run, &job).await;
        let (response, said) =
            posted.map_err(|error| Answers.job_error(Purpose::Effect, &error))?;
        Ok(Outcome::Done {
            result: Some(json!({ "ts": said.ts })),
            answer: Answers.answer(&response),
        })
    }
}

/// What an answer means that is not `ok`. What is not here means what its status means, and that is careful.
struct Answers;

impl AnswerTable for Answers {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "Slack";
    const REQUEST_ID: &'static [&'static str] = &["x-slack-req-id"];

    fn row(&self, response: &Response) -> Row {
        let said = serde_json::from_slice::<Said>(&response.body).ok();
        let code = said.and_then(|said| said.error);
        let code = code.as_deref().and_then(word).map(str::to_owned);
        Row {
            meaning: code.as_deref().and_then(|code| {
                Some(match code {
                    "channel_not_found" | "is_archived" => Meaning::Refused(Blame::Theirs),
                    "msg_too_long" | "no_text" | "invalid_arguments" => {
                        Meaning::Refused(Blame::Ours)
                    }
                    "invalid_auth" | "not_authed" | "token_revoked" | "missing_scope" => {
                        Meaning::Account
                    }
                    "ratelimited" => Meaning::Busy,
                    "service_unavailable" | "team_added_to_org" => Meaning::NotDone,
                    "internal_error" | "fatal_error" => Meaning::Unknown,
                    _ => return None,
                })
            }),
            words: code.iter().cloned().collect(),
            code,
            sentence: None,
        }
    }
}
