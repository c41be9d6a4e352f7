//! `POST /v1/jobs/bulk`: a job on each line.
//!
//! All lines are checked before the first job is enqueued, so the whole body is held: the listener bounds how much it holds of all
//! bodies together. Nothing else is kept of a line: it is read once to be checked, and once more when it is enqueued. Jobs are
//! enqueued 500 at a time, and a part only after the answer's lines of the part before it were taken: whoever reads slowly is
//! written to slowly.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use longshore_client::{Client, ClientError, EnqueueOptions, Enqueued};
use longshore_listener::Whole;

use crate::access::Ending;
use crate::body::{self, MOST_OF_A_JOB};
use crate::checked::{Checked, PART};
use crate::door::Door;
use crate::error::{ApiError, Finding, InDoubt};
use crate::jobs::{Accepted, header_key};
use crate::order::{self, Order};
use crate::query;
use crate::tokens::Caller;

/// The longest `Idempotency-Key` of a bulk, in bytes: a line's number has room behind it.
const LONGEST_KEY: usize = 240;

/// How long a bulk goes on when the process is to stop. The listener gives it ten seconds.
const GOES_ON: Duration = Duration::from_secs(7);

/// A bulk whose lines are right.
struct Bulk {
    door: Arc<Door>,
    caller: Arc<Caller>,
    client: Client,
    read: Whole,
    /// The key of the bulk: lines without a key of their own have one that is made of it.
    key: Option<String>,
    ending: Ending,
    /// Where the next line begins, and its number less one.
    at: (usize, usize),
    accepted: usize,
    is_over: bool,
}

/// `POST /v1/jobs/bulk`
pub(crate) async fn enqueue(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Arc<Caller>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    query::none(head.uri.query())?;
    let key = bulk_key(header_key(&head.headers)?)?;
    let read = body::lines(&head, body).await?;
    let client = door.client_of(&caller, &head.headers);
    let mut bulk = Bulk {
        door,
        caller,
        client,
        read,
        key,
        ending: Ending::default(),
        at: (0, 0),
        accepted: 0,
        is_over: false,
    };
    bulk.check().await?;
    if bulk.door.stopping.get().is_some() {
        return Err(stops());
    }
    // Until something is accepted there is a status to tell what is wrong.
    let first = bulk.next().await?;
    let ending = bulk.ending.clone();
    let answer = stream::unfold((Some(first), bulk), |(first, mut bulk)| async move {
        let lines = match first {
            Some(lines) => lines,
            None => bulk.go_on().await?,
        };
        Some((Ok::<_, std::convert::Infallible>(lines), (None, bulk)))
    });
    let content_type = [(CONTENT_TYPE, "application/x-ndjson")];
    let answer = Body::from_stream(answer);
    Ok((StatusCode::OK, Extension(ending), content_type, answer).into_response())
}

/// Checks the key of a bulk.
fn bulk_key(key: Option<String>) -> Result<Option<String>, ApiError> {
    let length = key.as_ref().map_or(1, String::len);
    if (1..=LONGEST_KEY).contains(&length) {
        return Ok(key);
    }
    let problem =
        format!("must be 1 to {LONGEST_KEY} bytes long, since each line's number follows it");
    let finding = Finding::new("Idempotency-Key", problem);
    Err(ApiError::wrong("invalid_option", vec![finding]))
}

fn stops() -> ApiError {
    ApiError::unavailable("stopping", "this process stops: send the rest again")
}

/// A line with a job, and its number from 1.
struct Line<'a> {
    number: usize,
    bytes: &'a [u8],
}

/// The next line that is not blank, from here on.
fn line<'a>(bytes: &'a [u8], at: &mut (usize, usize)) -> Option<Line<'a>> {
    loop {
        let rest = bytes.get(at.0..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|b| *b == b'\n');
        let bytes = &rest[..length.unwrap_or(rest.len())];
        at.0 += length.map_or(rest.len(), |length| length + 1);
        at.1 += 1;
        let bytes = bytes.trim_ascii();
        if !bytes.is_empty() {
            return Some(Line {
                number: at.1,
                bytes,
            });
        }
    }
}

impl Bulk {
    fn order(&self, line: &Line<'_>) -> Result<Order, ApiError> {
        if line.bytes.len() > MOST_OF_A_JOB {
            let finding = Finding::new("", "is over 300 KiB");
            return Err(ApiError::wrong("invalid_json", vec![finding]));
        }
        let text = body::text(line.bytes)?;
        let (job, options) = order::read(&self.door, &self.caller, text, None)?;
        let of_bulk = || Some(format!("{}#{}", self.key.as_ref()?, line.number));
        let key = options.key.or_else(of_bulk);
        Ok((job, EnqueueOptions { key, ..options }))
    }

    /// Checks every line, and that no key is taken.
    async fn check(&self) -> Result<(), ApiError> {
        let lines = self.read.bytes.iter().filter(|b| **b == b'\n').count();
        let mut checked = Checked::of_lines(lines + 1);
        let (mut at, mut since_pause) = ((0, 0), 0);
        while let Some(line) = line(&self.read.bytes, &mut at) {
            since_pause += line.bytes.len();
            checked.note(line.number, self.order(&line))?;
            if checked.is_to_look() {
                let looked = checked.look(&self.client).await;
                looked.map_err(|error| self.door.failed(error))?;
            }
            // Others have their turn.
            if since_pause > 64 << 10 {
                since_pause = 0;
                tokio::task::yield_now().await;
            }
        }
        if checked.is_empty() {
            let finding = Finding::new("", "is empty: send a JSON object on each line");
            return Err(ApiError::wrong("invalid_json", vec![finding]));
        }
        let looked = checked.look(&self.client).await;
        looked.map_err(|error| self.door.failed(error))?;
        checked.done()
    }

    /// Enqueues what comes next. Returns the answer's lines.
    ///
    /// # Errors
    /// When none of these jobs was enqueued.
    async fn next(&mut self) -> Result<String, ApiError> {
        let (mut numbers, mut orders) = (Vec::with_capacity(PART), Vec::with_capacity(PART));
        let mut warnings = Vec::with_capacity(PART);
        while orders.len() < PART
            && let Some(line) = line(&self.read.bytes, &mut self.at)
        {
            let order = self.order(&line)?;
            warnings.push((self.door.foresee)(&order.0));
            orders.push(order);
            numbers.push(line.number);
        }
        self.is_over = orders.is_empty();
        if self.is_over {
            return Ok(String::new());
        }
        let error = match self.client.enqueue_prepared(orders).await {
            Ok(enqueued) => {
                self.door.count(&enqueued);
                // The request itself was counted when it came.
                let counted = usize::from(self.accepted == 0);
                self.caller.charge(enqueued.len().saturating_sub(counted));
                self.accepted += enqueued.len();
                let lines = numbers.into_iter().zip(enqueued);
                return Ok(shown(lines.zip(warnings)));
            }
            Err(error) => error,
        };
        let (accepted, in_doubt) = match &error {
            ClientError::Interrupted {
                accepted, in_doubt, ..
            } => (accepted.clone(), in_doubt.clone()),
            // Of one job.
            ClientError::NotCopied { ids, .. } => {
                (Vec::new(), ids.iter().map(|id| (0, *id)).collect())
            }
            _ => (Vec::new(), Vec::new()),
        };
        self.accepted += accepted.len();
        let mut error = self.door.failed(error);
        let in_doubt = in_doubt.into_iter().map(|(place, id)| InDoubt {
            line: numbers[place],
            id: id.to_string(),
        });
        error.in_doubt = in_doubt.collect();
        if self.accepted == 0 {
            return Err(error);
        }
        let accepted = accepted.into_iter();
        let accepted = accepted.map(|(place, job)| ((numbers[place], job), warnings[place].take()));
        Ok(shown(accepted) + &self.ended(&error))
    }

    /// Enqueues what comes next, once something was accepted. `None` at the end.
    async fn go_on(&mut self) -> Option<String> {
        if self.is_over {
            self.ending.is_complete();
            return None;
        }
        let stopping = self.door.stopping.get();
        if stopping.is_some_and(|since| since.elapsed() > GOES_ON) {
            return Some(self.ended(&stops()));
        }
        let lines = match self.next().await {
            Ok(lines) => lines,
            Err(error) => self.ended(&error),
        };
        if lines.is_empty() {
            self.ending.is_complete();
            return None;
        }
        Some(lines)
    }

    /// The last line of an answer that was cut in half: how many jobs were accepted, and what ended it.
    fn ended(&mut self, error: &ApiError) -> String {
        self.is_over = true;
        self.ending.is_cut(error.status);
        let mut last = error.json();
        last["error"]["accepted"] = self.accepted.into();
        format!("{last}\n")
    }
}

fn shown(accepted: impl Iterator<Item = ((usize, Enqueued), Option<String>)>) -> String {
    let mut lines = String::with_capacity(PART * 72);
    for ((line, job), warning) in accepted {
        let shown = Accepted {
            line: Some(line),
            ..Accepted::new(&job).warned(warning)
        };
        // A struct of texts and numbers is written.
        lines += &serde_json::to_string(&shown).unwrap_or_default();
        lines.push('\n');
    }
    lines
}
