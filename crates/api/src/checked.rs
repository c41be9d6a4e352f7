//! What is found out about a bulk before the first of its jobs is enqueued.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use axum::http::StatusCode;
use longshore_client::{Client, ClientError};
use ring::digest::{Context, SHA256};

use crate::error::{ApiError, Finding, key_taken};
use crate::order::Order;

/// How many jobs one call of Redis takes: the client's own measure.
pub(crate) const PART: usize = 500;

/// More findings than these are only counted.
const MOST_FINDINGS: usize = 100;

/// Of a text, what two different texts do not share.
type Print = [u8; 16];

/// A key of a line, in 36 bytes: a bulk may have a million of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct KeyOfLine {
    /// Of the kind and the key.
    key: Print,
    line: u32,
    /// Of the digest of the args.
    args: Print,
}

/// What was found out about a bulk before the first of its jobs is enqueued.
pub(crate) struct Checked {
    jobs: usize,
    lines: usize,
    /// A kind's key may stand on several lines with the same args.
    keys: Vec<KeyOfLine>,
    /// Jobs whose keys were not looked at yet, by line.
    keyed: Vec<(usize, Order)>,
    findings: Vec<Finding>,
    more: usize,
    error: Option<ApiError>,
}

impl Checked {
    /// Of a bulk with at most so many lines.
    pub(crate) fn of_lines(lines: usize) -> Self {
        Self {
            jobs: 0,
            lines,
            keys: Vec::new(),
            keyed: Vec::new(),
            findings: Vec::new(),
            more: 0,
            error: None,
        }
    }

    /// Whether no line has a job, be it a wrong one.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs == 0
    }

    /// Notes a line, and what was read of it.
    ///
    /// # Errors
    /// When the caller may not enqueue it: then nothing more is of interest.
    pub(crate) fn note(
        &mut self,
        line: usize,
        order: Result<Order, ApiError>,
    ) -> Result<(), ApiError> {
        self.jobs += 1;
        match order {
            Ok(order) => self.keep(order, line),
            Err(error) if error.status == StatusCode::FORBIDDEN => {
                return Err(error.at_line(line));
            }
            Err(error) => self.wrong(error.at_line(line)),
        }
        Ok(())
    }

    fn keep(&mut self, order: Order, line: usize) {
        let Some(key) = &order.1.key else {
            return;
        };
        if self.keys.capacity() == 0 {
            // Once for all: a list that doubles is held twice for a while.
            self.keys.reserve_exact(self.lines);
        }
        self.keys.push(KeyOfLine {
            key: print(&[order.0.kind, key]),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            args: print(&[&order.0.digest()]),
        });
        self.keyed.push((line, order));
    }

    fn wrong(&mut self, error: ApiError) {
        for finding in &error.findings {
            self.find(finding.clone());
        }
        self.error.get_or_insert(error);
    }

    fn find(&mut self, finding: Finding) {
        match self.findings.len() < MOST_FINDINGS {
            true => self.findings.push(finding),
            false => self.more += 1,
        }
    }

    /// Whether there are as many keys to look at as one call of Redis takes.
    pub(crate) fn is_to_look(&self) -> bool {
        self.keyed.len() >= PART
    }

    /// Looks whether keys are free, or stand for the same args.
    ///
    /// # Errors
    /// When Redis cannot be asked.
    pub(crate) async fn look(&mut self, client: &Client) -> Result<(), ClientError> {
        let mut of_queues: HashMap<Cow<'static, str>, (Vec<usize>, Vec<Order>)> = HashMap::new();
        // Of lines with the same key only the first: whether they clash is found without Redis.
        let mut known = HashSet::new();
        for (line, order) in std::mem::take(&mut self.keyed) {
            if !known.insert((order.0.kind, order.1.key.clone())) {
                continue;
            }
            let (lines, orders) = of_queues.entry(order.0.queue.clone()).or_default();
            lines.push(line);
            orders.push(order);
        }
        for (queue, (lines, orders)) in of_queues {
            for taken in client.check_keys(&queue, orders).await? {
                let line = lines.get(taken.place).copied().unwrap_or_default();
                self.wrong(key_taken(taken.holder, line));
            }
        }
        Ok(())
    }

    /// What is wrong with the bulk, if anything.
    ///
    /// # Errors
    /// All findings, by line; at most a hundred are told, and how many more there are.
    pub(crate) fn done(mut self) -> Result<(), ApiError> {
        self.find_keys_twice();
        let Some(mut error) = self.error else {
            return Ok(());
        };
        self.findings.sort_by_key(|finding| finding.line);
        if self.more > 0 {
            let problem = format!("and {} more findings", self.more);
            self.findings.push(Finding::new("", problem));
        }
        let lines = self.findings.iter().filter_map(|finding| finding.line);
        let lines: BTreeSet<_> = lines.collect();
        error.message = format!("nothing was enqueued: lines {} are wrong", some(&lines));
        error.findings = self.findings;
        Err(error)
    }

    /// Finds lines that have the key of an earlier line, and other args.
    fn find_keys_twice(&mut self) {
        self.keys.sort_unstable();
        let mut twice = Vec::new();
        for of_key in self.keys.chunk_by(|a, b| a.key == b.key) {
            let (first, others) = (of_key[0], &of_key[1..]);
            let clash = others.iter().filter(|other| other.args != first.args);
            twice.extend(clash.map(|other| (other.line, first.line)));
        }
        twice.sort_unstable();
        for (line, first) in twice {
            let problem = format!("stands on line {first} for other args");
            let error = ApiError::wrong("key_twice", vec![Finding::new("key", problem)]);
            self.wrong(error.at_line(line as usize));
        }
    }
}

fn print(texts: &[&str]) -> Print {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(text.as_bytes());
        context.update(&[0]);
    }
    let digest = context.finish();
    // A digest has twice as many bytes.
    *digest.as_ref().first_chunk().unwrap_or(&[0; 16])
}

/// The first few of these lines.
fn some(lines: &BTreeSet<usize>) -> String {
    let mut words: Vec<_> = lines.iter().take(10).map(usize::to_string).collect();
    if lines.len() > words.len() {
        words.push("…".to_owned());
    }
    words.join(", ")
}
