//! `POST /v1/jobs/bulk`: a job on each line.
//!
//! All lines are checked before the first job is enqueued, so the whole body is held: the listener bounds how much it holds of all
//! bodies together. Nothing else is kept of a line: it is read once to be checked, and once more when it is enqueued. Jobs are
//! enqueued 500 at a time, and a part only after the answer's lines of the part before it were taken: whoever reads slowly is
//! written to slowly.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use longshore_client::{Client, ClientError, Enqueued};
use longshore_listener::Whole;

use crate::body::{self, MOST_OF_A_JOB};
use crate::door::Door;
use crate::error::{ApiError, Finding};
use crate::jobs::{Accepted, no_header_key};
use crate::order::{self, Order};
use crate::query;
use crate::tokens::Caller;

/// How many jobs one call of Redis takes: the client's own measure.
const PART: usize = 500;

/// More findings than these are only counted.
const MOST_FINDINGS: usize = 100;

/// How long a bulk goes on when the process is to stop. The listener gives it ten seconds.
const GOES_ON: Duration = Duration::from_secs(7);

/// A bulk whose lines are right.
struct Bulk {
    door: Arc<Door>,
    caller: Arc<Caller>,
    client: Client,
    read: Whole,
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
    no_header_key(&head.headers)?;
    let read = body::lines(&head, body).await?;
    let client = door.client_of(&caller, &head.headers);
    let mut bulk = Bulk {
        door,
        caller,
        client,
        read,
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
    let answer = stream::unfold((Some(first), bulk), |(first, mut bulk)| async move {
        let lines = match first {
            Some(lines) => lines,
            None => bulk.go_on().await?,
        };
        Some((Ok::<_, std::convert::Infallible>(lines), (None, bulk)))
    });
    let content_type = [(CONTENT_TYPE, "application/x-ndjson")];
    Ok((StatusCode::OK, content_type, Body::from_stream(answer)).into_response())
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
        order::read(&self.door, &self.caller, body::text(line.bytes)?, None)
    }

    /// Checks every line, and that no key is taken.
    async fn check(&self) -> Result<(), ApiError> {
        let mut checked = Checked::default();
        let (mut at, mut since_pause) = ((0, 0), 0);
        while let Some(line) = line(&self.read.bytes, &mut at) {
            checked.jobs += 1;
            since_pause += line.bytes.len();
            let order = self.order(&line);
            if let Err(error) = order.and_then(|order| checked.keep(order, line.number)) {
                checked.wrong(error.at_line(line.number))?;
            }
            if checked.keyed.len() >= PART {
                checked
                    .look(&self.client)
                    .await
                    .map_err(|error| self.door.failed(error))?;
            }
            // Others have their turn.
            if since_pause > 64 << 10 {
                since_pause = 0;
                tokio::task::yield_now().await;
            }
        }
        if checked.jobs == 0 {
            let finding = Finding::new("", "is empty: send a JSON object on each line");
            return Err(ApiError::wrong("invalid_json", vec![finding]));
        }
        checked
            .look(&self.client)
            .await
            .map_err(|error| self.door.failed(error))?;
        checked.done()
    }

    /// Enqueues what comes next. Returns the answer's lines.
    ///
    /// # Errors
    /// When none of these jobs was enqueued.
    async fn next(&mut self) -> Result<String, ApiError> {
        let (mut numbers, mut orders) = (Vec::with_capacity(PART), Vec::with_capacity(PART));
        while orders.len() < PART
            && let Some(line) = line(&self.read.bytes, &mut self.at)
        {
            orders.push(self.order(&line)?);
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
                return Ok(shown(numbers.into_iter().zip(enqueued)));
            }
            Err(error) => error,
        };
        let accepted = match &error {
            ClientError::Interrupted { accepted, .. } => accepted.clone(),
            _ => Vec::new(),
        };
        self.accepted += accepted.len();
        let error = self.door.failed(error);
        if self.accepted == 0 {
            return Err(error);
        }
        let accepted = accepted.into_iter().map(|(place, id)| {
            let duplicate = false;
            (numbers[place], Enqueued { id, duplicate })
        });
        Ok(shown(accepted) + &self.ended(&error))
    }

    /// Enqueues what comes next, once something was accepted. `None` at the end.
    async fn go_on(&mut self) -> Option<String> {
        if self.is_over {
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
        (!lines.is_empty()).then_some(lines)
    }

    /// The last line of an answer that was cut in half: how many jobs were accepted, and what ended it.
    fn ended(&mut self, error: &ApiError) -> String {
        self.is_over = true;
        let mut last = error.json();
        last["error"]["accepted"] = self.accepted.into();
        format!("{last}\n")
    }
}

fn shown(accepted: impl Iterator<Item = (usize, Enqueued)>) -> String {
    let mut lines = String::with_capacity(PART * 72);
    for (line, job) in accepted {
        let shown = Accepted {
            line: Some(line),
            ..Accepted::new(&job)
        };
        // A struct of texts and numbers is written.
        lines += &serde_json::to_string(&shown).unwrap_or_default();
        lines.push('\n');
    }
    lines
}

/// What was found out before the first job is enqueued.
#[derive(Default)]
struct Checked {
    jobs: usize,
    /// Of each key the digest of its args and its line: a kind's key may stand on several lines with the same args.
    keys: HashMap<(&'static str, String), (String, usize)>,
    /// Jobs whose keys were not looked at yet, by line.
    keyed: Vec<(usize, Order)>,
    findings: Vec<Finding>,
    more: usize,
    error: Option<ApiError>,
}

impl Checked {
    fn keep(&mut self, order: Order, line: usize) -> Result<(), ApiError> {
        let Some(key) = order.1.key.clone() else {
            return Ok(());
        };
        let digest = order.0.digest();
        let (first, at) = self
            .keys
            .entry((order.0.kind, key))
            .or_insert_with(|| (digest.clone(), line));
        if *first != digest {
            let problem = format!("stands on line {at} for other args");
            return Err(ApiError::wrong(
                "key_twice",
                vec![Finding::new("key", problem)],
            ));
        }
        self.keyed.push((line, order));
        Ok(())
    }

    /// Notes what is wrong with a line.
    ///
    /// # Errors
    /// When the caller may not enqueue it: then nothing more is of interest.
    fn wrong(&mut self, error: ApiError) -> Result<(), ApiError> {
        if error.status == StatusCode::FORBIDDEN {
            return Err(error);
        }
        for finding in error.findings.iter().cloned() {
            match self.findings.len() < MOST_FINDINGS {
                true => self.findings.push(finding),
                false => self.more += 1,
            }
        }
        self.error.get_or_insert(error);
        Ok(())
    }

    /// Looks whether keys are free, or stand for the same args.
    async fn look(&mut self, client: &Client) -> Result<(), ClientError> {
        let mut of_queues: HashMap<&'static str, (Vec<usize>, Vec<Order>)> = HashMap::new();
        for (line, order) in std::mem::take(&mut self.keyed) {
            let (lines, orders) = of_queues.entry(order.0.queue).or_default();
            lines.push(line);
            orders.push(order);
        }
        for (queue, (lines, orders)) in of_queues {
            match client.check_keys(queue, orders).await {
                Ok(()) => {}
                Err(error @ ClientError::KeyTaken { place, .. }) => {
                    let line = lines.get(place).copied().unwrap_or_default();
                    let error = ApiError::from(error);
                    let finding = Finding::new("key", error.message.clone()).of_line(line);
                    self.findings.push(finding);
                    self.error.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn done(mut self) -> Result<(), ApiError> {
        let Some(mut error) = self.error else {
            return Ok(());
        };
        self.findings.sort_by_key(|finding| finding.line);
        if self.more > 0 {
            let problem = format!("and {} more findings", self.more);
            self.findings.push(Finding::new("", problem));
        }
        let lines = self.findings.iter().filter_map(|finding| finding.line);
        let lines: std::collections::BTreeSet<_> = lines.collect();
        error.message = format!("nothing was enqueued: lines {} are wrong", some(&lines));
        error.findings = self.findings;
        Err(error)
    }
}

/// The first few of these lines.
fn some(lines: &std::collections::BTreeSet<usize>) -> String {
    let mut words: Vec<_> = lines.iter().take(10).map(usize::to_string).collect();
    if lines.len() > words.len() {
        words.push("…".to_owned());
    }
    words.join(", ")
}
