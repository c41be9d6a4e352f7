//! The acts, one by one.

use std::time::{Duration, Instant};

use longshore_client::kinds::{CreateCustomer, SendEmail};
use longshore_client::{JobId, JobState};
use longshore_tests::{gone_by, sms};
use serde_json::{Value, json};

use super::{Called, Done, Operation, Turn};
use crate::facts::{Accepted, Command, Promise};
use crate::leg::TICKING;
use crate::produce::now_ms;
use crate::sort::Sort;
use crate::through_api::post;

const AT_ONCE: Duration = Duration::ZERO;
const SOON: Duration = Duration::from_millis(700);

/// Longer than a leg: only what is made due at the end of it runs before.
const LATER: Duration = Duration::from_secs(3600);

/// How long something is held back.
const HOLD: Duration = Duration::from_secs(5);

/// Jobs that were claimed before a pause or a limit may begin so much later, and calls that wait for their place come so much later.
const UNDER_WAY_MS: u64 = 2500;

/// How fast a limited provider is called.
const PER_SECOND: u64 = 5;

/// How long an operator waits for a letter.
const PATIENCE: Duration = Duration::from_secs(8);

/// Numbers of text messages that no producer uses.
const OWN_NUMBERS: usize = 9_000_000;

impl Turn {
    pub(super) async fn carry_out(mut self, operation: Operation) -> Done {
        // An act whose jobs are not accepted ends.
        let _: Option<()> = match operation {
            Operation::CancelNamed => self.cancel_named().await,
            Operation::CancelTagged => self.cancel_tagged().await,
            Operation::CancelForced => self.cancel_forced().await,
            Operation::CancelByApi => self.cancel_by_api().await,
            Operation::Edit => self.edit().await,
            Operation::Forget => self.forget().await,
            Operation::Pause => self.pause().await,
            Operation::Limit => self.limit().await,
            Operation::Replay => self.replay().await,
            Operation::Drip => self.drip().await,
            Operation::Correct => self.correct().await,
            Operation::Discard => self.discard().await,
            Operation::PauseCron => self.pause_cron().await,
        };
        self.done
    }

    fn address(&self, who: &str) -> String {
        format!("{who}.{}@example.com", self.number)
    }

    async fn cancel_named(&mut self) -> Option<()> {
        let (first, second) = (self.address("first"), self.address("second"));
        let (third, number) = (self.address("third"), self.number);
        let customer = CreateCustomer::new(format!("leaver-{number}"));
        let ids = [
            self.mail(&first, AT_ONCE, None).await,
            self.mail(&second, SOON, None).await,
            self.mail(&third, LATER, None).await,
            self.job(sms(OWN_NUMBERS + number), Sort::Text, LATER, None)
                .await,
            self.job(customer, Sort::Payment, SOON, None).await,
        ];
        let ids: Vec<_> = ids.into_iter().flatten().collect();
        self.cancel(&ids, &[]).await
    }

    async fn cancel_forced(&mut self) -> Option<()> {
        let (first, second) = (self.address("forced"), self.address("soon-forced"));
        let ids = [
            self.mail(&first, AT_ONCE, None).await,
            self.mail(&second, SOON, None).await,
        ];
        let ids: Vec<_> = ids.into_iter().flatten().collect();
        self.cancel(&ids, &["--force"]).await
    }

    async fn cancel(&mut self, ids: &[JobId], options: &[&str]) -> Option<()> {
        let texts: Vec<_> = ids.iter().map(JobId::to_string).collect();
        let mut args = vec!["jobs", "cancel"];
        args.extend(texts.iter().map(String::as_str));
        args.extend(options);
        if ids.is_empty() {
            return None;
        }
        let called = self.call("cancel", &args, ids.to_vec()).await;
        for row in called.said["jobs"].as_array().into_iter().flatten() {
            let id = row["id"].as_str()?.parse().ok()?;
            if row["cancelled"] == true {
                let promise = match options.is_empty() {
                    true => Promise::NeverSent(id),
                    false => Promise::Cancelled(id),
                };
                self.promised(&called, promise);
            }
        }
        Some(())
    }

    async fn cancel_tagged(&mut self) -> Option<()> {
        let tag = format!("campaign-{}", self.number);
        let (mut all, mut later) = (Vec::new(), Vec::new());
        for n in 0..6 {
            let to = self.address(&format!("campaign{n}"));
            let delay = [AT_ONCE, SOON, LATER][n % 3];
            let id = self.mail(&to, delay, Some(&tag)).await?;
            all.push(id);
            if delay == LATER {
                later.push(id);
            }
        }
        let args = ["jobs", "cancel", "--queue", "email", "--tag", &tag];
        let called = self.call("cancel many", &args, all).await;
        let operation = &called.said["operation"];
        if operation["state"] == "done" && operation["done"] != 0 {
            // Of those that were due nothing is said one by one.
            for id in later {
                self.promised(&called, Promise::NeverSent(id));
            }
        }
        Some(())
    }

    async fn cancel_by_api(&mut self) -> Option<()> {
        let mail = SendEmail::new("welcome", self.address("api-taken-back"));
        let body = json!({ "kind": "send_email", "args": mail, "in": "2s" });
        let asked_ms = now_ms();
        let (status, answer) = post(&self.hands.api, "/v1/jobs", &body).await?;
        let id: JobId = answer["id"]
            .as_str()
            .filter(|_| status == 201)?
            .parse()
            .ok()?;
        self.done.accepted.push(Accepted {
            id,
            sort: self.hands.mails,
            kind: "send_email",
            number: self.number,
            asked_ms,
            at_ms: now_ms(),
        });
        let reason = format!("act {}: taken back over HTTP", self.number);
        let asked_ms = now_ms();
        let path = format!("/v1/jobs/{id}/cancel");
        let answer = post(&self.hands.api, &path, &json!({ "reason": reason })).await;
        let status = answer.map(|(status, _)| status);
        let is_cancelled = status == Some(200);
        let promise = is_cancelled.then_some(Promise::NeverSent(id));
        self.done.commands.push(Command {
            name: "cancel by the API",
            reason,
            asked_ms,
            at_ms: now_ms(),
            changed: is_cancelled,
            of: vec![id],
            promises: promise.into_iter().collect(),
        });
        Some(())
    }

    async fn edit(&mut self) -> Option<()> {
        for (who, delay) in [("waits", LATER), ("due", AT_ONCE)] {
            let id = self.mail(&self.address(who), delay, None).await?;
            let to = self.address(&format!("{who}-edited"));
            let args = to_value(&SendEmail::new("welcome", &to)).to_string();
            let text = id.to_string();
            let words = ["jobs", "edit", &text, "--args", &args];
            let called = self.call("edit", &words, vec![id]).await;
            if called.code == Some(0) && called.said["changed"] == true {
                self.promised(&called, Promise::SentTo(id, to));
            }
            if delay == LATER {
                let run = self.call("run", &["jobs", "run", &text], vec![id]).await;
                self.noted(&run).changed = run.code == Some(0);
            }
        }
        Some(())
    }

    async fn forget(&mut self) -> Option<()> {
        let person = self.address("forgotten");
        let mut ids = Vec::new();
        for delay in [AT_ONCE, SOON, LATER] {
            ids.extend(self.mail(&person, delay, None).await);
        }
        let called = self.call("forget", &["forget", &person], ids.clone()).await;
        let operations = called.said["operations"].as_array();
        let are_done = operations.is_some_and(|all| all.iter().all(|one| one["state"] == "done"));
        if called.code == Some(0) && are_done {
            self.noted(&called).changed = operations_of(&called) > 0;
            let promise = Promise::PersonForgotten(ids, person);
            self.noted(&called).promises.push(promise);
        }
        Some(())
    }

    async fn pause(&mut self) -> Option<()> {
        let holds = self.hands.holds.clone();
        let _held = holds.lock().await;
        let queue = ["email", "sms", "payment-reconcile", "svc-crm"][self.number % 4];
        let called = self.call("pause", &["pause", queue], Vec::new()).await;
        let from_ms = now_ms() + UNDER_WAY_MS;
        gone_by(HOLD, Instant::now()).await;
        let until_ms = now_ms();
        self.until_done("resume", &["resume", queue]).await;
        if called.code == Some(0) {
            self.promised(&called, Promise::Still(queue, from_ms, until_ms));
        }
        Some(())
    }

    async fn limit(&mut self) -> Option<()> {
        let holds = self.hands.holds.clone();
        let _held = holds.lock().await;
        let queue = ["email", "sms"][self.number % 2];
        let (rate, life) = (format!("{PER_SECOND}/s"), HOLD.as_millis() + 1000);
        let life_text = format!("{life}ms");
        let asked_ms = now_ms();
        let args = ["limit", queue, &rate, "--for", &life_text];
        let called = self.call("limit", &args, Vec::new()).await;
        if called.code == Some(0) {
            // It counts from when Redis had it, which is not before it was asked for.
            let until_ms = asked_ms + life as u64;
            let from_ms = now_ms() + UNDER_WAY_MS;
            self.promised(&called, Promise::Slow(queue, PER_SECOND, from_ms, until_ms));
            gone_by(HOLD, Instant::now()).await;
        }
        Some(())
    }

    async fn replay(&mut self) -> Option<()> {
        let queue = ["email", "svc-crm", "payment-reconcile", "sms"][self.number % 4];
        let called = self
            .call("replay", &["dead", "replay", "--queue", queue], Vec::new())
            .await;
        self.replayed(&called);
        Some(())
    }

    fn replayed(&mut self, called: &Called) {
        let own = &self.done.commands[called.place].reason;
        // A drip of the same letters that is running already is another act's.
        let of_another = |row: &Value| row["reason"] != own.as_str();
        let rows = called.said["replays"].as_array();
        let of_another = rows.is_some_and(|rows| !rows.is_empty() && rows.iter().all(of_another));
        let replayed = called.said["replayed"].as_u64().is_some_and(|n| n > 0);
        if replayed && !of_another {
            self.promised(called, Promise::Replayed);
        }
    }

    /// A mail whose template nobody knows, once it is dead.
    async fn letter(&mut self, who: &str) -> Option<JobId> {
        let mail = SendEmail::new("nowhere", self.address(who));
        let id = self.job(mail, self.hands.mails, AT_ONCE, None).await?;
        let client = self.hands.client.clone();
        let ended = client.wait(id, PATIENCE).await.ok()?;
        (ended.state == JobState::Dead).then_some(id)
    }

    async fn drip(&mut self) -> Option<()> {
        self.letter("dripped").await?;
        let args = ["dead", "replay", "--queue", "email", "--kind", "send_email"];
        let args = [&args[..], &["--rate", "20"]].concat();
        let called = self.call("drip", &args, Vec::new()).await;
        self.replayed(&called);
        Some(())
    }

    async fn correct(&mut self) -> Option<()> {
        let id = self.letter("incorrect").await?;
        let to = self.address("corrected");
        let args = to_value(&SendEmail::new("welcome", &to)).to_string();
        let text = id.to_string();
        let words = ["dead", "edit", &text, "--args", &args];
        let called = self.call("dead edit", &words, vec![id]).await;
        if called.code == Some(0) && called.said["changed"] == true {
            self.promised(&called, Promise::SentTo(id, to));
        }
        let words = ["dead", "replay", &text];
        let called = self.call("replay one", &words, vec![id]).await;
        self.replayed(&called);
        Some(())
    }

    async fn discard(&mut self) -> Option<()> {
        let id = self.letter("discarded").await?;
        let text = id.to_string();
        let words = ["dead", "discard", &text];
        let called = self.call("discard", &words, vec![id]).await;
        if called.code == Some(0) {
            self.promised(&called, Promise::Discarded(id));
        }
        Some(())
    }

    async fn pause_cron(&mut self) -> Option<()> {
        let holds = self.hands.holds.clone();
        let _held = holds.lock().await;
        let entry = TICKING[self.number % TICKING.len()].0;
        let words = ["cron", "pause", entry];
        let asked_ms = now_ms();
        let called = self.call("cron pause", &words, Vec::new()).await;
        let from_ms = now_ms();
        gone_by(HOLD, Instant::now()).await;
        let until_ms = now_ms();
        self.until_done("cron resume", &["cron", "resume", entry])
            .await;
        let may_not = Promise::MayNotTick(entry, asked_ms, now_ms());
        self.noted(&called).promises.push(may_not);
        if called.code == Some(0) {
            self.promised(&called, Promise::NoTick(entry, from_ms, until_ms));
        }
        Some(())
    }
}

fn operations_of(called: &Called) -> usize {
    called.said["operations"].as_array().map_or(0, Vec::len)
}

fn to_value(mail: &SendEmail) -> Value {
    serde_json::to_value(mail).expect("JSON")
}
