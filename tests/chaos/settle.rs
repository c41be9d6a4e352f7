//! The end of a leg: everything comes to its end, and what became of it is looked up.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use longshore_client::JobId;
use longshore_payment_reconcile::sandbox::AppEffectKind;
use longshore_queue::{Queue, Selection, Signed, Stats};
use longshore_tests::{Act, contact_path};

use crate::facts::{Facts, TakenPost};
use crate::leg::{ACTS, Leg, TICKING};
use crate::look::{audit_of, look_at, look_up, people, stands_in, used_memory};
use crate::rows::came_to;
use crate::sort::Sort;

/// The event that the app has to hear of.
const PAID: &str = "payment_intent.succeeded";

/// How long everything may take to end once all is well: a verified text message waits for a minute.
const DRAIN: Duration = Duration::from_secs(150);

impl Leg {
    /// Lets everything end, and finds out what became of it. Returns what was done to it, and the facts.
    pub(crate) async fn settle(mut self) -> (BTreeMap<&'static str, usize>, Facts) {
        self.end_acts().await;
        let queues = self.queues();
        let give_up = Instant::now() + DRAIN;
        let waiting = "SELECT count(*) FROM longshore_outbox WHERE held_at IS NULL";
        while self.postgres.sql(waiting) != "0" && Instant::now() < give_up {
            self.go_on_for(Duration::from_secs(1)).await;
        }
        let events = self.stage.queue.sibling("events").expect("a valid name");
        let all = [&queues[..], std::slice::from_ref(&events)].concat();
        while !(ended(&all).await && self.all_posts_are_taken()) && Instant::now() < give_up {
            for queue in &all {
                back_date(queue).await;
            }
            replay(&events).await;
            self.go_on_for(Duration::from_secs(1)).await;
        }
        for queue in &all {
            let stats = queue.stats().await.expect("Redis answers");
            let under_way = under_way(queue, &stats);
            if under_way > 0 {
                self.facts
                    .unsettled
                    .push(format!("{}: {stats:?}", queue.name()));
            }
        }
        self.look_at_rows().await;
        self.look_at_queues(&queues).await;
        self.look_at_providers();
        self.facts.told = self.app.told();
        (self.counts, self.facts)
    }

    /// Lets operators end what they have begun.
    async fn end_acts(&mut self) {
        let Some(operators) = self.operators.take() else {
            return;
        };
        let entries = TICKING.map(|(entry, _)| entry);
        let done = operators.end(&entries).await;
        self.counts.insert("commands", done.commands.len());
        let promises = done.commands.iter().map(|one| one.promises.len());
        self.counts.insert("things that they said", promises.sum());
        for entry in &mut self.facts.cron {
            let mut ended = done.ended.iter().filter(|(name, _)| *name == entry.name);
            entry.until_ms = ended.next().map_or(entry.until_ms, |(_, at)| *at);
        }
        self.facts.commands = done.commands;
        self.facts.accepted.extend(done.accepted);
        self.facts.misbehaved.extend(done.misbehaved);
    }

    /// What transactions came to: mails that were committed are accepted like others.
    async fn look_at_rows(&mut self) {
        let rows = came_to(&self.postgres, &self.tried, self.mails());
        self.counts.insert("mails committed", rows.carried.len());
        self.counts
            .insert("mails rolled back", rows.rolled_back.len());
        let left = rows.left.iter().map(|row| format!("row {row}"));
        self.facts.unsettled.extend(left);
        self.facts.accepted.extend(rows.carried);
        self.facts.rolled_back = rows.rolled_back;
    }

    /// Every job that there is, and what stands beside it.
    async fn look_at_queues(&mut self, queues: &[Queue]) {
        for (queue, act) in queues.iter().zip(ACTS) {
            let (sets, found) = look_at(queue, act.queue()).await;
            self.facts.sets.push(sets);
            self.facts.found.extend(found);
            self.facts.audit.extend(audit_of(queue, act.queue()).await);
        }
        for used in &mut self.facts.keys {
            look_up(&self.stage.client, &queues[0], used).await;
        }
        let people = people(&self.facts);
        for person in people {
            let args = ["jobs", "find", "--recipient", &person, "--json"];
            let found = self.stage.longshore(&args).await;
            let is_there = found.stdout.trim() != "[]";
            let mut stands = false;
            for queue in queues {
                stands |= stands_in(queue, &person).await;
            }
            if is_there || stands {
                self.facts.still_there.insert(person);
            }
        }
        self.facts.redis_bytes = used_memory(&queues[0]).await;
    }

    /// What providers have carried out, and what they have told.
    fn look_at_providers(&mut self) {
        let plain = self.plain_calls();
        let mut texts = HashMap::new();
        for act in ACTS {
            for effect in self.stage.ledger_of(act).accepted() {
                let by_path = || plain.get(&effect.recipient).cloned();
                if let Some(job) = effect.job.clone().or_else(by_path) {
                    texts.insert(effect.id, job.clone());
                    let recipients = self.facts.recipients.entry(job.clone()).or_default();
                    recipients.push(effect.recipient);
                    let effects = self.facts.effects.entry(job).or_default();
                    effects.push(effect.at_ms);
                }
            }
        }
        let taken = |answer: Option<u16>| matches!(answer, Some(200..300));
        let delivery = |job: &String, state: &str| {
            let id = job.parse().ok()?;
            Some(TakenPost::Delivery(id, state.to_owned()))
        };
        for posted in self.stage.sendgrid.posted() {
            let jobs = posted.jobs.iter().filter(|_| taken(posted.answer));
            let posts = jobs.filter_map(|job| delivery(job, "delivered"));
            self.facts.taken.extend(posts);
        }
        for called in self.stage.twilio.called_back() {
            let job = texts.get(&called.sid).filter(|_| taken(called.answer));
            let post = job.and_then(|job| delivery(job, &called.status));
            self.facts.taken.extend(post);
        }
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.stage.stripe.events();
        let payments: HashMap<String, String> = events
            .iter()
            .map(|event| (text(&event["id"]), text(&event["data"]["object"]["id"])))
            .collect();
        for told in self.stage.stripe.called_back() {
            if taken(told.answer) && told.kind == PAID {
                let payment = payments.get(&told.event).cloned().unwrap_or_default();
                let post = TakenPost::Payment(told.event, payment);
                self.facts.taken.push(post);
            }
        }
        self.counts
            .insert("events of providers taken", self.facts.taken.len());
        for applied in self.stage.app.applied() {
            if applied.effect.effect == AppEffectKind::PaymentRefunded {
                self.facts.refunded.extend(applied.effect.payment_intent);
            }
            self.facts.applied.insert(applied.effect.event_id);
        }
    }

    /// Whether Stripe has told all that it has to tell: it repeats what is not taken.
    fn all_posts_are_taken(&self) -> bool {
        let told = self.stage.stripe.called_back().len();
        told >= self.stage.stripe.events().len()
    }

    async fn go_on_for(&mut self, span: Duration) {
        self.go_on_until(span, Instant::now()).await;
    }

    /// Whose requests carry no key, by what the ledger knows them by.
    fn plain_calls(&self) -> HashMap<String, String> {
        let accepted = self.facts.accepted.iter();
        let plain = accepted.filter(|job| job.sort == Sort::PlainCall);
        plain
            .map(|job| (contact_path(job.number), job.id.to_string()))
            .collect()
    }

    fn queues(&self) -> Vec<Queue> {
        let sibling = |act: &Act| self.stage.queue.sibling(act.queue());
        let queues = ACTS.iter().map(sibling);
        queues.map(|queue| queue.expect("a valid name")).collect()
    }
}

async fn ended(queues: &[Queue]) -> bool {
    for queue in queues {
        match queue.stats().await {
            Ok(stats) if under_way(queue, &stats) == 0 => {}
            _ => return false,
        }
    }
    true
}

/// What has not come to its end: jobs, what is to be told of them, and what could not be told yet.
fn under_way(queue: &Queue, stats: &Stats) -> u64 {
    let untold = match queue.name() {
        "events" => stats.dead,
        _ => stats.notices,
    };
    stats.pending + stats.scheduled + stats.running + stats.retryable + untold
}

/// Has events delivered after all that the app did not take in four attempts, as an operator does.
async fn replay(events: &Queue) {
    // Redis may not answer yet: the next look tries again.
    if events.stats().await.is_ok_and(|stats| stats.dead > 0) {
        let signed = Signed::new("chaos", "the app is well again");
        let replay = events.begin_replay(JobId::generate(), &Selection::All, None, &signed);
        let _ = replay.await;
    }
}

/// Makes everything due now: the shipped schedule is an hour of waiting.
async fn back_date(queue: &Queue) {
    let scheduled = &queue.keys().scheduled;
    let mut into = redis::cmd("ZUNIONSTORE");
    into.arg(scheduled)
        .arg(1)
        .arg(scheduled)
        .arg("WEIGHTS")
        .arg(0);
    // A Redis that was just restarted may not answer yet: the next look tries again.
    let _: Result<u64, _> = queue.link().command(&into).await;
}
