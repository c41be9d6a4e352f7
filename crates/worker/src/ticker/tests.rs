//! A day on which clocks are changed, with three processes, one of which is killed: driven by hand, on a real Redis.

use std::collections::BTreeMap;

use longshore_cron::{CatchUp, Schedule, Template, Zone};
use longshore_job::KindSpec;
use longshore_payment_reconcile::ReconcilePayments;
use longshore_queue::{Link, LinkOptions};
use longshore_sandbox::RedisServer;
use longshore_tests::Dice;
use serde_json::json;

use super::*;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// From midnight to midnight in Oslo, in hours from the first one: 2026-03-28T23:00Z and 2026-10-24T22:00Z.
const SPRING: (u64, u64) = (1_774_738_800_000, 23);
const AUTUMN: (u64, u64) = (1_792_879_200_000, 25);

fn entry(name: &str, expression: &str, catch_up: CatchUp) -> ScheduledEntry {
    let schedule = Schedule::new(expression, Zone::named("Europe/Oslo").unwrap()).unwrap();
    let kind = KindSpec::of::<ReconcilePayments>();
    let args = json!({ "from": "{day-1d}", "to": "{day}", "repair": false });
    ScheduledEntry::new(
        name,
        schedule,
        kind,
        Template::new(args).unwrap(),
        catch_up,
        0,
    )
    .unwrap()
}

struct Day {
    // Stopped when it is dropped.
    _redis: RedisServer,
    queue: Queue,
    entries: Vec<ScheduledEntry>,
    dice: Dice,
    tickers: Vec<Arc<Ticker>>,
}

impl Day {
    fn new(catch_up: CatchUp) -> Self {
        let redis = RedisServer::start().unwrap();
        let link = Link::new(&redis.url(), LinkOptions::default()).unwrap();
        let queue = Queue::new(link, "t", "payment-reconcile").unwrap();
        let ticker = |_| Ticker::new(&Metrics::new(Vec::new(), Vec::new()));
        Self {
            _redis: redis,
            queue,
            entries: vec![
                entry("quarters", "*/15 * * * *", catch_up),
                entry("nightly", "30 2 * * *", catch_up),
                entry("twice", "0 2,14 * * *", catch_up),
            ],
            dice: Dice::new(),
            tickers: (0..3).map(ticker).collect(),
        }
    }

    /// Everybody who is there looks; some act on it late, or not at all, but whoever comes last always does.
    async fn step(&mut self, now: u64, there: usize) {
        let mut late: Vec<CronBook> = Vec::new();
        for _ in 0..there {
            late.push(self.queue.cron_look().await.unwrap());
        }
        for (number, book) in late.iter().enumerate() {
            let last = number + 1 == there;
            if !last && self.dice.roll(3) == 0 {
                continue;
            }
            let ticker = &self.tickers[number];
            // Two at the same time, with the same look: as if an answer was lost and the call repeated.
            for entry in &self.entries {
                let (a, b) = tokio::join!(
                    ticker.tick(&self.queue, entry, book, now),
                    ticker.tick(&self.queue, entry, book, now),
                );
                a.unwrap();
                b.unwrap();
            }
        }
        // Whoever was overtaken looks again.
        let book = self.queue.cron_look().await.unwrap();
        for entry in &self.entries {
            let done = self.tickers[0].tick(&self.queue, entry, &book, now).await;
            assert!(done.unwrap(), "nobody else is at work");
        }
    }

    /// Moves on in steps of less than a minute.
    async fn go_on(&mut self, from: u64, to: u64, there: usize) {
        let mut now = from;
        while now < to {
            self.step(now, there).await;
            now += 5000 + self.dice.roll(50) as u64 * 1000;
        }
        self.step(to, there).await;
    }

    /// How often each tick was enqueued, by entry.
    async fn found(&self) -> BTreeMap<String, BTreeMap<u64, u64>> {
        let mut found: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
        let mut list = redis::cmd("LRANGE");
        list.arg(&self.queue.keys().active).arg(0).arg(-1);
        let ids: Vec<Vec<u8>> = self.queue.link().command(&list).await.unwrap();
        for id in ids {
            let job = self.queue.job(&id.into()).await.unwrap().unwrap();
            let cron = job.cron.unwrap();
            let ticks = found.entry(cron.entry).or_default();
            *ticks.entry(cron.tick_ms).or_default() += 1;
        }
        found
    }
}

fn once_each(ticks: impl IntoIterator<Item = u64>) -> BTreeMap<u64, u64> {
    ticks.into_iter().map(|tick| (tick, 1)).collect()
}

async fn a_day(catch_up: CatchUp, (midnight, hours): (u64, u64)) {
    println!("{catch_up}");
    let mut day = Day::new(catch_up);
    let end = midnight + hours * HOUR;
    // All three see the clocks change, and one is killed right after; the other two go on until nobody is there for three
    // hours, from 10:07 to 13:07 by real time. One comes back.
    day.go_on(midnight, midnight + 6 * HOUR, 3).await;
    day.go_on(midnight + 6 * HOUR, midnight + 10 * HOUR + 7 * MINUTE, 2)
        .await;
    day.go_on(midnight + 13 * HOUR + 7 * MINUTE, end, 1).await;

    let found = day.found().await;
    let missed = midnight + 10 * HOUR + 7 * MINUTE..midnight + 13 * HOUR + 7 * MINUTE;
    let policy = |all: Vec<u64>| {
        let newest = all.iter().copied().rfind(|tick| missed.contains(tick));
        let kept = all.into_iter().filter(|tick| match catch_up {
            CatchUp::All => true,
            CatchUp::Once => !missed.contains(tick) || Some(*tick) == newest,
            CatchUp::None => !missed.contains(tick),
        });
        once_each(kept)
    };
    // The first midnight is when the entries begin.
    let quarters = (1..=hours * 4).map(|n| midnight + n * 15 * MINUTE);
    assert_eq!(found["quarters"], policy(quarters.collect()));
    // 02:30 by the first of two clocks, or at the end of the gap.
    let (at_0230, at_14) = match hours {
        23 => (midnight + 2 * HOUR, midnight + 13 * HOUR),
        _ => (midnight + 2 * HOUR + 30 * MINUTE, midnight + 15 * HOUR),
    };
    assert_eq!(found["nightly"], policy(vec![at_0230]));
    assert_eq!(found["twice"], policy(vec![midnight + 2 * HOUR, at_14]));
}

#[tokio::test]
async fn no_tick_of_a_day_in_spring_is_missed_or_doubled() {
    for catch_up in [CatchUp::None, CatchUp::Once, CatchUp::All] {
        a_day(catch_up, SPRING).await;
    }
}

#[tokio::test]
async fn no_tick_of_a_day_in_autumn_is_missed_or_doubled() {
    for catch_up in [CatchUp::None, CatchUp::Once, CatchUp::All] {
        a_day(catch_up, AUTUMN).await;
    }
}

#[tokio::test]
async fn what_is_counted_says_what_was_run_and_what_was_not() {
    let mut day = Day::new(CatchUp::None);
    let (midnight, _) = AUTUMN;
    day.entries.truncate(1);
    day.go_on(midnight, midnight + HOUR, 1).await;
    day.go_on(midnight + 3 * HOUR + 5 * MINUTE, midnight + 4 * HOUR, 1)
        .await;
    let text = day.tickers[0]
        .metrics
        .text(Vec::new(), &[], crate::metrics::CachedFacts::default());
    let last = (midnight + 4 * HOUR) / 1000;
    for line in [
        r#"longshore_cron_ticks_total{entry="quarters"} 8"#.to_owned(),
        r#"longshore_cron_skipped_ticks_total{entry="quarters"} 8"#.to_owned(),
        format!(r#"longshore_cron_last_tick_timestamp_seconds{{entry="quarters"}} {last}"#),
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}
